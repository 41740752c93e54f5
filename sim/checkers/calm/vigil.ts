/**
 * Watches after the storm until everything owed has been given and stays so: L1 to L13.
 *
 * Where everything heals, or whoever stays broken can be heard by nobody, all must be right at one
 * moment and stay so. Beside hosts that are half alive things will go on happening: of each demand,
 * made of the core alone, a short lapse is then forgiven, so that it must be met again and again.
 */
import { isStalled } from '../../network/network.ts';
import type { World } from '../../world.ts';
import { CONFIG } from '../../options.ts';
import type { LeaseChecker } from '../leases.ts';
import { uneven } from './balance.ts';
import { misbelieved } from './beliefs.ts';
import { ghosts } from './ghosts.ts';
import { dethroned, isTroubled, leaked, type Reigns, reignsOf, unled } from './leaders.ts';
import { type News, notLetIn, notOut, undelivered } from './news.ts';
import type { Calm, Owed } from './owed.ts';
import { unseated } from './seats.ts';
import { isWell, standingsOf } from './standing.ts';
import { missingVoters } from './voters.ts';

/**
 * Everything is due within this after the faults have stopped and TCP has noticed, which takes up to as
 * long as they lasted; see docs/simulator.md. Three voters that have lost their disks are replaced one
 * after the other, and each change waits until strict leases of before have run out.
 */
const DUE_MS = 60_000;
/** Once right, it must stay so. */
const STEADY_MS = 2 * CONFIG.termMs;
/** How long a demand may lapse beside hosts that are half alive. */
const LAPSE_MS = 2 * CONFIG.termMs;

export type Vigil = {
  readonly world: World;
  readonly leases: LeaseChecker;
  readonly news: News;
  /** Of each thing owed, when it was seen first since it was last given. */
  readonly owedSince: Map<string, number>;
  /** Something was still held up by the storm. */
  stalledAt: number;
  looks: number;
  /** Somebody half alive was seen. */
  isTroubled: boolean;
  rightSince: number | undefined;
  /** Who led when all became right. */
  reigns: Reigns;
};

export type Sight =
  | { readonly kind: 'waiting' }
  /** All is well since then. */
  | { readonly kind: 'right'; readonly ms: number }
  | { readonly kind: 'stuck'; readonly rule: string; readonly text: string };

export const createVigil = (world: World, leases: LeaseChecker): Vigil => ({
  world,
  leases,
  news: new Map(),
  owedSince: new Map(),
  stalledAt: 0,
  looks: 0,
  isTroubled: false,
  rightSince: undefined,
  reigns: new Map(),
});

/** One look, so long after the storm. */
export function look(vigil: Vigil, ms: number): Sight {
  const { network, core } = vigil.world;
  if (core !== undefined && isStalled(network, core)) vigil.stalledAt = ms;
  const [wrong] = wrongs(vigil, ms);
  const since = vigil.rightSince;
  if (wrong === undefined) {
    vigil.rightSince ??= ms;
    return ms - vigil.rightSince >= STEADY_MS
      ? { kind: 'right', ms: vigil.rightSince }
      : { kind: 'waiting' };
  }
  vigil.rightSince = undefined;
  if (ms - vigil.stalledAt < DUE_MS) return { kind: 'waiting' };
  const text = since === undefined ? wrong.text : `right after ${since} ms, but then ${wrong.text}`;
  return { kind: 'stuck', rule: wrong.rule, text };
}

/** What is wrong and not forgiven, and from now on what must not change. */
function wrongs(vigil: Vigil, ms: number): readonly Owed[] {
  const { world, leases } = vigil;
  const standings = standingsOf(world);
  const team = world.hosts.flatMap((host) =>
    isWell(standings[host.index]) && host.agent !== undefined
      ? [{ host, core: host.agent.core }]
      : [],
  );
  const calm: Calm = { world, leases, standings, team };
  vigil.isTroubled ||= isTroubled(calm);
  const owed = [...absent(calm), ...demands(calm, vigil.news)];
  if (vigil.rightSince === undefined) vigil.reigns = reignsOf(calm);
  else owed.push(...dethroned(calm, vigil.reigns));
  return unforgiven(vigil, ms, owed);
}

const demands = (calm: Calm, news: News): readonly Owed[] => [
  ...notLetIn(calm),
  ...notOut(calm),
  ...unled(calm),
  ...leaked(calm),
  ...missingVoters(calm),
  ...misbelieved(calm),
  ...undelivered(news, calm),
  ...unseated(calm),
  ...uneven(calm),
  ...ghosts(calm),
];

const absent = ({ world, standings }: Calm): readonly Owed[] =>
  world.hosts
    .filter(({ agent, index }) => standings[index] === 'core' && agent === undefined)
    .map(({ id }) => ({ rule: 'L1', about: id, text: `${id} has no agent` }));

function unforgiven(vigil: Vigil, ms: number, owed: readonly Owed[]): readonly Owed[] {
  const { owedSince } = vigil;
  vigil.looks += 1;
  const abouts = new Set(owed.map(({ rule, about }) => `${rule} ${about}`));
  for (const name of owedSince.keys()) if (!abouts.has(name)) owedSince.delete(name);
  return owed.filter(({ rule, about }) => {
    const name = `${rule} ${about}`;
    // What is owed from the beginning has lapsed already.
    const since = owedSince.get(name) ?? (vigil.looks === 1 ? -Infinity : ms);
    owedSince.set(name, since);
    return !vigil.isTroubled || ms - since >= LAPSE_MS;
  });
}
