/**
 * S13 A host starts only what the newest assignment it knows gives to it, of a stack that still has it.
 *     For the first time since its agent started, only on the word of the component's leader, or its
 *     own as the leader; or, without a quorum for long enough, what has been there before (R9).
 */
import {
  type ComponentId,
  componentKey,
  componentOf,
  type Key,
  stackKey,
  stackOf,
  type Term,
} from '../../protocol/base/ids.ts';
import { type Instant, NEVER } from '../../protocol/base/time.ts';
import { QUORUM_FRESH_MS } from '../../protocol/core/hosting.ts';
import type { DiskWrite, Effect } from '../../protocol/effect.ts';
import type { Input } from '../../protocol/input.ts';
import type { Hold } from '../../protocol/lease/hold.ts';
import { type Committed, compareRevision, type Revision } from '../../protocol/record/record.ts';
import { quorum } from '../../protocol/roster/roster.ts';
import { seatName } from '../engine/engine.ts';
import type { Micros } from '../event-queue.ts';
import { type Agent, type Host, localNow } from '../host.ts';
import { CONFIG } from '../options.ts';
import { missingFor } from './dependencies.ts';
import { wrongPorts } from './ports.ts';
import type { Report } from './report.ts';
import { wrongStart } from './rollouts.ts';

/** What one agent has been told and shown since it started. */
type Life = {
  readonly agent: Agent;
  readonly startedAt: Micros;
  /** Newest revision of each record told by its leader. */
  readonly told: Map<Key, Revision>;
  /** Of each key, the term under which it has led last. */
  readonly leads: Map<Key, Term>;
  /** All keys and terms under which it has led. */
  readonly led: Set<string>;
  /** Seats of which the engine has shown an instance. */
  readonly shown: Set<string>;
  /** Seats that have run. */
  readonly ran: Set<string>;
  /** Seats that were started, which the engine has not refused, and their last attempts. */
  readonly tried: Map<string, number>;
};

export type StartChecker = { readonly report: Report; readonly lives: Map<Host, Life> };

export const createStartChecker = (report: Report): StartChecker => ({ report, lives: new Map() });

export type Start = Extract<Effect, { readonly kind: 'startInstance' }>;

/** `before`: the records the host knew before this step. */
export function checkStarts(
  checker: StartChecker,
  host: Host,
  { input, effects }: { readonly input: Input; readonly effects: readonly Effect[] },
  before: ReadonlyMap<Key, Committed>,
  now: Micros,
): void {
  const { agent } = host;
  if (agent === undefined) return;
  const life = lifeOf(checker, host, agent, now);
  hear(life, input);
  const { leases } = agent.core;
  if (leases !== undefined && leases.holder.holds.size > 0) noteLed(life, leases.holder.holds);
  if (effects.length === 0) return;
  const known = new Map<Key, Committed>();
  for (const effect of effects) {
    if (effect.kind === 'leaseChanged' && effect.event !== 'ended')
      life.led.add(`${effect.key} ${effect.term}`);
    if (effect.kind === 'persist') learn(known, effect.writes);
    if (effect.kind === 'startInstance')
      checkStart(checker, host, life, effect, (key) => known.get(key) ?? before.get(key), now);
  }
}

function noteLed({ leads, led }: Life, holds: ReadonlyMap<Key, Hold>): void {
  for (const [key, { term }] of holds) {
    if (term === undefined || leads.get(key) === term) continue;
    leads.set(key, term);
    led.add(`${key} ${term}`);
  }
}

/** What is learned in a step is kept before anything is done by it. */
function learn(known: Map<Key, Committed>, writes: readonly DiskWrite[]): void {
  for (const { name, value } of writes) {
    if (!name.startsWith('committed/') || value === undefined) continue;
    const record = value as Committed;
    known.set(record.key, record);
  }
}

function lifeOf({ lives }: StartChecker, host: Host, agent: Agent, startedAt: Micros): Life {
  const known = lives.get(host);
  if (known?.agent === agent) return known;
  const life: Life = {
    agent,
    startedAt,
    told: new Map(),
    leads: new Map(),
    led: new Set(),
    shown: new Set(),
    ran: new Set(),
    tried: new Map(),
  };
  lives.set(host, life);
  return life;
}

function hear({ told, shown, ran, tried }: Life, input: Input): void {
  if (input.kind === 'messageReceived' && input.message.kind === 'push') {
    const { key, revision } = input.message.record;
    const known = told.get(key);
    if (known === undefined || compareRevision(revision, known) > 0) told.set(key, revision);
  } else if (input.kind === 'instanceRefused') {
    tried.delete(seatName(input.component, input.slot));
  } else if (input.kind === 'instanceStarted' || input.kind === 'instancesListed') {
    const instances = input.kind === 'instancesListed' ? input.instances : [input.instance];
    for (const { component, slot, state, attempt } of instances) {
      const seat = seatName(component, slot);
      shown.add(seat);
      // What this life has started may have ended before it was shown.
      const isOurs = state === 'exited' && tried.get(seat) === attempt;
      const runs = input.kind === 'instanceStarted' || state === 'running' || state === 'paused';
      if (runs || isOurs) ran.add(seat);
    }
  }
}

type Records = (key: Key) => Committed | undefined;

function checkStart(
  { report }: StartChecker,
  host: Host,
  life: Life,
  start: Start,
  records: Records,
  now: Micros,
): void {
  const { component, slot, term, spec } = start;
  const seat = seatName(component, slot);
  if (host.agent?.core.identity.facts.runs === 'nothing')
    report('S13', `${host.id} starts ${seat}, and is a witness`);
  const revision = assignmentOf(records, component, slot, host.id);
  // A strict slot runs under the term of its own lease.
  if (revision === undefined || (revision.term !== term && spec.singleton !== 'strict'))
    return report(
      'S13',
      `${host.id} starts ${seat} under term ${term}, which its newest assignment does not give to it`,
    );
  const value = records(componentKey(component))?.value;
  const wrong = value?.kind === 'component' ? wrongStart(start, value) : undefined;
  if (wrong !== undefined) report('S26', `${host.id} ${wrong}`);
  const unbound = value?.kind === 'component' ? wrongPorts(start, value) : undefined;
  if (unbound !== undefined) report('S33', `${host.id} ${unbound}`);
  const isFirst = !life.ran.has(seat) && !life.tried.has(seat);
  if (isFirst && handsOver(records, component, slot, host.id))
    report('S13', `${host.id} starts ${seat}, which it only hands over`);
  if (isFirst && !isTold(life, component, revision) && !isAlone(life, seat, now))
    report('S13', `${host.id} starts ${seat} for the first time, and no leader has told it to`);
  const missing = life.ran.has(seat) ? undefined : missingFor(life.agent, component, records);
  if (missing !== undefined)
    report('S30', `${host.id} starts ${seat}, which depends on ${missing}`);
  life.tried.set(seat, start.attempt);
}

/** The revision of the assignment that gives the slot to the host, if its stack still wants it. */
function assignmentOf(
  records: Records,
  component: ComponentId,
  slot: number,
  id: string,
): Revision | undefined {
  const record = records(componentKey(component));
  const stack = records(stackKey(stackOf(component)))?.value;
  if (record?.value.kind !== 'component') return undefined;
  const { slots, life } = record.value;
  const given = slots.find((each) => each.slot === slot);
  if (given?.host !== id && given?.from !== id) return undefined;
  if (stack?.kind === 'stack') {
    const isThere = stack.spec?.components.some(({ name }) => name === componentOf(component));
    if (stack.life !== life || isThere !== true) return undefined;
  }
  return record.revision;
}

function handsOver(records: Records, component: ComponentId, slot: number, id: string): boolean {
  const value = records(componentKey(component))?.value;
  return (
    value?.kind === 'component' &&
    value.slots.some((each) => each.slot === slot && each.from === id)
  );
}

function isTold({ told, led }: Life, component: ComponentId, revision: Revision): boolean {
  const key = componentKey(component);
  const known = told.get(key);
  if (known !== undefined && compareRevision(known, revision) >= 0) return true;
  return led.has(`${key} ${revision.term}`);
}

function isAlone({ agent, startedAt, shown }: Life, seat: string, now: Micros): boolean {
  const at = localNow(agent, now);
  if (!shown.has(seat)) return false;
  return at - localNow(agent, startedAt) >= CONFIG.isolatedStartMs && !hearsQuorum(agent, at);
}

/** From others: its own answer to itself may be newer than the start that is judged. */
function hearsQuorum({ core }: Agent, at: Instant): boolean {
  return quorum(core.council.roster, (voter) => {
    if (voter === core.identity.host) return false;
    const ackedAt = core.leases?.links.byVoter.get(voter)?.sessions.normal.ackedAt ?? NEVER;
    return ackedAt !== NEVER && at - ackedAt <= QUORUM_FRESH_MS;
  });
}
