/**
 * Single-decree Paxos for the roster of the next epoch, the acceptor's and the proposer's part.
 * One decision per epoch; `base`, the roster of the epoch before, says whose votes decide.
 *
 * Invariants:
 *  C1 What an acceptor promised or accepted for an epoch it keeps across restarts (fsynced first).
 *  C2 A proposer that hears of an accepted roster proposes that one (the highest ballot's).
 *  C3 At most one roster is chosen per epoch (S7, S8); only chosen rosters are used or passed on.
 *
 * Source: Lamport, Paxos Made Simple; README.md §7, 1 to 3.
 */
import { epoch, type Epoch, type HostId } from '../base/ids.ts';
import { compareText } from '../base/order.ts';
import { within } from '../base/prng.ts';
import { after, type Instant, millis } from '../base/time.ts';
import { persist, send, type Turn } from '../turn.ts';
import type {
  RosterAccept,
  RosterAccepted,
  RosterBallot,
  RosterPrepare,
  RosterPromise,
} from '../wire/message.ts';
import { quorum, type Roster, votersOf } from './roster.ts';

export type Acceptor = {
  /** The epoch these are about. */
  readonly epoch: Epoch;
  readonly promised: RosterBallot;
  readonly accepted?: { readonly ballot: RosterBallot; readonly roster: Roster };
};

/** An attempt of ours at the epoch after `base`. */
export type Proposal = {
  readonly base: Roster;
  readonly ballot: RosterBallot;
  /** What we want, unless another was accepted already (C2). */
  readonly wanted: Roster;
  readonly promises: Map<HostId, RosterPromise>;
  readonly accepts: Set<HostId>;
  /** Set once a quorum has promised. */
  proposed: Roster | undefined;
  resendAt: Instant;
  readonly startedAt: Instant;
};

export const compareBallot = (a: RosterBallot, b: RosterBallot): number =>
  a.n - b.n || compareText(a.host, b.host);

const nextEpoch = (base: Roster): Epoch => epoch(base.epoch + 1);
const NONE: RosterBallot = { n: 0, host: '' as HostId };

/** Answers a prepare for the epoch after our own roster's; the caller has adopted `base` if newer. */
export function onRosterPrepare(
  acceptor: Acceptor | undefined,
  turn: Turn,
  from: HostId,
  message: RosterPrepare,
): Acceptor | undefined {
  const about = nextEpoch(message.base);
  const state = acceptor?.epoch === about ? acceptor : { epoch: about, promised: NONE };
  const ok = compareBallot(message.ballot, state.promised) >= 0;
  const kept: Acceptor = ok ? { ...state, promised: message.ballot } : state;
  if (ok) persist(turn, 'acceptor', kept); // C1
  send(turn, from, {
    kind: 'rosterPromise',
    epoch: about,
    ballot: message.ballot,
    ok,
    promised: kept.promised,
    ...(kept.accepted === undefined ? {} : { accepted: kept.accepted }),
  });
  return kept;
}

export function onRosterAccept(
  acceptor: Acceptor | undefined,
  turn: Turn,
  from: HostId,
  message: RosterAccept,
): Acceptor | undefined {
  const about = nextEpoch(message.base);
  const state = acceptor?.epoch === about ? acceptor : { epoch: about, promised: NONE };
  const ok = compareBallot(message.ballot, state.promised) >= 0;
  const { ballot, roster } = message;
  const kept: Acceptor = ok
    ? { epoch: about, promised: ballot, accepted: { ballot, roster } }
    : state;
  if (ok) persist(turn, 'acceptor', kept); // C1
  send(turn, from, { kind: 'rosterAccepted', epoch: about, ballot, ok, promised: kept.promised });
  return kept;
}

/** Begins an attempt above every ballot heard of. */
export function propose(turn: Turn, base: Roster, wanted: Roster, above: number): Proposal {
  const proposal: Proposal = {
    base,
    ballot: { n: above + 1, host: turn.self },
    wanted,
    promises: new Map(),
    accepts: new Set(),
    proposed: undefined,
    resendAt: after(turn.now, turn.config.retryMs),
    startedAt: turn.now,
  };
  sendProposal(proposal, turn);
  return proposal;
}

/** Sends the present phase to every voter that has not answered it. */
export function sendProposal(proposal: Proposal, turn: Turn): void {
  const { base, ballot, proposed: roster } = proposal;
  proposal.resendAt = after(turn.now, millis(turn.config.retryMs + within(turn.prng, 0, 100)));
  for (const voter of votersOf(base)) {
    if (roster === undefined) {
      if (!proposal.promises.has(voter)) send(turn, voter, { kind: 'rosterPrepare', base, ballot });
    } else if (!proposal.accepts.has(voter)) {
      send(turn, voter, { kind: 'rosterAccept', base, ballot, roster });
    }
  }
}

/** Whether the promise still belongs to the attempt's first phase; on a quorum the second begins. */
export function onRosterPromise(
  proposal: Proposal,
  turn: Turn,
  from: HostId,
  message: RosterPromise,
): void {
  if (!belongs(proposal, message) || !message.ok || proposal.proposed !== undefined) return;
  proposal.promises.set(from, message);
  if (!quorum(proposal.base, (voter) => proposal.promises.has(voter))) return;
  let best: { readonly ballot: RosterBallot; readonly roster: Roster } | undefined;
  for (const { accepted } of proposal.promises.values()) {
    if (accepted === undefined) continue;
    if (best === undefined || compareBallot(accepted.ballot, best.ballot) > 0) best = accepted;
  }
  proposal.proposed = best?.roster ?? proposal.wanted; // C2
  sendProposal(proposal, turn);
}

/** The roster, once a quorum of `base` has accepted it under our ballot: chosen (C3). */
export function onRosterAccepted(
  proposal: Proposal,
  from: HostId,
  message: RosterAccepted,
): Roster | undefined {
  if (!belongs(proposal, message) || !message.ok || proposal.proposed === undefined)
    return undefined;
  proposal.accepts.add(from);
  return quorum(proposal.base, (voter) => proposal.accepts.has(voter))
    ? proposal.proposed
    : undefined;
}

const belongs = (
  proposal: Proposal,
  message: { readonly epoch: Epoch; readonly ballot: RosterBallot },
): boolean =>
  message.epoch === nextEpoch(proposal.base) &&
  compareBallot(message.ballot, proposal.ballot) === 0;
