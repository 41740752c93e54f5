/**
 * Every order of what can happen to one record, within bounds: leaders of different terms that read,
 * commit again, write and are outbid, all at the same time, over messages that arrive in any order or
 * never; voters that crash right after the first thing an arriving message makes them do.
 *
 * That the lease lets only one leader at a time write is not used here: ballots alone make it safe.
 *
 * S11 what was committed or served stays: it is a part of everything committed or served under a
 * higher revision; and a revision has one value · R7 with it are kept the ids of its deploys.
 */
import { epoch, hostId } from '../../protocol/base/ids.ts';
import { firstTerms, LAN } from '../../protocol/config.ts';
import type { Roster } from '../../protocol/roster/roster.ts';
import type { Message } from '../../protocol/wire/message.ts';
import { type Catalog, createCatalog, kept, numberOf } from './catalog.ts';
import { flightOf, hostOf, isBack, messageOf, type Pair, pairOf, voterOf } from './flights.ts';
import {
  befallLeader,
  befallRegister,
  copyLeader,
  copyRegister,
  createLeader,
  type Exposed,
  type Leader,
  type LeaderEvent,
  precedes,
  printLeader,
  printRegister,
  type RegisterHost,
  showExposed,
} from './recording.ts';
import type { Space, Violation } from './search.ts';

export type RecordBounds = {
  readonly voters: number;
  /** Of each leader, in the order of their terms, how often it may write. */
  readonly writes: readonly number[];
  /** How often a leader that was outbid may read again under a higher term. */
  readonly rereads: number;
  readonly copies: number;
  readonly lateAnswers: number;
  readonly crashes: number;
};
type Budget = Omit<RecordBounds, 'voters'>;

type RecordNode = {
  readonly leaders: readonly number[];
  readonly registers: readonly number[];
  /** Messages under way, ascending. */
  readonly mail: readonly number[];
  readonly left: Budget;
  /** All that was ever committed or served. */
  readonly exposed: number;
  readonly wrong: Violation | undefined;
};
type RecordMove =
  | {
      readonly kind: 'deliver';
      readonly flight: number;
      readonly but?: 'itArrivesAgain' | 'itsAnswerIsLate' | 'theVoterCrashes';
    }
  | { readonly kind: 'act'; readonly host: number; readonly event: LeaderEvent };

type Outcome = {
  readonly next: number;
  readonly out: readonly { readonly to: number; readonly message: number }[];
  readonly exposed: readonly Exposed[];
};
/** With the numbers of what concerns the leader alone, and each of its links. */
type LeaderFacts = {
  readonly leader: Leader;
  readonly own: number;
  readonly links: readonly number[];
};
type Stage = {
  readonly roster: Roster;
  readonly leaders: Catalog<LeaderFacts>;
  readonly registers: Catalog<RegisterHost>;
  readonly messages: Catalog<Message>;
  readonly exposures: Catalog<readonly Exposed[]>;
  /** Prints of parts of the whole. */
  readonly parts: Catalog<undefined>;
  readonly outcomes: Map<string, Outcome>;
  readonly met: Set<string>;
};

const VOTERS = ['a', 'b', 'c', 'd', 'e'];
const nameOf = (leader: number): string => `leader ${leader + 1}`;

export function recordSpace(bounds: RecordBounds): Space<RecordNode, RecordMove> {
  const voters = VOTERS.slice(0, bounds.voters).map(hostId);
  const stage: Stage = {
    roster: { epoch: epoch(1), voters, termMs: firstTerms(LAN) },
    leaders: createCatalog(),
    registers: createCatalog(),
    messages: createCatalog(),
    exposures: createCatalog(),
    parts: createCatalog(),
    outcomes: new Map(),
    met: new Set(),
  };
  return {
    start: startOf(stage, bounds),
    moves: (node) => movesOf(stage, node),
    after: (node, move) => afterMove(stage, node, move),
    key: (node) => keyOf(stage, node),
    violation: ({ wrong }) => wrong,
    tell: (_node, move) => tellMove(stage, move),
    met: stage.met,
  };
}

/** All leaders have won and ask for the record: when each is heard is a matter of delivery. */
function startOf(stage: Stage, { voters: _count, ...left }: RecordBounds): RecordNode {
  const { roster } = stage;
  const mail: number[] = [];
  const leaders = left.writes.map((_writes, host) => {
    const { leader, out } = createLeader(host, host + 1, roster);
    for (const { to, message } of out)
      mail.push(flightOf(numberOfMessage(stage, message), { host, voter: to }, 0));
    return enterLeader(stage, leader);
  });
  const empty = enterRegister(stage, { registers: new Map(), disk: new Map() });
  const registers = roster.voters.map(() => empty);
  const exposed = numberOf(stage.exposures, '', () => []);
  return { leaders, registers, mail: mail.sort((a, b) => a - b), left, exposed, wrong: undefined };
}

function enterLeader({ leaders, roster, parts }: Stage, leader: Leader): number {
  const { own, links } = printLeader(leader, roster);
  return numberOf(leaders, `${own};${links.join(';')}`, () => ({
    leader,
    own: numberOf(parts, own, () => undefined),
    links: links.map((link) => numberOf(parts, link, () => undefined)),
  }));
}
const enterRegister = ({ registers }: Stage, register: RegisterHost): number =>
  numberOf(registers, printRegister(register), () => register);
const numberOfMessage = ({ messages }: Stage, message: Message): number =>
  numberOf(messages, JSON.stringify(message), () => message);

function movesOf(stage: Stage, { leaders, mail, left }: RecordNode): readonly RecordMove[] {
  const moves: RecordMove[] = [];
  for (const flight of mail) {
    moves.push({ kind: 'deliver', flight });
    if (left.copies > 0) moves.push({ kind: 'deliver', flight, but: 'itArrivesAgain' });
    if (isBack(flight)) continue;
    if (left.lateAnswers > 0) moves.push({ kind: 'deliver', flight, but: 'itsAnswerIsLate' });
    if (left.crashes > 0) moves.push({ kind: 'deliver', flight, but: 'theVoterCrashes' });
  }
  for (const [host, state] of leaders.entries()) {
    const { writer } = kept(stage.leaders, state).leader;
    if (writer.phase === 'serving' && (left.writes[host] ?? 0) > 0)
      moves.push({ kind: 'act', host, event: { kind: 'write' } });
    if (writer.phase === 'outbid' && left.rereads > 0)
      moves.push({
        kind: 'act',
        host,
        event: { kind: 'reread', term: writer.term + leaders.length },
      });
  }
  return moves;
}

/** A node in the making. */
type Draft = {
  readonly stage: Stage;
  readonly leaders: number[];
  readonly registers: number[];
  readonly mail: Set<number>;
  readonly exposed: Exposed[];
};

function afterMove(stage: Stage, node: RecordNode, move: RecordMove): RecordNode {
  const draft: Draft = {
    stage,
    leaders: [...node.leaders],
    registers: [...node.registers],
    mail: new Set(node.mail),
    exposed: [],
  };
  if (move.kind === 'deliver') deliver(draft, move);
  else reachLeader(draft, move.host, move.event, JSON.stringify(move.event));
  const mail = [...draft.mail].filter((flight) => !isIdle(draft, flight)).sort((a, b) => a - b);
  const { leaders, registers } = draft;
  const left = spend(node.left, move);
  return { leaders, registers, mail, left, ...exposeAll(stage, node.exposed, draft.exposed) };
}

function deliver(
  draft: Draft,
  { flight, but }: Extract<RecordMove, { readonly kind: 'deliver' }>,
): void {
  const { stage, mail } = draft;
  const pair = pairOf(flight);
  const number = messageOf(flight);
  if (but !== 'itArrivesAgain') mail.delete(flight);
  if (isBack(flight)) return answer(draft, pair, number);
  const crashes = but === 'theVoterCrashes';
  const state = draft.registers[pair.voter] ?? 0;
  const print = `${state} ${number} ${pair.host} ${crashes}`;
  const { next, out } = lookUp(stage, print, () => {
    const register = copyRegister(kept(stage.registers, state));
    const from = hostId(nameOf(pair.host));
    const said = befallRegister(register, from, kept(stage.messages, number), crashes);
    return {
      next: enterRegister(stage, register),
      out: said.map((message) => ({ to: pair.host, message: numberOfMessage(stage, message) })),
      exposed: [],
    };
  });
  draft.registers[pair.voter] = next;
  for (const { message } of out)
    if (but === 'itsAnswerIsLate') mail.add(flightOf(message, pair, 1));
    else answer(draft, pair, message);
}

function answer(draft: Draft, { host, voter: at }: Pair, number: number): void {
  const { roster, messages } = draft.stage;
  const voter = roster.voters[at];
  if (voter === undefined) return;
  const event: LeaderEvent = { kind: 'heard', voter, message: kept(messages, number) };
  reachLeader(draft, host, event, `${at}<${number}`);
}

/** `print`: equal for equal events. */
function reachLeader(draft: Draft, host: number, event: LeaderEvent, print: string): void {
  const { stage, leaders, mail } = draft;
  const state = leaders[host] ?? 0;
  const { roster, met } = stage;
  const outcome = lookUp(stage, `${state}:${print}`, () => {
    const leader = copyLeader(kept(stage.leaders, state).leader);
    const { out, exposed } = befallLeader(leader, roster, event);
    if (leader.writer.phase === 'outbid') met.add('a leader that is outbid');
    if (leader.writer.phase === 'recommitting') met.add('a record that is committed again');
    return {
      next: enterLeader(stage, leader),
      out: out.map(({ to, message }) => ({ to, message: numberOfMessage(stage, message) })),
      exposed,
    };
  });
  leaders[host] = outcome.next;
  draft.exposed.push(...outcome.exposed);
  for (const { to, message } of outcome.out) mail.add(flightOf(message, { host, voter: to }, 0));
}

function lookUp({ outcomes }: Stage, print: string, work: () => Outcome): Outcome {
  const known = outcomes.get(print);
  if (known !== undefined) return known;
  const outcome = work();
  outcomes.set(print, outcome);
  return outcome;
}

/** An answer to what its leader no longer asks: it changes nothing. */
function isIdle({ stage, leaders }: Draft, flight: number): boolean {
  if (!isBack(flight)) return false;
  const message = kept(stage.messages, messageOf(flight));
  const { writer } = kept(stage.leaders, leaders[hostOf(flight)] ?? 0).leader;
  if (message.kind === 'readAck') return writer.phase !== 'reading' || writer.term !== message.term;
  if (message.kind !== 'writeAck') return true;
  const { pending } = writer;
  return (
    pending?.revision.term !== message.revision.term ||
    pending.revision.seq !== message.revision.seq
  );
}

function spend(left: Budget, move: RecordMove): Budget {
  if (move.kind === 'deliver') {
    if (move.but === 'itArrivesAgain') return { ...left, copies: left.copies - 1 };
    if (move.but === 'itsAnswerIsLate') return { ...left, lateAnswers: left.lateAnswers - 1 };
    return move.but === undefined ? left : { ...left, crashes: left.crashes - 1 };
  }
  if (move.event.kind === 'reread') return { ...left, rereads: left.rereads - 1 };
  return { ...left, writes: left.writes.map((n, host) => (host === move.host ? n - 1 : n)) };
}

/** Everything exposed so far against what is exposed now (S11). */
function exposeAll(
  { exposures, met }: Stage,
  before: number,
  now: readonly Exposed[],
): Pick<RecordNode, 'exposed' | 'wrong'> {
  if (now.length === 0) return { exposed: before, wrong: undefined };
  const all = [...kept(exposures, before)];
  let wrong: Violation | undefined;
  for (const record of now) {
    if (record.ids !== record.value)
      wrong ??= {
        rule: 'R7',
        text: `${showExposed(record)}, but with the deploys [${record.ids}]`,
      };
    for (const known of all) {
      if (known.term !== record.term) met.add('commits under two terms');
      const [low, high] = precedes(known, record) ? [known, record] : [record, known];
      if (!high.value.startsWith(low.value))
        wrong ??= { rule: 'S11', text: `${showExposed(low)}, but ${showExposed(high)}` };
      const same = !precedes(low, high) && low.value !== high.value;
      if (same) wrong ??= { rule: 'S11', text: `${showExposed(low)}, and ${showExposed(high)}` };
    }
    all.push(record);
  }
  const texts = new Map(all.map((record) => [showExposed(record), record]));
  const prints = [...texts.keys()].sort();
  const exposed = numberOf(exposures, prints.join(';'), () => [...texts.values()]);
  return { exposed, wrong };
}

/** Voters are alike: their columns are sorted, so that their names do not matter. */
function keyOf(stage: Stage, { leaders, registers, mail, left, exposed }: RecordNode): string {
  const facts = leaders.map((state) => kept(stage.leaders, state));
  const columns = registers.map((state, voter) => {
    let column = `${state}`;
    for (const { links } of facts) column += ` ${links[voter]}`;
    return column;
  });
  for (const flight of mail)
    columns[voterOf(flight)] +=
      ` ${messageOf(flight)}${isBack(flight) ? '<' : '>'}${hostOf(flight)}`;
  const numbers: number[] = [];
  for (const column of columns) numbers.push(numberOf(stage.parts, column, () => undefined));
  let key = numbers.sort((a, b) => a - b).join(' ');
  for (const { own } of facts) key += ` ${own}`;
  const { writes, rereads, copies, lateAnswers, crashes } = left;
  return `${key} ${writes.join()} ${rereads} ${copies} ${lateAnswers} ${crashes} ${exposed}`;
}

function tellMove({ roster, messages }: Stage, move: RecordMove): string {
  if (move.kind === 'act') {
    const { event, host } = move;
    const what = event.kind === 'reread' ? `reads again, as term ${event.term}` : 'writes';
    return `${nameOf(host)} ${what}`;
  }
  const { flight, but } = move;
  const pair = [nameOf(hostOf(flight)), roster.voters[voterOf(flight)]];
  const [from, to] = isBack(flight) ? pair.reverse() : pair;
  const after = but === undefined ? '' : `, ${AFTERWARDS[but]}`;
  return `${tellMessage(kept(messages, messageOf(flight)))} of ${from} reaches ${to}${after}`;
}

const AFTERWARDS = {
  itArrivesAgain: 'and will once more',
  itsAnswerIsLate: 'its answer is held up',
  theVoterCrashes: 'which crashes after its first effect',
};

function tellMessage(message: Message): string {
  if (message.kind === 'read' || message.kind === 'readAck')
    return `${message.kind} ${message.term}`;
  if (message.kind !== 'write' && message.kind !== 'writeAck') return message.kind;
  const outcome = message.kind === 'writeAck' ? ` (${message.outcome})` : '';
  return `${message.kind} ${message.revision.term}.${message.revision.seq}${outcome}`;
}
