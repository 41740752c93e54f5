/**
 * S9  What a host decides is in its inventory, under the number of the decision.
 * S10 What a host was told of another's decisions it keeps, those of earlier starts too, until so many
 *     newer ones have taken their place.
 */
import type { HostId } from '../../protocol/base/ids.ts';
import type { Input } from '../../protocol/input.ts';
import { decisionsOf } from '../../protocol/inventory/log.ts';
import { decisionEntry } from '../../protocol/inventory/log.ts';
import { DECISIONS_MAX } from '../../protocol/limits.ts';
import type { Agent, Host } from '../host.ts';
import type { Report } from './report.ts';

/** A decision, by start and number. */
type Name = readonly [boot: number, seq: number];
type Life = {
  readonly agent: Agent;
  /** Of the list of members that it followed last. */
  followed: number;
  /** The last of its own decisions that was looked at. */
  seq: number;
  /** What it knew of each other's decisions at the last look, oldest first. */
  readonly known: Map<HostId, readonly Name[]>;
};
export type DecisionChecker = { readonly report: Report; readonly lives: Map<Host, Life> };

export const createDecisionChecker = (report: Report): DecisionChecker => ({
  report,
  lives: new Map(),
});

export function checkDecisions(checker: DecisionChecker, host: Host, input: Input): void {
  const { agent } = host;
  if (agent === undefined) return;
  let life = checker.lives.get(host);
  if (life?.agent !== agent)
    checker.lives.set(host, (life = { agent, followed: 0, seq: 0, known: new Map() }));
  dropFormer(life);
  checkOwn(checker, host, life);
  for (const { owner, boot } of partsIn(input)) checkKnown(checker, host, life, owner, boot);
}

/** What was known of whoever is no member may go with it. */
function dropFormer(life: Life): void {
  const { followedVersion, membership } = life.agent.core;
  if (life.followed === followedVersion) return;
  life.followed = followedVersion;
  for (const owner of life.known.keys())
    if (!membership.members.has(owner)) life.known.delete(owner);
}

function checkOwn({ report }: DecisionChecker, { id }: Host, life: Life): void {
  const { journal, journalSeq, inventories, cloned } = life.agent.core;
  const from = Math.max(life.seq, journalSeq - DECISIONS_MAX);
  life.seq = journalSeq;
  if (from === journalSeq || cloned) return;
  const entries = inventories.byOwner.get(id)?.entries;
  for (let at = journal.length - (journalSeq - from); at < journal.length; at++) {
    const decision = journal[at];
    // That the inventory is full cannot be told in it.
    if (decision === undefined || decision.kind === 'inventory') continue;
    const told = entries?.get(decisionEntry(decision.seq));
    if (told?.kind !== 'decision' || told.seq !== decision.seq)
      report('S9', `${id} has decided ${decision.text} and does not say so in its inventory`);
  }
}

type Part = { readonly owner: HostId; readonly boot: number };

function partsIn(input: Input): readonly Part[] {
  if (input.kind === 'gossipReceived' && input.message.kind === 'inventoryDelta')
    return [input.message];
  if (input.kind === 'messageReceived' && input.message.kind === 'delta')
    return input.message.inventories;
  return [];
}

/** Looks when nothing was known before, when another start is heard of, and at every eighth news. */
function checkKnown(
  { report }: DecisionChecker,
  host: Host,
  { agent, known }: Life,
  owner: HostId,
  boot: number,
): void {
  const { inventories } = agent.core;
  if (owner === host.id || !inventories.byOwner.has(owner)) return;
  const before = known.get(owner);
  const isDue = (inventories.byOwner.get(owner)?.version ?? 0) % 8 === 0;
  if (before !== undefined && before.at(-1)?.[0] === boot && !isDue) return;
  const now = decisionsOf(inventories, owner).map(({ boot: of, seq }): Name => [of, seq]);
  known.set(owner, now);
  const lost = before?.find(
    (name) =>
      !now.some((other) => compare(other, name) === 0 || takesItsPlace(other, name)) &&
      now.filter((other) => compare(other, name) > 0).length < DECISIONS_MAX,
  );
  if (lost !== undefined)
    report('S10', `${host.id} has forgotten decision ${lost.join('/')} of ${owner}`);
}

/** In the ring of one start: of what lies between, the rest may be on its way still. */
const takesItsPlace = (other: Name, name: Name): boolean =>
  other[0] === name[0] && other[1] > name[1] && decisionEntry(other[1]) === decisionEntry(name[1]);

const compare = (a: Name, b: Name): number => a[0] - b[0] || a[1] - b[1];
