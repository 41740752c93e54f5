/** Of slots that move to balance (B1 to B4). */
import { type Mutant, ofMachine } from './mutant.ts';

const REBALANCE = 'protocol/placement/rebalance.ts';
const BALANCE = 'protocol/core/balance.ts';

export const BALANCE_MUTANTS: readonly Mutant[] = ofMachine('component', [
  {
    name: 'balanced-unasked',
    file: REBALANCE,
    from: 'spec.placement?.rebalance === true && mayOverlap(spec)',
    to: 'mayOverlap(spec)',
    says: 'Slots are balanced of components that do not ask for it.',
    rules: ['S35'],
    among: 'balance',
  },
  {
    name: 'balanced-at-once',
    file: BALANCE,
    from: 'if (turn.now < dueAt) return',
    to: 'if (turn.now < calmSince) return',
    says: 'A slot moves as soon as all is calm.',
    rules: ['S35'],
    among: 'balance',
  },
  {
    name: 'balanced-to-and-fro',
    file: REBALANCE,
    from: 'compareOwn(without, spread, taker, giver) < 0',
    to: 'taker !== giver && compareOwn(without, spread, taker, giver) <= 0',
    says: 'A slot moves to a host that is as good as its own.',
    rules: ['S35'],
    among: 'balance',
  },
  {
    name: 'balanced-with-the-slot-itself',
    file: REBALANCE,
    from: 'const without = { ...seating, own: new Map(own).set(giver.id, others) };',
    to: 'const without = { ...seating, own: new Map(own).set(giver.id, [...others, slot]) };',
    says: 'A slot counts against its own host, so a difference of one moves it.',
    rules: ['S35'],
    among: 'balance',
  },
  {
    name: 'balanced-though-ill',
    file: BALANCE,
    from: '!isServing(report)',
    to: "report.state === 'pending'",
    says: 'Slots are balanced while others of them are not well.',
    rules: ['S35'],
    among: 'balance',
  },
  {
    name: 'balanced-without-handover',
    file: REBALANCE,
    from: 'giver.id,\n        )',
    to: 'undefined,\n        )',
    says: 'A slot that moves to balance ends before it is started elsewhere.',
    rules: ['S35'],
    among: 'balance',
  },
  {
    name: 'never-balanced',
    file: BALANCE,
    from: 'if (shift !== undefined) return { shift };',
    to: '',
    says: 'A leader finds what would be better, and leaves it.',
    rules: ['L12'],
    among: 'balance',
  },
]);
