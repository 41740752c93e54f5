/**
 * Makes a tape smaller for as long as the run still breaks the same rule: fewer deeds, milder draws, a
 * quieter and smaller world, less time. What is left is what the violation needs, or at least nothing
 * that one more step could take away.
 *
 * No chance in it: the same tape shrinks to the same tape. Source: delta debugging (Zeller 1999), and
 * Hypothesis, which shrinks what was drawn rather than what was made of it.
 */
import { type Outcome, type RunOptions, simulate } from '../run.ts';
import type { Deed, Tape } from '../tape.ts';
import {
  componentsOf,
  deedsOf,
  earlier,
  gapBefore,
  kindsOf,
  rounded,
  simplerForms,
  waysOf,
} from './deeds.ts';
import { numbersAt, onlyFrom, SITES, sitesOf } from './draws.ts';
import { cutPieces, type Pieces } from './pieces.ts';
import { fewerVoters, lasting, loudOptions, quieter, withoutHost } from './setting.ts';

export type Progress = {
  readonly runs: number;
  readonly hosts: number;
  readonly deeds: number;
  /** Numbers that are not 0. */
  readonly draws: number;
  readonly simulatedMs: number;
};

export type ShrinkOptions = {
  /** What the run needs besides the tape, e.g. an expectation. */
  readonly look?: RunOptions['look'];
  /** Told before each run; false: it ends with what it has. */
  readonly goesOn: (progress: Progress) => boolean;
};

export type Shrunk = {
  readonly tape: Tape;
  readonly outcome: Outcome;
  readonly runs: number;
  readonly before: Progress;
  readonly after: Progress;
  /** False: it was ended, one more step may take something away. */
  readonly isFinished: boolean;
};

type Search = ShrinkOptions & {
  readonly wanted: Outcome['verdict'];
  /** What breaks is an expectation of a scenario, so what that says must stay. */
  readonly isScenario: boolean;
  tape: Tape;
  outcome: Outcome;
  runs: number;
  isEnded: boolean;
};

/** Undefined: a run of this tape breaks nothing. */
export function shrink(tape: Tape, options: ShrinkOptions): Shrunk | undefined {
  const outcome = play(tape, options);
  if (outcome.verdict.kind === 'passed') return undefined;
  const search: Search = {
    ...options,
    wanted: outcome.verdict,
    isScenario: outcome.verdict.rule === 'expectation' && tape.options.workload.kind === 'given',
    tape: outcome.tape ?? tape,
    outcome,
    runs: 1,
    isEnded: false,
  };
  const before = progressOf(search);
  // Coarse at first: most of a run has nothing to do with it, and smaller runs are quicker.
  for (const finest of [1 / 8, 0]) round(search, finest);
  for (let size = sizeOf(search); ;) {
    round(search, 0);
    const now = sizeOf(search);
    if (now >= size || search.isEnded) break;
    size = now;
  }
  const { runs, isEnded } = search;
  const after = progressOf(search);
  return { tape: search.tape, outcome: search.outcome, runs, before, after, isFinished: !isEnded };
}

/** Recording, so that what the run did not use is gone from the tape. */
const play = (tape: Tape, { look }: Pick<ShrinkOptions, 'look'>, endMs?: number): Outcome =>
  simulate(tape.options, {
    tape,
    recording: true,
    ...(look === undefined ? {} : { look }),
    ...(endMs === undefined ? {} : { untilMs: endMs }),
  });

/** A run made milder may break the rule a little later than before. */
const untilMs = ({ wanted, outcome }: Search): number | undefined =>
  wanted.kind === 'stuck' ? undefined : Math.ceil(outcome.figures.simulatedMs * 1.25) + 1000;

function attempt(search: Search, candidate: Tape): boolean {
  if (search.isEnded) return false;
  if (!keepsScenario(search, candidate)) return false;
  if (!search.goesOn(progressOf(search))) {
    search.isEnded = true;
    return false;
  }
  const { wanted } = search;
  search.runs += 1;
  const outcome = play(candidate, search, untilMs(search));
  if (!isSame(search, outcome.verdict, wanted)) return false;
  const tape = outcome.tape ?? candidate;
  // A run that breaks earlier does not come to all of it.
  if (!keepsScenario(search, tape)) return false;
  search.tape = tape;
  search.outcome = outcome;
  return true;
}

const keepsScenario = ({ isScenario, tape }: Search, candidate: Tape): boolean =>
  !isScenario || told(candidate) === told(tape);

/** Commands and the timeline are the scenario's own; everything else was drawn. */
const isGiven = ({ kind, isPlanned }: Deed): boolean => kind === 'command' || isPlanned === true;

/** What a scenario says of a run, as far as it is on its tape. */
const told = ({ options, deeds }: Tape): string => {
  const { hostCount, voterCount, stormMs, workload } = options;
  return JSON.stringify([hostCount, voterCount, stormMs, workload, deeds.filter(isGiven)]);
};

function isSame(search: Search, a: Outcome['verdict'], b: Outcome['verdict']): boolean {
  if (a.kind === 'passed' || b.kind === 'passed') return false;
  if (a.kind !== b.kind || a.rule !== b.rule) return false;
  // Of several expectations the same, and missed in the same way.
  if (search.isScenario) return anyHosts(a.text) === anyHosts(b.text);
  return a.kind === 'stuck' || isSameWay(a.text, b.text);
}
/** A rule may be broken in several ways, and a run made milder in another one than before. */
export const isSameWay = (a: string, b: string): boolean => anyNames(a) === anyNames(b);

const anyHosts = (text: string): string => text.replaceAll(/\bh\d+b*\b/g, 'h');
/** However many there are in a row. */
const anyNames = (text: string): string => text.replaceAll(/(\S*[\d/.]\S*\s*)+/g, '# ');

function progressOf({ runs, tape, outcome }: Search): Progress {
  return {
    runs,
    hosts: tape.options.hostCount,
    deeds: tape.deeds.length,
    draws: drawCount(tape),
    simulatedMs: outcome.figures.simulatedMs,
  };
}

const drawCount = ({ draws }: Tape): number =>
  Object.values(draws).reduce(
    (sum, numbers) => sum + numbers.filter((value) => value !== 0).length,
    0,
  );

const sizeOf = ({ tape }: Search): number => JSON.stringify(tape).length;

/** Once through everything that can be smaller. */
function round(search: Search, finest: number): void {
  const cut = (pieces: Pieces<Tape>): void =>
    cutPieces(
      { whole: () => search.tape, attempt: (tape) => attempt(search, tape) },
      pieces,
      finest,
    );

  const isLoose: (deed: Deed) => boolean = search.isScenario
    ? (deed) => !isGiven(deed)
    : () => true;
  const loud = (): readonly string[] =>
    loudOptions(search.tape).filter((name) => !search.isScenario || name !== 'workload');

  attempt(search, { ...search.tape, draws: {} });
  attempt(search, quieter(search.tape, loud()));
  cut(kindsOf(isLoose));
  cut(deedsOf(isLoose));
  dropHosts(search);
  fewerVoters(search.tape).some((tape) => attempt(search, tape));
  for (const name of loud()) attempt(search, quieter(search.tape, [name]));
  softenDeeds(search, cut);
  // A shorter run draws less, and there are far more numbers than deeds.
  closeGaps(search);
  cutDraws(search, cut);
}

function dropHosts(search: Search): void {
  for (let host = search.tape.options.hostCount - 1; host >= 0; host--)
    if (search.tape.options.hostCount > 1) attempt(search, withoutHost(search.tape, host));
}

const LEAST = [2000, 990, 950, 900, 800, 500, 200, 64];

function cutDraws(search: Search, cut: (pieces: Pieces<Tape>) => void): void {
  cut(SITES);
  const count = drawCount(search.tape);
  for (const least of LEAST) {
    const milder = onlyFrom(search.tape, least);
    if (drawCount(milder) < drawCount(search.tape) && attempt(search, milder)) break;
  }
  if (count === 0) return;
  for (const site of sitesOf(search.tape.draws)) cut(numbersAt(site));
}

function softenDeeds(search: Search, cut: (pieces: Pieces<Tape>) => void): void {
  for (let index = 0; index < search.tape.deeds.length; index++) {
    cut(waysOf(index));
    cut(componentsOf(index));
    simplerForms(search.tape, index).some((tape) => attempt(search, tape));
  }
}

/** Shares of the time between two deeds that may go. */
const SHARES = [0.95, 0.75, 0.5, 0.25];
const GAP_MIN_US = 200_000;
const ROUND_MS = [1000, 100, 10];

function closeGaps(search: Search): void {
  for (let index = search.tape.deeds.length - 1; index >= 0; index--) {
    const gap = gapBefore(search.tape, index);
    if (gap < GAP_MIN_US) continue;
    SHARES.some((share) => attemptEarlier(search, index, Math.floor(gap * share)));
  }
  ROUND_MS.some((toMs) => attempt(search, rounded(search.tape, toMs)));
  shortenStorm(search);
}

/** The storm ends earlier too, or else only its deeds move. */
function attemptEarlier(search: Search, index: number, by: number): boolean {
  const moved = earlier(search.tape, index, by);
  const stormMs = search.tape.options.stormMs - Math.floor(by / 1000);
  return (
    (search.wanted.kind === 'stuck' && attempt(search, lasting(moved, stormMs))) ||
    attempt(search, moved)
  );
}

/** For what has begun in the storm to come to its end there. */
const CALMER_MS = 5000;

function shortenStorm(search: Search): void {
  const { options, deeds } = search.tape;
  const lastMs = Math.ceil((deeds.at(-1)?.at ?? 0) / 1000) + 1;
  const lengths =
    search.wanted.kind === 'stuck'
      ? [lastMs, lastMs + CALMER_MS, Math.floor(options.stormMs / 2)]
      : [search.outcome.figures.simulatedMs + 1];
  lengths
    .filter((stormMs) => stormMs < options.stormMs)
    .some((stormMs) => attempt(search, lasting(search.tape, stormMs)));
}
