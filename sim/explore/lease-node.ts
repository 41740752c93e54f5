/**
 * One state of a lease walk, as numbers into the cast's tables, and what each move makes of it.
 *
 * A message under way stays so until it is delivered: one that never is, is lost. What can change
 * nothing any more but a hint is forgotten, so that states which differ in it alone are one.
 */
import type { HostId } from '../../protocol/base/ids.ts';
import { kept, numberOf } from './catalog.ts';
import {
  flightOf,
  hostOf,
  isBack,
  messageOf,
  type Pair,
  pairOf,
  PEERS,
  voterOf,
} from './flights.ts';
import {
  befallCandidate,
  befallVoter,
  type CandidateFacts,
  type Cast,
  type Outcome,
  type VoterFacts,
} from './lease-cast.ts';
import type { Violation } from './search.ts';
import type { CandidateEvent } from './standing.ts';
import type { VoterEvent } from './voting.ts';

/** What may still happen, how often. */
export type LeaseBudget = {
  /** Ballots of each candidate. */
  readonly ballots: readonly number[];
  /** Sessions that run out. */
  readonly fades: number;
  readonly voterCrashes: number;
  readonly candidateCrashes: number;
  /** Messages that arrive twice. */
  readonly copies: number;
  /** Answers that do not arrive at once, but in any order, or never. */
  readonly lateAnswers: number;
  /** Keepalives that matter: others are taken as sent and answered. */
  readonly keepalives: number;
};

export type LeaseNode = {
  readonly candidates: readonly number[];
  readonly voters: readonly number[];
  /** Messages under way, ascending. */
  readonly mail: readonly number[];
  readonly left: LeaseBudget;
  /** The highest term ever held, and by whom; 0 and -1: none yet. */
  readonly reign: number;
  readonly ruler: number;
  readonly wrong: Violation | undefined;
};

export type LeaseMove =
  | {
      readonly kind: 'deliver';
      readonly flight: number;
      readonly but?: 'itsAnswerIsLate' | 'itArrivesAgain';
    }
  /** `first`: where the first message of a new ballot arrives at once. */
  | {
      readonly kind: 'act';
      readonly host: number;
      readonly event: CandidateEvent;
      readonly first?: number;
    }
  | ({ readonly kind: 'fade' | 'expire' | 'end' } & Pair)
  | { readonly kind: 'crash' | 'speak'; readonly voter: number };

/** A node in the making. */
export type Draft = {
  readonly cast: Cast;
  readonly candidates: number[];
  readonly voters: number[];
  readonly mail: Set<number>;
  readonly ballots: number[];
  wrong: Violation | undefined;
};

export const candidateOf = ({ candidates }: Cast, state: number | undefined): CandidateFacts =>
  kept(candidates, state ?? 0);
export const voterAt = ({ voters }: Cast, state: number | undefined): VoterFacts =>
  kept(voters, state ?? 0);

const numberOfEvent = ({ events }: Cast, event: CandidateEvent | VoterEvent): number =>
  numberOf(events, JSON.stringify(event), () => undefined) * 2 + 1;

export function actOf(draft: Draft, host: number, event: CandidateEvent): void {
  reachCandidate(draft, host, event, numberOfEvent(draft.cast, event));
}

function reachCandidate(draft: Draft, host: number, event: CandidateEvent, number: number): void {
  const { cast, candidates, ballots, mail } = draft;
  const state = candidates[host] ?? 0;
  const { next, out } = befallCandidate(cast, host, state, event, number);
  const now = candidateOf(cast, next).ballot;
  if (now !== undefined && now !== candidateOf(cast, state).ballot)
    ballots[host] = (ballots[host] ?? 0) - 1;
  candidates[host] = next;
  for (const { to, message } of out) mail.add(flightOf(message, { host, voter: to }, 0));
}

function reachVoter(
  draft: Draft,
  { host, voter }: Pair,
  event: VoterEvent,
  number: number,
): Outcome {
  const outcome = befallVoter(draft.cast, host, draft.voters[voter] ?? 0, event, number);
  draft.voters[voter] = outcome.next;
  draft.wrong ??= outcome.wrong;
  return outcome;
}

function befall(draft: Draft, pair: Pair, event: VoterEvent): void {
  reachVoter(draft, pair, event, numberOfEvent(draft.cast, event));
}

export function deliver(draft: Draft, flight: number, late = false): void {
  const { cast, mail } = draft;
  const message = messageOf(flight);
  const pair = pairOf(flight);
  mail.delete(flight);
  if (isBack(flight)) return answer(draft, pair, message);
  const event: VoterEvent = { kind: 'heard', message: kept(cast.messages, message) };
  for (const said of reachVoter(draft, pair, event, message * 2).out)
    if (late) mail.add(flightOf(said.message, pair, 1));
    else answer(draft, pair, said.message);
}

function answer(draft: Draft, { host, voter: at }: Pair, number: number): void {
  const voter = draft.cast.roster.voters[at];
  if (voter === undefined) return;
  const message = kept(draft.cast.messages, number);
  const event: CandidateEvent = { kind: 'heard', voter, message };
  reachCandidate(draft, host, event, (number * PEERS + at) * 2);
}

export function afterMove(cast: Cast, node: LeaseNode, move: LeaseMove): LeaseNode {
  const draft: Draft = {
    cast,
    candidates: [...node.candidates],
    voters: [...node.voters],
    mail: new Set(node.mail),
    ballots: [...node.left.ballots],
    wrong: undefined,
  };
  perform(draft, move);
  return conclude(draft, { ...node, left: spend(node.left, move) });
}

function perform(draft: Draft, move: LeaseMove): void {
  switch (move.kind) {
    case 'deliver':
      deliver(draft, move.flight, move.but === 'itsAnswerIsLate');
      if (move.but === 'itArrivesAgain') draft.mail.add(move.flight);
      return;
    case 'act':
      actOf(draft, move.host, move.event);
      if (move.first !== undefined) arriveFirst(draft, { host: move.host, voter: move.first });
      return;
    case 'fade':
      return age(draft, move, 'fade');
    case 'end':
      return age(draft, move, 'expire');
    case 'expire':
      return befall(draft, move, { kind: 'expire' });
    case 'crash':
    case 'speak':
      return wake(draft, move.voter, move.kind);
  }
}

/** The prepare of the host's new ballot arrives. */
function arriveFirst(draft: Draft, { host, voter }: Pair): void {
  const { cast, candidates, mail } = draft;
  const n = candidateOf(cast, candidates[host]).ballot;
  for (const flight of mail)
    if (hostOf(flight) === host && voterOf(flight) === voter && !isBack(flight)) {
      const message = kept(cast.messages, messageOf(flight));
      if (message.kind === 'prepare' && message.items[0]?.ballot === n) deliver(draft, flight);
    }
}

/** The host stops counting on the voter; its session there has a moment left, or none. */
function age(draft: Draft, { host, voter: at }: Pair, kind: 'fade' | 'expire'): void {
  const voter = draft.cast.roster.voters[at];
  if (voter === undefined) return;
  actOf(draft, host, { kind: 'fade', voter });
  befall(draft, { host, voter: at }, { kind });
}

/** T after its crash a voter speaks again: what it granted before has ended by every clock. */
function wake(draft: Draft, at: number, kind: 'crash' | 'speak'): void {
  const { cast, voters } = draft;
  befall(draft, { host: 0, voter: at }, { kind });
  const voter = cast.roster.voters[at];
  if (kind === 'crash' || voter === undefined) return;
  const before = voterAt(cast, voters[at]).voting.voter.durable.boot;
  for (const host of cast.hosts.keys()) actOf(draft, host, { kind: 'fade', voter, before });
}

function spend(left: LeaseBudget, move: LeaseMove): LeaseBudget {
  switch (move.kind) {
    case 'deliver':
      if (move.but === 'itsAnswerIsLate') return { ...left, lateAnswers: left.lateAnswers - 1 };
      return move.but === undefined ? left : { ...left, copies: left.copies - 1 };
    case 'act':
      if (move.event.kind === 'crash')
        return { ...left, candidateCrashes: left.candidateCrashes - 1 };
      if (move.event.kind === 'keepalive') return { ...left, keepalives: left.keepalives - 1 };
      return left;
    case 'fade':
    case 'end':
      return { ...left, fades: left.fades - 1 };
    case 'crash':
      return { ...left, voterCrashes: left.voterCrashes - 1 };
    case 'expire':
    case 'speak':
      return left;
  }
}

/** `before`: the node it came from, its budget already spent. */
export function conclude(draft: Draft, before: LeaseNode): LeaseNode {
  const { candidates, voters, ballots } = draft;
  const mail: number[] = [];
  for (const flight of draft.mail) if (!isIdle(draft, flight)) mail.push(flight);
  mail.sort((a, b) => a - b);
  const left = { ...before.left, ballots };
  return { candidates, voters, mail, left, ...succession(draft, before) };
}

/**
 * Whether a message under way could change nothing any more but a hint; a ballot that is not a
 * leader's and could only be refused may as well not arrive, as its host gives it up by T/2.
 */
function isIdle({ cast, candidates, voters }: Draft, flight: number): boolean {
  const message = kept(cast.messages, messageOf(flight));
  const candidate = candidateOf(cast, candidates[hostOf(flight)]);
  const { promised, owner } = voterAt(cast, voters[voterOf(flight)]);
  if (message.kind === 'prepare' || message.kind === 'accept') {
    const n = message.items[0]?.ballot ?? 0;
    const answered = n === candidate.ballot && candidate.everWon;
    return n < promised && !answered;
  }
  if (message.kind === 'prepareAck' || message.kind === 'acceptAck') {
    const [item] = message.items;
    const phase = message.kind === 'prepareAck' ? 'prepare' : 'accept';
    if (item === undefined || ('status' in item && item.status === 'silent')) return true;
    return item.ballot !== candidate.ballot || phase !== candidate.phase;
  }
  return message.kind === 'release' && owner !== cast.hosts[hostOf(flight)];
}

/** Who leads now, and whether that may be (S3). */
function succession(
  { cast, candidates, wrong }: Draft,
  before: LeaseNode,
): Pick<LeaseNode, 'reign' | 'ruler' | 'wrong'> {
  let { reign, ruler } = before;
  let found = wrong;
  for (const [host, state] of candidates.entries()) {
    const { leads } = candidateOf(cast, state);
    if (leads === undefined || leads === candidateOf(cast, before.candidates[host]).leads) continue;
    if (leads < reign || (leads === reign && host !== ruler))
      found ??= { rule: 'S3', text: laterBut(cast.hosts, { host, leads }, { ruler, reign }) };
    if (leads <= reign) continue;
    if (ruler >= 0)
      cast.met.add(ruler === host ? 'a leader that raises its term' : 'a change of leader');
    reign = leads;
    ruler = host;
  }
  return { reign, ruler, wrong: found };
}

const laterBut = (
  hosts: readonly HostId[],
  { host, leads }: { readonly host: number; readonly leads: number },
  { ruler, reign }: { readonly ruler: number; readonly reign: number },
): string => `${hosts[host]} leads under term ${leads}, after ${hosts[ruler]} under term ${reign}`;
