/**
 * Faults in the moments in which one voter becomes three: the founder falls, so that another leads the
 * roster; a proposer falls when its proposal has left; leaders hear nothing of what was chosen. Once in
 * its life a cluster grows, so chance alone hardly ever meets those moments.
 */
import type { Message } from '../../protocol/wire/message.ts';
import { happens, pick, type Stream, streamOf, within } from '../choice.ts';
import { ofMillis, scheduleDeed } from '../event-queue.ts';
import type { Host, Outward } from '../host.ts';
import { CONFIG } from '../options.ts';
import type { Strike, Way } from '../strike.ts';
import type { World } from '../world.ts';

export type Growth = {
  readonly world: World;
  readonly strike: (strike: Strike) => void;
  readonly draw: Stream;
  /** Moments that have come: each is struck once, or not at all. */
  readonly past: Set<string>;
};

const T = CONFIG.termMs;

/** Undefined: the cluster of this seed grows in peace, or has grown long ago. */
export function createGrowth(world: World, strike: (strike: Strike) => void): Growth | undefined {
  if (world.options.growth === undefined) return undefined;
  return { world, strike, draw: streamOf(world.choices, 'storm/growth'), past: new Set() };
}

/** Told of whatever leaves a host. */
export function disturb(growth: Growth, host: Host, effect: Outward): void {
  if (effect.kind !== 'send' || growth.world.core !== undefined) return;
  const { message } = effect;
  const { draw } = growth;
  if (message.kind === 'welcome') {
    if (comes(growth, `${memberCount(message)} members`, 500))
      fall(growth, host, within(draw, 1, 1000));
  } else if (message.kind === 'rosterAccept') {
    if (comes(growth, `proposal ${message.ballot.n} of ${host.id}`, 500))
      fall(growth, host, within(draw, 1, 20));
  } else if (message.kind === 'rosterChosen' && message.roster.next !== undefined) {
    if (comes(growth, 'joint roster', 900)) deafen(growth, host);
  }
}

/** The first time of a moment, and so many times of a thousand. */
function comes({ past, draw }: Growth, moment: string, permille: number): boolean {
  if (past.has(moment)) return false;
  past.add(moment);
  return happens(draw, permille);
}

function memberCount({ members }: Extract<Message, { readonly kind: 'welcome' }>): number {
  return members.value.kind === 'members' ? members.value.members.length : 0;
}

function fall({ world, strike, draw }: Growth, { index }: Host, afterMs: number): void {
  const forMs = within(draw, 10, pick(draw, [100, T, 3 * T]));
  const kind = pick(draw, ['crash', 'pause', 'lose'] as const);
  scheduleDeed(world.queue, world.queue.now + ofMillis(afterMs), () => {
    if (world.core === undefined && world.hosts[index]?.agent !== undefined)
      strike({ kind, host: index, forMs });
  });
}

/** What tells of a roster. */
const TELLING = ['rosterChosen', 'rosterPrepare', 'rosterAccept'] as const;

/** Most of those who lead something but `teller` hear of no roster for a while. */
function deafen({ world, strike, draw }: Growth, teller: Host): void {
  for (const { agent, index } of world.hosts) {
    if (agent === undefined || agent.core.writers.size === 0 || index === teller.index) continue;
    if (!happens(draw, 800)) continue;
    const ways = world.hosts
      .filter((other) => other.index !== index)
      .map((other): Way => [other.index, index]);
    const forMs = pick(draw, [2 * T, 3 * T, 5 * T]);
    for (const only of TELLING) strike({ kind: 'lossy', ways, permille: 1000, only, forMs });
  }
}
