/**
 * What a watcher does about the silence of one subject. Pure: `nextAct` says what comes next and when,
 * the table performs it once that instant has come.
 *
 *     listening ──quiet──▶ probing ──half time──▶ probing again ──no answer──▶ accuse
 *         ▲                   │                         │                        │
 *         └───── anything heard from the subject ───────┘            insist every refusedRepeatMs
 *
 * The room for indirect probes and the local health multiplier is here: they change `nextAct` alone.
 */
import { after, type Instant, later, type Millis, millis, NEVER } from '../base/time.ts';
import type { Config } from '../config.ts';
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
  readonly repeated: boolean;
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

export function nextAct(watch: Watch, member: Member, config: Config): Act {
  const { probe, insistAt } = watch;
  if (insistAt !== undefined) return { kind: 'insist', at: insistAt };
  if (probe === undefined) return { kind: 'probe', at: quietAt(watch, member, config) };
  if (!probe.repeated) return { kind: 'probeAgain', at: after(probe.sentAt, half(config.probeMs)) };
  return { kind: 'accuse', at: after(probe.sentAt, config.probeMs) };
}

/**
 * A host never heard since our own start may still be about to find us, or we it: its silence
 * counts only after the grace. Otherwise a starting agent would take all the others for dead.
 */
function quietAt(watch: Watch, member: Member, config: Config): Instant {
  const from = member.lastHeardAt === NEVER ? after(watch.since, config.agentGraceMs) : watch.since;
  return after(later(from, member.lastHeardAt), config.quietMs);
}

const half = (length: Millis): Millis => millis(Math.floor(length / 2));
