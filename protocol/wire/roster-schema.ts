/** Rosters, and the ballots by which they are chosen. */
import { ok } from '../base/result.ts';
import { type Millis, seconds } from '../base/time.ts';
import type { Roster } from '../roster/roster.ts';
import { list, object, optional, type Schema, where } from './schema.ts';
import { counter, disorder, epoch, hostId, length } from './vocabulary.ts';

/** Voters of a roster; 1, 3 and 5 are used, 7 is the most that helps anyone. */
const VOTERS_MAX = 7;

/** Of rosters from before there was this class. On every host the same, so no setting. */
const STRICT_BEFORE: Millis = seconds(10);
const terms = object({ normal: length, strict: optional(length) });
const termMs: Schema<Roster['termMs']> = (value) => {
  const given = terms(value);
  if (!given.ok) return given;
  const { normal, strict = STRICT_BEFORE } = given.value;
  return ok({ normal, strict });
};

const voters = where(list(hostId, VOTERS_MAX), disorder);
const fields = {
  epoch,
  voters,
  next: optional(voters),
  termMs,
} as const;

/**
 * A chosen roster as it travels. Without voters a majority of none would be a quorum, and with one
 * named twice it would count twice.
 */
export const roster = where(object(fields), (given) => {
  if (given.epoch === 0) return 'epoch 0 is the roster of a host that has joined nothing';
  if (given.voters.length === 0 || given.next?.length === 0) return 'nobody votes';
  const { normal, strict } = given.termMs;
  return normal === 0 || strict === 0 ? 'a lease of 0 ms' : undefined;
});

/** A roster on disk: also that of a host on its way into a cluster. */
export const keptRoster = where(object(fields), (given) => {
  const joining = given.epoch === 0 && given.voters.length === 0 && given.next === undefined;
  const verdict = joining ? undefined : roster(given);
  return verdict === undefined || verdict.ok ? undefined : verdict.error.message;
});

export const rosterBallot = object({ n: counter, host: hostId });

const vote = object({ ballot: rosterBallot, roster });

/** What an acceptor keeps; `accepted` is a roster of the very epoch the attempt is about. */
export const acceptor = where(
  object({ epoch, promised: rosterBallot, accepted: optional(vote) }),
  strayVote,
);

/** Fields of a roster message that carries what was accepted. */
export const accepted = optional(vote);

/** Why the accepted roster is not of the epoch attempted; undefined: it is. */
export function strayVote(given: {
  readonly epoch: number;
  readonly accepted?: { readonly roster: { readonly epoch: number } };
}): string | undefined {
  const found = given.accepted?.roster.epoch;
  return found === undefined || found === given.epoch
    ? undefined
    : `epoch ${given.epoch} accepted a roster of epoch ${found}`;
}

/** Why this is not a roster for the epoch after `base`; undefined: it is. */
export function straySuccessor(given: {
  readonly base: { readonly epoch: number };
  readonly roster: { readonly epoch: number };
}): string | undefined {
  return given.roster.epoch === given.base.epoch + 1
    ? undefined
    : `epoch ${given.roster.epoch} does not follow epoch ${given.base.epoch}`;
}
