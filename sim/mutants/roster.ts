/** Rosters: how they are chosen, and how leases and records follow them. */
import { ofMachine } from './mutant.ts';

const ACCEPTOR = 'protocol/roster/acceptor.ts';
const COUNCIL = 'protocol/roster/council.ts';
const MESSAGES = 'protocol/core/messages.ts';

export const ROSTER_MUTANTS = ofMachine('roster', [
  {
    name: 'old-voters-commit',
    file: 'protocol/record/writer.ts',
    from: 'if (pending === undefined || !quorum(roster, (voter) => pending.acks.has(voter)))',
    to: `const { next: _, ...old } = roster;
  if (pending === undefined || !quorum(old, (voter) => pending.acks.has(voter)))`,
    says: 'Under a joint roster the old voters alone commit a record.',
    rules: ['S7', 'S11'],
  },
  {
    name: 'joint-taken-for-new',
    file: COUNCIL,
    from: 'council.roster = roster;\n',
    to: `council.roster =
    roster.next === undefined ? roster : { epoch: roster.epoch, voters: roster.next, termMs: roster.termMs };\n`,
    says: 'Whoever hears of a joint roster counts the new voters alone.',
    rules: ['S1', 'S3', 'S7', 'S11', 'L1'],
    walk: 'roster',
  },
  {
    name: 'no-drain',
    file: COUNCIL,
    from: 'if (!ready || turn.now < drainedAt(council, turn)) return undefined;',
    to: 'if (!ready) return undefined;',
    says: 'The new roster is proposed before the leases of the old one have run out.',
    rules: ['S1', 'S7'],
  },
  {
    name: 'unsynced-answers',
    file: MESSAGES,
    from: "if (message.kind !== 'keepalive' && !durable.synced) return; // Q3",
    to: '',
    says: 'A new voter answers before it knows what the old voters have promised and stored.',
    rules: ['S3', 'S5', 'S6', 'S7', 'S11'],
  },
  {
    name: 'sync-without-records',
    file: COUNCIL,
    from: 'for (const record of message.records) mergeRegister(registers, turn, record);',
    to: '',
    says: 'A new voter does not take over the records of the old ones.',
    rules: ['S6', 'S7', 'S11', 'L1'],
    walk: 'roster',
  },
  {
    name: 'sync-without-floor',
    file: COUNCIL,
    from: 'liftFloor(voter, turn, message.ceiling);',
    to: '',
    says: 'A new voter promises ballots below those that the old voters have promised.',
    rules: ['S3', 'S4', 'S6', 'S7'],
  },
  {
    name: 'accepted-roster-ignored',
    file: ACCEPTOR,
    from: 'proposal.proposed = best?.roster ?? proposal.wanted; // C2',
    to: 'proposal.proposed = proposal.wanted;',
    says: 'A proposer proposes its own roster although it hears of one that was accepted.',
    rules: ['S7', 'S8'],
  },
  {
    name: 'acceptor-forgets',
    file: ACCEPTOR,
    from: `    : state;
  if (ok) persist(turn, 'acceptor', kept); // C1`,
    to: '    : state;',
    says: 'What a voter has accepted as the next roster is not on its disk.',
    rules: ['S5', 'S7', 'S8'],
  },
  {
    name: 'carried-for-ever',
    file: 'protocol/lease/holder.ts',
    from: 'hold.carriedUntil = heldUntil(holder, links, turn, change.from, key);',
    to: `if (isHeld(holder, links, turn, change.from, key))
      hold.carriedUntil = after(turn.now, millis(60_000));`,
    says: 'A lease under the roster of before counts on for a minute.',
    rules: ['S1'],
  },
  {
    name: 'old-epochs-answered',
    file: MESSAGES,
    from: "if (message.kind !== 'release' && !sameEpoch(council, turn, from, message.epoch)) return;",
    to: '',
    says: 'A voter answers questions of an epoch that is over.',
    rules: ['S1', 'S7', 'S11'],
  },
]);
