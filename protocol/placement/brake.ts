/**
 * The brake on correlated failures. When most peers vanish at once, this host may be the one that is
 * cut off: it moves nothing until a quorum of voters has acknowledged it for a while, and then slowly,
 * so that one mistake does not throw everything about.
 *
 *     free ──most peers vanish──▶ held ──a quorum for 10 s without a break──▶ slow ──nothing withheld, 30 s──▶ free
 *       ▲                           │ ▲                                        │
 *       └── most of them are back ──┴─┼────────────────────────────────────────┤
 *                                     └──────────── most peers vanish ─────────┘
 *
 * It concerns nothing but the moves of slots from dead hosts: restarts, leases and what users ask for
 * go on. Witnesses count as peers. Source: README.md §9.
 */
import type { HostId } from '../base/ids.ts';
import { after, type Instant, millis, NEVER, seconds } from '../base/time.ts';
import type { Member } from '../membership/member.ts';
import { journal, type Turn } from '../turn.ts';

export type Brake = {
  phase: 'free' | 'held' | 'slow';
  /** Peers that were alive and heard when it was looked at last. */
  readonly alive: Set<HostId>;
  /** Those that were and are not, since when. */
  readonly goneAt: Map<HostId, Instant>;
  /** Of the membership, when that was looked at last. */
  version: number;
  /** Most of the peers had vanished when that was looked at last. */
  vanished: boolean;
  /** When they vanished. */
  since: Instant;
  /** A quorum has acknowledged this host without a break since then. */
  quorumSince: Instant | undefined;
  nextMoveAt: Instant;
  /** When a move was withheld last. */
  withheldAt: Instant;
};

/** Vanished *at once*: within this. */
const WINDOW_MS = seconds(30);
const QUORUM_FOR_MS = seconds(10);
/** At most two a second. */
const MOVE_EVERY_MS = millis(500);

export const createBrake = (): Brake => ({
  phase: 'free',
  alive: new Set(),
  goneAt: new Map(),
  version: -1,
  vanished: false,
  since: NEVER,
  quorumSince: undefined,
  nextMoveAt: NEVER,
  withheldAt: NEVER,
});

type Peers = { readonly version: number; readonly members: ReadonlyMap<HostId, Member> };

/** `hasQuorum`: a quorum of voters has acknowledged this host within half a term. */
export function tendBrake(brake: Brake, turn: Turn, peers: Peers, hasQuorum: boolean): void {
  const { now } = turn;
  brake.quorumSince = hasQuorum ? (brake.quorumSince ?? now) : undefined;
  if (brake.phase === 'free' && !brake.vanished && brake.version === peers.version) return;
  brake.version = peers.version;
  follow(brake, now, peers.members);
  const vanished = mostGone(brake, windowFrom(now));
  const justNow = vanished && !brake.vanished;
  brake.vanished = vanished;
  if (justNow) {
    brake.phase = 'held';
    brake.since = now;
    say(turn, `${countsOf(brake)} vanished at once: ${HELD}`);
  } else if (brake.phase !== 'free') {
    release(brake, turn);
  }
}

function follow(brake: Brake, now: Instant, members: Peers['members']): void {
  const { alive, goneAt } = brake;
  for (const table of [alive, goneAt])
    for (const id of table.keys()) if (!members.has(id)) table.delete(id);
  for (const [id, { health, lastHeardAt }] of members) {
    if (health === 'alive') {
      goneAt.delete(id);
      if (lastHeardAt !== NEVER) alive.add(id);
    } else if (health === 'left') {
      goneAt.delete(id); // it has said so
      alive.delete(id);
    } else if (alive.delete(id)) {
      goneAt.set(id, now);
    }
  }
}

/** More than half of those that were alive then are so no more. */
function mostGone({ alive, goneAt }: Brake, then: Instant): boolean {
  let gone = 0;
  for (const at of goneAt.values()) if (at > then) gone += 1;
  return 2 * gone > alive.size + gone;
}

function release(brake: Brake, turn: Turn): void {
  const { now } = turn;
  const { since, quorumSince, phase, withheldAt } = brake;
  if (!mostGone(brake, windowFrom(since))) {
    brake.phase = 'free';
    say(turn, 'most peers are back: slots move as ever');
  } else if (phase === 'slow' && !brake.vanished && now >= after(withheldAt, WINDOW_MS)) {
    brake.phase = 'free';
    say(turn, 'nothing is left to move: slots move as ever');
  } else if (phase === 'held' && quorumSince !== undefined) {
    const from = quorumSince > since ? quorumSince : since;
    if (now < after(from, QUORUM_FOR_MS)) return;
    brake.phase = 'slow';
    brake.withheldAt = now;
    say(turn, `a quorum of voters has answered for ${QUORUM_FOR_MS / 1000} s: ${SLOW}`);
  }
}

/** How many slots of dead hosts may be moved now. */
export function movesLeft({ phase, nextMoveAt }: Brake, now: Instant): number {
  if (phase === 'free') return Infinity;
  return phase === 'slow' && now >= nextMoveAt ? 1 : 0;
}

export function noteMoves(brake: Brake, now: Instant, moved: number, withheld: number): void {
  if (moved > 0) brake.nextMoveAt = after(now, MOVE_EVERY_MS);
  if (withheld > 0) brake.withheldAt = now;
}

const HELD = `this host may be the one that is cut off, so it moves nothing before a quorum of voters has answered for ${QUORUM_FOR_MS / 1000} s`;
const SLOW = 'slots of dead hosts move, at most two a second';

/** What it does at present, in words; undefined: nothing. */
export function brakeText(brake: Brake): string | undefined {
  if (brake.phase === 'free') return undefined;
  return `${countsOf(brake)} vanished at once: ${brake.phase === 'held' ? HELD : SLOW}`;
}

function countsOf({ alive, goneAt, since }: Brake): string {
  const gone = [...goneAt.values()].filter((at) => at > windowFrom(since)).length;
  return `${gone} of ${alive.size + gone} peers`;
}

const windowFrom = (until: Instant): Instant => after(until, millis(0 - WINDOW_MS));
const say = (turn: Turn, text: string): void => journal(turn, 'brake', [turn.self], text);
