/**
 * Users who want another host to lead a key: by its leader's own hand, or taken from it.
 *
 *     asked ─┬─ hand over ─▶ its leader, who stops acting and releases it ─┐
 *            └─ take ──────▶ revoke to the voters; the leader hears of it ─┴▶ somebody else leads: answered
 *
 * Asked again every `retryMs`, and answered from what the hosts say of whom they lead. Advisory but for
 * what voters and holders make of it (`lease/`): whatever is lost here, at most one host leads.
 *
 * Source: README.md §5, "Hand-over".
 */
import { ballot, type HostId, type Key, type Term } from '../base/ids.ts';
import { after, earlier, type Instant } from '../base/time.ts';
import type { CommandResult } from '../effect.ts';
import { COMMANDS_MAX } from '../limits.ts';
import { type Roster, votersOf } from '../roster/roster.ts';
import { send, type Turn } from '../turn.ts';

export type Leader = { readonly host: HostId; readonly term: Term };

type Request = {
  readonly key: Key;
  readonly to: HostId;
  /** Taken from its leader, who is not asked. */
  readonly force: boolean;
  /** Who led it when it was asked for. */
  readonly from: Leader | undefined;
  readonly until: Instant;
  retryAt: Instant;
};
/** By the id of the command. */
export type Leads = Map<string, Request>;

export type LeadScene = {
  readonly roster: Roster;
  readonly quorum: boolean;
  readonly wanted: ReadonlySet<Key>;
  /** Alive hosts and ourselves. */
  readonly alive: readonly HostId[];
  readonly isMember: ReadonlySet<HostId>;
  /** Ourselves too. */
  readonly leaderOf: (key: Key) => Leader | undefined;
};

export function onLead(
  leads: Leads,
  turn: Turn,
  scene: LeadScene,
  commandId: string,
  {
    key,
    to = turn.self,
    force,
  }: { readonly key: Key; readonly to?: HostId; readonly force: boolean },
): void {
  const refusal = refuse(leads, scene, key, to);
  if (refusal !== undefined) return reply(turn, commandId, refusal);
  const from = scene.leaderOf(key);
  const until = after(turn.now, turn.config.commandMs);
  leads.set(commandId, { key, to, force, from, until, retryAt: turn.now });
  tendLeads(leads, turn, scene);
}

const reply = (turn: Turn, commandId: string, result: CommandResult): void => {
  turn.out.push({ kind: 'reply', commandId, result });
};

function refuse(leads: Leads, scene: LeadScene, key: Key, to: HostId): CommandResult | undefined {
  const refused = (code: string, why: string): CommandResult => ({ kind: 'refused', code, why });
  if (leads.size >= COMMANDS_MAX)
    return refused('busy', `${leads.size} of these are under way here`);
  if (!scene.wanted.has(key)) return refused('no-such-key', `nothing here is led as ${key}`);
  if (!scene.isMember.has(to)) return refused('no-such-host', `${to} is no member of this cluster`);
  if (!scene.alive.includes(to))
    return refused('host-not-alive', `${to} is not believed alive, so it could not take over`);
  if (!scene.quorum)
    return refused('no-quorum', 'this host has not heard a majority of the voters for a second');
  return undefined;
}

/** Answers what has come about, ends what took too long, and asks again for the rest. */
export function tendLeads(leads: Leads, turn: Turn, scene: LeadScene): void {
  for (const [commandId, request] of leads) {
    const leader = scene.leaderOf(request.key);
    if (leader !== undefined && isDone(request, leader)) {
      leads.delete(commandId);
      reply(turn, commandId, { kind: 'led', ...leader });
    } else if (turn.now >= request.until) {
      leads.delete(commandId);
      reply(turn, commandId, { kind: 'unknown', why: whyNot(request, leader) });
    } else if (turn.now >= request.retryAt) {
      request.retryAt = after(turn.now, turn.config.retryMs);
      ask(turn, scene, request, leader);
    }
  }
}

/** The host asked for, or whoever else was quicker than it. */
const isDone = ({ to, from }: Request, { host }: Leader): boolean =>
  host === to || (from !== undefined && host !== from.host);

function whyNot({ key, to }: Request, leader: Leader | undefined): string {
  if (leader === undefined) return `nobody is known to lead ${key} yet`;
  return `${leader.host} still leads ${key} under term ${leader.term}, and not ${to}`;
}

function ask(
  turn: Turn,
  { roster }: LeadScene,
  { key, to, force }: Request,
  leader: Leader | undefined,
): void {
  if (leader === undefined) return send(turn, to, { kind: 'open', keys: [key], prefer: to });
  if (!force) return send(turn, leader.host, { kind: 'handOver', key, to });
  const items = [{ key, ballot: ballot(leader.term) }];
  for (const voter of votersOf(roster))
    send(turn, voter, { kind: 'revoke', epoch: roster.epoch, items, prefer: to });
}

export function leadsDeadline(leads: Leads): Instant | undefined {
  let deadline: Instant | undefined;
  for (const { retryAt, until } of leads.values())
    deadline = earlier(deadline, retryAt < until ? retryAt : until);
  return deadline;
}
