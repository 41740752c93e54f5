/** What may follow where on a command line of agentctl, read from the tree of its commands. */
import type { Argument, Command, Option } from 'commander';
import { everyCommand } from '../program-tree.ts';
import { SUBJECT_KINDS, type SubjectKind } from '../subject.ts';

export type Word = { readonly word: string; readonly meaning: string };
/** An option that takes a value. */
export type Valued = {
  readonly flags: readonly string[];
  /** What it may be, or what of the cluster it names; neither: the shell offers files. */
  readonly choices: readonly string[] | undefined;
  readonly kind: SubjectKind | undefined;
};
export type Offer = {
  /** The commands typed before, joined by blanks; empty: none. */
  readonly path: string;
  readonly commands: readonly Word[];
  /** What an argument may be. */
  readonly choices: readonly string[];
  /** What of the cluster an argument may name; the agent knows which there are. */
  readonly kinds: readonly SubjectKind[];
  /** What is typed behind such a name, and a value after it; empty: nothing. */
  readonly suffix: '' | '=';
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
      kinds: SUBJECT_KINDS.filter((kind) => command.registeredArguments.some(names(kind))),
      suffix: command.registeredArguments.some(isAssignment) ? '=' : '',
      options: options.flatMap((option) =>
        flagsOf(option).map((word) => ({ word, meaning: option.description })),
      ),
      valued: options
        .filter(({ required, optional }) => required || optional)
        .map((option) => ({
          flags: flagsOf(option),
          choices: option.argChoices,
          kind: SUBJECT_KINDS.find((kind) => option.flags.endsWith(`<${kind}>`)),
        })),
    };
  });
}

/** An argument is called after the one kind it takes, or says which of them it takes. */
const names =
  (kind: SubjectKind) =>
  (argument: Argument): boolean =>
    argument.name().split('=', 1)[0] === kind ||
    (argument.name() === 'subject' && new RegExp(`\\b${kind}\\b`).test(argument.description));

const isAssignment = (argument: Argument): boolean => argument.name().includes('=');

const flagsOf = ({ short, long }: Option): readonly string[] =>
  [short, long].filter((flag) => flag !== undefined);

function pathOf(command: Command): string {
  const { parent } = command;
  if (parent === null) return '';
  return `${pathOf(parent)} ${command.name()}`.trim();
}
