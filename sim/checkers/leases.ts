/**
 * S1 At every moment at most one host leads a key by its own clock.
 * S3 Terms rise strictly: from one holder to the next, and with every raised ballot.
 *
 * A hold changes only in a step of its host and ends at an instant known beforehand, so it is enough
 * to look after each step of each host, in the world's time.
 */
import type { Key } from '../../protocol/base/ids.ts';
import type { Effect } from '../../protocol/effect.ts';
import { heldKeys } from '../../protocol/view/held.ts';
import { momentOf } from '../clock.ts';
import type { Micros } from '../event-queue.ts';
import { type Agent, type Host, localNow } from '../host.ts';
import type { Report } from './report.ts';

type Hold = { readonly term: number; readonly until: Micros };
type Reign = { readonly term: number; readonly host: Host; readonly life: Agent };
export type LeaseChecker = {
  readonly report: Report;
  /** Of each key, who holds it until when. */
  readonly holds: Map<Key, Map<Host, Hold>>;
  /** Of each key, the highest term ever held. */
  readonly reigns: Map<Key, Reign>;
  /** Of each host, what it held after its last step. */
  readonly keysOf: Map<Host, ReadonlySet<Key>>;
  /** When the first of these holds ends. */
  readonly firstEnds: Map<Host, Micros>;
  /** Agents that were asked to end. */
  readonly ended: Set<Agent>;
  acquisitions: number;
  leaderChanges: number;
};

export const createLeaseChecker = (report: Report): LeaseChecker => ({
  report,
  holds: new Map(),
  reigns: new Map(),
  keysOf: new Map(),
  firstEnds: new Map(),
  ended: new Set(),
  acquisitions: 0,
  leaderChanges: 0,
});

export function checkLeases(checker: LeaseChecker, host: Host, now: Micros): void {
  const { agent } = host;
  if (agent === undefined) return;
  const held = heldKeys(agent.core, localNow(agent, now));
  const before = checker.keysOf.get(host);
  if (held.length === 0 && before === undefined) return;
  let firstEnd = Infinity;
  for (const { key, term, validUntil } of held) {
    const until = momentOf(agent.clock, validUntil);
    firstEnd = Math.min(firstEnd, until);
    noteHold(checker, host, key, { term, until }, now);
  }
  checker.firstEnds.set(host, firstEnd);
  if (before?.size === held.length && held.every(({ key }) => before.has(key))) return;
  const keys = new Set(held.map(({ key }) => key));
  for (const key of before ?? []) if (!keys.has(key)) checker.holds.get(key)?.delete(host);
  if (keys.size > 0) checker.keysOf.set(host, keys);
  else checker.keysOf.delete(host);
}

function noteHold(checker: LeaseChecker, host: Host, key: Key, hold: Hold, now: Micros): void {
  let holders = checker.holds.get(key);
  if (holders === undefined) checker.holds.set(key, (holders = new Map<Host, Hold>()));
  const known = holders.get(host);
  if (known?.until === hold.until && known.term === hold.term) return;
  holders.set(host, hold);
  for (const [other, { term, until }] of holders)
    if (other !== host && now < until)
      checker.report(
        'S1',
        `${host.id} leads ${key} under term ${hold.term}, so does ${other.id} under term ${term} for ${until - now} µs more`,
      );
}

/** The host says that it leads: from here on others may know of the term. */
export function noteReign(
  checker: LeaseChecker,
  host: Host,
  { key, term, event, validUntil }: Extract<Effect, { readonly kind: 'leaseChanged' }>,
  now: Micros,
): void {
  const { agent } = host;
  // Said late, behind a slow write, it is over already.
  if (agent === undefined || event === 'ended' || localNow(agent, now) >= validUntil) return;
  const reign = checker.reigns.get(key);
  const same = reign?.host === host && reign.life === agent;
  if (reign !== undefined && (term < reign.term || (term === reign.term && !same)))
    checker.report(
      'S3',
      `${host.id} leads ${key} under term ${term}, after ${reign.host.id} under term ${reign.term}`,
    );
  if (reign?.term === term && same) return;
  checker.acquisitions += 1;
  if (reign !== undefined && !same) checker.leaderChanges += 1;
  checker.reigns.set(key, { term, host, life: agent });
}

/** What it held after its last step, if it still does. */
export function holdOf(
  { holds }: LeaseChecker,
  host: Host,
  key: Key,
  now: Micros,
): Hold | undefined {
  const hold = holds.get(key)?.get(host);
  return hold !== undefined && now < hold.until ? hold : undefined;
}

/** Its memory is gone, and with it all that it held. */
export function forgetHolds(checker: LeaseChecker, host: Host): void {
  for (const key of checker.keysOf.get(host) ?? []) checker.holds.get(key)?.delete(host);
  checker.keysOf.delete(host);
  checker.firstEnds.delete(host);
}

export function holdersOf(checker: LeaseChecker, key: Key, now: Micros): readonly Host[] {
  return [...(checker.holds.get(key) ?? [])]
    .filter(([, { until }]) => now < until)
    .map(([host]) => host);
}
