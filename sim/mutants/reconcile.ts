/** Reconciling: the instances of one host, against what it was assigned. */
import { ofMachine } from './mutant.ts';

const RECONCILE = 'protocol/reconcile/reconcile.ts';
const ENDINGS = 'protocol/reconcile/endings.ts';
const RESTART = 'protocol/component/restart.ts';

export const RECONCILE_MUTANTS = ofMachine('reconcile', [
  {
    name: 'starts-before-adopting',
    file: RECONCILE,
    from: 'if (!slots.listed) return; // invariant 1',
    to: '',
    says: 'An agent that has just started acts before it knows what runs already.',
    rules: ['S13'],
  },
  {
    name: 'successor-too-early',
    file: RECONCILE,
    from: "if (why !== undefined) return { kind: 'stop', instance: live, why };",
    to: `if (why === 'replaced') return { kind: 'start', desired };
  if (why !== undefined) return { kind: 'stop', instance: live, why };`,
    says: 'An instance of the new spec starts beside the one that it replaces.',
    rules: ['S13'],
  },
  {
    name: 'start-forgotten',
    file: 'protocol/reconcile/events.ts',
    from: 'slots.listed = true;',
    to: 'slots.listed = true;\n  for (const seat of slots.seats.values()) seat.starting = undefined;',
    says: 'A start that a list does not show yet is asked for once more.',
    rules: ['S13'],
  },
  {
    name: 'old-spec-kept',
    file: RECONCILE,
    from: "if (startable && observed.revision !== desired.revision) return 'replaced';",
    to: '',
    says: 'An instance of an older spec runs on.',
    rules: ['L1', 'L5'],
  },
  {
    name: 'unwanted-kept',
    file: RECONCILE,
    from: "return live === undefined ? undefined : { kind: 'stop', instance: live, why: 'unwanted' };",
    to: 'return undefined;',
    says: 'An instance runs on where its slot was taken away.',
    rules: ['L1', 'L5'],
  },
  {
    name: 'done-for-ever',
    file: RECONCILE,
    from: 'seat.next = NOW;\n    if (desired.spec.job',
    to: "if (seat.next.kind !== 'done') seat.next = NOW;\n    if (desired.spec.job",
    says: 'What is over is not started again when its spec changes.',
    rules: ['L5'],
  },
  {
    name: 'never-restarted',
    file: ENDINGS,
    from: 'seat.next = nextAt(verdict.at, turn.now);',
    to: "seat.next = { kind: 'done' };",
    says: 'An instance that has failed is not started again.',
    rules: ['L1', 'L5'],
  },
  {
    name: 'isolated-runs-on',
    file: RECONCILE,
    from: 'if (desired.isolation !== undefined) return isolatedStep(live, turn, desired.isolation);',
    to: '',
    says: 'What an isolated host is to stop or to freeze runs on.',
    rules: ['S15'],
  },
  {
    name: 'isolated-starts',
    file: 'protocol/core/hosting.ts',
    from: ': isolation !== undefined\n          ?',
    to: ': isolation === null\n          ?',
    says: 'An isolated host starts what it has just stopped.',
    rules: ['S15'],
  },
  {
    name: 'never-thawed',
    file: RECONCILE,
    from: "return hold || seat.lease !== undefined ? undefined : stillStep(live, turn, 'thaw');",
    to: 'return undefined;',
    says: 'What was frozen stays so.',
    rules: ['L1', 'L5'],
  },
  {
    name: 'rival-stopped',
    file: RECONCILE,
    from: 'if (live[0] !== undefined && isRival(seat, live[0]))\n    return isolatedStep(live[0], turn, seat.rival?.isolation);',
    to: '',
    says: 'A host stops what it runs of a slot that was taken from it, before the leader has chosen.',
    rules: ['S15'],
  },
  {
    name: 'no-backoff',
    file: RESTART,
    from: 'if (streak === 1 && !crashLoop) return millis(0);',
    to: 'if (streak > 0) return millis(0);',
    says: 'What fails over and over is restarted at once each time.',
    rules: ['S13'],
  },
  {
    name: 'no-budget',
    file: RESTART,
    from: 'crashLoop: failures.length > config.restartBudget,',
    to: 'crashLoop: failures.length < 0,',
    says: 'No number of failures is a crash loop.',
    rules: ['S13'],
  },
]);
