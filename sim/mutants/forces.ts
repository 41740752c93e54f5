/** Voters that a user forces: when it may be done, and what of before counts after it. */
import { ofMachine } from './mutant.ts';

const FORCE = 'protocol/core/force.ts';

export const FORCE_MUTANTS = ofMachine('force', [
  {
    name: 'forces-at-once',
    file: FORCE,
    from: 'if (missedMs < FORCE_MISSED_MS && !mayEndRivalry(core, turn))',
    to: 'if (missedMs < 0)',
    says: 'Voters are forced while others of them may have been heard a moment ago.',
    rules: ['S22'],
  },
  {
    name: 'forces-below-what-was-promised',
    file: FORCE,
    from: 'ballot(Math.max(durable.ceiling, ballotFloor(forkOf(forced.epoch))))',
    to: 'durable.ceiling',
    says: 'The only voter accepts ballots that are lower than what the lost ones accepted.',
    rules: ['S22'],
  },
  {
    name: 'forced-grants-at-once',
    file: FORCE,
    from: 'durable.maxTermMs = millis(Math.max(durable.maxTermMs, termMs.normal, termMs.strict)); // E3',
    to: '',
    says: 'The only voter grants leases while one that the lost ones have granted may stand.',
    rules: ['S22'],
  },
  {
    name: 'forces-with-empty-hands',
    file: FORCE,
    from: '      ...seedRegisters(core.registers, allCommitted(core.committed)),\n',
    to: '',
    says: 'A host that had no vote begins as the only voter without the records that it knew.',
    rules: ['S22'],
  },
  {
    name: 'outlived-not-told',
    file: 'protocol/core/forks.ts',
    from: "  send(turn, from, { kind: 'rosterChosen', roster });\n  return false;",
    to: '  return false;',
    says: 'Hosts that come back are not told whom they should follow.',
    rules: ['S1', 'S3', 'L1', 'L3', 'L4', 'L5', 'L6', 'L7'],
  },
  {
    name: 'force-keeps-its-generation',
    file: 'protocol/roster/fork.ts',
    from: '(generationOf(forkOf(base)) + 1) * FORCE_IDS',
    to: 'generationOf(forkOf(base)) * FORCE_IDS',
    says: 'Voters that were forced are told from those of before by nothing but chance.',
    rules: ['S1', 'S3', 'S7', 'S22', 'L1', 'L3', 'L4', 'L6'],
  },
]);
