/** How often each kind of fault comes, in the storms that have it, and which storms have it. */
import { LAN } from '../protocol/config.ts';
import { choicesOfSeed, happens, pick, type Stream, streamOf } from './choice.ts';
import type { Options, Plague, Recurring } from './options.ts';

const T = LAN.termMs;

/**
 * How often each fault comes and how long it lasts, in the storms that have it. One that lasts longer
 * than the time between two would leave nobody to lead anything.
 */
const PLAGUES: { readonly [kind in Plague]: readonly [readonly number[], readonly number[]] } = {
  partitions: [
    [4000, 10_000, 20_000],
    [1000, T, 4 * T],
  ],
  links: [
    [1000, 3000],
    [1000, T, 4 * T],
  ],
  clogs: [
    [2000, 8000],
    [500, T, 5000],
  ],
  resets: [[1000, 5000], [0]],
  crashes: [
    [1000, 3000, 8000, 20_000],
    [10, 200, T, 2 * T],
  ],
  upgrades: [
    [4000, 20_000],
    [10, 500],
  ],
  leads: [[500, 3000], [0]],
  hostLosses: [
    [8000, 20_000],
    [1000, 2 * T, 4 * T],
  ],
  pauses: [
    [1500, 4000, 10_000, 20_000],
    [400, T / 2, 2 * T, 5 * T],
  ],
  suspends: [
    [8000, 20_000],
    [1000, 2 * T, 5 * T],
  ],
  lags: [
    [2000, 8000],
    [500, T],
  ],
  disks: [
    [5000, 20_000],
    [200, T],
  ],
  exits: [[1000, 5000], [0]],
  engines: [
    [500, 5000, 15_000],
    [500, 5000],
  ],
  guards: [
    [1500, 5000, 15_000],
    [400, 2000, 2 * T],
  ],
  /** Of engines, for so long that their hosts say so. */
  hangs: [
    [5000, 15_000],
    [12_000, 20_000],
  ],
  /** Some machines are back when they said, some are not. */
  reboots: [
    [4000, 15_000],
    [1000, 2 * T, 12_000],
  ],
  /** Users who cordon, drain and label hosts. */
  drains: [[1500, 5000], [0]],
};
const PLAGUE_KINDS = Object.keys(PLAGUES) as Plague[];
/** Every kind of fault that can be asked for alone. */
export type FaultKind = Plague | 'drift';
export const FAULT_KINDS: readonly FaultKind[] = [...PLAGUE_KINDS, 'drift'];
/** Drawn on a stream of its own, in so many of a thousand storms. */
const APART: { readonly [kind in Plague]?: number } = {
  guards: 300,
  hangs: 220,
  reboots: 220,
  drains: 220,
};
/** Those that strike a single link: many of them at a time leave a cluster alive. */
const OF_WAYS: ReadonlySet<Plague> = new Set(['links', 'clogs']);
/** Those few storms have that are not everybody's: they hide much. */
const RARE = new Set<Plague>(['resets', 'upgrades', 'leads', 'lags', 'disks', 'engines']);

/** Unless one of these lasts for longer than a lease hardly ever another host leads: not much is tested. */
const TOPPLING = ['crashes', 'partitions', 'hostLosses', 'pauses', 'suspends'] as const;

export function drawPlagues(draw: Stream): Options['recurring'] {
  const drawn: { [kind in Plague]?: Recurring } = {};
  for (const kind of PLAGUE_KINDS)
    if (APART[kind] === undefined && happens(draw, RARE.has(kind) ? 250 : 400))
      drawn[kind] = drawPace(draw, kind);
  if (TOPPLING.some((kind) => (drawn[kind]?.lastMs ?? 0) > T)) return drawn;
  return { ...drawn, ...drawOnePlague(draw) };
}

export function drawApart(seed: number): Options['recurring'] {
  const drawn: { [kind in Plague]?: Recurring } = {};
  for (const [kind, permille] of Object.entries(APART) as [Plague, number][]) {
    const draw = streamOf(choicesOfSeed(seed), kind);
    if (happens(draw, permille)) drawn[kind] = drawPace(draw, kind);
  }
  return drawn;
}

export const drawOnePlague = (draw: Stream): Options['recurring'] => ({
  [pick(draw, TOPPLING)]: { everyMs: pick(draw, [4000, 8000]), lastMs: pick(draw, [2 * T, 3 * T]) },
});

function drawPace(draw: Stream, kind: Plague): Recurring {
  const [every, last] = PLAGUES[kind];
  const everyMs = pick(draw, every);
  const longestMs = (OF_WAYS.has(kind) ? 4 : 1) * everyMs;
  return {
    everyMs,
    lastMs: pick(draw, [last[0] ?? 0, ...last.slice(1).filter((ms) => ms <= longestMs)]),
  };
}

/** Of those who have a hand on the engines. */
export const drawDriftPace = (draw: Stream): Recurring => ({
  everyMs: pick(draw, [700, 2000, 5000]),
  lastMs: pick(draw, [4000, 15_000]),
});

/** These faults and no others, each at a pace from the seed. */
export function drawOnly(
  seed: number,
  kinds: readonly FaultKind[],
): Pick<Options, 'recurring' | 'drift'> {
  const choices = choicesOfSeed(seed);
  const draw = streamOf(choices, 'options');
  const plagues = kinds.filter((kind) => kind !== 'drift');
  return {
    recurring: Object.fromEntries(plagues.map((kind) => [kind, drawPace(draw, kind)])),
    ...(kinds.includes('drift') && { drift: drawDriftPace(streamOf(choices, 'options/drift')) }),
  };
}
