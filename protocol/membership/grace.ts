/**
 * The grace of an agent crash: the agent is gone but its kernel answers, so its instances run on and
 * an agent will adopt them again. While fresh connects to its port are refused the verdict waits.
 *
 *     none ──refused──▶ spared ──refused, connected──▶ spared … at most agentGraceMs, once a minute
 *                         └──silent twice in a row, or a message──▶ none
 *
 * Source: README.md §4, "Agent crash", in its simple form: every watcher judges by its
 * own connects. Leases are never touched by this.
 */
import { after, type Instant, minutes, NEVER } from '../base/time.ts';
import type { Config } from '../config.ts';

export type Grace = {
  /** When the present or the last grace began. */
  readonly since: Instant;
  readonly spared: boolean;
  /** Connects in a row without an answer. */
  readonly misses: number;
};
export type ConnectOutcome = 'connected' | 'refused' | 'silent';

export const NO_GRACE: Grace = { since: NEVER, spared: false, misses: 0 };
/** A host gets one grace in this time: one that crashes over and over is not spared for ever. */
const GRACE_EVERY_MS = minutes(1);
/** This many connects in a row without an answer end the grace. */
const MISSES_MAX = 2;

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
  if (outcome === 'connected') return { ...grace, misses: 0 };
  if (outcome === 'silent') {
    const misses = grace.misses + 1;
    return { ...grace, misses, spared: grace.spared && misses < MISSES_MAX };
  }
  // The same grace goes on: what the crashed agent had sent may arrive after the first refusal.
  if (now < after(grace.since, config.agentGraceMs)) return { ...grace, spared: true, misses: 0 };
  if (now < after(grace.since, GRACE_EVERY_MS)) return grace;
  return { since: now, spared: true, misses: 0 };
}

/** It has spoken: nothing to be spared from. The minute goes on. */
export const afterHeard = (grace: Grace): Grace => ({ ...grace, spared: false, misses: 0 });

/** No verdict before this; `NEVER` without a grace. */
export const sparedUntil = (grace: Grace, config: Config): Instant =>
  grace.spared ? after(grace.since, config.agentGraceMs) : NEVER;
