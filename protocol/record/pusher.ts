/**
 * Tells hosts of committed records straight from the leader, until they acknowledge: quicker than
 * gossip, and the only news on which a host may start a slot for the first time (R9).
 */
import type { HostId, Key } from '../base/ids.ts';
import { sorted } from '../base/order.ts';
import { after, earlier, type Instant } from '../base/time.ts';
import { send, type Turn } from '../turn.ts';
import { type Committed, compareRevision, type Revision } from './record.ts';

type Push = { readonly record: Committed; readonly waiting: Set<HostId>; resendAt: Instant };
export type Pusher = Map<Key, Push>;

/** Replaces what was being pushed under the same key. */
export function push(pusher: Pusher, turn: Turn, record: Committed, hosts: Iterable<HostId>): void {
  const waiting = new Set(hosts);
  pusher.set(record.key, { record, waiting, resendAt: after(turn.now, turn.config.retryMs) });
  for (const host of [...waiting].sort()) send(turn, host, { kind: 'push', record });
}

/** One more host is told; those who wait already are told again in their own time. */
export function pushAlso(pusher: Pusher, turn: Turn, record: Committed, host: HostId): void {
  const known = pusher.get(record.key);
  if (known === undefined || compareRevision(known.record.revision, record.revision) !== 0)
    return push(pusher, turn, record, [...(known?.waiting ?? []), host]);
  known.waiting.add(host);
  send(turn, host, { kind: 'push', record });
}

/** The host acknowledged this or a later revision. */
export function onPushAck(pusher: Pusher, from: HostId, key: Key, revision: Revision): void {
  const known = pusher.get(key);
  if (known === undefined || compareRevision(revision, known.record.revision) < 0) return;
  known.waiting.delete(from);
  if (known.waiting.size === 0) pusher.delete(key);
}

/** Repeats what is unanswered to hosts believed alive; the dead are told by anti-entropy. */
export function repeatPushes(pusher: Pusher, turn: Turn, isAlive: (host: HostId) => boolean): void {
  for (const [key, known] of sorted(pusher)) {
    if (turn.now < known.resendAt) continue;
    known.resendAt = after(turn.now, turn.config.retryMs);
    for (const host of [...known.waiting].sort()) {
      if (isAlive(host)) send(turn, host, { kind: 'push', record: known.record });
      else known.waiting.delete(host);
    }
    if (known.waiting.size === 0) pusher.delete(key);
  }
}

export function pusherDeadline(pusher: Pusher): Instant | undefined {
  let deadline: Instant | undefined;
  for (const { resendAt } of pusher.values()) deadline = earlier(deadline, resendAt);
  return deadline;
}
