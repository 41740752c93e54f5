/**
 * `docs/cli.md` has a section per command, and under each heading the usage as the program prints it.
 * `UPDATE_DOCS=1` writes it there; the examples around it are written by hand.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { everyCommand } from '../../../node/cli/program-tree.ts';
import { createProgram } from '../../../node/cli/program.ts';

const DOCS = new URL('../../../docs/cli.md', import.meta.url);
const SECTION = /^## agentctl (.+)\n\n```text\n([^]*?)```\n/gm;

const program = createProgram(() => Promise.resolve());
const verbs = everyCommand(program).filter((command) => command.commands.length === 0);
const usages = new Map(verbs.map((command) => [nameOf(command), usageOf(command)]));

it('has a section for each command, and none for others', () => {
  const headings = [...readFileSync(DOCS, 'utf8').matchAll(/^## agentctl (.+)$/gm)].map(
    ([, name]) => name,
  );
  expect(headings).toEqual([...usages.keys()]);
});

it('shows the usage of each command as it is', () => {
  if (process.env['UPDATE_DOCS'] !== undefined) update();
  const shown = [...readFileSync(DOCS, 'utf8').matchAll(SECTION)].map(([, name, usage]) => [
    name,
    usage,
  ]);
  expect(new Map(shown as [string, string][])).toEqual(usages);
});

it('shows the exit codes and the global options', () => {
  const text = readFileSync(DOCS, 'utf8');
  for (const option of program.options) expect(text).toContain(`\`${option.flags}\``);
  for (const code of [0, 1, 2, 3, 4, 5, 6, 7, 130]) expect(text).toContain(`| ${code} |`);
});

function update(): void {
  const text = readFileSync(DOCS, 'utf8');
  const updated = text.replaceAll(SECTION, (_, name: string, usage: string) =>
    [`## agentctl ${name}`, '', '```text', `${usages.get(name) ?? usage}\`\`\``, ''].join('\n'),
  );
  writeFileSync(DOCS, updated);
}

function nameOf(command: Command): string {
  const parent = command.parent;
  return parent === null || parent === program
    ? command.name()
    : `${nameOf(parent)} ${command.name()}`;
}

/** What `--help` prints, without the global options and the description. */
function usageOf(command: Command): string {
  const help = command.createHelp();
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help');
  const rows = [
    ...help
      .visibleArguments(command)
      .map((argument) => [help.argumentTerm(argument), help.argumentDescription(argument)]),
    ...options.map((option) => [help.optionTerm(option), help.optionDescription(option)]),
  ];
  const width = Math.max(0, ...rows.map(([term = '']) => term.length));
  const lines = rows.map(([term = '', told = '']) => `  ${term.padEnd(width)}  ${told}`);
  return [help.commandUsage(command), ...lines].map((line) => `${line}\n`).join('');
}
