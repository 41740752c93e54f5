/**
 * A host that its cluster has forgotten: the committed list of members is newer than any that it stood
 * in, and does not name it. It says nothing more but that it wants to be let in again, once a user has
 * told it so; it ends what it runs, and keeps of what it knew only what makes it the same host: its
 * boot and ceiling, the roster it followed with its votes on the next, and the list itself.
 *
 *     member ──a list without it──▶ dismissed ──restart, `joins`──▶ asking ──welcome──▶ member
 */
import { type HostId, ROSTER_KEY } from '../base/ids.ts';
import { after, type Instant } from '../base/time.ts';
import { onLeadershipLost } from '../command/deploys.ts';
import type { DiskWrite } from '../effect.ts';
import { isGoingOn } from '../inventory/entry.ts';
import { forgetOwners } from '../inventory/inventories.ts';
import { giveAway, type Leases, releaseUnwanted } from '../lease/leases.ts';
import { wipeVoter } from '../lease/voter.ts';
import { STRANGERS_MAX } from '../limits.ts';
import { setMembers } from '../membership/membership.ts';
import { committedOf, keepOnly } from '../record/committed.ts';
import { reportsOf } from '../reconcile/slots.ts';
import { wipeRegisters } from '../record/register.ts';
import { journal, send, type Turn } from '../turn.ts';
import type { Dismissed, Message } from '../wire/message.ts';
import { know } from './know.ts';
import { learn } from './leading.ts';
import type { Core } from './state.ts';

/** What hosts say again and again to those they take for fellow members. */
const ANSWERED: ReadonlySet<Message['kind']> = new Set(['keepalive', 'pull']);
/** How often one stranger is told. */
const TOLD_EVERY_MS = 1000 as never;

/** Whoever speaks as a member and is none may have been forgotten while it was away. */
export function answerStranger(core: Core, turn: Turn, from: HostId, { kind }: Message): void {
  const members = committedOf(core.committed, ROSTER_KEY);
  if (members === undefined || !ANSWERED.has(kind)) return;
  const toldAt: Instant | undefined = core.strangersToldAt.get(from);
  if (toldAt !== undefined && turn.now < after(toldAt, TOLD_EVERY_MS)) return;
  if (core.strangersToldAt.size >= STRANGERS_MAX) core.strangersToldAt.clear();
  core.strangersToldAt.set(from, turn.now);
  send(turn, from, { kind: 'dismissed', members });
}

/** A list that is older than what we know is not about us. */
export function onDismissed(core: Core, turn: Turn, { members }: Dismissed): void {
  // A newcomer stands in no list yet.
  if (core.council.roster.epoch > 0) learn(core, turn, members);
}

/** Nothing is left of what it had in common with the others. */
export function dismiss(core: Core, leases: Leases, turn: Turn): void {
  const { roster } = core.council;
  core.dismissed = true;
  const others = know(core).alive.filter((host) => host !== turn.self);
  // Not in a life that may be let in again: it holds nothing, and would end what it holds later (L-b).
  if (!core.joins) giveAway(leases, turn, roster, others);
  releaseUnwanted(leases, turn, roster, new Set()); // the strict ones: what they stand for is ended
  for (const key of core.writers.keys()) onLeadershipLost(core.deploys, key);
  const { writers, decided, watches, pusher, authorized, told } = core;
  for (const table of [writers, decided, watches, pusher, authorized, told]) table.clear();
  leases.candidacies.clear();
  wipeVoter(leases.voter);
  core.durable.synced = false;
  const writes: DiskWrite[] = [
    { name: 'host', value: { ...core.durable } },
    ...wipeRegisters(core.registers),
    ...keepOnly(core.committed, ROSTER_KEY),
  ];
  turn.out.push({ kind: 'persist', writes });
  setMembers(core.membership, turn, []);
  forgetOwners(core.inventories, [turn.self]);
  turn.out.push({ kind: 'keepPeers', peers: [] });
  const text = 'the cluster has forgotten this host: it ends what it runs, and is a member no more';
  journal(turn, 'member', [turn.self], text);
}

/** Nothing runs here any more of what the cluster had given to this host. */
export function isOver({ dismissed, slots }: Core): boolean {
  if (!dismissed || !slots.listed) return false;
  for (const report of reportsOf(slots).values()) if (isGoingOn(report)) return false;
  return true;
}
