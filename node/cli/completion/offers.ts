/** What may follow where on a command line of agentctl, read from the tree of its commands. */
import type { Command, Option } from 'commander';
import { everyCommand } from '../program-tree.ts';

export type Word = { readonly word: string; readonly meaning: string };
/** An option that takes a value. */
export type Valued = {
  readonly flags: readonly string[];
  /** Undefined: the shell offers files. */
  readonly choices: readonly string[] | undefined;
};
export type Offer = {
  /** The commands typed before, joined by blanks; empty: none. */
  readonly path: string;
  readonly commands: readonly Word[];
  /** What an argument may be. */
  readonly choices: readonly string[];
  readonly options: readonly Word[];
  readonly valued: readonly Valued[];
};

/** One for each command, parents before their children. */
export function offersOf(program: Command): readonly Offer[] {
  return everyCommand(program).map((command) => {
    const help = command.createHelp();
    const options = [...help.visibleOptions(command), ...help.visibleGlobalOptions(command)];
    return {
      path: pathOf(command),
      commands: command.commands.map((child) => ({
        word: child.name(),
        meaning: child.description(),
      })),
      choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
      options: options.flatMap((option) =>
        flagsOf(option).map((word) => ({ word, meaning: option.description })),
      ),
      valued: options
        .filter(({ required, optional }) => required || optional)
        .map((option) => ({ flags: flagsOf(option), choices: option.argChoices })),
    };
  });
}

const flagsOf = ({ short, long }: Option): readonly string[] =>
  [short, long].filter((flag) => flag !== undefined);

function pathOf(command: Command): string {
  const { parent } = command;
  if (parent === null) return '';
  return `${pathOf(parent)} ${command.name()}`.trim();
}
