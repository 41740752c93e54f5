/** Where each message goes, by the part this host plays for its sender. Routing only. */
import { unreachable } from '../base/assert.ts';
import type { HostId } from '../base/ids.ts';
import { onDeploy, onDeployResult } from '../command/deploys.ts';
import { noteVersion, onDelta, onPull } from '../inventory/inventories.ts';
import { type Leases, onLeaseMessage } from '../lease/leases.ts';
import {
  noteHeard,
  onBeat,
  onKnock,
  onProbe,
  onProbeAck,
  onProbeFor,
  onProbeForAck,
  onRumor,
} from '../membership/membership.ts';
import { isBuried } from '../record/burial.ts';
import { onPushAck } from '../record/pusher.ts';
import { onRead, onWrite } from '../record/register.ts';
import { onReadAck, onWriteAck } from '../record/writer.ts';
import { onRosterMessage, onSyncPage, onSyncPull, sameEpoch } from '../roster/council.ts';
import { votersOf } from '../roster/roster.ts';
import type { Turn } from '../turn.ts';
import type { Message } from '../wire/message.ts';
import { answerStranger, onDismissed } from './dismissal.ts';
import { followsOurs } from './forks.ts';
import { follow, onJoin, onPush, onWelcome, retire } from './following.ts';
import { know } from './know.ts';
import { announce, groundOf, keep, noteCommitted, writerOf } from './leading.ts';
import { onAdjust, onForget } from './members.ts';
import { rouseDetector, rouseLeases } from './rhythm.ts';
import { fieldOf, sceneOf } from './settle.ts';
import type { Core } from './state.ts';

/** Messages a host may send before it is a member, or to one that is not. */
const OPEN_KINDS: ReadonlySet<Message['kind']> = new Set(['join', 'welcome']);

export function receiveMessage(
  core: Core,
  leases: Leases,
  turn: Turn,
  from: HostId,
  message: Message,
): void {
  const { isMember, isDismissed } = know(core);
  const isStrange = !OPEN_KINDS.has(message.kind) && !isMember.has(from);
  if (isStrange || (isDismissed && message.kind !== 'welcome')) {
    core.strangers += 1;
    core.connected.add(from); // whoever speaks to us can be asked to let us in
    if (!isDismissed) answerStranger(core, turn, from, message);
    return;
  }
  const isOpen = OPEN_KINDS.has(message.kind) || from === turn.self;
  if (!isOpen && !followsOurs(core, turn, from, message)) return;
  if (from !== turn.self) noteHeard(core.membership, turn, from);
  switch (message.kind) {
    case 'beat':
    case 'probe':
    case 'probeAck':
    case 'probeFor':
    case 'probeForAck':
    case 'knock':
    case 'rumor':
    case 'heartbeat':
    case 'inventoryDelta':
    case 'pull':
    case 'delta':
      return receiveNews(core, turn, from, message);
    case 'rosterPrepare':
    case 'rosterPromise':
    case 'rosterAccept':
    case 'rosterAccepted':
    case 'rosterChosen':
      return follow(core, leases, turn, onRosterMessage(core.council, core, turn, from, message));
    case 'syncPull':
    case 'syncPage':
    case 'keepalive':
    case 'prepare':
    case 'accept':
    case 'release':
    case 'revoke':
    case 'read':
    case 'write':
      return receiveAsVoter(core, leases, turn, from, message);
    case 'keepaliveAck':
    case 'prepareAck':
    case 'acceptAck':
    case 'open':
    case 'handOver':
    case 'readAck':
    case 'writeAck':
      return receiveAsHolder(core, leases, turn, from, message);
    case 'push':
    case 'pushAck':
    case 'deploy':
    case 'deployResult':
    case 'join':
    case 'welcome':
    case 'forget':
    case 'adjust':
    case 'dismissed':
      return receiveAsHost(core, leases, turn, from, message);
    default:
      return unreachable(message);
  }
}

type Kind<K extends Message['kind']> = Extract<Message, { readonly kind: K }>;

function receiveNews(
  core: Core,
  turn: Turn,
  from: HostId,
  message: Kind<
    | 'beat'
    | 'probe'
    | 'probeAck'
    | 'probeFor'
    | 'probeForAck'
    | 'knock'
    | 'rumor'
    | 'heartbeat'
    | 'inventoryDelta'
    | 'pull'
    | 'delta'
  >,
): void {
  switch (message.kind) {
    case 'beat':
      onBeat(core.membership, turn, from, message);
      return noteVersion(core.inventories, turn, from, message.boot, message.inventoryVersion);
    case 'probe':
      return onProbe(core.membership, turn, from, message);
    case 'probeAck':
      return onProbeAck(core.membership, turn, from, message);
    case 'probeFor':
      rouseDetector(core, turn);
      return onProbeFor(core.membership, turn, from, message);
    case 'probeForAck':
      return onProbeForAck(core.membership, turn, from, message);
    case 'knock':
      rouseDetector(core, turn);
      return onKnock(core.membership, turn, from, message);
    case 'rumor':
      rouseDetector(core, turn);
      return onRumor(core.membership, turn, from, message);
    case 'pull':
      return onPull(core.inventories, core.committed, turn, from, message);
    case 'delta': {
      core.heldBackUntil = turn.now; // a peer has told us what we missed
      for (const record of onDelta(core.inventories, core.committed, turn, from, message))
        keep(turn, record);
      return;
    }
    case 'heartbeat':
    case 'inventoryDelta':
      return; // gossip only
    default:
      return unreachable(message);
  }
}

function receiveAsVoter(
  core: Core,
  leases: Leases,
  turn: Turn,
  from: HostId,
  message: Kind<
    | 'syncPull'
    | 'syncPage'
    | 'keepalive'
    | 'prepare'
    | 'accept'
    | 'release'
    | 'revoke'
    | 'read'
    | 'write'
  >,
): void {
  const { council, registers, durable } = core;
  if (message.kind !== 'release' && !sameEpoch(council, turn, from, message.epoch)) return;
  if (!votersOf(council.roster).includes(turn.self)) return;
  if (message.kind === 'syncPage') {
    core.buriedBy = undefined; // the old voter may not have buried it yet
    return onSyncPage(council, leases.voter, registers, turn, from, message);
  }
  if (message.kind !== 'keepalive' && !durable.synced) return; // Q3
  switch (message.kind) {
    case 'syncPull':
      return onSyncPull(registers, durable, turn, from, message);
    case 'read':
      return onRead(registers, turn, from, message);
    case 'write':
      if (isBuried(core.committed.burials, message.key, message)) return;
      return onWrite(registers, turn, from, message);
    case 'keepalive':
    case 'prepare':
    case 'accept':
    case 'release':
    case 'revoke': {
      const field = fieldOf(core, leases, turn);
      return onLeaseMessage(leases, turn, council.roster, field, from, message);
    }
    default:
      return unreachable(message);
  }
}

function receiveAsHolder(
  core: Core,
  leases: Leases,
  turn: Turn,
  from: HostId,
  message: Kind<
    'keepaliveAck' | 'prepareAck' | 'acceptAck' | 'open' | 'handOver' | 'readAck' | 'writeAck'
  >,
): void {
  const { roster } = core.council;
  if (message.kind === 'keepaliveAck' && message.yourBoot > turn.boot)
    return retire(core, turn, from);
  if ('epoch' in message && message.epoch !== roster.epoch) return;
  if ('sid' in message && message.sid !== turn.boot) return; // L-b: of another incarnation
  if (message.kind === 'readAck' || message.kind === 'writeAck') {
    const writer = core.writers.get(message.key);
    if (writer === undefined) return;
    // R4: after a stall the lease may have lapsed, and the writer is about to go with it.
    const isLed = writerOf(core, leases, turn, message.key) !== undefined;
    if (message.kind === 'readAck') {
      if (isLed) onReadAck(writer, turn, roster, from, message, groundOf(core, message.key));
      return;
    }
    const record = onWriteAck(writer, roster, from, message);
    if (record === undefined) return;
    noteCommitted(core, turn, record);
    if (isLed) announce(core, turn, record);
    return;
  }
  if (message.kind === 'open' || (message.kind === 'prepareAck' && refusesAny(message)))
    rouseLeases(core, turn);
  onLeaseMessage(leases, turn, roster, fieldOf(core, leases, turn), from, message);
}

/** A candidate that loses a voter may have to give up; by promises it gets on at once. */
const refusesAny = ({ items }: Kind<'prepareAck'>): boolean =>
  items.some(({ status }) => status === 'held' || status === 'nack');

function receiveAsHost(
  core: Core,
  leases: Leases,
  turn: Turn,
  from: HostId,
  message: Kind<
    | 'push'
    | 'pushAck'
    | 'deploy'
    | 'deployResult'
    | 'join'
    | 'welcome'
    | 'forget'
    | 'adjust'
    | 'dismissed'
  >,
): void {
  switch (message.kind) {
    case 'push':
      return onPush(core, turn, from, message);
    case 'pushAck':
      return onPushAck(core.pusher, from, message.key, message.revision);
    case 'deploy':
      return onDeploy(core.deploys, turn, sceneOf(core, leases, turn), from, message);
    case 'deployResult':
      return onDeployResult(core.deploys, turn, message.deployId, message.outcome);
    case 'join':
      return onJoin(core, leases, turn, from, message);
    case 'welcome':
      return onWelcome(core, leases, turn, from, message);
    case 'forget':
      return onForget(core, leases, turn, { from, id: message.host });
    case 'adjust':
      return onAdjust(core, leases, turn, message);
    case 'dismissed':
      return onDismissed(core, turn, message);
    default:
      return unreachable(message);
  }
}
