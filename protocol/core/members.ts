/**
 * Who is a member, as the leader of `sys/roster` decides it: hosts that ask are let in, and those that
 * are gone are forgotten, because a user says so or because they have been gone for long; and so are
 * those that ask to leave, as soon as others have what was theirs.
 *
 *     stranger ──join──▶ member ──leave──▶ leaving ── no slots, no vote ──▶ stranger
 *                          └─────── gone: forget, or forgetMs ────────────────▲
 *
 * Invariants:
 *  F1 Nobody is forgotten that is believed alive, unless it has asked to leave and has nothing left to
 *     run; nor anybody who has a vote, or may get one by what is asked for now.
 *  F2 Whoever was forgotten is let in again only as it asks under a later start: what it once asked may
 *     be on its way still.
 *  F3 What users have set stays until a user sets it anew, and nothing that was asked by an earlier list
 *     is done.
 */
import { type HostId, ROSTER_KEY } from '../base/ids.ts';
import { compareText, sorted } from '../base/order.ts';
import { between } from '../base/time.ts';
import { adjustedIn, tellSetting } from '../command/adjusts.ts';
import { isGoingOn } from '../inventory/entry.ts';
import { FORMER_MAX, MEMBERS_MAX } from '../limits.ts';
import type { Leases } from '../lease/leases.ts';
import { membersOf } from '../membership/membership.ts';
import { type Members, type Setting, showRevision, type Slot } from '../record/record.ts';
import { isServing, write, type Writer } from '../record/writer.ts';
import type { Council } from '../roster/council.ts';
import { votersOf } from '../roster/roster.ts';
import { journal, type Turn } from '../turn.ts';
import type { Adjust, Join } from '../wire/message.ts';
import { know } from './know.ts';
import { writerOf } from './leading.ts';
import type { Core } from './state.ts';

type Ledger = { readonly writer: Writer; readonly value: Members };

/** The list as it stands, where this host may change it now. */
function ledgerOf(core: Core, leases: Leases, turn: Turn): Ledger | undefined {
  const writer = writerOf(core, leases, turn, ROSTER_KEY);
  const value = writer?.record?.value;
  if (writer === undefined || !isServing(writer) || value?.kind !== 'members') return undefined;
  return { writer, value };
}

/** A host asks to be let in; answered by `welcome` once the list with it is committed. */
export function admit(core: Core, leases: Leases, turn: Turn, joiner: Join): void {
  const ledger = ledgerOf(core, leases, turn);
  if (ledger === undefined) return;
  const { writer, value } = ledger;
  const { host: id, name, peerId, boot } = joiner;
  const { former = [] } = value;
  if (value.members.length >= MEMBERS_MAX || value.members.some((member) => member.id === id))
    return;
  if (former.some((each) => each.id === id && boot <= each.boot)) return; // F2
  const members = [...value.members, { id, name, peerId }].sort((a, b) => compareText(a.id, b.id));
  const rest = former.filter((each) => each.id !== id);
  const revision = write(writer, turn, core.council.roster, listOf(value, members, rest));
  const text = `${name} joins the cluster: members ${showRevision(revision)}`;
  journal(turn, 'member', [id], text);
}

const listOf = (
  { former: _was, ...value }: Members,
  members: Members['members'],
  former: NonNullable<Members['former']>,
): Members => ({ ...value, members, ...(former.length === 0 ? {} : { former }) });

/** A user wants it forgotten, or it wants to leave. What cannot be now is passed over: it is asked again. */
export function onForget(
  core: Core,
  leases: Leases,
  turn: Turn,
  { from, id }: { readonly from: HostId; readonly id: HostId },
): void {
  const ledger = ledgerOf(core, leases, turn);
  if (ledger === undefined) return;
  if (from === id) noteLeaving(core, turn, ledger, id);
  else if (mayForget(core, id))
    forget(core, turn, ledger, id, 'a user says that it does not come back');
}

function noteLeaving(core: Core, turn: Turn, { writer, value }: Ledger, id: HostId): void {
  const member = value.members.find((each) => each.id === id);
  if (member === undefined || member.leaving === true) return;
  // Of several that leave at once somebody has to stay.
  if (!know(core).alive.some((host) => host !== id && !know(core).leaving.has(host))) return;
  const members = value.members.map((each) => (each.id === id ? { ...each, leaving: true } : each));
  const revision = write(writer, turn, core.council.roster, { ...value, members });
  journal(turn, 'member', [id], `is to leave the cluster: members ${showRevision(revision)}`);
}

/** A user wants a host's setting to be so: done once, by whoever looked at the present list (F3). */
export function onAdjust(
  core: Core,
  leases: Leases,
  turn: Turn,
  { host: id, adjusted, labels, availability }: Adjust,
): void {
  const ledger = ledgerOf(core, leases, turn);
  if (ledger === undefined) return;
  const { writer, value } = ledger;
  if (adjusted !== (value.adjusted ?? 0)) return; // F3
  const setting: Setting = {
    ...(labels === undefined ? {} : { labels }),
    ...(availability === undefined ? {} : { availability }),
  };
  const members = adjustedIn(value.members, id, setting);
  if (members === undefined) return;
  const next = { ...value, members, adjusted: adjusted + 1 };
  const revision = write(writer, turn, core.council.roster, next);
  journal(turn, 'member', [id], `${tellSetting(setting)}: members ${showRevision(revision)}`);
}

/** Those that have been gone for so long do not come back either; those that leave may be done with it. */
export function tendMembers(core: Core, leases: Leases, turn: Turn): void {
  const ledger = ledgerOf(core, leases, turn);
  if (ledger === undefined) return;
  for (const { id, leaving } of ledger.value.members)
    if (leaving === true && hasLeft(core, id))
      return forget(core, turn, ledger, id, 'it leaves, and has nothing left to run');
  for (const [id, { since }] of sorted(membersOf(core.membership))) {
    const goneMs = between(since, turn.now);
    if (goneMs < turn.config.forgetMs || !mayForget(core, id)) continue;
    return forget(core, turn, ledger, id, `gone for ${Math.floor(goneMs / 1000)} s`);
  }
}

/** F1 */
function hasLeft(core: Core, id: HostId): boolean {
  if (mayForget(core, id)) return true;
  const { assignments, reports } = know(core);
  if (mayVote(core.council, id)) return false;
  for (const { isVoid, component } of assignments.values())
    if (!isVoid && component.slots.some(isAt(id))) return false;
  return !reports.some(({ host, report }) => host === id && isGoingOn(report));
}

/** What has ended there needs no host. */
const isAt =
  (id: HostId) =>
  ({ host, ended }: Slot): boolean =>
    host === id && ended === undefined;

/** F1 */
function mayForget({ membership, council }: Core, id: HostId): boolean {
  const health = membersOf(membership).get(id)?.health;
  return (health === 'dead' || health === 'left') && !mayVote(council, id);
}

/** It has a vote, or has one as soon as what was asked for is chosen. */
function mayVote({ roster, proposal }: Council, id: HostId): boolean {
  const asked = proposal?.proposed ?? proposal?.wanted;
  return votersOf(roster).includes(id) || (asked !== undefined && votersOf(asked).includes(id));
}

function forget(core: Core, turn: Turn, { writer, value }: Ledger, id: HostId, why: string): void {
  if (!value.members.some((member) => member.id === id)) return;
  const members = value.members.filter((member) => member.id !== id);
  const boot = membersOf(core.membership).get(id)?.boot ?? core.boot;
  const others = (value.former ?? []).filter((each) => each.id !== id);
  const former = [...others, { id, boot }].slice(-FORMER_MAX);
  const revision = write(writer, turn, core.council.roster, listOf(value, members, former));
  journal(turn, 'member', [id], `forgotten, ${why}: members ${showRevision(revision)}`);
}
