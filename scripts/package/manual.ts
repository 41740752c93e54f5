/** Man pages, from what the programs say of themselves: agentctl(1), agent.yaml(5), agentd(8). */
import type { Command } from 'commander';
import { everyCommand } from '../../node/cli/program-tree.ts';
import { createProgram } from '../../node/cli/program.ts';
import { usage, VERSION } from '../../node/config.ts';
import { SYSTEM_PATHS } from '../../node/paths.ts';
import { SETTINGS } from '../../node/settings-file.ts';

export type ManualPage = {
  readonly name: string;
  readonly section: 1 | 5 | 8;
  readonly text: string;
};

/** `cliDocs` is the text of docs/cli.md, which has the exit codes. */
export const manualPages = (cliDocs: string): readonly ManualPage[] => [
  { name: 'agentctl', section: 1, text: agentctlPage(cliDocs) },
  { name: 'agent.yaml', section: 5, text: settingsPage() },
  { name: 'agentd', section: 8, text: agentdPage() },
];

function agentctlPage(cliDocs: string): string {
  const program = createProgram(() => Promise.resolve());
  const help = program.createHelp();
  const verbs = everyCommand(program).filter(({ commands }) => commands.length === 0);
  return page('agentctl', 1, program.description(), [
    ['SYNOPSIS', [bold('agentctl'), plain('[options] command')]],
    [
      'DESCRIPTION',
      paragraphs([
        'Asks the agent of this host over a unix socket, and through it the whole cluster. Standard output is data, standard error is narration. An error says what happened, why, and what to do next.',
      ]),
    ],
    [
      'OPTIONS',
      help
        .visibleOptions(program)
        .flatMap((option) => item(help.optionTerm(option), help.optionDescription(option))),
    ],
    ['COMMANDS', verbs.flatMap(commandLines)],
    ['EXIT STATUS', exitCodes(cliDocs).flatMap(([code, meaning]) => item(code, meaning))],
    [
      'ENVIRONMENT',
      [
        ...item('MILLRACE_SOCKET', "the agent's socket, unless --socket names it"),
        ...item('MILLRACE_STATE', 'the state folder, for --local and agent start'),
        ...item('MILLRACE_DEBUG', 'where an unexpected error came from is printed too'),
      ],
    ],
    ['SEE ALSO', [plain('agentd(8), agent.yaml(5)')]],
  ]);
}

function commandLines(command: Command): readonly string[] {
  const help = command.createHelp();
  const options = help.visibleOptions(command).filter(({ long }) => long !== '--help');
  return [
    `.SS ${roff(help.commandUsage(command).replace(' [options]', ''))}`,
    plain(command.description()),
    ...help
      .visibleArguments(command)
      .flatMap((argument) => item(help.argumentTerm(argument), help.argumentDescription(argument))),
    ...options.flatMap((option) => item(help.optionTerm(option), help.optionDescription(option))),
  ];
}

/** The rows of the first table of exit codes. */
function exitCodes(cliDocs: string): readonly (readonly [string, string])[] {
  const table = /\| exit \| \|\n\|---\|---\|\n((?:\|.*\|\n)+)/.exec(cliDocs)?.[1] ?? '';
  const rows = [...table.matchAll(/^\| (\d+) \| (.*) \|$/gm)];
  return rows.map(([, code = '', meaning = '']) => [code, meaning.replaceAll('`', '')]);
}

function settingsPage(): string {
  return page('agent.yaml', 5, 'settings of the Millrace agent', [
    ['SYNOPSIS', [plain(SYSTEM_PATHS.config)]],
    [
      'DESCRIPTION',
      paragraphs([
        'YAML. Options of agentd(8) stand above this file, and it stands above the defaults. An unknown key is an error, with which the agent does not start. A change holds from the next start of the agent: systemctl restart agentd.',
      ]),
    ],
    [
      'KEYS',
      Object.entries(SETTINGS).flatMap(([key, { value, meaning }]) =>
        item(`${key}: ${value}`, `${meaning}.`),
      ),
    ],
    ['SEE ALSO', [plain('agentd(8), agentctl(1)')]],
  ]);
}

function agentdPage(): string {
  return page('agentd', 8, 'the Millrace agent of this host', [
    ['SYNOPSIS', [bold('agentd'), plain('[options]'), '.br', bold('agentd guard'), plain('path')]],
    [
      'DESCRIPTION',
      paragraphs([
        'Keeps running on this host what the cluster has placed here, and decides with the agents of the other hosts where that is. It runs as the service agentd. What it runs outlives it, and is adopted by the next agent.',
        'agentd guard is a small process beside it that freezes and ends strict singletons when the agent cannot. It runs as the service agentd-guard.',
      ]),
    ],
    ['OPTIONS', usageItems().flatMap(([term, meaning]) => item(term, meaning))],
    [
      'EXIT STATUS',
      [
        ...item(
          '0',
          'asked to end by a signal, or by agentctl agent stop where no service manager waits',
        ),
        ...item('1', 'it cannot go on: the last lines of its log say why'),
        ...item('2', 'wrong usage or settings; its service stays down'),
        ...item('3', 'ended by agentctl agent stop; its service stays down'),
        ...item('6', 'another agent has the state folder or the socket'),
      ],
    ],
    [
      'FILES',
      [
        ...item(SYSTEM_PATHS.config, 'settings, agent.yaml(5)'),
        ...item(SYSTEM_PATHS.state, 'what this host must remember; never copy it to another host'),
        ...item(SYSTEM_PATHS.socket, 'where agentctl(1) asks; for root and the group millrace'),
      ],
    ],
    ['SEE ALSO', [plain('agentctl(1), agent.yaml(5), systemctl(1)')]],
  ]);
}

/** The options of the usage: what begins with a dash, what goes on below it belongs to it. */
function usageItems(): readonly (readonly [string, string])[] {
  const told = usage(SYSTEM_PATHS);
  const rows = told
    .slice(told.indexOf('\n\n') + 2)
    .replaceAll(/\n {10,}/g, ' ')
    .split('\n');
  return rows
    .map((row) => /^ {2}(-\S+(?: \S+)*?)(?: {2,}(.*))?$/.exec(row))
    .filter((row) => row !== null)
    .map(([, term = '', meaning = '']) => [term, meaning]);
}

type Section = readonly [string, readonly string[]];

function page(name: string, section: number, summary: string, parts: readonly Section[]): string {
  return [
    `.TH ${name.toUpperCase()} ${section} "" "millrace ${VERSION}" "Millrace"`,
    '.SH NAME',
    `${roff(name)} \\- ${roff(summary)}`,
    ...parts.flatMap(([title, lines]) => [`.SH ${title}`, ...lines]),
    '',
  ].join('\n');
}

const item = (term: string, meaning: string): readonly string[] => [
  '.TP',
  bold(term),
  plain(meaning),
];
const bold = (text: string): string => `.B "${roff(text).replaceAll('"', '\\(dq')}"`;
/** A text never begins with a control character of roff. */
const plain = (text: string): string => `\\&${roff(text)}`;
const paragraphs = (texts: readonly string[]): readonly string[] =>
  texts.flatMap((text) => ['.PP', plain(text)]);

const roff = (text: string): string => text.replaceAll('\\', '\\e').replaceAll('-', '\\-');
