/**
 * What we say of other hosts. A rumor is gossiped by its author, who also sends it straight to the
 * accused and to the accused's other watchers: the one can refute it, the others confirm it from
 * their own evidence. Nobody hands a rumor on beyond that, gossip does.
 */
import type { HostId } from '../base/ids.ts';
import { sorted } from '../base/order.ts';
import { after, between, type Instant } from '../base/time.ts';
import { publish, send, type Turn } from '../turn.ts';
import type { Rumor } from '../wire/message.ts';
import type { Belief } from './member.ts';
import { aliveHosts, type Membership, otherWatchers, suspectHosts } from './table.ts';

/** Rumors told to one returning host; of more it learns by heartbeats and by its own watching. */
const BRIEFING_MAX = 64;

/** Says to all what we believe of `about`. */
export function spread(m: Membership, turn: Turn, about: HostId, belief: Belief): void {
  const rumor = rumorOf(turn, about, belief);
  publish(turn, rumor);
  send(turn, about, rumor);
  m.toldAt.set(about, turn.now);
  for (const watcher of otherWatchers(m, turn, about)) send(turn, watcher, rumor);
}

/**
 * Tells a host that we believe it suspect or dead, at most once per beat: it refutes, whatever was
 * lost before. That is how beliefs heal after a partition.
 */
export function tell(m: Membership, turn: Turn, about: HostId, belief: Belief): void {
  const toldAt = m.toldAt.get(about);
  if (toldAt !== undefined && turn.now < after(toldAt, turn.config.beatMs)) return;
  m.toldAt.set(about, turn.now);
  send(turn, about, rumorOf(turn, about, belief));
}

/**
 * We end for good, or until our machine has rebooted. Said straight to everyone as well: nobody can ask us again, and whoever misses it
 * waits as for a crashed agent.
 */
export function sayLeft(m: Membership, turn: Turn, reboots: boolean): void {
  const { boot, now, config } = turn;
  const backBy = reboots ? { backBy: after(now, config.backWithinMs) } : {};
  const left = { health: 'left', boot, incarnation: m.incarnation, ...backBy } as const;
  const rumor = rumorOf(turn, turn.self, left);
  publish(turn, rumor);
  for (const host of [...aliveHosts(m), ...suspectHosts(m)]) send(turn, host, rumor);
}

/** A host that has just started believes everyone alive: its watchers tell it of the others. */
export function brief(m: Membership, turn: Turn, newcomer: HostId): void {
  const others = sorted(m.members).filter(
    ([id, { health }]) => id !== newcomer && health !== 'alive',
  );
  for (const [id, belief] of others.slice(0, BRIEFING_MAX))
    send(turn, newcomer, rumorOf(turn, id, belief));
}

export const rumorOf = (
  turn: Turn,
  about: HostId,
  { boot, incarnation, health, backBy }: Belief,
): Rumor => ({
  kind: 'rumor',
  by: turn.self,
  about,
  boot,
  incarnation,
  health,
  ...(backBy !== undefined && backBy > turn.now ? { backWithinMs: between(turn.now, backBy) } : {}),
});

/** What it says, by our own clock. */
export const beliefIn = ({ backWithinMs, ...rumor }: Rumor, now: Instant): Belief =>
  backWithinMs === undefined ? rumor : { ...rumor, backBy: after(now, backWithinMs) };
