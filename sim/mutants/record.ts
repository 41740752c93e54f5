/** Records: the voters' registers, the leader's writes, deploys and their answers. */
import { ofMachine } from './mutant.ts';

const REGISTER = 'protocol/record/register.ts';
const WRITER = 'protocol/record/writer.ts';
const DEPLOYS = 'protocol/command/deploys.ts';

const BURIAL = 'protocol/core/burial.ts';

export const RECORD_MUTANTS = ofMachine('record', [
  {
    name: 'buried-while-away',
    file: BURIAL,
    from: "if (health !== 'alive' || heartbeat?.recordsHash !== own) return false;",
    to: "if (health === 'alive' && heartbeat?.recordsHash !== own) return false;",
    says: 'A stack is buried, and that forgotten, while a member is away that knew it.',
    rules: ['S21', 'L1', 'L4'],
    among: 'tombstoneMs',
  },
  {
    name: 'buried-on-paper',
    file: BURIAL,
    from: 'buryRegisters(core.registers, turn, committed.burials);',
    to: '',
    says: 'A voter keeps in its registers what was buried.',
    rules: ['S21', 'S11'],
    among: 'tombstoneMs',
  },
  {
    name: 'buried-in-memory',
    file: BURIAL,
    from: 'for (const key of committed.dropped.splice(0)) persist(turn, `committed/${key}`, undefined);',
    to: '',
    says: 'A host forgets what was buried, and its disk does not.',
    rules: ['S21', 'S11'],
    among: 'tombstoneMs',
  },
  {
    name: 'read-promises-nothing',
    file: REGISTER,
    from: 'if (ok && message.term > known.promised) {',
    to: 'if (ok && false) {',
    says: 'A voter that was read by a new leader still takes the writes of the old one.',
    // What was committed in between the new one does not know, and waits for what it has asked for.
    rules: ['S5', 'S11', 'L1'],
    walk: 'records',
  },
  {
    name: 'no-fence',
    file: REGISTER,
    from: "if (revision.term < known.promised) return answer('refused', known.promised);",
    to: '',
    says: 'A voter takes writes below the term it has promised.',
    rules: ['S5', 'S11'],
    walk: 'records',
  },
  {
    name: 'second-commit-by-one',
    file: WRITER,
    from: 'if (pending === undefined || !quorum(roster, (voter) => pending.acks.has(voter)))',
    to: `const enough = pending?.revision.seq === 0 ? pending.acks.size > 0 : undefined;
  if (pending === undefined || !(enough ?? quorum(roster, (voter) => pending.acks.has(voter))))`,
    says: 'What a new leader has read counts as committed again before a quorum has it again.',
    rules: ['S11'],
    walk: 'records',
  },
  {
    name: 'committed-by-one',
    file: WRITER,
    from: 'if (pending === undefined || !quorum(roster, (voter) => pending.acks.has(voter)))',
    to: 'if (pending === undefined || pending.acks.size === 0)',
    says: 'The first acknowledgment commits a write.',
    rules: ['S11', 'S28'],
    walk: 'records',
  },
  {
    name: 'lowest-adopted',
    file: WRITER,
    from: 'compareRevision(ack.revision, best.revision) > 0)',
    to: 'compareRevision(ack.revision, best.revision) < 0)',
    says: 'A new leader adopts the lowest revision that it has read.',
    rules: ['S5', 'S11'],
  },
  {
    name: 'first-answer-adopted',
    file: WRITER,
    from: 'if (!quorum(roster, (voter) => writer.reads.has(voter))) return;',
    to: '',
    says: 'A new leader adopts what the first voter answers, without waiting for a quorum.',
    rules: ['S11'],
    walk: 'records',
  },
  {
    name: 'late-acknowledgment-counts',
    file: WRITER,
    from: 'if (pending === undefined || compareRevision(message.revision, pending.revision) !== 0)',
    to: 'if (pending === undefined)',
    says: 'The acknowledgment of an earlier write counts for the present one.',
    rules: ['S11'],
  },
  {
    name: 'sequence-stands-still',
    file: WRITER,
    from: 'seq: seq + 1 });',
    to: 'seq: seq < 0 ? seq : 1 });',
    says: 'Every write of a term has the same number.',
    rules: ['S11'],
  },
  {
    name: 'deploy-applied-again',
    file: DEPLOYS,
    from: 'if (record !== undefined && writer.deployIds.includes(deploy.deployId))',
    to: 'if (record !== undefined && deploy.deployId === undefined)',
    says: 'A deploy that is asked for again is applied again.',
    rules: ['S11'],
  },
  {
    name: 'expectation-ignored',
    file: DEPLOYS,
    from: "if (unmet !== undefined) return { kind: 'refused', code: 'stale', why: unmet };",
    to: '',
    says: 'A deploy is applied whatever it expected to find.',
    rules: ['S11'],
  },
  {
    name: 'deploy-ids-not-kept',
    file: REGISTER,
    from: 'store(registers, turn, key, { promised: revision.term, revision, value, deployIds });',
    to: 'store(registers, turn, key, { promised: revision.term, revision, value, deployIds: [] });',
    says: 'Voters do not keep which deploys a record holds.',
    rules: ['S11'],
  },
  {
    name: 'acknowledged-before-durable',
    file: REGISTER,
    from: `store(registers, turn, key, { promised: revision.term, revision, value, deployIds });
  }`,
    to: `answer('stored', revision.term);
    return store(registers, turn, key, { promised: revision.term, revision, value, deployIds });
  }`,
    says: 'A voter acknowledges a write before it is on its disk.',
    rules: ['S5', 'S11'],
    walk: 'records',
  },
  {
    name: 'acknowledged-when-written',
    file: DEPLOYS,
    from: "return 'written';\n}",
    to: "return { kind: 'committed', revision, changed: true };\n}",
    says: 'A deploy is acknowledged as soon as its write has left.',
    rules: ['S11'],
  },
  {
    name: 'doubt-told-as-refusal',
    file: DEPLOYS,
    from: 'if (errand.left)\n    return {',
    to: 'if (errand.commandIds.length === 0)\n    return {',
    says: 'A deploy that was not answered in time is reported as refused.',
    rules: ['S11'],
  },
  {
    name: 'records-go-back',
    file: 'protocol/record/committed.ts',
    from: 'compareRevision(record.revision, known.revision) <= 0) return false;',
    to: 'compareRevision(record.revision, known.revision) === 0) return false;',
    says: 'A host takes over an older committed record in place of a newer one.',
    rules: ['S5', 'S11'],
  },
]);
