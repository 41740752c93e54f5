/**
 * S12 Only a host itself raises its boot and its incarnation: nobody believes, or says, a higher one of
 *     it than it has. What is believed of it goes forward only, by boot, then by incarnation, then
 *     from alive to suspect to dead to left: news of a death never stands against its refutation, and
 *     what is heard of a host is believed at once unless something newer is. An agent that ends for
 *     good says so, and of no other start than that is it said.
 */
import type { HostId } from '../../protocol/base/ids.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Input } from '../../protocol/input.ts';
import type { Belief, Health } from '../../protocol/membership/member.ts';
import type { Rumor } from '../../protocol/wire/message.ts';
import { forkOf, NEVER_FORCED } from '../../protocol/roster/fork.ts';
import type { Agent, Host } from '../host.ts';
import type { Report } from './report.ts';

type Own = { readonly boot: number; readonly incarnation: number };
/** What one agent believes of the others since it started. */
type Beliefs = { readonly life: Agent; version: number; readonly of: Map<HostId, Belief> };

export type IncarnationChecker = {
  readonly report: Report;
  readonly owns: Map<HostId, Own & { readonly life: Agent; readonly isTold: boolean }>;
  readonly beliefs: Map<Host, Beliefs>;
  /** Starts of agents that were asked to end for good: `HOST/BOOT`. */
  readonly farewells: Set<string>;
  /** Asked to end: what they are asked later they do not hear. */
  readonly ended: WeakSet<Agent>;
};

export const createIncarnationChecker = (report: Report): IncarnationChecker => ({
  report,
  owns: new Map(),
  beliefs: new Map(),
  farewells: new Set(),
  ended: new WeakSet(),
});

export function checkIncarnations(
  checker: IncarnationChecker,
  host: Host,
  { input, effects }: { readonly input: Input; readonly effects: readonly Effect[] },
): void {
  if (host.agent === undefined) return;
  noteOwn(checker, host, host.agent);
  if (input.kind === 'stopping' && !checker.ended.has(host.agent)) {
    checker.ended.add(host.agent);
    if (input.why !== 'restart') checkFarewell(checker, host, host.agent, effects);
  }
  for (const effect of effects) checkSaid(checker, host, effect);
  const beliefs = beliefsOf(checker, host, host.agent);
  const { membership } = host.agent.core;
  if (membership.version !== beliefs.version) {
    beliefs.version = membership.version;
    for (const id of beliefs.of.keys()) if (!membership.members.has(id)) beliefs.of.delete(id);
    for (const id of membership.members.keys()) checkBelief(checker, host, beliefs, id);
  } else {
    // Anything else that changes comes with a message, of its author or about somebody.
    checkSubjects(checker, host, beliefs, input);
  }
  checkHeard(checker, host, host.agent, input);
}

function checkFarewell(
  { report, farewells }: IncarnationChecker,
  { id }: Host,
  { core }: Agent,
  effects: readonly Effect[],
): void {
  if (core.cloned || core.knowledge?.isDismissed === true) return;
  farewells.add(`${id}/${core.boot}`);
  const isSaid = effects.some(
    (effect) =>
      effect.kind === 'publish' && effect.message.kind === 'rumor' && isFarewell(effect.message),
  );
  if (!isSaid) report('S12', `${id} leaves and does not say so`);
}

const isFarewell = ({ health, by, about }: Rumor): boolean => health === 'left' && by === about;

/** After the step in which it was heard. */
function checkHeard(
  { report }: IncarnationChecker,
  { id }: Host,
  { core }: Agent,
  input: Input,
): void {
  if (input.kind !== 'messageReceived' && input.kind !== 'gossipReceived') return;
  const { from, message } = input;
  if (message.kind !== 'rumor' || message.health === 'alive' || message.by === id) return;
  if ((message.fork ?? NEVER_FORCED) !== forkOf(core.council.roster.epoch)) return; // not listened to
  const { members } = core.membership;
  const is = members.get(message.about);
  const isMember = [from, message.by].every((each) => each === id || members.has(each));
  if (is === undefined || !isMember || core.ended || core.cloned) return;
  if (isOlder(is, message))
    report('S12', `${id} hears that ${message.about} is ${textOf(message)}, not ${textOf(is)}`);
}

function noteOwn({ report, owns }: IncarnationChecker, { id }: Host, life: Agent): void {
  const { boot, membership } = life.core;
  const { incarnation } = membership;
  const known = owns.get(id);
  if (known !== undefined && known.life === life) {
    if (incarnation < known.incarnation || boot !== known.boot)
      report(
        'S12',
        `${id} falls from incarnation ${known.boot}/${known.incarnation} to ${boot}/${incarnation}`,
      );
    if (incarnation === known.incarnation && known.isTold === life.begun) return;
  } else if (known !== undefined && boot <= known.boot && known.isTold) {
    report('S12', `${id} starts again under boot ${boot}, after boot ${known.boot}`);
  }
  // Until its first write is durable nobody hears of a start.
  owns.set(id, { boot, incarnation, life, isTold: life.begun });
}

function checkSaid(checker: IncarnationChecker, { id }: Host, effect: Effect): void {
  if (effect.kind !== 'send' && effect.kind !== 'publish') return;
  const { message } = effect;
  if (message.kind === 'probeForAck' && message.heard !== undefined) {
    checkTruth(checker, id, message.about, message.heard); // passed on, not raised
  } else if (message.kind === 'rumor') {
    if (message.by !== id) checker.report('S12', `${id} speaks as ${message.by}`);
    checkTruth(checker, id, message.about, message);
  } else if (message.kind === 'heartbeat' && message.host !== id) {
    checker.report('S12', `${id} speaks as ${message.host}`);
  }
}

function checkTruth(
  { report, owns, farewells }: IncarnationChecker,
  by: HostId,
  about: HostId,
  said: Own & Partial<Belief>,
): void {
  const own = owns.get(about);
  if (said.health === 'left' && !farewells.has(`${about}/${said.boot}`))
    report('S12', `${by} says ${about} has left under boot ${said.boot}, and it was not to`);
  const { boot, incarnation } = own ?? { boot: 0, incarnation: 0 };
  if (said.boot < boot || (said.boot === boot && said.incarnation <= incarnation)) return;
  report(
    'S12',
    `${by} says ${about} is at ${said.boot}/${said.incarnation}, it is at ${boot}/${incarnation}`,
  );
}

function beliefsOf({ beliefs }: IncarnationChecker, host: Host, life: Agent): Beliefs {
  const known = beliefs.get(host);
  if (known?.life === life) return known;
  const fresh: Beliefs = { life, version: -1, of: new Map() };
  beliefs.set(host, fresh);
  return fresh;
}

function checkSubjects(
  checker: IncarnationChecker,
  host: Host,
  beliefs: Beliefs,
  input: Input,
): void {
  if (input.kind !== 'messageReceived' && input.kind !== 'gossipReceived') return;
  const { from, message } = input;
  const { kind } = message;
  checkBelief(checker, host, beliefs, kind === 'heartbeat' ? message.host : from);
  if (kind === 'rumor') checkBelief(checker, host, beliefs, message.by);
  if (kind === 'rumor' || kind === 'probeForAck')
    checkBelief(checker, host, beliefs, message.about);
}

function checkBelief(
  checker: IncarnationChecker,
  host: Host,
  { life, of }: Beliefs,
  about: HostId,
): void {
  const is = life.core.membership.members.get(about);
  const was = of.get(about);
  if (is === undefined || is === was) return;
  of.set(about, is);
  if (was !== undefined && isOlder(is, was))
    checker.report('S12', `${host.id} believed ${about} ${textOf(was)}, and now ${textOf(is)}`);
  checkTruth(checker, host.id, about, is);
}

const SEVERITY: Readonly<Record<Health, number>> = { alive: 0, suspect: 1, dead: 2, left: 3 };

const isOlder = (a: Belief, b: Belief): boolean =>
  a.boot - b.boot < 0 ||
  (a.boot === b.boot &&
    (a.incarnation < b.incarnation ||
      (a.incarnation === b.incarnation && SEVERITY[a.health] < SEVERITY[b.health])));

const textOf = ({ health, boot, incarnation }: Belief): string =>
  `${health} at ${boot}/${incarnation}`;
