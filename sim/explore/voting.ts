/**
 * One voter of the leases in a walk: the machine that ships, its disk, and what can befall it.
 *
 * Time stands still. What passes is time between two hosts: a session that was kept up until now is
 * let run out (`fade`, `expire`), as if the last keepalives of that one link had been lost. Every
 * order of such endings is an order that clocks allow, since each link has its own keepalives.
 */
import { ballot, boot, type Boot, type HostId, type Key } from '../../protocol/base/ids.ts';
import { sorted } from '../../protocol/base/order.ts';
import { createPrng } from '../../protocol/base/prng.ts';
import { after, type Instant, instant, millis } from '../../protocol/base/time.ts';
import { LAN } from '../../protocol/config.ts';
import type { DiskWrite, Effect } from '../../protocol/effect.ts';
import { CEILING_BLOCK, type Durable } from '../../protocol/lease/durable.ts';
import {
  createVoter,
  expireSessions,
  onAccept,
  onKeepalive,
  onPrepare,
  onRelease,
  type Voter,
} from '../../protocol/lease/voter.ts';
import type { Turn } from '../../protocol/turn.ts';
import type { Message } from '../../protocol/wire/message.ts';

export const NOW = instant(1_000_000);
/** A session that its holder has stopped counting on ends here, a moment later. */
const FADING = after(NOW, millis(1));

type Session = Voter['sessions']['normal'] extends Map<HostId, infer S> ? S : never;

/** `disk`: what a new life would start from. */
export type Voting = { readonly voter: Voter; disk: Durable };

export type VoterEvent =
  | { readonly kind: 'heard'; readonly message: Message }
  /** Time T from the last keepalive is nearly over: the host has stopped counting on it. */
  | { readonly kind: 'fade' }
  | { readonly kind: 'expire' }
  /** The agent ends and starts anew from its disk. */
  | { readonly kind: 'crash' }
  /** Its silence is over (V3). */
  | { readonly kind: 'speak' };

export const turnAt = (self: HostId, of: Boot): Turn => ({
  now: NOW,
  config: LAN,
  self,
  boot: of,
  prng: createPrng(1),
  out: [],
});

export function createVoting(disk: Durable, self: HostId): Voting {
  const durable = { ...disk };
  return { voter: createVoter(durable, durable.ceiling, NOW, turnAt(self, disk.boot)), disk };
}

export const copyVoting = ({ voter, disk }: Voting): Voting => ({
  disk,
  voter: copyVoter(voter, { ...voter.durable }),
});

export function copyVoter(voter: Voter, durable: Durable): Voter {
  const copied = new Map<Session, Session>();
  // A binding names the very session it lives by, so the copies must be shared alike.
  const copyOf = (session: Session): Session => {
    const known = copied.get(session);
    if (known !== undefined) return known;
    const copy = { ...session };
    copied.set(session, copy);
    return copy;
  };
  const copies = (sessions: ReadonlyMap<HostId, Session>): Map<HostId, Session> =>
    new Map([...sessions].map(([host, session]) => [host, copyOf(session)]));
  return {
    ...voter,
    durable,
    boots: new Map(voter.boots),
    sessions: { normal: copies(voter.sessions.normal), strict: copies(voter.sessions.strict) },
    places: new Map(
      [...voter.places].map(([key, { promised, by, binding }]) => {
        const { session, ballot: n } = binding ?? {};
        const copy = session && n && { ballot: n, session: copyOf(session) };
        return [key, { promised, by, binding: copy }];
      }),
    ),
  };
}

/** Without the voter's own name: voters in the same state are alike. */
export const printVoting = ({ voter, disk }: Voting): string =>
  `${printVoter(voter)} disk ${disk.ceiling} ${disk.maxTermMs}`;

export function printVoter(voter: Voter): string {
  const { durable, floor, readyAt, sessions, places, boots, grantCount } = voter;
  const numbers = [durable.boot, durable.ceiling, durable.maxTermMs, floor, grantCount];
  const parts = [`${numbers.join(' ')} ${NOW < readyAt ? 'silent' : ''}`];
  for (const [host, session] of sorted(sessions.normal))
    parts.push(`${host} ${printSession(session)}`);
  for (const [host, n] of sorted(boots)) parts.push(`${host}${n}`);
  for (const [key, { promised, by, binding }] of places) {
    const { session, ballot: n } = binding ?? {};
    const bound = session && `${n} ${session.owner} ${printSession(session)}`;
    parts.push(`${key} ${promised} ${by?.host}${by?.sid} bound ${bound}`);
  }
  return parts.join(',');
}

const printSession = ({ sid, grant, expiresAt }: Session): string =>
  `${sid}/${grant.boot}.${grant.count} ${standingOf(expiresAt)}`;

const standingOf = (expiresAt: Instant): string =>
  expiresAt <= NOW ? 'over' : expiresAt === FADING ? 'fading' : 'live';

export const isFading = ({ voter }: Voting, host: HostId): boolean =>
  voter.sessions.normal.get(host)?.expiresAt === FADING;
export const isLive = ({ voter }: Voting, host: HostId): boolean =>
  NOW < (voter.sessions.normal.get(host)?.expiresAt ?? NOW);
export const isSilent = ({ voter }: Voting): boolean => NOW < voter.readyAt;

/** What the event makes the voter say to `host`. Writes reach the disk before it says anything. */
export function befallVoting(
  voting: Voting,
  self: HostId,
  host: HostId,
  event: VoterEvent,
): { readonly next: Voting; readonly out: readonly Message[] } {
  const { voter } = voting;
  const turn = turnAt(self, voter.durable.boot);
  switch (event.kind) {
    case 'heard':
      hear(voter, turn, host, event.message);
      expireSessions(voter, NOW);
      break;
    case 'fade':
    case 'expire':
      ageSession(voter, host, event.kind);
      break;
    case 'crash':
      return { next: restart(voting, self), out: [] };
    case 'speak':
      return { next: { ...voting, voter: { ...voter, readyAt: NOW } }, out: [] };
  }
  return { next: voting, out: begin(voting, turn.out) };
}

export function ageSession(voter: Voter, host: HostId, kind: 'fade' | 'expire'): void {
  const session = voter.sessions.normal.get(host);
  if (session !== undefined) session.expiresAt = kind === 'fade' ? FADING : NOW;
}

function hear(voter: Voter, turn: Turn, from: HostId, message: Message): void {
  if (message.kind === 'keepalive') onKeepalive(voter, turn, from, message);
  if (message.kind === 'prepare') onPrepare(voter, turn, from, message, true);
  if (message.kind === 'accept') onAccept(voter, turn, from, message);
  if (message.kind === 'release') onRelease(voter, from, message);
}

function begin(voting: Voting, effects: readonly Effect[]): readonly Message[] {
  const out: Message[] = [];
  for (const effect of effects) {
    if (effect.kind === 'persist') keep(voting, effect.writes);
    if (effect.kind === 'send') out.push(effect.message);
  }
  return out;
}

function keep(voting: Voting, writes: readonly DiskWrite[]): void {
  for (const { name, value } of writes) if (name === 'host') voting.disk = value as Durable;
}

/** As an agent starts: the floor is the ceiling found, a block above it is kept before any message. */
function restart({ disk, voter }: Voting, self: HostId): Voting {
  const durable: Durable = { ...disk, boot: boot(voter.durable.boot + 1) };
  const turn = turnAt(self, durable.boot);
  const readyAt = after(NOW, durable.maxTermMs);
  const anew = createVoter(durable, durable.ceiling, readyAt, turn);
  durable.ceiling = ballot(durable.ceiling + CEILING_BLOCK);
  return { voter: anew, disk: { ...durable } };
}

/** The highest ballot that this voter has promised for the key, or would never go below. */
export const promiseOf = ({ voter }: Voting, key: Key): number =>
  voter.places.get(key)?.promised ?? voter.floor;
