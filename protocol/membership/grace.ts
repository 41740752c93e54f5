/**
 * What fresh connects to the port of a silent agent show. Every watcher connects again and again while
 * it doubts a host, and tells the other watchers how that ended (`knock`). What enough of them have
 * seen puts a verdict off:
 *
 *  - *refused*: the agent is gone but its kernel answers, so its instances run on and an agent will
 *    adopt them again. For as long as that goes on, at most `agentGraceMs`, once a minute.
 *  - *connected*, and not a word: the agent may be standing still, and a short stall is no death. For
 *    `stallGraceMs` and no longer: an agent that hangs looks the same.
 *
 *     none ──refused──▶ spared ──refused, connected──▶ spared …
 *                         └──silent twice in a row, or a message──▶ none
 *
 * Source: README.md §4, "Agent crash". Leases are never touched by this.
 */
import type { HostId } from '../base/ids.ts';
import { after, type Instant, type Millis, millis, minutes, NEVER } from '../base/time.ts';
import type { Config } from '../config.ts';

/** What the connects of one watcher to one host have shown. */
export type Grace = {
  /** When the present or the last grace began. */
  readonly since: Instant;
  readonly spared: boolean;
  /** The last answer was an open port. */
  readonly connected: boolean;
  /** When its kernel answered last. */
  readonly answeredAt: Instant;
  /** Connects in a row without an answer. */
  readonly misses: number;
};
/** By watcher, ourselves among them. */
export type Graces = ReadonlyMap<HostId, Grace>;
export type ConnectOutcome = 'connected' | 'refused' | 'silent';

export const NO_GRACE: Grace = {
  since: NEVER,
  spared: false,
  connected: false,
  answeredAt: NEVER,
  misses: 0,
};
/** A host gets one grace in this time: one that crashes over and over is not spared for ever. */
const GRACE_EVERY_MS = minutes(1);
/** This many connects in a row without an answer end the grace. */
const MISSES_MAX = 2;
/** What a watcher has seen counts for so many periods of connects: it may be gone itself. */
const FRESH_PERIODS = 3;

/**
 * `connected` begins no grace: a hung agent's port is open too. It ends none either: a port that was
 * refused and is open again belongs to an agent that has just returned and is about to speak.
 */
export function afterConnect(
  grace: Grace,
  outcome: ConnectOutcome,
  now: Instant,
  config: Config,
): Grace {
  if (outcome === 'silent') {
    const misses = grace.misses + 1;
    return { ...grace, misses, connected: false, spared: grace.spared && misses < MISSES_MAX };
  }
  const connected = outcome === 'connected';
  const answered = { ...grace, connected, answeredAt: now, misses: 0 };
  if (connected) return answered;
  // The same grace goes on: what the crashed agent had sent may arrive after the first refusal.
  if (now < after(grace.since, config.agentGraceMs)) return { ...answered, spared: true };
  if (now < after(grace.since, GRACE_EVERY_MS)) return answered;
  return { ...answered, since: now, spared: true };
}

/** It has spoken: nothing to be spared from. The minute goes on. */
export const afterHeard = (grace: Grace): Grace => ({
  ...grace,
  spared: false,
  connected: false,
  misses: 0,
});

/** No verdict before this, as long as `need` watchers are refused; `NEVER` without a grace. */
export const sparedUntil = (graces: Graces, need: number, config: Config): Instant =>
  agreed(graces, need, (grace) =>
    grace.spared
      ? earliest(after(grace.since, config.agentGraceMs), freshUntil(grace, config))
      : NEVER,
  );

/** As long as this at least, `need` watchers find its port open. */
export const openUntil = (graces: Graces, need: number, config: Config): Instant =>
  agreed(graces, need, (grace) => (grace.connected ? freshUntil(grace, config) : NEVER));

/** How long `need` of the watchers say the same. */
function agreed(graces: Graces, need: number, untilOf: (grace: Grace) => Instant): Instant {
  const untils = [...graces.values()].map(untilOf).sort((a, b) => (a > b ? -1 : a < b ? 1 : 0));
  return untils[need - 1] ?? NEVER;
}

const freshUntil = ({ answeredAt }: Grace, { refusedRepeatMs }: Config): Instant =>
  after(answeredAt, freshMs(refusedRepeatMs));
const freshMs = (periodMs: Millis): Millis => millis(FRESH_PERIODS * periodMs);
const earliest = (a: Instant, b: Instant): Instant => (a < b ? a : b);
