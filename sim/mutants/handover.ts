/** Keys that change hands on purpose: handed over, taken by force, given away at the end of an agent. */
import { ofMachine } from './mutant.ts';

const VOTER = 'protocol/lease/voter.ts';
const LEASES = 'protocol/lease/leases.ts';

export const HANDOVER_MUTANTS = ofMachine('lease', [
  {
    name: 'given-up-and-kept',
    file: LEASES,
    from: 'release(holder, turn, roster, keys, prefer);',
    to: `const kept = new Map(holder.holds);
  release(holder, turn, roster, keys, prefer);
  for (const [key, hold] of kept) holder.holds.set(key, hold);`,
    says: 'A leader tells the voters that it gives a key up before it stops leading it.',
    rules: ['S1', 'S2'],
  },
  {
    name: 'revoked-at-once',
    file: VOTER,
    from: 'place.binding = { ...binding, revoked: { until, prefer } };',
    to: 'place.binding = undefined;',
    says: 'A voter frees a key that a user takes by force, while its leader may count on it.',
    rules: ['S1'],
  },
  {
    name: 'revocation-undone',
    file: VOTER,
    from: `place.promised = ballot(Math.max(place.promised, n + 1));
    place.by = undefined;`,
    to: '',
    says: 'A repeated accept of before binds a key again that was taken by force.',
    rules: ['S18'],
  },
  {
    name: 'revoked-not-told',
    file: VOTER,
    from: 'revoked: revokedOf(voter, from, message.class),',
    to: 'revoked: [],',
    says: 'A voter does not tell a leader that its key was taken, and yet extends its session.',
    rules: ['S1', 'S18'],
  },
  {
    name: 'revoked-and-kept',
    file: LEASES,
    from: 'letGo(leases, turn, roster, takenFrom(holder, message.revoked));',
    to: '',
    says: 'A leader hears that its key was taken, and counts on the voter as before.',
    rules: ['S1', 'S18'],
  },
  {
    name: 'goes-on-after-the-end',
    file: 'protocol/core/leaving.ts',
    from: 'core.ended = true;',
    to: '',
    says: 'An agent that was asked to end gives its keys away, and goes on.',
    rules: ['S2'],
  },
  {
    name: 'ends-the-next-session',
    file: VOTER,
    from: 'if (session?.sid !== sid) return [];',
    to: 'if (session === undefined) return [];',
    says: 'The late good-bye of one life of a host ends the session of the next.',
    rules: ['S1'],
    among: 'members',
  },
]);
