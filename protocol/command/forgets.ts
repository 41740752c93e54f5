/**
 * Users who want a host forgotten that does not come back, or this one to leave. Asked of the leader of
 * `sys/roster` every `retryMs`, and answered once the list of members is known here from which it is
 * gone, or which says that this host leaves.
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
  /** Alive hosts and ourselves. */
  readonly alive: readonly HostId[];
  readonly leaving: ReadonlySet<HostId>;
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
  scene: ForgetScene,
  host: HostId,
): CommandResult | undefined {
  const refused = (code: string, why: string): CommandResult => ({ kind: 'refused', code, why });
  if (forgets.size >= COMMANDS_MAX)
    return refused('busy', `${forgets.size} of these are under way here`);
  if (!scene.isMember.has(host))
    return refused('no-such-host', `${host} is no member of this cluster`);
  const why = host === turn.self ? whyNotLeave(scene, host) : whyNotForget(scene, host);
  if (why !== undefined) return refused(...why);
  if (!scene.quorum)
    return refused('no-quorum', 'this host has not heard a majority of the voters for a second');
  return undefined;
}

type Reason = readonly [code: string, why: string];

function whyNotForget({ roster, healthOf }: ForgetScene, host: HostId): Reason | undefined {
  const health = healthOf(host) ?? 'alive';
  if (health !== 'dead' && health !== 'left')
    return ['host-alive', `it is ${health}: only who is gone can be forgotten`];
  if (!votersOf(roster).includes(host)) return undefined;
  return ['is-voter', 'it has a vote, and the number of voters never falls'];
}

function whyNotLeave({ roster, alive, leaving }: ForgetScene, self: HostId): Reason | undefined {
  const stays = alive.filter((host) => host !== self && !leaving.has(host));
  if (stays.length === 0) return ['last-host', 'no other host is alive that could take over'];
  const voters = votersOf(roster);
  if (!voters.includes(self) || stays.some((host) => !voters.includes(host))) return undefined;
  const many = voters.length === 1 ? 'the only voter' : `one of ${voters.length} voters`;
  return ['is-voter', `it is ${many}, and no other host could vote instead`];
}

/** Answers what has come about, ends what took too long, and asks again for the rest. */
export function tendForgets(forgets: Forgets, turn: Turn, scene: ForgetScene): void {
  for (const [commandId, request] of forgets) {
    const { host } = request;
    if (host === turn.self && (scene.leaving.has(host) || !scene.isMember.has(host))) {
      forgets.delete(commandId);
      reply(turn, commandId, { kind: 'leaving' });
    } else if (!scene.isMember.has(host)) {
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
