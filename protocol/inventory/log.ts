/**
 * The decision log: the newest decisions of each host, kept by all others too, so that what a host has
 * decided can be told when it is gone. A ring of entries in its inventory, `log/0` to `log/31`: a new
 * decision takes the place of the oldest, and leaves no tombstone.
 *
 *     decides ──▶ its journal ──▶ its inventory ──gossip, pulls──▶ everyone
 *                                                   │ it starts again
 *                                                   ▼
 *                                       the newest of its earlier starts
 *
 * Each carries how long after its host's start it was made, and inventories travel with the age of
 * that start: so everyone tells its age, and no two clocks are compared.
 *
 * Source: README.md §8.
 */
import type { Boot, HostId } from '../base/ids.ts';
import { after, between, type Instant } from '../base/time.ts';
import { DECISION_CHARS_MAX, DECISION_IDS_MAX, DECISIONS_MAX } from '../limits.ts';
import type { JournalEntry } from '../view/view.ts';
import { type Decision, type Entry, LOG_ENTRY } from './entry.ts';
import type { Inventory } from './inventory.ts';

/** A decision of another host, as known here; `at` by this host's clock. */
export type Witnessed = JournalEntry & { readonly host: HostId; readonly boot: Boot };

/** Under which name a host offers its decision; the one `DECISIONS_MAX` before it is replaced. */
export const decisionEntry = (seq: number): string => `${LOG_ENTRY}${seq % DECISIONS_MAX}`;
export const namesDecision = (name: string): boolean => name.startsWith(LOG_ENTRY);

/** What others are told of an entry of the journal; too long a text is cut. */
export const decisionOf = (
  { seq, at, kind, about, text }: JournalEntry,
  startedAt: Instant,
): Decision => ({
  kind: 'decision',
  seq,
  afterMs: between(startedAt, at),
  topic: kind,
  about: about.slice(0, DECISION_IDS_MAX),
  text: text.slice(0, DECISION_CHARS_MAX).toWellFormed(),
});

/** The decisions in one inventory, oldest first. */
function decisionsIn(owner: HostId, inventory: Inventory): readonly Witnessed[] {
  const { boot, begunAt, entries } = inventory;
  const found: Witnessed[] = [];
  for (const entry of entries.values()) if (isDecision(entry)) found.push(witnessed(entry));
  return found.sort((a, b) => a.seq - b.seq);

  function witnessed({ seq, afterMs, topic, about, text }: Decision): Witnessed {
    return { host: owner, boot, seq, at: after(begunAt, afterMs), kind: topic, about, text };
  }
}

const isDecision = (entry: Entry): entry is Decision => entry.kind === 'decision';

/** Inventories as they are, and the newest decisions of earlier starts. */
type Known = {
  readonly self: HostId;
  readonly byOwner: ReadonlyMap<HostId, Inventory>;
  readonly past: Map<HostId, readonly Witnessed[]>;
};

/** An earlier start is over; what it has decided is not forgotten with it. */
export function keepDecisions(known: Known, owner: HostId, ended: Inventory): void {
  const all = [...(known.past.get(owner) ?? []), ...decisionsIn(owner, ended)];
  known.past.set(owner, all.slice(-DECISIONS_MAX));
}

/** What is known of another host's decisions, of its earlier starts too; oldest first. */
export function decisionsOf(known: Known, owner: HostId): readonly Witnessed[] {
  const inventory = known.byOwner.get(owner);
  const present = inventory === undefined ? [] : decisionsIn(owner, inventory);
  return [...(known.past.get(owner) ?? []), ...present];
}

/** Of all other hosts, in the order of hosts. */
export const allDecisions = (known: Known): readonly Witnessed[] =>
  [...new Set([...known.byOwner.keys(), ...known.past.keys()])]
    .filter((owner) => owner !== known.self)
    .sort()
    .flatMap((owner) => decisionsOf(known, owner));
