/**
 * Users who want a host forgotten that does not come back. Asked of the leader of `sys/roster` every
 * `retryMs`, and answered once the list of members without it is known here.
 */
import { type HostId, ROSTER_KEY } from '../base/ids.ts';
import { after, earlier, type Instant } from '../base/time.ts';
import type { CommandResult } from '../effect.ts';
import { COMMANDS_MAX } from '../limits.ts';
import type { Health } from '../membership/member.ts';
import { type Roster, votersOf } from '../roster/roster.ts';
import { send, type Turn } from '../turn.ts';

type Request = { readonly host: HostId; readonly until: Instant; retryAt: Instant };
/** By the id of the command. */
export type Forgets = Map<string, Request>;

export type ForgetScene = {
  readonly roster: Roster;
  readonly quorum: boolean;
  readonly isMember: ReadonlySet<HostId>;
  /** Undefined: ourselves, or no member. */
  readonly healthOf: (host: HostId) => Health | undefined;
  /** Who leads `sys/roster`, ourselves too. */
  readonly leader: HostId | undefined;
};

export function onForgetCommand(
  forgets: Forgets,
  turn: Turn,
  scene: ForgetScene,
  commandId: string,
  host: HostId,
): void {
  const refusal = refuse(forgets, turn, scene, host);
  if (refusal !== undefined) return reply(turn, commandId, refusal);
  const until = after(turn.now, turn.config.commandMs);
  forgets.set(commandId, { host, until, retryAt: turn.now });
  tendForgets(forgets, turn, scene);
}

const reply = (turn: Turn, commandId: string, result: CommandResult): void => {
  turn.out.push({ kind: 'reply', commandId, result });
};

function refuse(
  forgets: Forgets,
  turn: Turn,
  { roster, quorum, isMember, healthOf }: ForgetScene,
  host: HostId,
): CommandResult | undefined {
  const refused = (code: string, why: string): CommandResult => ({ kind: 'refused', code, why });
  if (forgets.size >= COMMANDS_MAX)
    return refused('busy', `${forgets.size} of these are under way here`);
  if (!isMember.has(host)) return refused('no-such-host', `${host} is no member of this cluster`);
  const health = host === turn.self ? 'alive' : healthOf(host);
  if (health !== 'dead' && health !== 'left')
    return refused('host-alive', `it is ${health ?? 'alive'}: only who is gone can be forgotten`);
  if (votersOf(roster).includes(host))
    return refused('is-voter', 'it has a vote, and who has none is not asked in its stead');
  if (!quorum)
    return refused('no-quorum', 'this host has not heard a majority of the voters for a second');
  return undefined;
}

/** Answers what has come about, ends what took too long, and asks again for the rest. */
export function tendForgets(forgets: Forgets, turn: Turn, scene: ForgetScene): void {
  for (const [commandId, request] of forgets) {
    const { host } = request;
    if (!scene.isMember.has(host)) {
      forgets.delete(commandId);
      reply(turn, commandId, { kind: 'forgotten', host });
    } else if (turn.now >= request.until) {
      forgets.delete(commandId);
      reply(turn, commandId, { kind: 'unknown', why: whyNot(scene, host) });
    } else if (turn.now >= request.retryAt) {
      request.retryAt = after(turn.now, turn.config.retryMs);
      if (scene.leader !== undefined) send(turn, scene.leader, { kind: 'forget', host });
    }
  }
}

function whyNot({ leader, healthOf }: ForgetScene, host: HostId): string {
  if (leader === undefined) return `nobody is known to lead ${ROSTER_KEY}`;
  return `${leader}, which leads ${ROSTER_KEY}, has not forgotten it; here it is ${healthOf(host) ?? 'unknown'}`;
}

export function forgetsDeadline(forgets: Forgets): Instant | undefined {
  let deadline: Instant | undefined;
  for (const { retryAt, until } of forgets.values())
    deadline = earlier(deadline, retryAt < until ? retryAt : until);
  return deadline;
}
