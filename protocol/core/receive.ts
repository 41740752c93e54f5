/** Where each input goes. Routing only: every decision is in the machine it is handed to. */
import { unreachable } from '../base/assert.ts';
import { componentOfKey, type HostId, ROSTER_KEY } from '../base/ids.ts';
import { after, millis } from '../base/time.ts';
import { onCommand, onDeploy, onDeployResult } from '../command/deploys.ts';
import type { Command, Input } from '../input.ts';
import {
  noteVersion,
  onDelta,
  onInventoryDelta,
  onPull,
  pullFrom,
} from '../inventory/inventories.ts';
import { saveDurable } from '../lease/durable.ts';
import { followRoster, type Leases, onLeaseMessage } from '../lease/leases.ts';
import {
  noteHeard,
  onBeat,
  onConnectProbed,
  onHeartbeat,
  onPeerDisconnected,
  onProbe,
  onProbeAck,
  onRumor,
} from '../membership/membership.ts';
import { committedOf } from '../record/committed.ts';
import { onPushAck } from '../record/pusher.ts';
import { onRead, onWrite, wipeRegisters } from '../record/register.ts';
import { compareRevision } from '../record/record.ts';
import { onReadAck, onWriteAck } from '../record/writer.ts';
import {
  onExited,
  onHealth,
  onListed,
  onRefused,
  onRemoved,
  onRestartCommand,
  onStarted,
} from '../reconcile/slots.ts';
import {
  adopt,
  type Change,
  onRosterMessage,
  onSyncPage,
  onSyncPull,
  sameEpoch,
} from '../roster/council.ts';
import { votersOf } from '../roster/roster.ts';
import { journal, send, type Turn } from '../turn.ts';
import type { Join, Message, Push, Welcome } from '../wire/message.ts';
import { know } from './knowledge.ts';
import { admit, announce, initialValue, keep, learn } from './leading.ts';
import { fieldOf, sceneOf } from './settle.ts';
import type { Core } from './state.ts';

export function receive(core: Core, leases: Leases, turn: Turn, input: Input): void {
  switch (input.kind) {
    case 'started':
      turn.out.push({ kind: 'listInstances' });
      return;
    case 'woken':
      return;
    case 'messageReceived':
      return receiveMessage(core, leases, turn, input.from, input.message);
    case 'gossipReceived':
      return receiveGossip(core, turn, input.from, input.message);
    case 'peerConnected':
      core.connected.add(input.host);
      return;
    case 'peerDisconnected':
      core.connected.delete(input.host);
      return onPeerDisconnected(core.membership, turn, input.host);
    case 'connectProbed':
      return onConnectProbed(core.membership, turn, input.host, input.outcome);
    case 'instancesListed':
      return onListed(core.slots, turn, input.instances);
    case 'instanceStarted':
      return onStarted(core.slots, turn, input.instance);
    case 'instanceRefused':
      return onRefused(core.slots, turn, input);
    case 'instanceExited':
      return onExited(core.slots, turn, input);
    case 'instanceHealthChanged':
      return onHealth(core.slots, turn, input.engineId, input.health);
    case 'instanceRemoved':
      return onRemoved(core.slots, turn, input.engineId);
    case 'commandGiven':
      return command(core, leases, turn, input.commandId, input.command);
    default:
      return unreachable(input);
  }
}

function command(core: Core, leases: Leases, turn: Turn, commandId: string, given: Command): void {
  switch (given.kind) {
    case 'deploy': {
      const { deployId, spec } = given;
      const deploy = { kind: 'deploy', deployId, stack: spec.name, spec } as const;
      return onCommand(core.deploys, turn, sceneOf(core, leases, turn), commandId, deploy);
    }
    case 'destroy': {
      const { deployId, stack } = given;
      const deploy = { kind: 'deploy', deployId, stack } as const;
      return onCommand(core.deploys, turn, sceneOf(core, leases, turn), commandId, deploy);
    }
    case 'restart': {
      const found = onRestartCommand(core.slots, turn, given.component, given.slot);
      const kind = found ? 'restarting' : 'noSuchInstance';
      turn.out.push({ kind: 'reply', commandId, result: { kind } });
      return;
    }
    default:
      return unreachable(given);
  }
}

/** Messages a host may send before it is a member, or to one that is not. */
const OPEN_KINDS: ReadonlySet<Message['kind']> = new Set(['join', 'welcome']);

export function receiveMessage(
  core: Core,
  leases: Leases,
  turn: Turn,
  from: HostId,
  message: Message,
): void {
  if (!OPEN_KINDS.has(message.kind) && !know(core).isMember.has(from)) {
    core.strangers += 1;
    return;
  }
  if (from !== turn.self) noteHeard(core.membership, turn, from);
  switch (message.kind) {
    case 'beat':
    case 'probe':
    case 'probeAck':
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
      return follow(core, leases, turn, onRosterMessage(core.council, turn, from, message));
    case 'syncPull':
    case 'syncPage':
    case 'keepalive':
    case 'prepare':
    case 'accept':
    case 'release':
    case 'read':
    case 'write':
      return receiveAsVoter(core, leases, turn, from, message);
    case 'keepaliveAck':
    case 'prepareAck':
    case 'acceptAck':
    case 'open':
    case 'readAck':
    case 'writeAck':
      return receiveAsHolder(core, leases, turn, from, message);
    default:
      return receiveAsHost(core, leases, turn, from, message);
  }
}

type Kind<K extends Message['kind']> = Extract<Message, { readonly kind: K }>;

function receiveGossip(core: Core, turn: Turn, from: HostId, message: Message): void {
  // Gossip hands on what others wrote: the author must be a member, and its word is only a hint.
  const { isMember } = know(core);
  if (!isMember.has(from)) return void (core.strangers += 1);
  if (message.kind === 'heartbeat' && isMember.has(message.host) && message.host !== turn.self) {
    onHeartbeat(core.membership, turn, message);
    noteVersion(core.inventories, turn, message.host, message.boot, message.inventoryVersion);
    if (message.epoch !== core.council.roster.epoch)
      sameEpoch(core.council, turn, message.host, message.epoch);
  } else if (message.kind === 'rumor' && isMember.has(message.by)) {
    onRumor(core.membership, turn, message.by, message);
  } else if (message.kind === 'inventoryDelta' && isMember.has(message.owner)) {
    onInventoryDelta(core.inventories, core.committed, turn, message);
  }
}

function receiveNews(
  core: Core,
  turn: Turn,
  from: HostId,
  message: Kind<
    'beat' | 'probe' | 'probeAck' | 'rumor' | 'heartbeat' | 'inventoryDelta' | 'pull' | 'delta'
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
    case 'rumor':
      return onRumor(core.membership, turn, from, message);
    case 'pull':
      return onPull(core.inventories, core.committed, turn, from, message);
    case 'delta': {
      core.heldBackUntil = turn.now; // a peer has told us what we missed
      for (const record of onDelta(core.inventories, core.committed, turn, from, message))
        keep(turn, record);
      return;
    }
    default:
      return; // gossip only
  }
}

/** Carries an adopted roster to leases, records and this host's own standing as a voter. */
export function follow(core: Core, leases: Leases, turn: Turn, change: Change | undefined): void {
  if (change === undefined) return;
  const was = votersOf(change.from).includes(turn.self);
  const is = votersOf(change.to).includes(turn.self);
  if (was && !is) wipeRegisters(core.registers, turn);
  if (!was && is && core.durable.synced) {
    core.durable.synced = false; // rule 4: answers nothing before it has merged the old voters' state
    saveDurable(core.durable, turn);
  }
  followRoster(leases, turn, change);
  const { epoch, voters, next } = change.to;
  const text =
    next === undefined
      ? `voters ${voters.join(' ')}`
      : `voters ${voters.join(' ')} and ${next.join(' ')}`;
  journal(turn, 'roster', [ROSTER_KEY], `epoch ${epoch}: ${text}`);
  // Everyone we know should follow: a hint, the epoch in heartbeats is the certainty.
  if (core.writers.has(ROSTER_KEY))
    for (const host of know(core).alive)
      if (host !== turn.self) send(turn, host, { kind: 'rosterChosen', roster: change.to });
}

function receiveAsVoter(
  core: Core,
  leases: Leases,
  turn: Turn,
  from: HostId,
  message: Kind<
    'syncPull' | 'syncPage' | 'keepalive' | 'prepare' | 'accept' | 'release' | 'read' | 'write'
  >,
): void {
  const { council, registers, durable } = core;
  if (message.kind !== 'release' && !sameEpoch(council, turn, from, message.epoch)) return;
  if (!votersOf(council.roster).includes(turn.self)) return;
  if (message.kind === 'syncPage')
    return onSyncPage(council, leases.voter, registers, turn, from, message);
  if (message.kind !== 'keepalive' && !durable.synced) return; // Q3
  switch (message.kind) {
    case 'syncPull':
      return onSyncPull(registers, durable, turn, from, message);
    case 'read':
      return onRead(registers, turn, from, message);
    case 'write':
      return onWrite(registers, turn, from, message);
    default:
      return onLeaseMessage(
        leases,
        turn,
        council.roster,
        fieldOf(core, leases, turn),
        from,
        message,
      );
  }
}

function receiveAsHolder(
  core: Core,
  leases: Leases,
  turn: Turn,
  from: HostId,
  message: Kind<'keepaliveAck' | 'prepareAck' | 'acceptAck' | 'open' | 'readAck' | 'writeAck'>,
): void {
  const { roster } = core.council;
  if (message.kind === 'keepaliveAck' && message.yourBoot > turn.boot)
    return retire(core, turn, from);
  if (message.kind !== 'open' && message.epoch !== roster.epoch) return;
  if ('sid' in message && message.sid !== turn.boot) return; // L-b: of another incarnation
  if (message.kind === 'readAck' || message.kind === 'writeAck') {
    const writer = core.writers.get(message.key);
    if (writer === undefined) return;
    if (message.kind === 'readAck')
      return onReadAck(writer, turn, roster, from, message, initialValue(core, message.key));
    const record = onWriteAck(writer, roster, from, message);
    if (record !== undefined) announce(core, turn, record);
    return;
  }
  onLeaseMessage(leases, turn, roster, fieldOf(core, leases, turn), from, message);
}

/** Another agent runs under our identity, with a newer boot: a copied disk. We serve nothing more. */
function retire(core: Core, turn: Turn, by: HostId): void {
  if (core.cloned) return;
  core.cloned = true;
  journal(
    turn,
    'identity',
    [turn.self, by],
    `${by} has met a newer start of this host: its state was copied`,
  );
}

function receiveAsHost(
  core: Core,
  leases: Leases,
  turn: Turn,
  from: HostId,
  message: Kind<'push' | 'pushAck' | 'deploy' | 'deployResult' | 'join' | 'welcome'>,
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
    default:
      return unreachable(message);
  }
}

/** The leader's own word: from here on this host may start what it assigns (R9). */
function onPush(core: Core, turn: Turn, from: HostId, { record }: Push): void {
  learn(core, turn, record);
  const known = committedOf(core.committed, record.key) ?? record;
  const told = core.authorized.get(record.key);
  const newest = told === undefined || compareRevision(record.revision, told) > 0;
  if (componentOfKey(record.key) !== undefined && newest)
    core.authorized.set(record.key, record.revision);
  send(turn, from, { kind: 'pushAck', key: record.key, revision: known.revision });
}

function onJoin(core: Core, leases: Leases, turn: Turn, from: HostId, message: Join): void {
  const { isMember, leaders } = know(core);
  if (from !== message.host && !isMember.has(from)) return;
  const members = committedOf(core.committed, ROSTER_KEY);
  if (members !== undefined && isMember.has(message.host)) {
    if (core.council.roster.epoch > 0)
      send(turn, message.host, { kind: 'welcome', roster: core.council.roster, members });
    return;
  }
  const { host: id, name, peerId } = message;
  admit(core, leases, turn, { id, name, peerId });
  const leader = leaders.get(ROSTER_KEY)?.host;
  if (leader !== undefined && from === message.host) send(turn, leader, message);
}

function onWelcome(core: Core, leases: Leases, turn: Turn, from: HostId, message: Welcome): void {
  const { value } = message.members;
  const invited = value.kind === 'members' && value.members.some(({ id }) => id === turn.self);
  if (core.council.roster.epoch > 0 || !invited) return;
  learn(core, turn, message.members);
  follow(core, leases, turn, adopt(core.council, turn, message.roster));
  pullFrom(core.inventories, core.committed, turn, from);
}

/** How long a gap between two steps may be before peers may have believed us dead. */
const STALL_MS = 1000;
/** After a stall, how long to wait for a peer's word before acting on what we knew. */
const HOLD_BACK_MS = millis(2000);

/** After a stall others may have moved our work: start nothing before we have asked (design §1). */
export function noteStall(core: Core, turn: Turn): void {
  const stalled = turn.now - core.lastStepAt > STALL_MS && core.lastStepAt > core.startedAt;
  core.lastStepAt = turn.now;
  if (!stalled) return;
  const others = know(core).members.filter(({ id }) => id !== turn.self);
  if (others.length === 0) return;
  core.heldBackUntil = after(turn.now, HOLD_BACK_MS);
  journal(
    turn,
    'stall',
    [turn.self],
    'this agent stood still for a while: asking peers what changed',
  );
  for (const { id } of others.slice(0, 4)) pullFrom(core.inventories, core.committed, turn, id);
}
