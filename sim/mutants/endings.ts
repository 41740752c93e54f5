/** The order in which the instances of a destroyed stack end. */
import { ofMachine } from './mutant.ts';

const ENDING = 'protocol/core/ending.ts';

export const ENDING_MUTANTS = ofMachine('ending', [
  {
    name: 'ends-in-any-order',
    file: ENDING,
    from: 'if (isGoingOn(report) && isBelieved(core, host)) going.add(report.component);',
    to: 'if (!isGoingOn(report) && isBelieved(core, host)) going.add(report.component);',
    says: 'A host waits for what others tell of that has ended, and not for what runs.',
    rules: ['S34'],
  },
  {
    name: 'ends-beside-its-own',
    file: ENDING,
    from: 'if (hasLife(seat)) going.add(seat.component);',
    to: 'void seat;',
    says: 'A host does not wait for the dependents that it runs itself.',
    rules: ['S34'],
  },
  {
    name: 'waits-to-end-for-ever',
    file: ENDING,
    from: [
      'const until = earlier(after(since, ending.waitMs), isolatedAt(core, component));',
      'if (until === undefined || turn.now >= until) return undefined;',
      'going ??= goingOn(core);',
      'const first = ending.after',
    ].join('\n      '),
    to: [
      'const until = after(turn.now, ending.waitMs);',
      'going ??= goingOn(core);',
      'const first = [...ending.after, componentOf(component)]',
    ].join('\n      '),
    says: 'What waits for its dependents waits for itself too, and its time is never over.',
    rules: ['S34', 'S15', 'L1'],
  },
  {
    name: 'ends-before-all-are-heard',
    file: ENDING,
    from: 'if (unheard === undefined) return undefined;',
    to: 'if (unheard !== null) return undefined;',
    says: 'A host that has not been heard since this agent started runs nothing.',
    rules: ['S34'],
  },
]);
