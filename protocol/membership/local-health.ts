/**
 * How little this host trusts its own ears, from 0 (it hears well) to 8. A host that is slow itself
 * finds all the others silent; the less it trusts itself, the longer it listens and asks before it
 * doubts anybody.
 *
 *     worse by one per beat slept through · per missed nack of a helper · per suspicion of itself refuted
 *     better by one per probe answered · per second in which none of these happened
 *
 * Source: Lifeguard (Dadgar et al., 2018) §IV-A. Unlike there probes are rare, because beats are heard
 * instead: so a second that passes well counts as one.
 */
import { after, type Instant, type Millis, millis, NEVER, seconds } from '../base/time.ts';
import type { Config } from '../config.ts';

export type LocalHealth = {
  readonly score: number;
  /** Better by one then. */
  readonly easeAt: Instant;
};

export const HEARS_WELL: LocalHealth = { score: 0, easeAt: NEVER };
export const SCORE_MAX = 8;
const EASE_MS = seconds(1);

/** `by`: how much worse; 0 or less changes nothing. */
export function worsen(health: LocalHealth, by: number, now: Instant): LocalHealth {
  if (by <= 0) return health;
  return { score: Math.min(SCORE_MAX, health.score + by), easeAt: after(now, EASE_MS) };
}

/** A probe of ours was answered. */
export const reassure = (health: LocalHealth): LocalHealth =>
  health.score === 0 ? health : { ...health, score: health.score - 1 };

/** What time brings; late is harmless. */
export const ease = (health: LocalHealth, now: Instant): LocalHealth =>
  health.score === 0 || now < health.easeAt
    ? health
    : { score: health.score - 1, easeAt: after(now, EASE_MS) };

export const stretched = (lengthMs: Millis, { score }: LocalHealth): Millis =>
  millis(lengthMs * (1 + score));

/** Whole beats that an event loop has slept through, by when the last one left late. */
export const beatsMissed = (beatAt: Instant, now: Instant, { beatMs }: Config): number =>
  beatAt === NEVER ? 0 : Math.max(0, Math.floor((now - beatAt) / beatMs));
