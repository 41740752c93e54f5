/**
 * Most voters are lost at once, and stay away for long; users make one of the hosts that are left the only
 * voter. Then the lost ones come back, one after the other, as they must be told to: those of before who
 * hear only each other would go on as if nothing had happened.
 */
import { votersOf } from '../../protocol/roster/roster.ts';
import { forkOf } from '../../protocol/roster/fork.ts';
import { exponential, happens, pick, type Stream, streamOf, within } from '../choice.ts';
import { ofMillis, scheduleDeed } from '../event-queue.ts';
import type { Host } from '../host.ts';
import type { Strike } from '../strike.ts';
import type { World } from '../world.ts';

/** Until users give the lost ones up; a little later than it is allowed, now and then too early. */
const GIVEN_UP_MS = 9000;
const TRIED_EVERY_MS = 1500;
const TRIES = 6;
/** The first of the lost comes back then at the earliest; each other so much later. */
const AWAY_MS = 22_000;
const APART_MS = 5000;

/** From now on, as long as the storm goes on. */
export function keepForcing(world: World, strike: (strike: Strike) => void): void {
  const { disaster } = world.options;
  if (disaster === undefined) return;
  const draw = streamOf(world.choices, 'storm/disaster');
  const next = (inMs: number): void => {
    const at = world.queue.now + 1 + ofMillis(inMs) + exponential(draw, ofMillis(disaster.everyMs));
    scheduleDeed(world.queue, at, () => {
      if (world.core !== undefined) return;
      next(befall(world, draw, strike));
    });
  };
  next(0);
}

/** Returns how long it will take. */
function befall(world: World, draw: Stream, strike: (strike: Strike) => void): number {
  const newest = newestOf(world);
  if (newest === undefined) return 0;
  const voters = votersOf(newest).flatMap((id) => world.byId.get(id) ?? []);
  // Only hosts that have not joined yet are up, or those that vote have lost their disks since.
  if (voters.length === 0) return 0;
  const lost: Host[] = [];
  while (2 * lost.length <= voters.length) {
    const left = voters.filter((host) => !lost.includes(host));
    lost.push(pick(draw, left));
  }
  const left = world.hosts.filter((host) => host.agent !== undefined && !lost.includes(host));
  if (left.length === 0) return 0;
  for (const [nth, { index }] of lost.entries())
    strike({ kind: 'lose', host: index, forMs: AWAY_MS + nth * APART_MS + within(draw, 0, 3000) });
  tryIn(world, draw, strike, { before: newest.epoch, lost, tries: TRIES }, GIVEN_UP_MS);
  return AWAY_MS + (lost.length + 1) * APART_MS;
}

type Attempt = { readonly before: number; readonly lost: readonly Host[]; readonly tries: number };

/** Until the voters are forced, or users give up. */
function tryIn(
  world: World,
  draw: Stream,
  strike: (strike: Strike) => void,
  attempt: Attempt,
  inMs: number,
): void {
  if (attempt.tries === 0) return;
  scheduleDeed(world.queue, world.queue.now + ofMillis(inMs), () => {
    const newest = newestOf(world);
    if (world.core !== undefined || newest === undefined) return;
    const fork = forkOf(newest.epoch);
    if (fork !== forkOf(attempt.before as typeof newest.epoch)) return;
    const left = world.hosts.filter(
      (host) => host.agent?.core.council.roster.epoch === newest.epoch,
    );
    const voting = left.filter(({ id }) => votersOf(newest).includes(id));
    const from = voting.length > 0 && happens(draw, 800) ? voting : left;
    if (from.length > 0)
      strike({
        kind: 'force',
        host: pick(draw, from).index,
        forceId: within(draw, 1, 2 ** 24 - 1),
      });
    tryIn(world, draw, strike, { ...attempt, tries: attempt.tries - 1 }, TRIED_EVERY_MS);
  });
}

/** The newest roster on any disk that is not lost. */
function newestOf({ hosts }: World) {
  const rosters = hosts.flatMap(({ agent }) => agent?.core.council.roster ?? []);
  return rosters.toSorted((a, b) => b.epoch - a.epoch)[0];
}
