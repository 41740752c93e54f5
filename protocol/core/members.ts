/**
 * Who is a member, as the leader of `sys/roster` decides it: hosts that ask are let in, and those that
 * are gone are forgotten, because a user says so or because they have been gone for long.
 *
 * Invariants:
 *  F1 Nobody is forgotten that is believed alive, or that may have a vote.
 *  F2 Whoever was forgotten is let in again only as it asks under a later start: what it once asked may
 *     be on its way still.
 */
import { type HostId, ROSTER_KEY } from '../base/ids.ts';
import { compareText, sorted } from '../base/order.ts';
import { between } from '../base/time.ts';
import { FORMER_MAX, MEMBERS_MAX } from '../limits.ts';
import type { Leases } from '../lease/leases.ts';
import { membersOf } from '../membership/membership.ts';
import { type Members, showRevision } from '../record/record.ts';
import { isServing, write, type Writer } from '../record/writer.ts';
import { votersOf } from '../roster/roster.ts';
import { journal, type Turn } from '../turn.ts';
import type { Join } from '../wire/message.ts';
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
  const revision = write(writer, turn, core.council.roster, listOf(members, rest));
  const text = `${name} joins the cluster: members ${showRevision(revision)}`;
  journal(turn, 'member', [id], text);
}

const listOf = (members: Members['members'], former: NonNullable<Members['former']>): Members => ({
  kind: 'members',
  members,
  ...(former.length === 0 ? {} : { former }),
});

/** A user wants it forgotten. Whoever cannot be now is passed over: it is asked again. */
export function onForget(core: Core, leases: Leases, turn: Turn, id: HostId): void {
  const ledger = ledgerOf(core, leases, turn);
  if (ledger === undefined || !mayForget(core, id)) return;
  forget(core, turn, ledger, id, 'a user says that it does not come back');
}

/** Those that have been gone for so long do not come back either. */
export function forgetGone(core: Core, leases: Leases, turn: Turn): void {
  const ledger = ledgerOf(core, leases, turn);
  if (ledger === undefined) return;
  for (const [id, { since }] of sorted(membersOf(core.membership))) {
    const goneMs = between(since, turn.now);
    if (goneMs < turn.config.forgetMs || !mayForget(core, id)) continue;
    return forget(core, turn, ledger, id, `gone for ${Math.floor(goneMs / 1000)} s`);
  }
}

/** F1 */
function mayForget({ membership, council }: Core, id: HostId): boolean {
  const health = membersOf(membership).get(id)?.health;
  return (health === 'dead' || health === 'left') && !votersOf(council.roster).includes(id);
}

function forget(core: Core, turn: Turn, { writer, value }: Ledger, id: HostId, why: string): void {
  if (!value.members.some((member) => member.id === id)) return;
  const members = value.members.filter((member) => member.id !== id);
  const boot = membersOf(core.membership).get(id)?.boot ?? core.boot;
  const others = (value.former ?? []).filter((each) => each.id !== id);
  const former = [...others, { id, boot }].slice(-FORMER_MAX);
  const revision = write(writer, turn, core.council.roster, listOf(members, former));
  journal(turn, 'member', [id], `forgotten, ${why}: members ${showRevision(revision)}`);
}
