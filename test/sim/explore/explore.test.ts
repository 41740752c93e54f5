/**
 * The quick walks over the machines that ship find nothing, and come by the rare situations in which
 * the clauses that keep them safe decide: a walk that never met one would pass without the clause too.
 */
import { expect, it } from 'vitest';
import { configurations, EXPLORED, explore } from '../../../sim/explore/explore.ts';

const CONTESTED = [
  'a prepare where the host itself is bound',
  'an acceptance under a grant that has ended',
];
const OVERWRITTEN = [
  'an acceptance below the promise',
  'an acceptance that would overwrite a live binding',
];
const RAISED = [...CONTESTED, ...OVERWRITTEN, 'a leader that raises its term'];
const OUTBID = [
  'a leader that is outbid',
  'a record that is committed again',
  'commits under two terms',
];
const GROWN = ['a joint roster: a to a b c', 'a new roster: a b c'];
const MET: Readonly<Record<string, readonly string[]>> = {
  'two candidates, three voters, one session ends': [
    ...CONTESTED,
    ...OVERWRITTEN,
    'a prepare where another is bound',
    'a change of leader',
  ],
  'two candidates with the same first ballot': CONTESTED,
  'a leader of five voters, two challengers, two of its sessions end': RAISED,
  'a leader of three voters, two keepalives that matter, an answer is late': RAISED,
  'a leader of three voters, one of which crashes': [...RAISED, 'a prepare at a silent voter'],
  'two leaders that write, a voter crashes, an answer is late': OUTBID,
  'three leaders, the first writes': OUTBID,
  'one voter becomes three, an answer is late': GROWN,
  'one voter becomes three, a host crashes': GROWN,
};

/** Seconds of work; more on a busy machine. */
const PATIENCE_MS = 120_000;

it.each(
  EXPLORED.flatMap((which) => configurations(which, 'quick').map((name) => [which, name] as const)),
)(
  'nothing that is possible within the quick bounds breaks a rule: %s, %s',
  (which, name) => {
    const walks = explore(which, 'quick', () => undefined, name);
    const seen = walks.map(({ violation, complete }) => ({ violation, complete }));
    expect(seen).toEqual([{ violation: undefined, complete: true }]);
    expect(MET[name]).toBeDefined();
    expect(walks[0]?.met).toEqual(expect.arrayContaining([...(MET[name] ?? [])]));
  },
  PATIENCE_MS,
);
