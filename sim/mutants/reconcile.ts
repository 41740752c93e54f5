/** Reconciling: the instances of one host, against what it was assigned. */
import { ofMachine } from './mutant.ts';

const RECONCILE = 'protocol/reconcile/reconcile.ts';
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
    name: 'successor-before-stop',
    file: RECONCILE,
    from: "return why === undefined ? undefined : { kind: 'stop', instance: live, why };",
    to: `if (why === 'replaced') return { kind: 'start', desired };
  return why === undefined ? undefined : { kind: 'stop', instance: live, why };`,
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
    name: 'never-restarted',
    file: RECONCILE,
    from: 'seat.next = nextAt(verdict.at, turn.now);',
    to: "seat.next = { kind: 'done' };",
    says: 'An instance that has failed is not started again.',
    rules: ['L1', 'L5'],
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
