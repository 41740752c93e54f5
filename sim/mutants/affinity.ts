/** Of components that follow each other (A1, A2). */
import { type Mutant, ofMachine } from './mutant.ts';

const FIT = 'protocol/placement/fit.ts';
const NEIGHBOR = 'protocol/placement/neighbor.ts';

export const AFFINITY_MUTANTS: readonly Mutant[] = ofMachine('component', [
  {
    name: 'affinity-not-asked',
    file: FIT,
    from: 'whyNotBeside(host.neighbors) ??',
    to: '',
    says: 'A slot goes to a host wherever those are that it follows.',
    rules: ['S31', 'L1'],
    among: 'affinity',
  },
  {
    name: 'affinity-not-kept',
    file: FIT,
    from: 'DRAINED : whyNotStay(host.neighbors)',
    to: 'DRAINED : undefined',
    says: 'A slot stays where it is when those move that it follows.',
    rules: ['S31', 'L1'],
    among: 'affinity',
  },
  {
    name: 'placed-before-those-it-follows',
    file: NEIGHBOR,
    from: 'unknown === undefined ? whyNotStay(neighbors)',
    to: 'unknown === undefined || true ? whyNotStay(neighbors)',
    says: 'A slot goes anywhere while nobody knows where those are that it follows.',
    rules: ['S31'],
    among: 'affinity',
  },
  {
    name: 'stand-ins-followed',
    file: NEIGHBOR,
    from: "if (bond === 'affinity' && mode !== 'global' && slot > replicas) continue;",
    to: '',
    says: 'A slot goes to what stands in for others and is soon gone.',
    rules: ['S31'],
    among: 'affinity',
  },
  {
    name: 'ended-kept-away-from',
    file: NEIGHBOR,
    from: ": has === 'slots',",
    to: ": has !== 'none',",
    says: 'A slot keeps away from jobs that are over.',
    rules: ['L1'],
    among: 'affinity',
  },
]);
