/**
 * What a watcher does about the silence of one subject. Pure: `nextAct` says what comes next and when,
 * the table performs it once that instant has come.
 *
 *     listening ──quiet──▶ probing ──half time──▶ probing again ──no answer──▶ accuse
 *         ▲                   │                         │                        │
 *         └───── anything heard from the subject ───────┘            insist every refusedRepeatMs
 */
import type { HostId } from '../base/ids.ts';
import { after, type Instant, later, type Millis, millis, NEVER } from '../base/time.ts';
import type { Config } from '../config.ts';
import { type LocalHealth, stretched } from './local-health.ts';
import type { Member } from './member.ts';

export type Watch = {
  /** Silence counts from here at the earliest: we began to watch it, or woke from our own stall. */
  readonly since: Instant;
  readonly probe: Probing | undefined;
  /** Once we ourselves have found it silent: when to connect and to tell it again. */
  readonly insistAt: Instant | undefined;
};
export type Probing = {
  readonly nonce: number;
  readonly sentAt: Instant;
  /** Decided as it begins: what makes us slow meanwhile does not put off those who are lost. */
  readonly lengthMs: Millis;
  readonly repeated: boolean;
  /** Helpers that have not answered. */
  readonly unanswered: readonly HostId[];
};

export type Act = {
  readonly kind: 'probe' | 'probeAgain' | 'accuse' | 'insist';
  readonly at: Instant;
};

export const listen = (now: Instant): Watch => ({
  since: now,
  probe: undefined,
  insistAt: undefined,
});

export function nextAct(watch: Watch, member: Member, ears: LocalHealth, config: Config): Act {
  const { probe, insistAt } = watch;
  if (insistAt !== undefined) return { kind: 'insist', at: insistAt };
  if (probe === undefined) return { kind: 'probe', at: quietAt(watch, member, ears, config) };
  if (!probe.repeated) return { kind: 'probeAgain', at: after(probe.sentAt, half(probe.lengthMs)) };
  return { kind: 'accuse', at: after(probe.sentAt, probe.lengthMs) };
}

/**
 * A host never heard since our own start may still be about to find us, or we it: its silence
 * counts only after the grace. Otherwise a starting agent would take all the others for dead.
 */
function quietAt(watch: Watch, member: Member, ears: LocalHealth, config: Config): Instant {
  const from = member.lastHeardAt === NEVER ? after(watch.since, config.agentGraceMs) : watch.since;
  return after(later(from, member.lastHeardAt), stretched(config.quietMs, ears));
}

const half = (length: Millis): Millis => millis(Math.floor(length / 2));
