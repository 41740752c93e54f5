/** Who is a member: whom the cluster forgets, what becomes of them, and how they are let in again. */
import { ofMachine } from './mutant.ts';

const MEMBERS = 'protocol/core/members.ts';
const DISMISSAL = 'protocol/core/dismissal.ts';

export const MEMBER_MUTANTS = ofMachine('members', [
  {
    name: 'forgets-the-living',
    file: MEMBERS,
    from: "(health === 'dead' || health === 'left') &&",
    to: '',
    says: 'A host is forgotten while its peers hear it.',
    rules: ['S20'],
  },
  {
    name: 'forgets-voters',
    file: MEMBERS,
    from: ' && !mayVote(council, id)',
    to: '',
    says: 'A host is forgotten that has a vote.',
    rules: ['S20'],
  },
  {
    name: 'lets-in-by-old-words',
    file: MEMBERS,
    from: 'if (former.some((each) => each.id === id && boot <= each.boot)) return; // F2',
    to: '',
    says: 'A host is let in again because of what it asked before it was forgotten.',
    rules: ['S20'],
  },
  {
    name: 'former-not-kept',
    file: MEMBERS,
    from: 'const former = [...others, { id, boot }].slice(-FORMER_MAX);',
    to: 'const former = [...others, { id, boot }].slice(FORMER_MAX);',
    says: 'Nobody remembers who was forgotten.',
    rules: ['S20'],
  },
  {
    name: 'leaves-with-slots',
    file: MEMBERS,
    from: 'if (mayVote(core.council, id)) return false;',
    to: 'if (id !== undefined) return !mayVote(core.council, id);',
    says: 'A host that leaves is out before its slots are elsewhere.',
    rules: ['S20'],
  },
  {
    name: 'gives-to-leavers',
    file: 'protocol/placement/fit.ts',
    from: `  if (host.leaving === true) return LEAVES;
  if (host.availability !== undefined)`,
    to: '  if (host.availability !== undefined)',
    says: 'A host that leaves is given slots.',
    rules: ['S20', 'L1'],
  },
  {
    name: 'leaver-votes-on',
    file: 'protocol/roster/autopilot.ts',
    from: 'if (leaver === undefined || instead === undefined) return undefined;',
    to: 'if (leaver !== null) return undefined;',
    says: 'A voter that leaves is not replaced.',
    rules: ['L6'],
  },
  {
    name: 'strangers-not-told',
    file: DISMISSAL,
    from: 'if (members === undefined || !ANSWERED.has(kind)) return;',
    to: 'if (members !== null) return;',
    says: 'A host that was forgotten while it was away is not told so.',
    rules: ['L1', 'L3', 'L4', 'L5'],
  },
  {
    name: 'goes-on-dismissed',
    file: 'protocol/core/settle.ts',
    from: 'if (know(core).isDismissed) return settleDismissed(core, leases, turn);',
    to: '',
    says: 'A host that knows that it is forgotten tries to lead and to vote as before.',
    rules: ['S20', 'S2', 'S9', 'L1'],
  },
  {
    name: 'never-sleeps-dismissed',
    file: 'protocol/core/rhythm.ts',
    from: 'if (know(core).isDismissed) return undefined;',
    to: '',
    says: 'A host that knows that it is forgotten is woken for what it does no longer.',
    rules: ['S14'],
  },
  {
    name: 'keeps-what-was-committed',
    file: DISMISSAL,
    from: '    ...keepOnly(core.committed, ROSTER_KEY),\n',
    to: '',
    says: 'A host that knows that it is forgotten keeps the records it had.',
    rules: ['S20'],
  },
]);
