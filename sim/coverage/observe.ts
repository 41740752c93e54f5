/**
 * Where everything that can be seen of a run is looked at. From outside: nothing in the protocol knows
 * of it. Cheap: it runs in every seed, after every step.
 */
import type { Effect } from '../../protocol/effect.ts';
import type { Input } from '../../protocol/input.ts';
import type { Message } from '../../protocol/wire/message.ts';
import { type Micros, ofMillis } from '../event-queue.ts';
import type { Host, Outward } from '../host.ts';
import { CONFIG } from '../options.ts';
import type { HostIndex, Strike } from '../strike.ts';
import type { Coverage, PhaseCounts } from './coverage.ts';
import {
  lookAtInstances,
  lookAtRollouts,
  seeDaemon,
  seeEngine,
  seeList,
  seePlacement,
  seeRollout,
  seeYielding,
  seeStart,
  seeStop,
  seeWaiting,
} from './instances.ts';
import {
  lookAtLeases,
  seeAccept,
  seeAcceptAck,
  seeKeepaliveAck,
  seeLeaseEnd,
  seeHandOver,
  seeLeaving,
  seePrepare,
  seePrepareAck,
  seeReturn,
  seeRevoke,
  seeStandstill,
  seeTaken,
  seeWin,
} from './leases.ts';
import {
  lookAtMembers,
  seeForgotten,
  seeConnect,
  seeDelta,
  seeGossip,
  seeHelp,
  seeOverdue,
  seeRumor,
} from './members.ts';
import { lifeOf, type Moment, type Observer, sometimes } from './observer.ts';
import { type Phase, phasesOf } from './phases.ts';
import {
  lookAtRecords,
  seeAdoption,
  seeBeginning,
  seeLateCommit,
  seeUnfinished,
  seeUnknown,
  seeWriteAck,
} from './records.ts';
import {
  lookAtRosters,
  seeCouncillorEnd,
  seeProposal,
  seeQuestion,
  seeRoster,
  seeRosterTold,
} from './rosters.ts';

/** How often the state of a host is looked at, beside what it hears and says. */
const LOOK = ofMillis(100);

/** After a step, before the checkers have seen it. */
export function observeStep(
  observer: Observer,
  host: Host,
  input: Input,
  effects: readonly Effect[],
  now: Micros,
): void {
  const { agent } = host;
  if (agent === undefined) return;
  const life = lifeOf(observer, host, agent);
  const moment: Moment = { host, agent, life, input, effects, now };
  seeStandstill(observer, moment);
  see(INPUTS, observer, moment, input);
  for (const effect of effects) see(EFFECTS, observer, moment, effect);
  if (now < life.lookAt) return;
  life.lookAt = now + LOOK;
  lookAtLeases(observer, moment);
  lookAtRecords(observer, moment);
  lookAtRosters(observer, moment);
  lookAtMembers(observer, moment);
  lookAtInstances(observer, moment);
  lookAtRollouts(observer, moment);
}

/** What is worth seeing, by kind; everything else is passed over. */
type Eyes<Thing extends { readonly kind: string }> = {
  readonly [kind in Thing['kind']]?: (
    observer: Observer,
    moment: Moment,
    thing: Extract<Thing, { readonly kind: kind }>,
  ) => void;
};

function see<Thing extends { readonly kind: string }>(
  eyes: Eyes<Thing>,
  observer: Observer,
  moment: Moment,
  thing: Thing,
): void {
  const eye = eyes[thing.kind as Thing['kind']];
  eye?.(observer, moment, thing as never);
}

const INPUTS: Eyes<Input> = {
  messageReceived: (observer, moment, { message }) => see(MESSAGES, observer, moment, message),
  gossipReceived(observer, moment, { message }) {
    if (message.kind === 'inventoryDelta') seeGossip(observer, moment, message);
  },
  connectProbed: seeConnect,
  instancesListed: seeList,
  engineAsked: seeEngine,
  started: (observer, { host }) => seeBeginning(observer, host),
  stopping: seeLeaving,
  yielding: seeYielding,
};

const MESSAGES: Eyes<Message> = {
  accept(observer, moment, accept) {
    seeAccept(observer, moment, accept);
    seeQuestion(observer, moment, accept);
  },
  prepare: seeQuestion,
  read: seeQuestion,
  write: seeQuestion,
  keepaliveAck(observer, moment, { bindings, revoked }) {
    if (revoked.length > 0) seeTaken(observer, moment);
    if (bindings.length > 0) seeReturn(observer, moment);
  },
  writeAck: (observer, moment, { key }) => seeLateCommit(observer, moment, key),
  rosterPromise: seeProposal,
  handOver: seeHandOver,
  revoke: seeRevoke,
  probeForAck: seeHelp,
  delta: seeDelta,
};

const EFFECTS: Eyes<Effect> = {
  send: (observer, moment, { message }) => see(SENT, observer, moment, message),
  publish(observer, _moment, { message }) {
    if (message.kind === 'rumor') seeRumor(observer, message);
  },
  persist(observer, moment, { writes }) {
    if (writes.some(({ name }) => name === 'roster')) seeRoster(observer, moment);
  },
  startInstance: seeStart,
  stopInstance: seeStop,
  freezeInstance: (observer) => sometimes(observer, 'frozen-isolated'),
  thawInstance: (observer) => sometimes(observer, 'thawed-again'),
  leaseChanged(observer, moment, change) {
    if (change.event === 'ended') seeLeaseEnd(observer, moment, change);
  },
};

const SENT: Eyes<Message> = {
  prepare(observer, moment, { items }) {
    for (const { key } of items) seePrepare(observer, moment, key);
  },
  prepareAck: seePrepareAck,
  acceptAck: seeAcceptAck,
  keepaliveAck: seeKeepaliveAck,
  readAck(observer, _moment, { ok }) {
    if (!ok) sometimes(observer, 'read-refused');
  },
  write(observer, moment, { key, revision }) {
    if (revision.seq === 0) seeAdoption(observer, moment, key);
  },
  writeAck: (observer, _moment, ack) => seeWriteAck(observer, ack),
  rosterChosen: seeRosterTold,
};

/** An effect leaves its host. */
export function observeBegun(observer: Observer, host: Host, effect: Outward, now: Micros): void {
  if (effect.kind === 'leaseChanged' && effect.event === 'won') seeWin(observer, host, effect, now);
  if (effect.kind !== 'journal') return;
  if (effect.topic === 'member') seeForgotten(observer, effect.text);
  if (effect.topic === 'health') seeOverdue(observer, effect.text);
  if (effect.topic === 'placement') seePlacement(observer, effect.text);
  if (effect.topic === 'instance') seeWaiting(observer, effect.text);
  if (effect.topic === 'rollout') seeRollout(observer, effect.text);
}

/** Its agent is about to end. */
export function observeEnd(observer: Observer, host: Host): void {
  if (host.agent === undefined) return;
  seeUnfinished(observer, host, host.agent);
  seeCouncillorEnd(observer, host.agent);
}

/** Faults that change nobody's lead. */
const LOCAL: ReadonlySet<Strike['kind']> = new Set([
  'lead',
  'forget',
  'adjust',
  'leave',
  'force',
  'exit',
  'crashLoop',
  'engineHang',
  'guard',
  'engineRestart',
]);

/** A fault is about to be done. */
export function observeStrike(observer: Observer, strike: Strike): void {
  const { world, matrix } = observer;
  const { now } = world.queue;
  const forMs = 'forMs' in strike ? strike.forMs : 0;
  // Who leads next shows itself within a lease.
  const until = now + ofMillis(forMs + CONFIG.termMs);
  if (!LOCAL.has(strike.kind)) observer.faultyUntil = Math.max(observer.faultyUntil, until);
  seeDaemon(observer, strike);
  const name = nameOf(strike);
  const counts = matrix.get(name) ?? new Map<Phase, number>();
  matrix.set(name, counts);
  for (const index of victimsOf(strike)) {
    const host = world.hosts[index];
    if (host === undefined) continue;
    for (const phase of phasesOf(host, now)) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  }
}

const nameOf = (strike: Strike): string =>
  strike.kind === 'disk' ? `disk ${strike.fault}` : strike.kind;

function victimsOf(strike: Strike): Iterable<HostIndex> {
  if ('host' in strike) return [strike.host];
  if (strike.kind === 'reset') return [strike.a, strike.b];
  return new Set(strike.ways.flat());
}

/** All that was seen. */
export function coverageOf(observer: Observer): Coverage {
  seeUnknown(observer);
  const matrix: { [fault: string]: PhaseCounts } = {};
  for (const [fault, counts] of observer.matrix) matrix[fault] = Object.fromEntries(counts);
  const marks = Object.fromEntries([...observer.seen].map((mark) => [mark, 1]));
  return { seeds: 1, marks, matrix };
}
