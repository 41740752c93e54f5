/** Where each input goes. Routing only: every decision is in the machine it is handed to. */
import { unreachable } from '../base/assert.ts';
import type { HostId } from '../base/ids.ts';
import { onCommand } from '../command/deploys.ts';
import { onAdjustCommand } from '../command/adjusts.ts';
import { onForgetCommand } from '../command/forgets.ts';
import { onLead } from '../command/leads.ts';
import type { Command, Input } from '../input.ts';
import { noteVersion, onInventoryDelta } from '../inventory/inventories.ts';
import type { Leases } from '../lease/leases.ts';
import {
  onConnectProbed,
  onHeartbeat,
  onPeerDisconnected,
  onRumor,
} from '../membership/membership.ts';
import {
  onExited,
  onDrifted,
  onFrozen,
  onHealth,
  onListed,
  onRefused,
  onRemoved,
  onRestartCommand,
  onStarted,
} from '../reconcile/slots.ts';
import { sameEpoch } from '../roster/council.ts';
import { journal, type Turn } from '../turn.ts';
import type { Deploy, Message } from '../wire/message.ts';
import { onForceVoters } from './force.ts';
import { followsOurs } from './forks.ts';
import { holdBack } from './isolation.ts';
import { know } from './know.ts';
import { leave } from './leaving.ts';
import { receiveMessage } from './messages.ts';
import { onEngineAsked } from './pulse.ts';
import { rouseDetector } from './rhythm.ts';
import { adjustSceneOf, forgetSceneOf, leadSceneOf, sceneOf } from './settle.ts';
import { onGuardAcknowledged, onGuardJoined, onGuardLost } from './strict.ts';
import type { Core } from './state.ts';

export function receive(core: Core, leases: Leases, turn: Turn, input: Input): void {
  switch (input.kind) {
    case 'started':
      turn.out.push({ kind: 'listInstances' });
      return;
    case 'woken':
      return;
    case 'yielding':
      core.guarding.yields = true;
      return;
    case 'stopping':
      return leave(core, leases, turn, input.why);
    case 'messageReceived':
      return receiveMessage(core, leases, turn, input.from, input.message);
    case 'gossipReceived':
      return receiveGossip(core, turn, input.from, input.message);
    case 'peerConnected':
      core.connected.add(input.host);
      return;
    case 'peerDisconnected':
      core.connected.delete(input.host);
      rouseDetector(core, turn);
      return onPeerDisconnected(core.membership, turn, input.host);
    case 'connectProbed':
      rouseDetector(core, turn);
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
    case 'instanceFrozen':
    case 'instanceThawed':
      return onFrozen(core.slots, turn, input.engineId, input.kind === 'instanceFrozen');
    case 'instanceDrifted':
      return onDrifted(core.slots, turn, input.engineId, input.drift);
    case 'instanceRemoved':
      return onRemoved(core.slots, turn, input.engineId);
    case 'engineAsked':
      return onEngineAsked(core, turn, input);
    case 'guardAcknowledged':
      return onGuardAcknowledged(core, input.key, input.warrant);
    case 'guardJoined':
      return onGuardJoined(core, turn);
    case 'guardLost':
      return onGuardLost(core, turn);
    case 'commandGiven':
      return command(core, leases, turn, input.commandId, input.command);
    default:
      return unreachable(input);
  }
}

function command(core: Core, leases: Leases, turn: Turn, commandId: string, given: Command): void {
  switch (given.kind) {
    case 'deploy': {
      const deploy: Deploy = { ...given, stack: given.spec.name };
      return onCommand(core.deploys, turn, sceneOf(core, leases, turn), commandId, deploy);
    }
    case 'destroy': {
      const deploy: Deploy = { ...given, kind: 'deploy' };
      return onCommand(core.deploys, turn, sceneOf(core, leases, turn), commandId, deploy);
    }
    case 'lead':
      return onLead(core.leads, turn, leadSceneOf(core, leases, turn), commandId, given);
    case 'leave':
      return takeOut(core, leases, turn, commandId, turn.self);
    case 'forget': {
      if (given.host !== turn.self) return takeOut(core, leases, turn, commandId, given.host);
      const why = 'it is this very host, which is alive';
      const result = { kind: 'refused', code: 'host-alive', why } as const;
      turn.out.push({ kind: 'reply', commandId, result });
      return;
    }
    case 'adjust':
      return onAdjustCommand(
        core.adjusts,
        turn,
        adjustSceneOf(core, leases, turn),
        commandId,
        given,
      );
    case 'forceVoters':
      return onForceVoters(core, turn, commandId, given.forceId);
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

function takeOut(core: Core, leases: Leases, turn: Turn, commandId: string, host: HostId): void {
  const scene = forgetSceneOf(core, leases, turn);
  onForgetCommand(core.forgets, turn, scene, commandId, host);
}

function receiveGossip(core: Core, turn: Turn, from: HostId, message: Message): void {
  // Gossip hands on what others wrote: the author must be a member, and its word is only a hint.
  const { isMember, isDismissed } = know(core);
  if (isDismissed || !isMember.has(from)) {
    core.strangers += 1;
    return;
  }
  const author = authorOf(message);
  if (author === undefined || !isMember.has(author)) return;
  if (author !== turn.self && !followsOurs(core, turn, author, message)) return;
  if (message.kind === 'heartbeat' && author !== turn.self) {
    onHeartbeat(core.membership, turn, message);
    noteVersion(core.inventories, turn, message.host, message.boot, message.inventoryVersion);
    if (message.epoch !== core.council.roster.epoch)
      sameEpoch(core.council, turn, message.host, message.epoch);
  } else if (message.kind === 'rumor') {
    rouseDetector(core, turn);
    onRumor(core.membership, turn, message.by, message);
  } else if (message.kind === 'inventoryDelta') {
    onInventoryDelta(core.inventories, turn, message);
  }
}

/** Who has written what is gossiped; undefined: nobody gossips such a thing. */
function authorOf(message: Message): HostId | undefined {
  if (message.kind === 'heartbeat') return message.host;
  if (message.kind === 'rumor') return message.by;
  return message.kind === 'inventoryDelta' ? message.owner : undefined;
}

/** How long a gap between two steps may be before peers may have believed us dead. */
const STALL_MS = 1000;
/** After a stall others may have moved our work: start nothing before asking (README.md §4). */
export function noteStall(core: Core, turn: Turn): void {
  const stalled = turn.now - core.lastStepAt > STALL_MS && core.lastStepAt > core.startedAt;
  core.lastStepAt = turn.now;
  if (!stalled) return;
  core.awakeAt = turn.now;
  const { members, isDismissed } = know(core);
  if (isDismissed || members.every(({ id }) => id === turn.self)) return;
  holdBack(core, turn);
  journal(
    turn,
    'stall',
    [turn.self],
    'this agent stood still for a while: asking peers what changed',
  );
}
