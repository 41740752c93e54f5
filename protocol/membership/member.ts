/**
 * What this agent believes about one other host, and when it last had proof of its life.
 *
 *     alive ──accused──▶ suspect ──verdict──▶ dead        left: said good-bye
 *       ▲                   │                  │                   │
 *       └───────── a higher boot or incarnation is heard ──────────┘
 *
 * Invariants, each proved in test/protocol/membership/member.test.ts:
 *  M1 Rumors commute: heard in any order, the same rumors end in the same belief.
 *  M2 A rumor that changes nothing returns the very same member, so gossip dies out.
 *  M3 Only the host itself raises its boot or incarnation, so only its own word revives it (S12).
 *
 * Source: SWIM (Das et al., DSN 2002) §4.2, its order of preference made one total order. Unlike
 * SWIM, the dead may return under a higher incarnation, and a new boot starts the order anew.
 */
import { type Boot, boot, type HostId, type Incarnation, incarnation } from '../base/ids.ts';
import { type Instant, NEVER } from '../base/time.ts';
import type { Heartbeat } from '../wire/message.ts';

export type Health = 'alive' | 'suspect' | 'dead' | 'left';
/** What rumors carry and what they are ordered by. */
export type Belief = {
  readonly health: Health;
  readonly boot: Boot;
  readonly incarnation: Incarnation;
  /** It has left as its machine reboots, and is to be back by then, by our own clock. */
  readonly backBy?: Instant;
};
/** A host's own word about itself, from a message only it can have sent. */
export type Evidence = { readonly boot: Boot; readonly incarnation: Incarnation };

export type Member = Belief & {
  /** In this health since, by our own clock. */
  readonly since: Instant;
  /** `NEVER` until the first message from it since our own start. */
  readonly lastHeardAt: Instant;
  /** While suspect: the distinct watchers that found it silent. */
  readonly suspectedBy: readonly HostId[];
  /** The newest of its present boot. */
  readonly heartbeat: Heartbeat | undefined;
};

const SEVERITY = { alive: 0, suspect: 1, dead: 2, left: 3 } as const satisfies Record<
  Health,
  number
>;

/** A member nobody has told us anything about: boot 0 gives way to any word of it. */
export const newMember = (now: Instant): Member => ({
  health: 'alive',
  boot: boot(0),
  incarnation: incarnation(0),
  since: now,
  lastHeardAt: NEVER,
  suspectedBy: [],
  heartbeat: undefined,
});

/** A strict total order on (boot, incarnation, severity): believing the maximum commutes (M1). */
export function supersedes(rumor: Belief, belief: Belief): boolean {
  if (rumor.boot !== belief.boot) return rumor.boot > belief.boot;
  if (rumor.incarnation !== belief.incarnation) return rumor.incarnation > belief.incarnation;
  return SEVERITY[rumor.health] > SEVERITY[belief.health];
}

export function believe(member: Member, rumor: Belief, now: Instant): Member {
  if (!supersedes(rumor, member)) return member; // M2
  const { health, boot: heardBoot, incarnation: heardIncarnation, backBy } = rumor;
  return {
    health,
    boot: heardBoot,
    incarnation: heardIncarnation,
    since: health === member.health ? member.since : now,
    lastHeardAt: member.lastHeardAt,
    suspectedBy: [],
    heartbeat: heardBoot === member.boot ? member.heartbeat : undefined,
    ...(health === 'left' && backBy !== undefined ? { backBy } : {}),
  };
}

/** It is not back in time: nobody waits for it any more. */
export function giveUp(member: Member): Member {
  const { backBy: _, ...rest } = member;
  return rest;
}

/**
 * One more watcher finds a suspect silent. The caller has checked that `by` is a watcher; an
 * accusation under another boot or incarnation is not about this suspicion.
 */
export function confirm(member: Member, rumor: Belief, by: HostId): Member {
  const same = rumor.boot === member.boot && rumor.incarnation === member.incarnation;
  if (member.health !== 'suspect' || !same || member.suspectedBy.includes(by)) return member;
  return { ...member, suspectedBy: [...member.suspectedBy, by] };
}

/**
 * A message of its own has arrived. Without `evidence`, or with nothing newer, it moves only
 * `lastHeardAt`: suspicion ends by the host's own refutation (M3). What an older boot sent is
 * no proof of life.
 */
export function hear(member: Member, now: Instant, evidence: Evidence | undefined): Member {
  if (evidence !== undefined && evidence.boot < member.boot) return member;
  const heard =
    evidence === undefined ? member : believe(member, { health: 'alive', ...evidence }, now);
  return { ...heard, lastHeardAt: now };
}
