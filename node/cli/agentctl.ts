/** `agentctl`. Exit codes are in `failure.ts`, commands in `program.ts`. */
import { CommanderError } from 'commander';
import { asFailure, EXIT, type Failure, usageFailure } from './failure.ts';
import { typed } from './invocation.ts';
import { createPerform, failed } from './perform.ts';
import { createProgram } from './program.ts';

const interrupt = new AbortController();
// A terminal that is closed and a service that is stopped mean the same as Ctrl-C.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => {
    // The second time nothing is waited for.
    if (interrupt.signal.aborted) process.exit(EXIT.interrupted);
    interrupt.abort(new Error('interrupted'));
  });
// `agentctl events | head` ends when head has enough.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

try {
  await createProgram(createPerform(interrupt.signal)).parseAsync();
} catch (error) {
  process.exitCode = ended(error);
}

/** Help that was asked for is no error; help for want of a command is, and says enough. */
function ended(error: unknown): number {
  if (error instanceof CommanderError && error.exitCode === 0) return EXIT.ok;
  if (error instanceof CommanderError && error.code === 'commander.help') return EXIT.usage;
  return failed(misused(error), process.argv.includes('--json'));
}

/** `error: unknown command 'stats'\n(Did you mean status?)` in three parts. */
function misused(error: unknown): Failure {
  if (!(error instanceof CommanderError)) return asFailure(error);
  const [what = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const why = rest.join(' ').replace(/^\(|\)$/g, '');
  const unclear = 'the command line could not be understood';
  return usageFailure(what, why === '' ? unclear : why, typed('--help'));
}
