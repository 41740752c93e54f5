/** The small pieces of text that everything else is made of. */
import { expect, it } from 'vitest';
import { age, clock, freshness, parseDuration } from '../../../node/cli/duration.ts';
import { commandName } from '../../../node/cli/invocation.ts';
import { createRedraw } from '../../../node/cli/redraw.ts';
import { isOlder } from '../../../node/cli/settle.ts';
import { table, wrap } from '../../../node/cli/table.ts';
import { defaultPaths, findSocket, ownSocket } from '../../../node/paths.ts';

it.each([
  [0, '0s'],
  [999, '0s'],
  [1000, '1s'],
  [59_999, '59s'],
  [60_000, '1m'],
  [3_600_000, '1h'],
  [86_399_999, '23h'],
  [86_400_000, '1d'],
])('%i ms are %s', (ms, told) => {
  expect(age(ms)).toBe(told);
});

it('tells tenths of what is fresh', () => {
  expect([freshness(0), freshness(440), freshness(9_949), freshness(10_000)]).toEqual([
    '0.0 s',
    '0.4 s',
    '9.9 s',
    '10s',
  ]);
});

it.each([
  ['5m', 300_000],
  ['1m30s', 90_000],
  ['500ms', 500],
  ['1.5s', 1500],
  ['90', 90_000],
  ['0', 0],
])('%s is %i ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each(['', 'm', '5 m', '5x', '-5s', '5s!', 'soon', '5m x'])(
  '"%s" is no length of time',
  (text) => {
    expect(() => parseDuration(text)).toThrow(`"${text}" is not a length of time`);
  },
);

it('leaves a time it cannot read as it is', () => {
  expect(clock('yesterday')).toBe('yesterday');
  expect(clock('2026-11-21T00:40:33Z')).toMatch(/^\d\d:\d\d:33$/);
});

type Env = Readonly<Record<string, string>>;
type InvocationRow = readonly [string | undefined, Env, string, string];
const isWhole = false;
it.each([
  ['/usr/bin/agentctl', {}, 'agentctl', 'installed'],
  ['/usr/bin/agentd', {}, 'agentctl', 'the agent, installed'],
  ['/clone/node/cli/main.ts', {}, 'npx agentctl', 'the source itself'],
  ['/clone/node/main.ts', {}, 'npx agentctl', 'the agent from there'],
  ['/usr/bin/agentctl', { npm_execpath: '/usr/bin/npm' }, 'npx agentctl', 'started by npx'],
  ['/clone/node/cli/main.ts', { npm_lifecycle_event: 'agentctl' }, 'npx agentctl', 'npm run'],
  ['/app/node_modules/.bin/agentctl', {}, 'npx agentctl', 'a dependency: not on the PATH'],
  [undefined, {}, 'npx agentctl', 'no script'],
] as readonly InvocationRow[])('%s with %j is typed %s: %s', (script, env, told) => {
  expect(commandName({ script, isWhole, env })).toBe(told);
});

it('is typed agentctl where the program is the one executable, whoever started it', () => {
  const env = { npm_lifecycle_event: 'agentctl' };
  expect(commandName({ script: './agentctl', isWhole: true, env })).toBe('agentctl');
});

it.each([
  ['4.7', '4.7', false, 'the same'],
  ['4.6', '4.7', true, 'an earlier sequence'],
  ['4.10', '4.9', false, 'numbers, not text'],
  ['3.99', '4.1', true, 'an earlier term'],
  ['5.1', '4.99', false, 'a later term'],
  ['abc', '4.7', false, 'not of this form'],
])('%s is older than %s: %s (%s)', (revision, than, older) => {
  expect(isOlder(revision, than)).toBe(older);
});

const plain = { width: 40, heading: (text: string): string => text };
type Row = { readonly a: string; readonly b: string; readonly note: string };
const columns = [
  { title: 'A', cell: (row: Row) => row.a },
  { title: 'B', cell: (row: Row) => row.b, drop: 1, right: true },
  { title: 'NOTE', cell: (row: Row) => row.note },
];

it('keeps words whole when it wraps', () => {
  expect(wrap('aa bb cccccccc d', 5)).toEqual(['aa bb', 'cccccccc', 'd']);
});

it('wraps the last column, drops others in order, and leaves out an empty last one', () => {
  const note = 'one two three four five six seven eight';
  const rows = [{ a: 'x', b: '1234567890123456', note }];
  expect(table(rows, columns, plain)).toEqual([
    'A  NOTE',
    'x  one two three four five six seven',
    '   eight',
  ]);
  expect(table(rows, columns, { ...plain, width: 48 })).toEqual([
    'A                 B  NOTE',
    'x  1234567890123456  one two three four five six',
    '                     seven eight',
  ]);
  expect(table([{ a: 'x', b: '1', note: '' }], columns, plain)).toEqual(['A  B', 'x  1']);
  // 1 + 2 + 16 + 2 + 24: with what the last column needs at least, it fits to the character.
  expect(table(rows, columns, { ...plain, width: 45 })[0]).toBe('A                 B  NOTE');
  expect(table(rows, columns, { ...plain, width: 44 })[0]).toBe('A  NOTE');
});

it('gives a note lines of its own where no room is left beside the row', () => {
  const rows = [{ a: 'a'.repeat(30), b: '', note: 'one two three four five' }];
  expect(table(rows, columns, plain)).toEqual([
    `A${' '.repeat(31)}NOTE`,
    'a'.repeat(30),
    '    one two three four five',
  ]);
});

it('redraws only what differs, and leaves what a terminal would show', () => {
  const screen = emulator(6);
  const redraw = createRedraw(screen);
  screen.write('before\n');
  redraw.show(['one', 'two', 'three']);
  expect(screen.lines()).toEqual(['before', 'one', 'two', 'three']);
  const writtenBefore = screen.written();
  redraw.show(['one', 'TWO']);
  expect(screen.written().slice(writtenBefore.length)).not.toContain('one');
  expect(screen.lines()).toEqual(['before', 'one', 'TWO']);
  redraw.show(['1', '2', '3', '4', '5', '6', '7']);
  expect(screen.lines().slice(1)).toEqual(['3', '4', '5', '6', '7']);
  redraw.release();
  redraw.show(['below']);
  expect(screen.lines().at(-1)).toBe('below');
});

type PathsRow = readonly [boolean, Env, string, string, string, string];
it.each([
  [true, {}, '/var/lib/millrace', '/run/millrace/agent.sock', '/etc/millrace/agent.yaml', 'root'],
  [
    false,
    {},
    '/home/u/.local/state/millrace',
    '/home/u/.local/state/millrace/agent.sock',
    '/home/u/.config/millrace/agent.yaml',
    'no XDG',
  ],
  [
    false,
    { XDG_STATE_HOME: '/s', XDG_RUNTIME_DIR: '/r', XDG_CONFIG_HOME: '/c' },
    '/s/millrace',
    '/r/millrace/agent.sock',
    '/c/millrace/agent.yaml',
    'XDG',
  ],
  [
    false,
    { XDG_STATE_HOME: 'relative' },
    '/home/u/.local/state/millrace',
    '/home/u/.local/state/millrace/agent.sock',
    '/home/u/.config/millrace/agent.yaml',
    'relative is ignored',
  ],
] as readonly PathsRow[])(
  'root %s with %j keeps its things in %s',
  (root, env, state, socket, config) => {
    expect(defaultPaths({ root, env, home: '/home/u' })).toEqual({ state, socket, config });
  },
);

it('asks MILLRACE_SOCKET, else the agent of the system, else our own', () => {
  const input = { root: false, home: '/home/u', env: { XDG_RUNTIME_DIR: '/r' } };
  const named = { ...input, env: { MILLRACE_SOCKET: '/x.sock' } };
  expect(findSocket(named, () => true)).toBe('/x.sock');
  expect(findSocket(input, () => true)).toBe('/run/millrace/agent.sock');
  expect(findSocket(input, () => false)).toBe('/r/millrace/agent.sock');
  expect(ownSocket(named)).toBe('/x.sock');
  expect(ownSocket(input)).toBe('/r/millrace/agent.sock');
});

// eslint-disable-next-line no-control-regex -- escape sequences begin with one
const SEQUENCES = /\u001b\[(\d*)[AKJ]|\n|\r|[^\u001b\n\r]+/g;

/** As much of a terminal as the redraw uses: line feed, return, up, clear line, clear below. */
function emulator(rows: number) {
  const lines: string[] = [''];
  let row = 0;
  let all = '';
  const put = (text: string): void => {
    lines[row] = (lines[row] ?? '') + text;
  };
  return {
    rows,
    write(text: string) {
      all += text;
      for (const [part, count] of text.matchAll(SEQUENCES)) {
        if (part === '\n') lines[++row] ??= '';
        else if (part.endsWith('A') && part.startsWith('\u001b')) row -= Number(count);
        else if (part === '\u001b[2K') lines[row] = '';
        else if (part === '\u001b[0J') lines.length = row + 1;
        else if (part !== '\r') put(part);
        if (part === '\u001b[0J') lines[row] = '';
      }
    },
    lines: () => (lines.at(-1) === '' ? lines.slice(0, -1) : lines.slice()),
    written: () => all,
  };
}
