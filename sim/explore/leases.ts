/**
 * Every order of what can happen to the lease of one key, within bounds: candidates that try, lead,
 * raise their ballots and give up, messages that arrive in any order or never, sessions that run out
 * one by one, voters and candidates that crash.
 *
 * S1 at most one leads · S3 terms rise · S4 a ballot wins its promises for one host · S5 promises
 * never fall.
 */
import { ballot, boot, epoch, hostId } from '../../protocol/base/ids.ts';
import { firstTerms, LAN } from '../../protocol/config.ts';
import type { Durable } from '../../protocol/lease/durable.ts';
import type { Roster } from '../../protocol/roster/roster.ts';
import { kept, numberOf } from './catalog.ts';
import { hostOf, isBack, messageOf, type Pair, voterOf } from './flights.ts';
import {
  type CandidateFacts,
  type Cast,
  createCast,
  enterCandidate,
  enterVoter,
  type VoterFacts,
} from './lease-cast.ts';
import {
  actOf,
  afterMove,
  candidateOf,
  conclude,
  deliver,
  type Draft,
  type LeaseBudget,
  type LeaseMove,
  type LeaseNode,
  voterAt,
} from './lease-node.ts';
import { tellMove } from './lease-story.ts';
import type { Space, Violation } from './search.ts';
import { type CandidateEvent, createStanding } from './standing.ts';
import { createVoting } from './voting.ts';

export type LeaseBounds = LeaseBudget & {
  readonly voters: number;
  /** Of each candidate, the ceiling on its disk, above which its first ballot is. */
  readonly ceilings: readonly number[];
  /**
   * Only while the first candidate leads, from its victory by a bare quorum on: its sessions end, the
   * others try. What makes so deep a schedule short enough to walk: a ballot that ended sends nothing
   * more, a prepare comes when it finds nobody bound, or not at all.
   */
  readonly besieged: boolean;
};

const VOTERS = ['a', 'b', 'c', 'd', 'e'];
const CANDIDATES = ['p', 'q', 'r'];

export function leaseSpace(bounds: LeaseBounds): Space<LeaseNode, LeaseMove> {
  const voters = VOTERS.slice(0, bounds.voters).map(hostId);
  const roster: Roster = { epoch: epoch(1), voters, termMs: firstTerms(LAN) };
  const cast = createCast(roster, CANDIDATES.slice(0, bounds.ceilings.length));
  return {
    start: startOf(cast, bounds),
    moves: (node) => movesOf(cast, bounds, node),
    after: (node, move) => afterMove(cast, node, move),
    key: (node) => keyOf(cast, node),
    violation: (node) => violationOf(cast, node),
    tell: (_node, move) => tellMove(cast, move),
    met: cast.met,
  };
}

const diskOf = (ceiling: number): Durable => ({
  boot: boot(1),
  ceiling: ballot(ceiling),
  maxTermMs: LAN.termMs,
  synced: true,
});

/** Every candidate has a session with every voter; the besieged one has won a bare quorum. */
function startOf(cast: Cast, { ceilings, besieged, ...left }: LeaseBounds): LeaseNode {
  const { roster, hosts } = cast;
  const draft: Draft = {
    cast,
    candidates: ceilings.map((ceiling, host) =>
      enterCandidate(cast, host, createStanding(diskOf(ceiling), roster)),
    ),
    voters: roster.voters.map((voter) => enterVoter(cast, createVoting(diskOf(0), voter))),
    mail: new Set(),
    ballots: [...left.ballots],
    wrong: undefined,
  };
  for (const host of hosts.keys())
    for (const voter of roster.voters) {
      actOf(draft, host, { kind: 'keepalive', voter });
      for (const flight of draft.mail) deliver(draft, flight);
    }
  const { candidates, voters } = draft;
  const node: LeaseNode = {
    candidates: [...candidates],
    voters: [...voters],
    mail: [],
    left: budgetOf(left),
    reign: 0,
    ruler: -1,
    wrong: undefined,
  };
  if (!besieged) return node;
  actOf(draft, 0, { kind: 'try' });
  const majority = Math.floor(roster.voters.length / 2) + 1;
  // The accepts that follow from the prepares are among them.
  for (const flight of draft.mail) if (voterOf(flight) < majority) deliver(draft, flight);
  return conclude(draft, node);
}

/** In one order of fields, since it is part of every key. */
const budgetOf = (left: LeaseBudget): LeaseBudget => ({
  ballots: left.ballots,
  fades: left.fades,
  voterCrashes: left.voterCrashes,
  candidateCrashes: left.candidateCrashes,
  copies: left.copies,
  lateAnswers: left.lateAnswers,
  keepalives: left.keepalives,
});

function violationOf(cast: Cast, { candidates, wrong }: LeaseNode): Violation | undefined {
  if (wrong !== undefined) return wrong;
  const leaders: string[] = [];
  const promised = new Map<number, string>();
  for (const [host, state] of candidates.entries()) {
    const { leads, ballot: n, phase } = candidateOf(cast, state);
    const name = `${cast.hosts[host]}`;
    if (leads !== undefined) leaders.push(`${name} leads under term ${leads}`);
    if (n === undefined || phase !== 'accept') continue;
    const other = promised.get(n);
    if (other !== undefined)
      return { rule: 'S4', text: `${other} and ${name} have a quorum's promises of ballot ${n}` };
    promised.set(n, name);
  }
  return leaders.length > 1 ? { rule: 'S1', text: leaders.join(', ') } : undefined;
}

function movesOf(cast: Cast, bounds: LeaseBounds, node: LeaseNode): readonly LeaseMove[] {
  const { left } = node;
  const candidates = node.candidates.map((state) => candidateOf(cast, state));
  const voters = node.voters.map((state) => voterAt(cast, state));
  if (bounds.besieged && candidates[0]?.leads === undefined) return [];
  const moves: LeaseMove[] = [];
  for (const flight of node.mail) moves.push(...deliveriesOf(cast, bounds, node, flight));
  for (const [host, candidate] of candidates.entries())
    for (const event of eventsOf(cast, bounds, node, host, candidate)) {
      const balloting = event.kind === 'try' || (event.kind === 'retry' && candidate.overtaken);
      if (!balloting) moves.push({ kind: 'act', host, event });
      else
        for (const first of voters.keys())
          if (!bounds.besieged || isFree(cast, node, host, first))
            moves.push({ kind: 'act', host, event, first });
    }
  for (const [voter, facts] of voters.entries()) {
    for (const [host, candidate] of candidates.entries()) {
      if (facts.fading[host] === true) moves.push({ kind: 'expire', host, voter });
      else if (left.fades > 0 && mayFade(cast, bounds, facts, candidate, { host, voter }))
        moves.push({ kind: bounds.besieged ? 'end' : 'fade', host, voter });
    }
    if (left.voterCrashes > 0) moves.push({ kind: 'crash', voter });
    if (facts.silent) moves.push({ kind: 'speak', voter });
  }
  return moves;
}

/** Nobody else is bound there. */
function isFree(cast: Cast, { voters }: LeaseNode, host: number, voter: number): boolean {
  const { owner } = voterAt(cast, voters[voter]);
  return owner === undefined || owner === cast.hosts[host];
}

function deliveriesOf(
  cast: Cast,
  { besieged }: LeaseBounds,
  node: LeaseNode,
  flight: number,
): readonly LeaseMove[] {
  const { left, candidates } = node;
  const { kind, ...message } = kept(cast.messages, messageOf(flight));
  const host = hostOf(flight);
  if (besieged && kind === 'prepare' && !isFree(cast, node, host, voterOf(flight))) return [];
  if (besieged && 'items' in message && (kind === 'prepare' || kind === 'accept')) {
    const { ballot: n, phase } = candidateOf(cast, candidates[host]);
    if (n !== message.items[0]?.ballot || kind !== phase) return [];
  }
  const moves: LeaseMove[] = [{ kind: 'deliver', flight }];
  if (left.copies > 0) moves.push({ kind: 'deliver', flight, but: 'itArrivesAgain' });
  if (left.lateAnswers > 0 && !isBack(flight) && kind !== 'release')
    moves.push({ kind: 'deliver', flight, but: 'itsAnswerIsLate' });
  return moves;
}

function mayFade(
  { hosts }: Cast,
  { besieged }: LeaseBounds,
  { live, owner }: VoterFacts,
  { fresh, ballot: n }: CandidateFacts,
  { host, voter }: Pair,
): boolean {
  const bound = owner === hosts[host];
  if (besieged) return bound && host === 0;
  // Without a ballot or a binding there is nothing that could end with it.
  return (bound || n !== undefined) && (live[host] === true || fresh[voter] === true);
}

function eventsOf(
  cast: Cast,
  { besieged }: LeaseBounds,
  { left, voters, mail }: LeaseNode,
  host: number,
  { ballot: n, everWon, mayRetry, overtaken, leads }: CandidateFacts,
): readonly CandidateEvent[] {
  const events: CandidateEvent[] = [];
  const ballots = left.ballots[host] ?? 0;
  if (n === undefined && ballots > 0) events.push({ kind: 'try' });
  if (mayRetry && (overtaken ? ballots > 0 : !besieged)) events.push({ kind: 'retry' });
  if (n !== undefined && !everWon) {
    // To give up what has left no trace, and not try again, is to do nothing.
    const traces =
      voters.some((voter) => voterAt(cast, voter).owner === cast.hosts[host]) ||
      mail.some(
        (flight) =>
          hostOf(flight) === host && kept(cast.messages, messageOf(flight)).kind === 'accept',
      );
    if (ballots > 0 || traces) events.push({ kind: 'timeOut' });
  }
  if (leads !== undefined && !besieged) events.push({ kind: 'release' });
  if (left.candidateCrashes > 0) events.push({ kind: 'crash' });
  if (left.keepalives > 0 && n !== undefined)
    for (const voter of cast.roster.voters) events.push({ kind: 'keepalive', voter });
  return events;
}

/** Voters are alike: their columns are sorted, so that their names do not matter. */
function keyOf(cast: Cast, { candidates, voters, mail, left, reign, ruler }: LeaseNode): string {
  const facts = candidates.map((state) => candidateOf(cast, state));
  const columns = voters.map((state, voter) => {
    let column = `${state}`;
    for (const { links } of facts) column += ` ${links[voter]}`;
    return column;
  });
  for (const flight of mail)
    columns[voterOf(flight)] +=
      ` ${messageOf(flight)}${isBack(flight) ? '<' : '>'}${hostOf(flight)}`;
  const numbers: number[] = [];
  for (const column of columns) numbers.push(numberOf(cast.parts, column, () => undefined));
  let key = numbers.sort((a, b) => a - b).join(' ');
  for (const [host, { own, highest }] of facts.entries())
    // What it has heard of others' ballots matters only for ballots to come.
    key += ` ${own} ${(left.ballots[host] ?? 0) > 0 ? highest : ''}`;
  const { ballots, fades, voterCrashes, candidateCrashes, copies, lateAnswers, keepalives } = left;
  return `${key} ${ballots.join()} ${fades} ${voterCrashes} ${candidateCrashes} ${copies} ${lateAnswers} ${keepalives} ${reign} ${ruler}`;
}
