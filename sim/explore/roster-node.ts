/**
 * One state of a roster walk, as numbers into the stage's tables, and what each move makes of it.
 * A message under way stays so until it is delivered: one that never is, is lost.
 */
import { hostId, type HostId } from '../../protocol/base/ids.ts';
import type { Message } from '../../protocol/wire/message.ts';
import { type Catalog, kept, numberOf } from './catalog.ts';
import { flightOf, hostOf, messageOf, pairOf, voterOf } from './flights.ts';
import {
  type Agent,
  type AgentEvent,
  befallAgent,
  copyAgent,
  printAgent,
  rosterOf,
  termLed,
} from './growing.ts';
import type { Violation } from './search.ts';
import { KEY } from './standing.ts';

export type RosterBounds = {
  /** Of each host, how often it may begin to change the roster, as its leader. */
  readonly changes: readonly number[];
  /** The epoch from which hosts try for the key. */
  readonly triesFrom: number;
  /** Ballots of each whose messages may arrive; those of further ones are lost. */
  readonly ballots: readonly number[];
  /** Attempts at a roster that are begun anew with a higher ballot. */
  readonly insists: number;
  readonly crashes: number;
  readonly lateAnswers: number;
};

export type RosterNode = {
  readonly agents: readonly number[];
  /** Messages under way, ascending. */
  readonly mail: readonly number[];
  readonly left: RosterBounds;
  /** Every roster adopted so far, by epoch. */
  readonly adopted: number;
  readonly wrong: Violation | undefined;
};
export type RosterMove =
  | { readonly kind: 'deliver'; readonly flight: number; readonly late: boolean }
  | { readonly kind: 'act'; readonly host: number; readonly event: AgentEvent }
  | { readonly kind: 'drain' | 'speak'; readonly host: number };

type Outcome = {
  readonly next: number;
  readonly out: readonly { readonly to: number; readonly message: number }[];
  readonly wrong: Violation | undefined;
};
type Adopted = ReadonlyMap<number, string>;
export type Stage = {
  readonly agents: Catalog<AgentFacts>;
  readonly messages: Catalog<Message>;
  readonly adopted: Catalog<Adopted>;
  readonly outcomes: Map<string, Outcome>;
  readonly met: Set<string>;
};
type AgentFacts = { readonly agent: Agent; readonly leads: number | undefined };

export const HOSTS = ['a', 'b', 'c'].map(hostId);

/** A node in the making. */
export type Draft = {
  readonly stage: Stage;
  readonly agents: number[];
  readonly mail: Set<number>;
  readonly ballots: number[];
  wrong: Violation | undefined;
};

export const enter = ({ agents }: Stage, agent: Agent): number =>
  numberOf(agents, printAgent(agent), () => ({ agent, leads: termLed(agent) }));
export const factsOf = ({ agents }: Stage, state: number | undefined): AgentFacts =>
  kept(agents, state ?? 0);

export function afterMove(stage: Stage, node: RosterNode, move: RosterMove): RosterNode {
  const draft: Draft = {
    stage,
    agents: [...node.agents],
    mail: new Set(node.mail),
    ballots: [...node.left.ballots],
    wrong: undefined,
  };
  switch (move.kind) {
    case 'deliver':
      deliver(draft, move.flight, move.late);
      break;
    case 'act':
      act(draft, move.host, move.event);
      if (move.event.kind === 'keepalive') act(draft, move.host, { kind: 'settled' });
      break;
    case 'drain':
      drain(draft, move.host);
      break;
    case 'speak':
      speak(draft, move.host);
      break;
  }
  return conclude(draft, node, { ...spend(stage, node, draft, move), ballots: draft.ballots });
}

export function act(draft: Draft, host: number, event: AgentEvent): void {
  befall(draft, host, event, { print: JSON.stringify(event), late: false });
}

/** `print`: equal for equal events. `late`: what it answers is held up. */
function befall(
  draft: Draft,
  host: number,
  event: AgentEvent,
  { print, late }: { readonly print: string; readonly late: boolean },
): void {
  const { stage, agents, mail } = draft;
  const state = agents[host] ?? 0;
  const { next, out, wrong } = lookUp(stage, `${state}:${print}`, () => {
    const befallen = befallAgent(copyAgent(factsOf(stage, state).agent), event);
    return {
      next: enter(stage, befallen.next),
      wrong: befallen.wrong,
      out: befallen.out.flatMap(({ to, message }) => {
        const peer = HOSTS.indexOf(to);
        const number = numberOf(stage.messages, JSON.stringify(message), () => message);
        return peer < 0 || message.kind === 'open' ? [] : [{ to: peer, message: number }];
      }),
    };
  });
  agents[host] = next;
  draft.wrong ??= wrong;
  const now = ballotOf(stage, next);
  const left = draft.ballots[host] ?? 0;
  if (now !== undefined && now !== ballotOf(stage, state)) draft.ballots[host] = left - 1;
  for (const { to, message } of out) {
    const { kind } = kept(stage.messages, message);
    if (kind === 'prepare' && left <= 0) continue;
    const flight = flightOf(message, { host, voter: to }, 0);
    if (!late && PROMPT.has(kind)) deliver(draft, flight, false);
    else mail.add(flight);
  }
}

const ballotOf = (stage: Stage, state: number): number | undefined =>
  factsOf(stage, state).agent.leases.holder.holds.get(KEY)?.ballot;

/** What arrives at once unless it is held up: answers, and the keepalives that ask for one. */
const PROMPT: ReadonlySet<Message['kind']> = new Set([
  'keepalive',
  'keepaliveAck',
  'prepareAck',
  'acceptAck',
  'rosterPromise',
  'rosterAccepted',
  'rosterChosen',
  'syncPage',
]);

function lookUp({ outcomes }: Stage, print: string, work: () => Outcome): Outcome {
  const known = outcomes.get(print);
  if (known !== undefined) return known;
  const outcome = work();
  outcomes.set(print, outcome);
  return outcome;
}

export function deliver(draft: Draft, flight: number, late: boolean): void {
  draft.mail.delete(flight);
  const { host, voter } = pairOf(flight);
  const from = HOSTS[host];
  if (from === undefined) return;
  const number = messageOf(flight);
  const message = kept(draft.stage.messages, number);
  const event: AgentEvent = { kind: 'heard', from, message };
  befall(draft, voter, event, { print: `${from}>${number}`, late });
}

/**
 * The time has passed that every lease granted before a majority of old had adopted the joint roster
 * can live: what was counted under the roster before is over, and so are the sessions between hosts
 * of different rosters, since neither has renewed them.
 */
function drain(draft: Draft, by: number): void {
  const { stage, agents } = draft;
  act(draft, by, { kind: 'drained' });
  const epochs = agents.map((state) => rosterOf(factsOf(stage, state).agent).epoch);
  for (const [host, epoch] of epochs.entries()) {
    act(draft, host, { kind: 'uncarry' });
    for (const [at, voter] of HOSTS.entries())
      if (epochs[at] !== epoch) end(draft, host, { at, voter });
  }
}

function end(
  draft: Draft,
  host: number,
  { at, voter }: { readonly at: number; readonly voter: HostId },
): void {
  const owner = HOSTS[host];
  act(draft, host, { kind: 'fade', voter });
  if (owner !== undefined) act(draft, at, { kind: 'expire', host: owner });
}

/** T after its crash a voter speaks again: what it granted before has ended by every clock. */
function speak(draft: Draft, at: number): void {
  const { stage, agents } = draft;
  act(draft, at, { kind: 'speak' });
  const { boot } = factsOf(stage, agents[at]).agent.core;
  const voter = HOSTS[at];
  if (voter !== undefined)
    for (const host of HOSTS.keys()) act(draft, host, { kind: 'fade', voter, before: boot });
}

function spend(
  stage: Stage,
  { left, agents }: RosterNode,
  draft: Draft,
  move: RosterMove,
): RosterBounds {
  if (move.kind === 'deliver')
    return move.late ? { ...left, lateAnswers: left.lateAnswers - 1 } : left;
  if (move.kind !== 'act') return left;
  const { host, event } = move;
  if (event.kind === 'insist') return { ...left, insists: left.insists - 1 };
  if (event.kind === 'crash') return { ...left, crashes: left.crashes - 1 };
  // To look and find nothing to change costs nothing.
  const attempt = factsOf(stage, draft.agents[host]).agent.core.council.highest;
  if (
    event.kind !== 'govern' ||
    attempt === factsOf(stage, agents[host]).agent.core.council.highest
  )
    return left;
  return { ...left, changes: left.changes.map((n, at) => (at === host ? n - 1 : n)) };
}

export function conclude(draft: Draft, before: RosterNode, left: RosterBounds): RosterNode {
  const { stage, agents } = draft;
  const mail = [...draft.mail].filter((flight) => !isIdle(draft, flight)).sort((a, b) => a - b);
  const { adopted, wrong } = adoptedNow(stage, before.adopted, agents);
  const found = draft.wrong ?? wrong ?? twoLeaders(stage, agents);
  return { agents, mail, left, adopted, wrong: found };
}

/** A question that its sender no longer asks, or an answer to one: it is taken as lost. */
function isIdle({ stage, agents }: Draft, flight: number): boolean {
  const message = kept(stage.messages, messageOf(flight));
  const from = factsOf(stage, agents[hostOf(flight)]).agent;
  const to = factsOf(stage, agents[voterOf(flight)]).agent;
  if (message.kind === 'prepare' || message.kind === 'accept')
    return !asks(from, message.items[0]?.ballot, message.kind);
  if (message.kind === 'prepareAck') return !asks(to, message.items[0]?.ballot, 'prepare');
  if (message.kind === 'acceptAck') return !asks(to, message.items[0]?.ballot, 'accept');
  if (message.kind === 'rosterPrepare' || message.kind === 'rosterAccept')
    return !proposes(from, message.ballot.n, message.kind === 'rosterAccept');
  if (message.kind === 'rosterPromise' || message.kind === 'rosterAccepted')
    return !proposes(to, message.ballot.n, message.kind === 'rosterAccepted');
  if (message.kind !== 'syncPull') return false;
  return from.core.durable.synced || rosterOf(from).epoch !== message.epoch;
}

const asks = ({ leases }: Agent, n: number | undefined, phase: 'prepare' | 'accept'): boolean => {
  const hold = leases.holder.holds.get(KEY);
  return hold?.ballot === n && hold?.phase === phase;
};
const proposes = ({ core }: Agent, n: number, accepts: boolean): boolean => {
  const { proposal } = core.council;
  return proposal?.ballot.n === n && (proposal.proposed !== undefined) === accepts;
};

function adoptedNow(
  stage: Stage,
  before: number,
  agents: readonly number[],
): Pick<RosterNode, 'adopted' | 'wrong'> {
  const known = kept(stage.adopted, before);
  const now = new Map(known);
  let wrong: Violation | undefined;
  for (const [host, state] of agents.entries()) {
    const roster = rosterOf(factsOf(stage, state).agent);
    const text = `${roster.voters.join(' ')}${roster.next === undefined ? '' : ` to ${roster.next.join(' ')}`}`;
    const other = now.get(roster.epoch);
    if (other !== undefined && other !== text)
      wrong ??= {
        rule: 'S7',
        text: `epoch ${roster.epoch} is ${other}, and ${text} at ${HOSTS[host]}`,
      };
    now.set(roster.epoch, text);
    if (roster.next !== undefined) stage.met.add(`a joint roster: ${text}`);
    if (roster.epoch > 2) stage.met.add(`a new roster: ${text}`);
  }
  if (now.size === known.size) return { adopted: before, wrong };
  const print = [...now].sort(([a], [b]) => a - b).join(';');
  return { adopted: numberOf(stage.adopted, print, () => now), wrong };
}

function twoLeaders(stage: Stage, agents: readonly number[]): Violation | undefined {
  const leaders: string[] = [];
  for (const [host, state] of agents.entries()) {
    const { leads, agent } = factsOf(stage, state);
    if (leads === undefined) continue;
    const { epoch } = rosterOf(agent);
    leaders.push(`${HOSTS[host]} leads under term ${leads} in epoch ${epoch}`);
    if (epoch > 2) stage.met.add('a leader under the new roster');
  }
  return leaders.length > 1 ? { rule: 'S1', text: leaders.join(', ') } : undefined;
}
