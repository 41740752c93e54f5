#!/usr/bin/env node
/** `agentctl`. Exit codes are in `failure.ts`, commands in `program.ts`. */
import { CommanderError } from 'commander';
import { asFailure, EXIT, type Failure, usageFailure } from './failure.ts';
import { typed } from './invocation.ts';
import { createPerform, failed } from './perform.ts';
import { createProgram } from './program.ts';

const interrupt = new AbortController();
process.on('SIGINT', () => {
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
  const help = error instanceof CommanderError && error.exitCode === 0;
  process.exitCode = help ? EXIT.ok : failed(misused(error), process.argv.includes('--json'));
}

/** `error: unknown command 'stats'\n(Did you mean status?)` in three parts. */
function misused(error: unknown): Failure {
  if (!(error instanceof CommanderError)) return asFailure(error);
  if (error.code === 'commander.help') {
    return usageFailure(
      'no command was given',
      'agentctl does one thing at a time',
      typed('--help'),
    );
  }
  const [what = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const why = rest.join(' ').replace(/^\(|\)$/g, '');
  return usageFailure(
    what,
    why === '' ? 'the command line could not be understood' : why,
    typed('--help'),
  );
}
