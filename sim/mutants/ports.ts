/** Of the numbers that slots are given for their ports (P1 to P3). */
import { type Mutant, ofMachine } from './mutant.ts';

const PORTS = 'protocol/placement/ports.ts';

export const PORT_MUTANTS: readonly Mutant[] = ofMachine('component', [
  {
    name: 'numbers-not-kept',
    file: PORTS,
    from: 'const has = lost === undefined ? had : undefined;',
    to: 'const has = lost === undefined && slot.trial !== true ? had : undefined;',
    says: 'A slot that is given another spec is given another number too.',
    rules: ['S33'],
    among: 'ports',
  },
  {
    name: 'numbers-of-others-given',
    file: PORTS,
    from: 'if (others || own.has(name)',
    to: 'if (own.has(name)',
    says: 'A slot is given a number that a slot of another component has.',
    rules: ['S33'],
    among: 'ports',
  },
  {
    name: 'fixed-number-kept',
    file: PORTS,
    from: 'if (fixedBy !== undefined) return',
    to: 'if (fixedBy !== undefined && fixedBy === component) return',
    says: 'A slot keeps a number that another component has come to fix.',
    rules: ['S33', 'L1', 'L11'],
    among: 'ports',
  },
  {
    name: 'contested-number-kept-by-both',
    file: PORTS,
    from: 'compareText(other, component) < 0',
    to: 'compareText(other, component) === 2',
    says: 'Of two slots that were given the same number both keep it.',
    rules: ['S33', 'L11'],
    among: 'ports',
  },
  {
    name: 'given-up-and-bound',
    file: 'protocol/reconcile/drift.ts',
    from: 'hasOtherNumber(spec, ports, observed.ports, config)',
    to: 'hasOtherNumber(spec, undefined, observed.ports, config)',
    says: 'An instance goes on at a number that its slot has given up.',
    rules: ['L11', 'L5'],
    among: 'ports',
  },
  {
    name: 'started-without-its-number',
    file: 'protocol/reconcile/reconcile.ts',
    from: 'withChosen(wanted, ports)',
    to: 'withChosen(wanted, attempt > 1 ? undefined : ports)',
    says: 'A restarted instance has whatever number its engine chooses.',
    rules: ['S33'],
    among: 'ports',
  },
]);
