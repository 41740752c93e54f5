import type { Command } from 'commander';

/** The commands below it too, each after its parent. */
export function everyCommand(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap((child) => everyCommand(child))];
}
