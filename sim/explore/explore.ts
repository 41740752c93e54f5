/**
 * `explore`: the bounded configurations, each walked to its end. A random seed that passes proves
 * little; a walk that ends proves that nothing within its bounds breaks a rule.
 */
import { type LeaseBounds, leaseSpace } from './leases.ts';
import { type RecordBounds, recordSpace } from './records.ts';
import type { RosterBounds } from './roster-node.ts';
import { rosterSpace } from './roster.ts';
import { type Progress, search, type Space, type Walk } from './search.ts';

export const EXPLORED = ['leases', 'records', 'roster'] as const;
export type Explored = (typeof EXPLORED)[number];
/** `quick`: seconds, part of the tests. `full`: about a minute each. */
export type Bound = 'quick' | 'full';

export type Exploration = Walk & {
  /** What was allowed, in words. */
  readonly name: string;
};
type Report = (name: string, progress: Progress) => void;

/** Names of the configurations, in the order in which they are walked. */
export const configurations = (which: Explored, bound: Bound): readonly string[] =>
  Object.keys({ leases: LEASES, records: RECORDS, roster: ROSTERS }[which][bound]);

/** Walks one configuration after the other, up to the first violation; `only`: none but that. */
export function explore(
  which: Explored,
  bound: Bound,
  report: Report,
  only?: string,
): readonly Exploration[] {
  const of = <Bounds>(all: Readonly<Record<string, Bounds>>): readonly [string, Bounds][] =>
    Object.entries(all).filter(([name]) => only === undefined || name === only);
  switch (which) {
    case 'leases':
      return walkAll(of(LEASES[bound]), leaseSpace, report);
    case 'records':
      return walkAll(of(RECORDS[bound]), recordSpace, report);
    case 'roster':
      return walkAll(of(ROSTERS[bound]), rosterSpace, report);
  }
}

/** More than any walk needs, and than a set may hold at a multiple of it. */
const STATES_MAX = 4_000_000;

function walkAll<Bounds, Node, Move>(
  all: readonly [string, Bounds][],
  spaceOf: (bounds: Bounds) => Space<Node, Move>,
  report: Report,
): readonly Exploration[] {
  const walks: Exploration[] = [];
  for (const [name, bounds] of all) {
    const walk = search(spaceOf(bounds), STATES_MAX, (progress) => report(name, progress));
    walks.push({ name, ...walk });
    if (walk.violation !== undefined) return walks;
  }
  return walks;
}

const PAIR: LeaseBounds = {
  voters: 3,
  ceilings: [0, 10],
  ballots: [1, 1],
  fades: 1,
  voterCrashes: 0,
  candidateCrashes: 0,
  copies: 0,
  lateAnswers: 1,
  keepalives: 0,
  besieged: false,
};
/** The hole of test/sim/directed/lease-hole.test.ts lies inside. */
const SIEGE: LeaseBounds = {
  ...PAIR,
  voters: 5,
  ceilings: [0, 20, 10],
  ballots: [2, 1, 1],
  fades: 2,
  lateAnswers: 0,
  besieged: true,
};
/** The same with three voters, where less is left to do. */
const SMALL_SIEGE: LeaseBounds = { ...SIEGE, voters: 3, ceilings: [0, 10], ballots: [2, 1] };
const QUICK_LEASES = {
  'two candidates, three voters, one session ends': { ...PAIR, lateAnswers: 0 },
  'two candidates with the same first ballot': { ...PAIR, ceilings: [0, 0], lateAnswers: 0 },
  'a leader of five voters, two challengers, two of its sessions end': SIEGE,
  'a leader of three voters, two keepalives that matter, an answer is late': {
    ...SMALL_SIEGE,
    keepalives: 2,
    lateAnswers: 1,
  },
  'a leader of three voters, one of which crashes': {
    ...SMALL_SIEGE,
    // Above all that the voter may have promised before it crashed.
    ceilings: [0, 5000],
    voterCrashes: 1,
    keepalives: 2,
  },
};
const LEASES: Record<Bound, Readonly<Record<string, LeaseBounds>>> = {
  quick: QUICK_LEASES,
  full: {
    ...QUICK_LEASES,
    'two candidates, an answer is late': PAIR,
    'two candidates, two sessions end': { ...PAIR, fades: 2, lateAnswers: 0 },
    'two candidates, a voter crashes': { ...PAIR, voterCrashes: 1, lateAnswers: 0 },
    'two candidates, one of them crashes': { ...PAIR, candidateCrashes: 1, lateAnswers: 0 },
    'two candidates, a message arrives twice': { ...PAIR, copies: 1, lateAnswers: 0 },
    'two candidates, one tries twice': { ...PAIR, ballots: [2, 1], lateAnswers: 0 },
    'three candidates': { ...PAIR, ceilings: [0, 10, 20], ballots: [1, 1, 1], lateAnswers: 0 },
  },
};

const WRITERS: RecordBounds = {
  voters: 3,
  writes: [1, 1],
  rereads: 0,
  copies: 0,
  lateAnswers: 1,
  crashes: 1,
};
const QUICK_RECORDS = {
  'two leaders that write, a voter crashes, an answer is late': WRITERS,
  'three leaders, the first writes': { ...WRITERS, writes: [1, 0, 0], lateAnswers: 0, crashes: 0 },
};
const RECORDS: Record<Bound, Readonly<Record<string, RecordBounds>>> = {
  quick: QUICK_RECORDS,
  full: {
    ...QUICK_RECORDS,
    'two leaders, a message arrives twice': { ...WRITERS, copies: 1 },
    'two leaders, one is outbid and reads again': { ...WRITERS, rereads: 1, crashes: 0 },
    'two leaders, one writes twice': { ...WRITERS, writes: [2, 1], crashes: 0 },
    'three leaders, two write': { ...WRITERS, writes: [1, 1, 0], lateAnswers: 0, crashes: 0 },
  },
};

const GROWTH: RosterBounds = {
  changes: [2, 0, 0],
  triesFrom: 3,
  ballots: [0, 0, 0],
  insists: 0,
  crashes: 0,
  lateAnswers: 1,
};
const CONTEST: RosterBounds = { ...GROWTH, ballots: [0, 0, 1], lateAnswers: 0 };
const QUICK_ROSTERS = {
  'one voter becomes three, an answer is late': GROWTH,
  'one voter becomes three, a host crashes': { ...GROWTH, crashes: 1, lateAnswers: 0 },
};
const ROSTERS: Record<Bound, Readonly<Record<string, RosterBounds>>> = {
  quick: QUICK_ROSTERS,
  full: {
    ...QUICK_ROSTERS,
    'the leader of the old roster, a contender in the new': CONTEST,
    'the leader of the old roster, a contender in the joint one': {
      ...CONTEST,
      changes: [1, 0, 0],
      triesFrom: 2,
    },
    'two that propose other voters': { ...GROWTH, changes: [2, 1, 0], lateAnswers: 0 },
    'an attempt begun anew': { ...GROWTH, insists: 1 },
  },
};
