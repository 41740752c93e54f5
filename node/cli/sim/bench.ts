/** `agentctl sim bench`: how fast the simulator is, and what the protocol costs at many hosts. */
import { type Benched, BENCHED, type Figure } from '../../../sim/bench/bench.ts';
import { usageFailure } from '../failure.ts';
import { type Column, table } from '../table.ts';
import { type Cli, print, printJson, widthOf } from '../terminal.ts';
import { aside } from './aside.ts';
import { SIM_EXIT } from './exit.ts';
import { createProgress } from './progress.ts';

export async function bench(cli: Cli, names: readonly string[]): Promise<number> {
  const wanted = names.length === 0 ? USUAL : names.map(benchNamed);
  const figures: Figure[] = [];
  const progress = createProgress(cli);
  for (const which of wanted)
    await aside('bench', which, {
      signal: cli.signal,
      onProgress(figure) {
        figures.push(figure);
        progress.show(() => `${figure.bench}: ${figure.what} ${shown(figure)}`);
      },
    });
  progress.end();
  if (cli.json) printJson(cli, { schema: 'millrace/sim-bench/1', figures });
  else {
    const heading = (text: string): string => cli.paint('dim', text);
    print(cli, ...table(figures, COLUMNS, { width: widthOf(cli.stdout), heading }));
  }
  return SIM_EXIT.passed;
}

/** The others by name only: they take the better part of an hour. */
const USUAL = BENCHED.filter((name) => name !== 'published');

function benchNamed(name: string): Benched {
  const found = BENCHED.find((one) => one === name);
  if (found !== undefined) return found;
  throw usageFailure(
    `there is no bench ${name}`,
    `they are ${BENCHED.join(', ')}`,
    'name one of them',
  );
}

/** Three digits that count. */
const shown = ({ value, unit }: Figure): string =>
  `${value >= 100 ? Math.round(value) : Number(value.toPrecision(3))} ${unit}`;

function aimOf({ aim, unit }: Figure): string {
  if (aim === undefined) return '';
  return 'atLeast' in aim ? `at least ${aim.atLeast} ${unit}` : `at most ${aim.atMost} ${unit}`;
}

function judged({ aim, value }: Figure): string {
  if (aim === undefined) return '';
  return ('atLeast' in aim ? value >= aim.atLeast : value <= aim.atMost) ? 'met' : 'missed';
}

const COLUMNS: readonly Column<Figure>[] = [
  { title: 'BENCH', cell: ({ bench: name }) => name },
  { title: 'OF', cell: ({ what }) => what },
  { title: 'FIGURE', cell: shown, right: true },
  { title: 'AIM OR THEIRS', cell: (figure) => figure.theirs ?? aimOf(figure) },
  { title: 'AIM IS', cell: judged },
];
