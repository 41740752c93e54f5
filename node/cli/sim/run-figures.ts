/** What the users of a stack would have noticed in all runs of it together, and whether that will do. */
import type { Measures } from '../../../sim/scenario/measure.ts';
import type { Limits } from '../../../sim/scenario/scenario.ts';

/** Of one component. Lengths are milliseconds; undefined: there was none. */
export type ComponentFigures = {
  readonly component: string;
  /** Share of its time in which at least one instance served, and in which all did. */
  readonly available: number | undefined;
  readonly complete: number | undefined;
  readonly longestDoubleMs: number;
  readonly failovers: Lengths;
  readonly restarts: Lengths;
  /** Slots that were missing when a run ended. */
  readonly missing: number;
  /** Runs in which it never was complete. */
  readonly neverUp: number;
};
export type Lengths = {
  readonly count: number;
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
};

export type Totals = {
  readonly runs: readonly (readonly Measures[])[];
  readonly messages: number;
  readonly simulatedMs: number;
};

export function figuresOf({ runs }: Pick<Totals, 'runs'>): readonly ComponentFigures[] {
  const byName = Map.groupBy(runs.flat(), ({ component }) => component);
  return [...byName].map(([component, all]) => {
    const watchedMs = sum(all.map((each) => each.watchedMs));
    const share = (ms: readonly number[]): number | undefined =>
      watchedMs === 0 ? undefined : sum(ms) / watchedMs;
    return {
      component,
      available: share(all.map(({ upMs }) => upMs)),
      complete: share(all.map(({ fullMs }) => fullMs)),
      longestDoubleMs: Math.max(...all.map((each) => each.longestDoubleMs)),
      failovers: lengthsOf(all.flatMap(({ failoversMs }) => failoversMs)),
      restarts: lengthsOf(all.flatMap(({ restartsMs }) => restartsMs)),
      missing: sum(all.map(({ missing }) => missing)),
      neverUp: all.filter((each) => each.watchedMs === 0).length,
    };
  });
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

function lengthsOf(lengthsMs: readonly number[]): Lengths {
  const sorted = lengthsMs.toSorted((a, b) => a - b);
  const share = (permille: number): number | undefined =>
    sorted[Math.ceil((sorted.length * permille) / 1000) - 1];
  return { count: sorted.length, p50Ms: share(500), p99Ms: share(990) };
}

/** One sentence per limit that was not kept. */
export function exceeded(limits: Limits, totals: Totals, hostCount: number): readonly string[] {
  const told: string[] = [];
  const atMost = (what: string, found: number | undefined, limit: number | undefined): void => {
    if (limit !== undefined && found !== undefined && found > limit)
      told.push(`${what} is ${found} ms, at most ${limit} ms are allowed`);
  };
  for (const figures of figuresOf(totals)) {
    const { component, available, failovers, restarts } = figures;
    const least = limits.availabilityPermille;
    if (least !== undefined && (available ?? 0) * 1000 < least)
      told.push(`${component} was there ${percent(available)} of its time, not ${least / 10} %`);
    atMost(`p50 of failovers of ${component}`, failovers.p50Ms, limits.failoverP50Ms);
    atMost(`p99 of failovers of ${component}`, failovers.p99Ms, limits.failoverP99Ms);
    atMost(`p99 of restarts of ${component}`, restarts.p99Ms, limits.restartP99Ms);
    atMost(`the longest double of ${component}`, figures.longestDoubleMs, limits.longestDoubleMs);
  }
  const rate = messagesPerHost(totals, hostCount);
  if (limits.messagesPerHost !== undefined && rate > limits.messagesPerHost)
    told.push(`a host sends ${rate} messages a second, at most ${limits.messagesPerHost}`);
  return told;
}

/** A second. */
export const messagesPerHost = ({ messages, simulatedMs }: Totals, hostCount: number): number =>
  Math.round((1000 * messages) / Math.max(1, simulatedMs) / hostCount);

/** Rounded down: 100 % is all of it. */
export const percent = (share: number | undefined): string =>
  share === undefined ? '–' : `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`;
