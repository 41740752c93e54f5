import { Argument, Command, InvalidArgumentError } from 'commander';
import { namesOf } from './completion/names.ts';
import { offersOf } from './completion/offers.ts';
import { completionScript, type Shell, SHELLS } from './completion/scripts.ts';
import { EXIT } from './failure.ts';
import type { Perform } from './perform.ts';
import { SUBJECT_KINDS, type SubjectKind } from './subject.ts';
import { type Cli, print } from './terminal.ts';

/** Whoever waits for a word types on. */
const ASK_MS = 1_000;

type Options = { readonly names?: readonly SubjectKind[] };

export function completionCommand(perform: Perform): Command {
  return new Command('completion')
    .description('a script that makes a shell complete the words of agentctl')
    .addArgument(new Argument('<shell>', 'whose it is').choices(SHELLS))
    .option('--names <kinds>', 'instead: what there is of stack,component,instance,host', kinds)
    .action((shell: Shell, { names }: Options, command: Command) =>
      perform(command, async (cli) => {
        if (names !== undefined) await printNames(cli, names);
        else print(cli, completionScript(shell, offersOf(rootOf(command))).trimEnd());
        return EXIT.ok;
      }),
    );
}

function kinds(written: string): readonly SubjectKind[] {
  return written.split(',').map((word) => {
    const kind = SUBJECT_KINDS.find((known) => known === word);
    if (kind === undefined) throw new InvalidArgumentError(`Choose from ${SUBJECT_KINDS.join()}.`);
    return kind;
  });
}

/** Without an agent that answers in time there are none. */
async function printNames(cli: Cli, wanted: readonly SubjectKind[]): Promise<void> {
  const limit = AbortSignal.any([cli.signal, AbortSignal.timeout(ASK_MS)]);
  const body = await cli.client.status(limit).catch(() => undefined);
  if (body !== undefined) print(cli, ...namesOf(body.data.cluster, wanted));
}

function rootOf(command: Command): Command {
  return command.parent === null ? command : rootOf(command.parent);
}
