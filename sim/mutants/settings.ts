/** What users say of hosts: labels, cordoned and drained ones, and how slots leave those. */
import { ofMachine } from './mutant.ts';

const FIT = 'protocol/placement/fit.ts';
const HANDOVER = 'protocol/placement/handover.ts';

export const SETTING_MUTANTS = ofMachine('settings', [
  {
    name: 'late-adjustments-done',
    file: 'protocol/core/members.ts',
    from: 'if (adjusted !== (value.adjusted ?? 0)) return; // F3',
    to: '',
    says: 'What a user has asked for is done again when it comes once more.',
    rules: ['S28'],
    among: 'drains',
  },
  {
    name: 'cordon-ignored',
    file: FIT,
    from: 'if (host.availability !== undefined)',
    to: 'if (host.availability === null)',
    says: 'A host that is cordoned or drained is given slots.',
    rules: ['S28', 'L1', 'S13'],
    among: 'drains',
  },
  {
    name: 'drain-ignored',
    file: FIT,
    from: "(host.availability === 'draining' ? DRAINED : whyNotStay(host.neighbors))",
    to: 'whyNotStay(host.neighbors)',
    says: 'What runs on a host that is drained stays there.',
    rules: ['L1'],
    among: 'drains',
  },
  {
    name: 'drained-at-once',
    file: HANDOVER,
    from: 'return mayOverlap(spec) && (there === undefined || goesOn(there));',
    to: 'return spec === undefined && (there === undefined || goesOn(there));',
    says: 'A host that is drained ends what it runs before another has started it.',
    rules: ['S29'],
    among: 'drains',
  },
  {
    name: 'handed-over-unseen',
    file: HANDOVER,
    from: '(isServing(here) || hasEnded(spec, here)) ? undefined : from;',
    to: 'here.attempt >= 0 ? undefined : from;',
    says: 'A host that is drained ends what it runs as soon as another has it to start.',
    rules: ['S29'],
    among: 'drains',
  },
]);
