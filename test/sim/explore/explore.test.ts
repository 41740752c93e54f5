/**
 * The quick walks over the machines that ship find nothing, and come by the rare situations in which
 * the clauses that keep them safe decide: a walk that never met one would pass without the clause too.
 */
import { expect, it } from 'vitest';
import { EXPLORED, explore, type Explored } from '../../../sim/explore/explore.ts';

const MET: Readonly<Record<Explored, readonly string[]>> = {
  leases: [
    'a leader that raises its term',
    'a prepare where the host itself is bound',
    'an acceptance below the promise',
    'an acceptance that would overwrite a live binding',
    'an acceptance under a grant that has ended',
  ],
  records: [
    'a leader that is outbid',
    'a record that is committed again',
    'commits under two terms',
  ],
  roster: ['a joint roster: a to a b c', 'a new roster: a b c'],
};

/** Seconds of work; more on a busy machine. */
const PATIENCE_MS = 120_000;

it.each(EXPLORED)(
  'nothing that is possible within the quick bounds breaks a rule: %s',
  (which) => {
    const walks = explore(which, 'quick', () => undefined);
    for (const { name, violation, complete } of walks)
      expect({ name, violation, complete }).toEqual({ name, violation: undefined, complete: true });
    expect(walks.flatMap(({ met }) => met)).toEqual(expect.arrayContaining([...MET[which]]));
  },
  PATIENCE_MS,
);
