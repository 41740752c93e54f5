/** All checkers together: each is told what concerns it. */
import type { Key } from '../../protocol/base/ids.ts';
import type { Decided } from '../../protocol/core/state.ts';
import type { DiskWrite } from '../../protocol/effect.ts';
import type { Observed } from '../../protocol/input.ts';
import type { Micros } from '../event-queue.ts';
import type { Host, Outward } from '../host.ts';
import { type AddressChecker, checkAddresses, createAddressChecker } from './addresses.ts';
import { type AffinityChecker, checkAffinity, createAffinityChecker } from './affinity.ts';
import { checkLeading } from './acts.ts';
import { type BalanceChecker, checkBalance, createBalanceChecker, noteDoubts } from './balance.ts';
import {
  type BallotChecker,
  checkClaims,
  checkTerm,
  createBallotChecker,
  noteVote,
} from './ballots.ts';
import { type BindingChecker, checkBindings, createBindingChecker } from './bindings.ts';
import {
  type BoundChecker,
  checkMessage,
  checkSizes,
  checkWoken,
  createBoundChecker,
} from './bounds.ts';
import { type BurialChecker, checkBurials, createBurialChecker } from './burials.ts';
import { checkDecisions, createDecisionChecker, type DecisionChecker } from './decisions.ts';
import {
  checkIncarnations,
  createIncarnationChecker,
  type IncarnationChecker,
} from './incarnations.ts';
import { type ChangeChecker, checkChange, createChangeChecker } from './changes.ts';
import { checkContracts, type ContractChecker, createContractChecker } from './contracts.ts';
import { checkDrift, createDriftChecker, type DriftChecker } from './drift.ts';
import { checkEndings, createEndingChecker, type EndingChecker } from './endings.ts';
import { checkEngines, createEngineChecker, type EngineChecker } from './engines.ts';
import { checkForcedDisk, checkForces, createForceChecker, type ForceChecker } from './forces.ts';
import { checkJobs, createJobChecker, type JobChecker } from './jobs.ts';
import { checkTwins, createInstanceChecker, type InstanceChecker } from './instances.ts';
import { checkHandovers, createHandoverChecker, type HandoverChecker } from './handovers.ts';
import { checkInventories, createInventoryChecker, type InventoryChecker } from './inventories.ts';
import { createLeaseChecker, forgetHolds, type LeaseChecker, noteReign } from './leases.ts';
import { checkDisk, checkPromise, createPromiseChecker, type PromiseChecker } from './promises.ts';
import { checkReader, createReaderChecker, knownBefore, type ReaderChecker } from './readers.ts';
import {
  checkKept,
  checkOrder,
  checkWrite,
  createRecordChecker,
  type RecordChecker,
  noteForced,
} from './records.ts';
import { type ListWatch, lookAtList } from './lists.ts';
import { checkMoves, createMoveChecker, type MoveChecker } from './moves.ts';
import {
  checkDismissed,
  checkMembers,
  createMemberChecker,
  type MemberChecker,
} from './members.ts';
import { agendaOf, dueAfter, type Occasion, type Standing, type Step } from './occasion.ts';
import { checkPatience, checkReboots, createRebootChecker, type RebootChecker } from './reboots.ts';
import { checkPorts, createPortChecker, type PortChecker } from './ports.ts';
import type { Report } from './report.ts';
import {
  checkRollouts,
  createRolloutChecker,
  decidedOn,
  lookAtTrials,
  type RolloutChecker,
} from './rollouts.ts';
import { checkRestarts, createRestartChecker, type RestartChecker } from './restarts.ts';
import {
  checkAdoption,
  checkRosterDisk,
  checkTold,
  createRosterChecker,
  type RosterChecker,
  rostersOf,
} from './rosters.ts';
import { checkRevokes, createRevokeChecker, type RevokeChecker } from './revokes.ts';
import { checkSettings, createSettingChecker, type SettingChecker } from './settings.ts';
import {
  checkSilence,
  createSilenceChecker,
  noteForcedVoter,
  noteGrant,
  type SilenceChecker,
} from './silence.ts';
import { checkSingletons, createSingletonChecker, type SingletonChecker } from './singletons.ts';
import { checkStarts, createStartChecker, type StartChecker } from './starts.ts';
import {
  checkWhereabouts,
  createWhereaboutsChecker,
  type WhereaboutsChecker,
} from './whereabouts.ts';
import {
  checkForgotten,
  checkSyncs,
  createSyncChecker,
  noteJoint,
  type SyncChecker,
} from './syncs.ts';

export type Panel = {
  readonly standings: Standing[];
  readonly leases: LeaseChecker;
  readonly bindings: BindingChecker;
  readonly revokes: RevokeChecker;
  readonly ballots: BallotChecker;
  readonly promises: PromiseChecker;
  readonly silence: SilenceChecker;
  readonly rosters: RosterChecker;
  readonly changes: ChangeChecker;
  readonly syncs: SyncChecker;
  readonly records: RecordChecker;
  readonly readers: ReaderChecker;
  readonly inventories: InventoryChecker;
  readonly decisions: DecisionChecker;
  readonly incarnations: IncarnationChecker;
  readonly starts: StartChecker;
  readonly restarts: RestartChecker;
  readonly drift: DriftChecker;
  readonly contracts: ContractChecker;
  readonly instances: InstanceChecker;
  readonly singletons: SingletonChecker;
  readonly bounds: BoundChecker;
  readonly moves: MoveChecker;
  readonly members: MemberChecker;
  readonly burials: BurialChecker;
  readonly forces: ForceChecker;
  readonly endings: EndingChecker;
  readonly engines: EngineChecker;
  readonly reboots: RebootChecker;
  readonly lists: ListWatch;
  readonly whereabouts: WhereaboutsChecker;
  readonly jobs: JobChecker;
  readonly settings: SettingChecker;
  readonly handovers: HandoverChecker;
  readonly rollouts: RolloutChecker;
  readonly affinity: AffinityChecker;
  readonly ports: PortChecker;
  readonly addresses: AddressChecker;
  readonly balance: BalanceChecker;
};

export function createPanel(report: Report): Panel {
  const leases = createLeaseChecker(report);
  const rosters = createRosterChecker(report);
  return {
    standings: [],
    leases,
    bindings: createBindingChecker(leases, rosters),
    revokes: createRevokeChecker(leases, rosters),
    ballots: createBallotChecker(report),
    promises: createPromiseChecker(report),
    silence: createSilenceChecker(report, rosters),
    rosters,
    changes: createChangeChecker(report),
    syncs: createSyncChecker(report),
    records: createRecordChecker(report),
    readers: createReaderChecker(report),
    inventories: createInventoryChecker(report),
    decisions: createDecisionChecker(report),
    incarnations: createIncarnationChecker(report),
    starts: createStartChecker(report),
    restarts: createRestartChecker(report),
    drift: createDriftChecker(report),
    contracts: createContractChecker(report),
    instances: createInstanceChecker(report),
    singletons: createSingletonChecker(leases),
    bounds: createBoundChecker(report),
    moves: createMoveChecker(report),
    members: createMemberChecker(report),
    burials: createBurialChecker(report),
    forces: createForceChecker(report),
    endings: createEndingChecker(report),
    engines: createEngineChecker(report),
    reboots: createRebootChecker(report),
    lists: new WeakMap(),
    whereabouts: createWhereaboutsChecker(report),
    jobs: createJobChecker(report),
    settings: createSettingChecker(report),
    handovers: createHandoverChecker(report),
    rollouts: createRolloutChecker(report),
    affinity: createAffinityChecker(report),
    ports: createPortChecker(report),
    addresses: createAddressChecker(report),
    balance: createBalanceChecker(report),
  };
}

type Check = {
  /** Undefined: after every step. */
  readonly when?: Occasion;
  readonly look: (panel: Panel, host: Host, step: Step, now: Micros) => void;
};

/** In this order: some look at what others knew before the step. */
const CHECKS: readonly Check[] = [
  { look: ({ leases }, host, step, now) => checkLeading(leases, host, step, now) },
  {
    when: { sees: ['roster'] },
    look(panel, host, _step, now) {
      checkAdoption(panel.rosters, panel.leases, host, now);
      checkChange(panel.changes, host, now);
    },
  },
  {
    when: { sees: ['roster'], does: ['send', 'reply'] },
    look: ({ forces }, host, { effects }, now) => checkForces(forces, host, effects, now),
  },
  { look: ({ bindings }, host, { input }, now) => checkBindings(bindings, host, input, now) },
  { look: ({ revokes }, host, { input }, now) => checkRevokes(revokes, host, input, now) },
  {
    when: { sees: ['roster'] },
    look: ({ syncs, records, leases }, host) => noteJoint(syncs, host, records, leases),
  },
  { look: ({ syncs }, host) => checkForgotten(syncs, host) },
  {
    when: { says: ['accept'] },
    look: ({ ballots, rosters }, host, { effects }) =>
      checkClaims(ballots, host, rostersOf(rosters, host), effects),
  },
  {
    when: {
      sees: ['roster'],
      hears: ['keepaliveAck', 'syncPage'],
      says: ['prepareAck', 'acceptAck', 'readAck', 'writeAck'],
    },
    look: ({ silence }, host, step, now) => checkSilence(silence, host, step, now),
  },
  { look: ({ members }, host, { effects }) => checkDismissed(members, host, effects) },
  {
    when: { sees: ['records'], says: ['join', 'write'] },
    look: ({ members, incarnations }, host, { effects }) =>
      checkMembers(members, host, incarnations.beliefs.get(host)?.of, effects),
  },
  { look: ({ incarnations }, host, step) => checkIncarnations(incarnations, host, step) },
  {
    when: {
      sees: ['own', 'records'],
      hears: ['delta', 'inventoryDelta'],
      says: ['inventoryDelta'],
    },
    look(panel, host, step) {
      checkInventories(panel.inventories, host, step);
      checkDecisions(panel.decisions, host, step.input);
    },
  },
  {
    look: ({ starts, readers }, host, step, now) =>
      checkStarts(starts, host, step, knownBefore(readers, host), now),
  },
  {
    when: { does: ['startInstance'], says: ['write'] },
    look: ({ jobs, readers }, host, { effects }) =>
      checkJobs(jobs, host, effects, knownBefore(readers, host)),
  },
  { when: { sees: ['records'] }, look: ({ readers }, host) => checkReader(readers, host) },
  {
    when: {
      sees: ['records', 'own'],
      on: ['commandGiven'],
      does: ['startInstance', 'stopInstance'],
    },
    look: ({ restarts }, host, step, now) => checkRestarts(restarts, host, step, now),
  },
  {
    when: { does: ['stopInstance'] },
    look: ({ drift }, host, { effects }, now) => checkDrift(drift, host, effects, now),
  },
  { look: ({ singletons }, host, step, now) => checkSingletons(singletons, host, step, now) },
  {
    look: ({ contracts }, host, { effects }, now) => checkContracts(contracts, host, effects, now),
  },
  {
    when: { sees: ['records'], on: ['woken'], does: ['stopInstance'] },
    look: ({ endings }, host, { effects }, now) => checkEndings(endings, host, effects, now),
  },
  {
    look({ engines, addresses }, host, { effects }, now) {
      checkEngines(engines, host, effects, now);
      checkAddresses(addresses, host, effects, now);
    },
  },
  {
    when: { sees: ['beliefs'], on: ['stopping'], says: ['write'] },
    look: ({ reboots }, host, step, now) => checkReboots(reboots, host, step, now),
  },
  { look: ({ reboots }, host, _step, now) => checkPatience(reboots, host, now) },
  { look: ({ bounds }, host) => checkSizes(bounds, host) },
  {
    when: { on: ['woken'] },
    look: ({ bounds }, host, _step, now) => checkWoken(bounds, host, now),
  },
  {
    when: { sees: ['beliefs'], does: ['persist'], says: ['push', 'write'] },
    look: ({ moves }, host, { effects }, now) => checkMoves(moves, host, effects, now),
  },
  {
    when: { sees: ['beliefs'] },
    look: ({ balance }, host, _step, now) => noteDoubts(balance, host, now),
  },
  { look: ({ rollouts }, host, _step, now) => lookAtTrials(rollouts, host, now) },
  {
    when: { sees: ['records'], on: ['commandGiven'], does: ['reply'], says: ['write'] },
    look(panel, host, step, now) {
      const lists = lookAtList(panel.lists, host);
      checkWhereabouts(panel.whereabouts, host, step.effects, lists);
      checkSettings(panel.settings, host, step, lists);
      checkHandovers(panel.handovers, host, step.effects, lists);
      checkRollouts(panel.rollouts, host, step.effects, lists, now);
      const decided = (key: Key): Decided | undefined => decidedOn(panel.rollouts, host, key);
      checkAffinity(panel.affinity, host, step.effects, (key) => ({
        lists,
        decided: decided(key),
      }));
      checkPorts(panel.ports, host, step.effects, (key) => decidedOn(panel.rollouts, host, key));
      checkBalance(panel.balance, host, step.effects, { lists, decidedOn: decided, now });
    },
  },
  {
    when: { does: ['send', 'publish'] },
    look(panel, host, { effects }, now) {
      for (const effect of effects) checkMessage(panel.bounds, host, effect, now);
    },
  },
];
const AGENDA = agendaOf(CHECKS.map(({ when }) => when));

export function checkStep(panel: Panel, host: Host, step: Step, now: Micros): void {
  let due = dueAfter(AGENDA, panel.standings, host, step);
  // From the lowest bit to the highest.
  for (; due !== 0; due &= due - 1)
    CHECKS[31 - Math.clz32(due & -due)]?.look(panel, host, step, now);
}

/** An effect has left its host. */
export function checkBegun(panel: Panel, host: Host, effect: Outward, now: Micros): void {
  const { rosters, records, ballots } = panel;
  checkPromise(panel.promises, host, effect);
  checkTold(rosters, host, effect);
  noteVote(ballots, host, effect);
  noteGrant(panel.silence, host, effect, now);
  if (effect.kind === 'send' && effect.message.kind === 'write') {
    checkWrite(records, effect.message);
    checkOrder(records, host, rostersOf(rosters, host), effect.message);
  }
  if (effect.kind !== 'leaseChanged') return;
  noteReign(panel.leases, host, effect, now);
  if (effect.event !== 'ended')
    checkTerm(ballots, host, rostersOf(rosters, host), effect.key, effect.term);
}

export function checkSynced(panel: Panel, host: Host, writes: readonly DiskWrite[]): void {
  const isForced = checkForcedDisk(panel.forces, host, writes);
  if (isForced) {
    noteForced(panel.records, host);
    noteForcedVoter(panel.silence, host);
  }
  checkDisk(panel.promises, host, writes);
  checkRosterDisk(panel.rosters, host, writes);
  if (!isForced) checkSyncs(panel.syncs, panel.records, host, writes);
  checkBurials(panel.burials, host, writes);
  checkKept(panel.records, host, rostersOf(panel.rosters, host), writes);
}

export const checkStarted = ({ instances }: Panel, host: Host, instance: Observed): void =>
  checkTwins(instances, host, instance);

/** Its agent is about to end: nothing it held in memory counts any more. */
export const checkEnded = ({ leases }: Panel, host: Host): void => forgetHolds(leases, host);
