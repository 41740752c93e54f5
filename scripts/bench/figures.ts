/** Measured values, the aims they are held against, and how both are shown. */
import { readFileSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

export type Aim = { readonly median?: number; readonly worst?: number };
export type Series = {
  readonly name: string;
  readonly unit: string;
  readonly values: readonly number[];
  readonly aim?: Aim;
};

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)] ?? Number.NaN;
  return Number.isInteger(middle) ? (upper + (sorted[middle - 1] ?? Number.NaN)) / 2 : upper;
}

export const worst = (values: readonly number[]): number => Math.max(...values);

/** Whether an aim is missed; false where there is none. */
export const isMissed = ({ values, aim }: Series): boolean =>
  (aim?.median !== undefined && median(values) > aim.median) ||
  (aim?.worst !== undefined && worst(values) > aim.worst);

export function table(all: readonly Series[]): string {
  const rows = all.map((series) => {
    const { name, unit, values, aim } = series;
    const figures = [median(values), worst(values), Math.min(...values)].map((value) =>
      shown(value, unit),
    );
    const verdict = aim === undefined ? '' : isMissed(series) ? 'MISSED' : 'met';
    return [name, ...figures, String(values.length), aimText(aim, unit), verdict];
  });
  return aligned([['', 'median', 'worst', 'best', 'n', 'aim', ''], ...rows]);
}

function aimText(aim: Aim | undefined, unit: string): string {
  const parts = [
    aim?.median === undefined ? [] : [`median ${shown(aim.median, unit)}`],
    aim?.worst === undefined ? [] : [`worst ${shown(aim.worst, unit)}`],
  ];
  return parts.flat().join(', ');
}

const shown = (value: number, unit: string): string =>
  unit === 'ms'
    ? `${(value / 1000).toFixed(3)} s`
    : `${value.toFixed(value >= 100 ? 0 : 2)} ${unit}`;

export function aligned(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** What a reader must know to compare these figures with others. */
export type Machine = {
  readonly cores: number;
  readonly cpu: string;
  readonly memory_gib: number;
  readonly kernel: string;
  readonly node: string;
};

export const machine = (): Machine => ({
  cores: cpus().length,
  cpu: cpus()[0]?.model ?? 'unknown',
  memory_gib: Math.round(totalmem() / 2 ** 30),
  kernel: release(),
  node: process.version,
});

/** How busy the whole machine was: of all cores, over a span of time. */
export function createBusyMeter(): () => number {
  const start = jiffies();
  return () => {
    const now = jiffies();
    return (100 * (now.busy - start.busy)) / Math.max(1, now.all - start.all);
  };
}

function jiffies(): { readonly busy: number; readonly all: number } {
  const [line = ''] = readFileSync('/proc/stat', 'latin1').split('\n', 1);
  const fields = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const all = fields.reduce((sum, value) => sum + value, 0);
  return { busy: all - (fields[3] ?? 0) - (fields[4] ?? 0), all };
}

export const loadText = (): string =>
  loadavg()
    .map((load) => load.toFixed(2))
    .join(' ');
