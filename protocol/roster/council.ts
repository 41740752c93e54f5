/**
 * The roster as this host knows it, and every step of changing it.
 *
 *     stable C_old ──chosen by old──▶ joint J(old, new) ──chosen by both──▶ stable C_new
 *
 * Invariants:
 *  Q1 Only chosen rosters are adopted, persisted and passed on, or such as a user has forced; the epoch
 *     only rises (S8).
 *  Q2 Under J everything needs both majorities; a message of a lower epoch is answered with J.
 *  Q3 A new voter answers nothing but keepalives until it has merged a majority of the old (rule 4).
 *  Q4 C_new is proposed only when a majority of new is synced and alive, a majority of old has adopted
 *     J, and every lease granted before that has run out (rule 5).
 *  Q5 Who was removed, or may have been while it heard nothing, has nothing as a voter: it is not
 *     synced, and its records are gone (rule 6).
 *
 * Source: README.md §7, 1 to 6. Who should vote says `autopilot.ts`.
 */
import { epoch, type HostId, type Key, ROSTER_KEY } from '../base/ids.ts';
import { sorted } from '../base/order.ts';
import { after, earlier, type Instant, type Millis, millis, NEVER, seconds } from '../base/time.ts';
import { leaseDrainMs } from '../config.ts';
import type { DiskWrite } from '../effect.ts';
import { type Durable, saveDurable } from '../lease/durable.ts';
import type { Links } from '../lease/links.ts';
import { liftFloor, type Voter } from '../lease/voter.ts';
import { mergeRegister, type Registers, wipeRegisters } from '../record/register.ts';
import { journal, send, type Turn } from '../turn.ts';
import type { Message, SyncPage, SyncPull } from '../wire/message.ts';
import {
  type Acceptor,
  onRosterAccept,
  onRosterAccepted,
  onRosterPrepare,
  onRosterPromise,
  type Proposal,
  propose,
  sendProposal,
} from './acceptor.ts';
import { type Electorate, wantedVoters } from './autopilot.ts';
import { majority, type Roster, succeeds, surelyStayed, votersOf } from './roster.ts';

export type Council = {
  roster: Roster;
  /** When this life of the agent took it over; `NEVER`: it was on the disk. */
  since: Instant;
  acceptor: Acceptor | undefined;
  proposal: Proposal | undefined;
  /** The highest ballot number met, so that the next attempt is above it. */
  highest: number;
  /** What a new voter has fetched so far; undefined: nothing to fetch. */
  sync: Sync | undefined;
  /** Since when we have known that a majority of old has adopted J (Q4). */
  adoptedSince: Instant | undefined;
  /** How long from then until every lease granted before has run out. */
  drainMs: Millis;
};
type Sync = {
  readonly done: Set<HostId>;
  readonly after: Map<HostId, Key | ''>;
  resendAt: Instant;
};

/** How long a change waits for a new voter that is alive and has not synced yet. */
const SYNC_PATIENCE_MS = seconds(10);
/** A joint roster that stays undecided so long is attempted anew with a higher ballot. */
const ATTEMPT_RETRIES = 5;

export function createCouncil(roster: Roster, acceptor: Acceptor | undefined): Council {
  return {
    roster,
    since: NEVER,
    acceptor,
    proposal: undefined,
    highest: acceptor?.promised.n ?? 0,
    sync: undefined,
    adoptedSince: undefined,
    drainMs: millis(0),
  };
}

/** A change of roster that the caller must carry to leases and records. */
export type Change = { readonly from: Roster; readonly to: Roster };

/** What a host keeps as a voter. */
export type VoterState = { readonly durable: Durable; readonly registers: Registers };

/**
 * Takes over a chosen roster if it is newer (Q1). Who was removed, or may have been, forgets in the
 * same write what it had as a voter (Q5): the disk must never say that it votes and is synced.
 */
export function adopt(
  council: Council,
  { durable, registers }: VoterState,
  turn: Turn,
  roster: Roster,
): Change | undefined {
  if (!succeeds(roster, council.roster)) return undefined;
  const change = { from: council.roster, to: roster };
  const writes: DiskWrite[] = [{ name: 'roster', value: roster }];
  const was = votersOf(change.from).includes(turn.self);
  if (was && !surelyStayed(change.from, roster, turn.self)) {
    durable.synced = false;
    writes.push({ name: 'host', value: { ...durable } }, ...wipeRegisters(registers));
  }
  turn.out.push({ kind: 'persist', writes });
  council.roster = roster;
  council.since = turn.now;
  council.proposal = undefined;
  council.adoptedSince = undefined;
  council.sync = undefined;
  return change;
}

type RosterMessage = Extract<
  Message,
  {
    readonly kind:
      | 'rosterPrepare'
      | 'rosterPromise'
      | 'rosterAccept'
      | 'rosterAccepted'
      | 'rosterChosen';
  }
>;

export function onRosterMessage(
  council: Council,
  state: VoterState,
  turn: Turn,
  from: HostId,
  message: RosterMessage,
): Change | undefined {
  switch (message.kind) {
    case 'rosterChosen':
      return compareEpochs(council, state, turn, from, message.roster);
    case 'rosterPrepare':
    case 'rosterAccept': {
      const change = compareEpochs(council, state, turn, from, message.base);
      const voter = votersOf(council.roster).includes(turn.self);
      if (message.base.epoch !== council.roster.epoch || !voter) return change;
      council.highest = Math.max(council.highest, message.ballot.n);
      council.acceptor =
        message.kind === 'rosterPrepare'
          ? onRosterPrepare(council.acceptor, turn, from, message)
          : onRosterAccept(council.acceptor, turn, from, message);
      return change;
    }
    case 'rosterPromise':
      council.highest = Math.max(council.highest, message.promised.n);
      if (council.proposal !== undefined) onRosterPromise(council.proposal, turn, from, message);
      return undefined;
    case 'rosterAccepted': {
      council.highest = Math.max(council.highest, message.promised.n);
      if (council.proposal === undefined) return undefined;
      const chosen = onRosterAccepted(council.proposal, from, message);
      return chosen === undefined ? undefined : adopt(council, state, turn, chosen);
    }
  }
}

/** Adopts a newer roster; answers an older one with ours. */
export function compareEpochs(
  council: Council,
  state: VoterState,
  turn: Turn,
  from: HostId,
  theirs: Roster,
): Change | undefined {
  if (succeeds(council.roster, theirs))
    send(turn, from, { kind: 'rosterChosen', roster: council.roster });
  return adopt(council, state, turn, theirs);
}

/** Whether a voter's message fits our epoch; otherwise the two rosters are compared (Q2). */
export function sameEpoch(council: Council, turn: Turn, from: HostId, theirs: number): boolean {
  if (theirs === council.roster.epoch) return true;
  send(turn, from, { kind: 'rosterChosen', roster: council.roster });
  return false;
}

/** What the leader of the roster knows when it considers a change. */
export type Prospect = {
  readonly links: Links;
  readonly durable: Durable;
  readonly electorate: Electorate;
  readonly isAlive: (host: HostId) => boolean;
};

/**
 * One look of the leader of `sys/roster`: repeats an attempt, or begins the next change. An attempt that
 * came to nothing is made anew only if it is still wanted.
 */
export function govern(council: Council, turn: Turn, prospect: Prospect): void {
  const { proposal, roster } = council;
  if (proposal !== undefined) {
    if (turn.now < proposal.resendAt) return;
    const stale = after(proposal.startedAt, millis(ATTEMPT_RETRIES * turn.config.retryMs));
    if (turn.now < stale) return sendProposal(proposal, turn);
  }
  const wanted =
    roster.next === undefined ? begin(council, turn, prospect) : conclude(council, turn, prospect);
  council.proposal =
    wanted === undefined ? undefined : propose(turn, roster, wanted, council.highest);
  council.highest = council.proposal?.ballot.n ?? council.highest;
}

/** The joint roster that leads to the voters we should have. */
function begin(
  { roster, proposal }: Council,
  turn: Turn,
  { electorate }: Prospect,
): Roster | undefined {
  const wish = wantedVoters(roster.voters, electorate, turn.config);
  if (wish === undefined) return undefined;
  if (proposal === undefined) journal(turn, 'voters', [ROSTER_KEY, ...wish.voters], wish.why);
  return { ...roster, epoch: epoch(roster.epoch + 1), next: wish.voters };
}

/** J becomes C_new once it is safe (Q4). */
function conclude(council: Council, turn: Turn, prospect: Prospect): Roster | undefined {
  const { roster } = council;
  const { links, durable, isAlive } = prospect;
  const adopted = (host: HostId): boolean =>
    host === turn.self || links.byVoter.get(host)?.epoch === roster.epoch;
  const synced = (host: HostId): boolean =>
    host === turn.self ? durable.synced : links.byVoter.get(host)?.synced === true;
  if (!majority(roster.voters, adopted)) return undefined;
  if (council.adoptedSince === undefined) {
    council.adoptedSince = turn.now;
    // Each lease of before stands on a quorum of old, and so on one of these.
    const granted = roster.voters
      .filter(adopted)
      .map((host) => longestGranted(prospect, turn, host));
    const longestMs = millis(Math.max(roster.termMs.normal, ...granted));
    council.drainMs = leaseDrainMs(longestMs, turn.config);
  }
  const { next: voters = [], ...rest } = roster;
  const ready = voters.filter((host) => synced(host) && adopted(host) && isAlive(host));
  if (!majority(voters, (host) => ready.includes(host))) return undefined;
  if (turn.now < drainedAt(council, turn)) return undefined;
  // Once it is concluded only new voters are asked: one that has not synced needs most of them.
  const isScarce = !majority(voters, (host) => ready.includes(host) && host !== ready[0]);
  const awaited = isScarce && voters.some((host) => isAlive(host) && !synced(host));
  if (awaited && turn.now < patientUntil(council, turn)) return undefined;
  return { epoch: epoch(rest.epoch + 1), voters, termMs: rest.termMs };
}

const drainedAt = (council: Council, turn: Turn): Instant =>
  after(council.adoptedSince ?? turn.now, council.drainMs);

const patientUntil = (council: Council, turn: Turn): Instant =>
  after(drainedAt(council, turn), SYNC_PATIENCE_MS);

const longestGranted = ({ durable, links }: Prospect, { self }: Turn, host: HostId): Millis =>
  host === self ? durable.maxTermMs : (links.byVoter.get(host)?.maxTermMs ?? millis(0));

/** A new voter's work: ask the old voters for what they promised and stored (Q3). */
export function fetchState(council: Council, turn: Turn, durable: Durable): void {
  const { roster } = council;
  if (durable.synced || !votersOf(roster).includes(turn.self)) return;
  council.sync ??= { done: new Set(), after: new Map(), resendAt: turn.now };
  if (turn.now < council.sync.resendAt) return;
  council.sync.resendAt = after(turn.now, turn.config.retryMs);
  for (const host of roster.voters) {
    if (host === turn.self || council.sync.done.has(host)) continue;
    askPage(council.sync, turn, roster, host);
  }
}

function askPage(sync: Sync, turn: Turn, roster: Roster, host: HostId): void {
  send(turn, host, { kind: 'syncPull', epoch: roster.epoch, after: sync.after.get(host) ?? '' });
}

/** Bytes of one page stay well below a frame: a record is at most a stack's size. */
const PAGE_RECORDS_MAX = 20;
const PAGE_CHARS_MAX = 100_000;

/** An old voter answers from what it holds now, after it adopted the epoch asked for. */
export function onSyncPull(
  registers: Registers,
  durable: Durable,
  turn: Turn,
  from: HostId,
  message: SyncPull,
): void {
  const records: SyncPage['records'][number][] = [];
  let chars = 0;
  let last = true;
  for (const [key, register] of sorted(registers)) {
    if (key <= message.after) continue;
    chars += JSON.stringify(register).length;
    if (records.length > 0 && (records.length === PAGE_RECORDS_MAX || chars > PAGE_CHARS_MAX)) {
      last = false;
      break;
    }
    records.push({ key, ...register });
  }
  const { epoch: at, after: since } = message;
  const { ceiling, maxTermMs } = durable;
  send(turn, from, {
    kind: 'syncPage',
    epoch: at,
    after: since,
    records,
    last,
    ceiling,
    maxTermMs,
  });
}

/** Merges a page; with the last page of a majority of the old voters this voter is synced. */
export function onSyncPage(
  council: Council,
  voter: Voter,
  registers: Registers,
  turn: Turn,
  from: HostId,
  message: SyncPage,
): void {
  const { sync, roster } = council;
  if (sync === undefined || message.epoch !== roster.epoch || voter.durable.synced) return;
  if (message.after !== (sync.after.get(from) ?? '') || sync.done.has(from)) return; // a duplicate
  for (const record of message.records) mergeRegister(registers, turn, record);
  liftFloor(voter, turn, message.ceiling);
  const lastKey = message.records.at(-1)?.key;
  if (!message.last && lastKey !== undefined) {
    sync.after.set(from, lastKey);
    return askPage(sync, turn, roster, from);
  }
  sync.done.add(from);
  if (!majority(roster.voters, (host) => host !== turn.self && sync.done.has(host))) return;
  council.sync = undefined;
  voter.durable.synced = true;
  saveDurable(voter.durable, turn);
}

export function councilDeadline(council: Council, turn: Turn, leads: boolean): Instant | undefined {
  let deadline = council.sync?.resendAt;
  if (!leads) return deadline;
  deadline = earlier(deadline, council.proposal?.resendAt);
  if (council.proposal === undefined && council.adoptedSince !== undefined)
    for (const due of [drainedAt(council, turn), patientUntil(council, turn)])
      if (turn.now < due) deadline = earlier(deadline, due);
  return deadline;
}
