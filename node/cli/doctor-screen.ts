/** The doctor's findings as lines: one each, the fix below it, who reaches whom, the verdict last. */
import { ASK_AGAIN, type Check, not, type Verdict } from '../doctor/check.ts';
import { overall } from '../doctor/checks.ts';
import type { ClusterFacts } from '../doctor/facts.ts';
import { type Cell, type Matrix, matrixOf, type Pair } from '../doctor/matrix.ts';
import { counted } from './counted.ts';
import { asTyped } from './invocation.ts';
import { wrap } from './table.ts';
import type { Format, ScreenStyle } from './terminal.ts';
import { byName } from './verdict.ts';

const FORMATS: Readonly<Record<Verdict, Format>> = {
  ok: 'green',
  warn: 'yellow',
  fail: 'red',
  unknown: 'yellow',
};
const VERDICTS = ['fail', 'warn', 'unknown', 'ok'] as const satisfies readonly Verdict[];
/** Of larger clusters only what fails is shown. */
const HOSTS_SHOWN_MAX = 20;
const PAIRS_SHOWN_MAX = 40;
const INDENT = 9;

export function doctorLines(
  checks: readonly Check[],
  cluster: ClusterFacts | undefined,
  style: ScreenStyle,
): readonly string[] {
  const matrix = cluster === undefined ? [] : matrixLines(matrixOf(cluster));
  const untold = checks.filter(({ fix }) => fix === ASK_AGAIN);
  const others = checks.filter(({ fix }) => fix !== ASK_AGAIN);
  return [
    ...[...others, ...together(untold)].flatMap((check) => checkLines(check, style)),
    '',
    ...(matrix.length === 0 ? [] : [...matrix, '']),
    verdictLine(checks, style),
  ];
}

/** What only an agent could tell is one line: that it is not there was said before. */
function together(untold: readonly Check[]): readonly Check[] {
  if (untold.length === 0) return [];
  const found = untold.map(({ check, found: what }) => `${check} (${what})`).join(', ');
  return [not('unknown', 'the rest', `only an agent can tell: ${found}`, ASK_AGAIN)];
}

/** `fail     engine     what was found`, and below it what to type. */
function checkLines({ check, verdict, found, fix }: Check, style: ScreenStyle): readonly string[] {
  const width = Math.max(...LABELS.map(({ length }) => length)) + 2;
  const room = style.width - INDENT - width;
  const [first = '', ...rest] = wrap(asTyped(found), room);
  const word = style.paint(FORMATS[verdict], verdict.padEnd(INDENT));
  const below = ' '.repeat(INDENT + width);
  return [
    `${word}${check.padEnd(width)}${first}`,
    ...rest.map((line) => below + line),
    // Never wrapped: it is to be copied.
    ...(fix === undefined ? [] : [`${' '.repeat(INDENT)}${'fix'.padEnd(width)}${asTyped(fix)}`]),
  ];
}

const LABELS = ['multicast', 'identity', 'settings', 'firewall'];

function verdictLine(checks: readonly Check[], { paint }: ScreenStyle): string {
  const verdict = overall(checks);
  const counts = VERDICTS.flatMap((each) => {
    const count = checks.filter((check) => check.verdict === each).length;
    return count === 0 ? [] : [`${count} ${each}`];
  });
  return `${paint(FORMATS[verdict], SENTENCES[verdict])}: ${counts.join(', ')}`;
}

const SENTENCES: Readonly<Record<Verdict, string>> = {
  ok: 'all is well',
  warn: 'nothing fails',
  unknown: 'nothing fails, as far as could be seen',
  fail: 'not well',
};

const CELLS: Readonly<Record<Cell, string>> = {
  self: '.',
  connected: 'ok',
  refused: 'R',
  silent: 'X',
  'no-address': 'A',
  unknown: '?',
};
const LEGEND: readonly (readonly [Cell, string])[] = [
  ['refused', 'R refused'],
  ['silent', 'X no answer'],
  ['no-address', 'A no address known'],
  ['unknown', '? did not tell'],
];

function matrixLines(matrix: Matrix): readonly string[] {
  const { hosts, pairs } = matrix;
  if (hosts.length < 2) return [];
  return hosts.length > HOSTS_SHOWN_MAX
    ? countLines(matrix)
    : [...gridLines(matrix), ...legend(pairs)];
}

/** A row dials, a column is dialed. */
function gridLines({ hosts, cell }: Matrix): readonly string[] {
  const ordered = byName(hosts);
  const number = (at: number): string => String(at + 1);
  const names = ordered.map(({ name }, at) => `${number(at).padStart(2)} ${name}`);
  const width = Math.max('FROM, TO'.length, ...names.map(({ length }) => length));
  const row = (head: string, cells: readonly string[]): string =>
    `${head.padEnd(width)}${cells.map((text) => text.padStart(4)).join('')}`;
  return [
    row(
      'FROM, TO',
      ordered.map((_, at) => number(at)),
    ),
    ...ordered.map(({ id: from }, at) =>
      row(
        names[at] ?? '',
        ordered.map(({ id: to }) => CELLS[cell(from, to)]),
      ),
    ),
  ];
}

function legend(pairs: readonly Pair[]): readonly string[] {
  const seen = LEGEND.filter(([kind]) => pairs.some(({ cell }) => cell === kind));
  return seen.length === 0 ? [] : [seen.map(([, words]) => words).join('   ')];
}

function countLines({ hosts, pairs }: Matrix): readonly string[] {
  const names = new Map(hosts.map(({ id, name }) => [id, name]));
  const failing = pairs.filter(({ cell }) => cell !== 'connected' && cell !== 'unknown');
  const silent = new Set(pairs.filter(({ cell }) => cell === 'unknown').map(({ from }) => from));
  const told = pairs.filter(({ from }) => !silent.has(from)).length;
  const more = failing.length - PAIRS_SHOWN_MAX;
  return [
    `${told - failing.length} of ${pairs.length} pairs connect, ${failing.length} fail; ${counted(silent.size, 'host', ['does', 'do'])} not tell`,
    ...failing
      .slice(0, PAIRS_SHOWN_MAX)
      .map(({ from, to, cell }) => `  ${names.get(from)} -> ${names.get(to)}  ${cell}`),
    ...(more > 0 ? [`  and ${more} more: --json has all`] : []),
  ];
}
