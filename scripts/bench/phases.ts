/** Where the time of one recovery went, by the logs of the agents that saw it. */
import { readFileSync, statSync } from 'node:fs';
import type { LocalAgent } from '../../node/local/cluster.ts';
import { aligned, median, worst } from './figures.ts';

/** Milliseconds from the failure to the first line that says so; absent: nobody said it. */
export type Phases = Readonly<Record<string, number>>;

/** What the logs are searched for. */
export type Sought = {
  /** The host that was lost. */
  readonly host: string;
  readonly component: string;
};
export type Line = {
  readonly time: string;
  readonly msg?: string;
  readonly topic?: string;
  readonly about?: readonly string[];
};
type Match = (line: Line, sought: Sought) => boolean;

const says = (topic: string, start: string, about: (sought: Sought) => string): Match => {
  return (line, sought) =>
    line.topic === topic &&
    line.msg?.startsWith(start) === true &&
    line.about?.includes(about(sought)) === true;
};
const PHASES: Readonly<Record<string, Match>> = {
  suspected: says('health', 'suspect', ({ host }) => host),
  dead: says('health', 'dead', ({ host }) => host),
  noticed: says('instance', 'ended', ({ component }) => component),
  led: says('lease', 'leads', ({ component }) => `component/${component}`),
  decided: says('placement', '', ({ component }) => component),
  started: says('instance', 'started', ({ component }) => component),
};

/** How long each log is now: what comes after belongs to the round. */
export const logMarks = (agents: readonly LocalAgent[]): ReadonlyMap<string, number> =>
  new Map(agents.map(({ logFile }) => [logFile, statSync(logFile).size]));

/** `at`: wall clock of the failure, in ms. */
export function phasesOf(marks: ReadonlyMap<string, number>, at: number, sought: Sought): Phases {
  const lines = [...marks].flatMap(([file, from]) => linesAfter(file, from));
  const found = Object.entries(PHASES).flatMap(([name, matches]) => {
    const times = lines
      .filter((line) => matches(line, sought))
      .map(({ time }) => Date.parse(time) - at)
      .filter((offset) => offset >= 0);
    return times.length === 0 ? [] : [[name, Math.min(...times)] as const];
  });
  return Object.fromEntries(found);
}

export function linesAfter(file: string, from: number): readonly Line[] {
  const text = readFileSync(file).subarray(from).toString('utf8');
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as Line];
    } catch {
      return []; // the one being written
    }
  });
}

export function phaseTable(rounds: readonly Phases[]): string {
  const names = new Set(rounds.flatMap((round) => Object.keys(round)));
  const all = [...names]
    .map((name) => ({ name, values: rounds.flatMap((round) => round[name] ?? []) }))
    .toSorted((a, b) => median(a.values) - median(b.values));
  const rows = all.map(({ name, values }) => {
    const figures = [median(values), worst(values)].map((ms) => `${(ms / 1000).toFixed(3)} s`);
    return [`  ${name}`, ...figures, String(values.length)];
  });
  return aligned([['  since the failure', 'median', 'worst', 'n'], ...rows]);
}
