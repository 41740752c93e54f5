/** Jobs: what has ended is not run again, and what can end does; and what waits for them or for others. */
import { ofMachine } from './mutant.ts';

const JOB = 'protocol/placement/job.ts';
const ASSIGN = 'protocol/core/assign.ts';
const RESTART = 'protocol/component/restart.ts';

export const JOB_MUTANTS = ofMachine('job', [
  {
    name: 'end-forgotten',
    file: ASSIGN,
    from: 'run === undefined || current.run !== run\n    ?',
    to: 'current !== undefined\n    ?',
    says: 'A leader knows of ends only by the hosts that tell of them, not by the record.',
    rules: ['S27'],
  },
  {
    name: 'run-anew',
    file: ASSIGN,
    from: 'return current?.run?.revision === revision ? current.run : { revision, since };',
    to: 'return { revision, since };',
    says: 'Every deploy of a stack runs its jobs anew.',
    rules: ['S27'],
  },
  {
    name: 'ended-started',
    file: 'protocol/reconcile/reconcile.ts',
    from: 'mayStart && waitsFor === undefined && ended === undefined;',
    to: 'mayStart && waitsFor === undefined;',
    says: 'A host that has lost what has ended there runs it again.',
    rules: ['S27'],
  },
  {
    name: 'last-word-ignored',
    file: JOB,
    from: "return slot.ended ?? (typeof said === 'object' ? said : undefined);",
    to: 'return slot.ended;',
    says: 'A leader takes no notice of the ends that hosts tell of.',
    rules: ['S27', 'L9'],
  },
  {
    name: 'busy-moved',
    file: JOB,
    from: "return host.alive ? progress(slot, host.id) === 'busy' : spec.mode === 'global';",
    to: "return !host.alive && spec.mode === 'global';",
    says: 'What is under way is begun elsewhere before it has ended.',
    rules: ['S27'],
    among: 'members',
  },
  {
    name: 'success-repeated',
    file: RESTART,
    from: "if (ending.kind === 'exited' && ending.exitCode === 0 && !restartsAfterSuccess(policy))",
    to: 'if (policy === null)',
    says: 'What has done its work is started again as if it had failed.',
    rules: ['S27', 'L9'],
  },
  {
    name: 'retry-withheld',
    file: RESTART,
    from: 'policy.retryMax === undefined || history.retries < policy.retryMax;',
    to: 'policy.retryMax === undefined || history.retries + 1 < policy.retryMax;',
    says: 'What has failed is tried once less than its policy says.',
    rules: ['S27'],
  },
  {
    name: 'over-too-early',
    file: 'protocol/reconcile/report.ts',
    from: "  next.kind === 'done' &&\n",
    to: '',
    says: 'A host says that a job is over whenever an attempt has failed.',
    rules: ['S27'],
  },
  {
    name: 'dependency-ignored',
    file: 'protocol/core/hosting.ts',
    from: ': missing(core, component);',
    to: ': undefined;',
    says: 'A host starts what depends on others without them.',
    rules: ['S30'],
  },
  {
    name: 'job-half-done',
    file: 'protocol/component/dependency.ts',
    from: 'if (complete >= wanted) return undefined;',
    to: 'if (complete > 0) return undefined;',
    says: 'A job counts as complete when one of its slots is.',
    rules: ['S30'],
  },
  {
    name: 'no-timeout',
    file: 'protocol/reconcile/table.ts',
    from: 'job?.timeoutMs !== undefined && isLive(instance)',
    to: 'job?.timeoutMs === null && isLive(instance)',
    says: 'An attempt may take longer than its timeout.',
    rules: ['L9'],
  },
]);
