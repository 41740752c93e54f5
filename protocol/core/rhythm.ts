/**
 * What goes on while nothing changes: keepalives, beats and heartbeats, pulls. Nearly every step of an
 * agent is of these alone, so they cost no look at everything else (`settle.ts`).
 */
import type { HostId } from '../base/ids.ts';
import { earlier, FOREVER, type Instant } from '../base/time.ts';
import type { Input } from '../input.ts';
import { inventoriesDeadline, ownVersion, wakeInventories } from '../inventory/inventories.ts';
import type { Leases } from '../lease/leases.ts';
import { isRenewal, linksDeadline, sendKeepalives } from '../lease/links.ts';
import { membershipDeadline, wakeMembership } from '../membership/membership.ts';
import { recordsHash } from '../record/committed.ts';
import type { Turn } from '../turn.ts';
import type { Message } from '../wire/message.ts';
import { know } from './know.ts';
import type { Core } from './state.ts';

/**
 * Messages after which, unless something we know has changed by them, there is nothing to settle: they
 * are answered at once, and only move deadlines away or ask for a pull.
 */
const QUIET: ReadonlySet<Message['kind']> = new Set([
  'beat',
  'probe',
  'probeAck',
  'probeFor',
  'probeForAck',
  'knock',
  'heartbeat',
  'rumor',
  'inventoryDelta',
  'pull',
  'keepalive',
  'prepare',
  'accept',
  'prepareAck',
  'open',
  'release',
  'read',
  'write',
  'pushAck',
]);

/** Inputs that concern the detector alone. */
const OF_THE_DETECTOR: ReadonlySet<Input['kind']> = new Set(['connectProbed', 'peerDisconnected']);

export function isQuiet(core: Core, leases: Leases, turn: Turn, input: Input): boolean {
  if (input.kind === 'messageReceived')
    return isQuietMessage(core, leases, turn, input.from, input.message);
  if (input.kind === 'gossipReceived') return QUIET.has(input.message.kind);
  if (input.kind === 'engineAsked') return input.answered && !core.pulse.silent;
  return OF_THE_DETECTOR.has(input.kind) || input.kind === 'woken';
}

/** To be asked before the message is taken in. */
export const isQuietMessage = (
  { council }: Core,
  { links }: Leases,
  turn: Turn,
  from: HostId,
  message: Message,
): boolean =>
  message.kind === 'keepaliveAck'
    ? isRenewal(links, turn, council.roster, from, message)
    : QUIET.has(message.kind);

/** Does what is due of it; cheap if nothing is. */
export function keepTime(core: Core, leases: Leases, turn: Turn): void {
  if (know(core).isDismissed) return;
  sendKeepalives(leases.links, turn, core.council.roster);
  if (turn.now >= core.membershipAt) wakeDetector(core, turn);
  wakeInventories(core.inventories, core.committed, turn, know(core).alive);
}

export function wakeDetector(core: Core, turn: Turn): void {
  wakeMembership(core.membership, turn, {
    inventoryVersion: ownVersion(core.inventories),
    epoch: core.council.roster.epoch,
    recordsHash: recordsHash(core.committed),
  });
  core.membershipAt = membershipDeadline(core.membership, core.config) ?? FOREVER;
}

/** What was heard may have begun a probe: the detector's deadline is to be found anew. */
export const rouseDetector = (core: Core, turn: Turn): void => {
  core.membershipAt = turn.now;
};

/** A ballot of ours was refused, or may be tried: it is given up or begun in this very step. */
export const rouseLeases = (core: Core, turn: Turn): void => {
  core.leasesAt = turn.now;
};

/**
 * When `keepTime` has something to do. The detector's part of it is kept, because beats and all that
 * is like them only move its deadlines away.
 */
export function rhythmDeadline(core: Core, { links }: Leases): Instant | undefined {
  if (know(core).isDismissed) return undefined;
  let deadline = earlier(core.membershipAt, core.leasesAt);
  deadline = earlier(deadline, linksDeadline(links, core.council.roster, core.config));
  return earlier(deadline, inventoriesDeadline(core.inventories));
}
