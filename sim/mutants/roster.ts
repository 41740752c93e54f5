/** Rosters: how they are chosen, and how leases and records follow them. */
import { ofMachine } from './mutant.ts';

const ACCEPTOR = 'protocol/roster/acceptor.ts';
const COUNCIL = 'protocol/roster/council.ts';
const AUTOPILOT = 'protocol/roster/autopilot.ts';
const MESSAGES = 'protocol/core/messages.ts';

export const ROSTER_MUTANTS = ofMachine('roster', [
  {
    name: 'old-voters-commit',
    file: 'protocol/record/writer.ts',
    from: 'if (pending === undefined || !quorum(roster, (voter) => pending.acks.has(voter)))',
    to: `const { next: _, ...old } = roster;
  if (pending === undefined || !quorum(old, (voter) => pending.acks.has(voter)))`,
    says: 'Under a joint roster the old voters alone commit a record.',
    // What users have set is lost with the list that only they knew, and revisions with their component.
    rules: ['S7', 'S11', 'S26', 'S28'],
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
    from: 'if (turn.now < drainedAt(council, turn)) return undefined;',
    to: '',
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
  {
    name: 'voters-changed-at-once',
    file: AUTOPILOT,
    from: 'if (electorate.stoodMs < config.rosterStableMs) return undefined;',
    to: '',
    says: 'Voters change again as soon as the last change is over.',
    rules: ['S7'],
  },
  {
    name: 'replaced-at-once',
    file: AUTOPILOT,
    from: 'known.deadMs >= voterDeadMs',
    to: 'known.deadMs >= voterDeadMs / 4',
    says: 'A voter that is only away for a while is replaced.',
    rules: ['S7'],
  },
  {
    name: 'newcomers-vote-at-once',
    file: AUTOPILOT,
    from: 'aliveMs !== undefined && aliveMs >= lengthMs',
    to: 'aliveMs !== undefined && lengthMs > 0',
    says: 'Whoever has just come up becomes a voter.',
    rules: ['S7'],
  },
  {
    name: 'silent-voters-counted',
    file: AUTOPILOT,
    from: 'voters.includes(voter) && answers(voter)',
    to: 'voters.includes(voter)',
    says: 'A change is begun after which a quorum needs voters that do not answer, or newcomers.',
    rules: ['S7', 'L1', 'L6', 'L7'],
  },
  {
    name: 'even-voters',
    file: AUTOPILOT,
    from: `const two = others.slice(0, 2);
  return two.length === 2 ?`,
    to: `const two = others.slice(0, 1);
  return two.length === 1 ?`,
    says: 'One voter at a time is added, so that their number is even.',
    rules: ['S7', 'L6'],
  },
  {
    name: 'voters-dwindle',
    file: AUTOPILOT,
    from: `if (dead === undefined || instead === undefined) return undefined;
  const kept = voters.filter((voter) => voter !== dead);`,
    to: `if (dead === undefined) return undefined;
  const kept = voters.filter((voter) => voter !== dead);
  if (instead === undefined) return sorted(kept, '');`,
    says: 'A dead voter for whom there is nobody else is dropped.',
    rules: ['S7'],
  },
  {
    name: 'dead-votes-on',
    file: AUTOPILOT,
    from: 'const wish = repair(voters, electorate, config) ?? growth(voters, electorate, config);',
    to: 'const wish = growth(voters, electorate, config);',
    says: 'A voter that is gone for good is never replaced.',
    rules: ['L6'],
  },
  {
    name: 'never-five',
    file: AUTOPILOT,
    from: 'hostCount < 7 ? 3 : 5',
    to: 'hostCount < 70 ? 3 : 5',
    says: 'Seven hosts have three voters.',
    rules: ['L6'],
  },
  {
    name: 'change-in-a-change',
    file: COUNCIL,
    from: 'roster.next === undefined ? begin(council, turn, prospect) : conclude(council, turn, prospect);',
    to: 'begin(council, turn, prospect) ?? conclude(council, turn, prospect);',
    says: 'A change is begun while another has not been concluded.',
    rules: ['S7'],
  },
  {
    name: 'removed-keeps-records',
    file: 'protocol/record/register.ts',
    from: 'registers.clear();',
    to: '',
    says: 'A removed voter keeps its records in memory.',
    rules: ['S6'],
  },
  {
    name: 'removed-keeps-disk',
    file: COUNCIL,
    from: ', ...wipeRegisters(registers));',
    to: ');\n    wipeRegisters(registers);',
    says: 'A removed voter keeps its records on its disk.',
    rules: ['S6'],
  },
  {
    name: 'removed-keeps-bindings',
    file: 'protocol/lease/voter.ts',
    from: '  voter.places.clear();\n',
    to: '',
    says: 'A removed voter keeps the leases that it has granted.',
    rules: ['S6'],
  },
  {
    name: 'removed-synced-by-its-disk',
    file: COUNCIL,
    from: "{ name: 'host', value: { ...durable } }, ",
    to: '',
    says: 'After a crash a removed voter that is added again takes itself for synced.',
    rules: ['S6'],
  },
  {
    name: 'witness-placed',
    file: 'protocol/placement/fit.ts',
    from: "if (runs === 'nothing') return 'a witness: it votes and runs nothing';",
    to: '',
    says: 'A witness is given slots.',
    rules: ['L1', 'L5'],
  },
  {
    name: 'witness-votes-first',
    file: AUTOPILOT,
    from: '[...ranked(false), ...ranked(true)]',
    to: '[...ranked(true), ...ranked(false)]',
    says: 'A witness votes although other hosts could.',
    rules: ['S7'],
  },
]);
