/** A host that is back has its share again, and for that there is never less than is wanted. */
import { expect, it } from 'vitest';
import type { StackSpec } from '../../../protocol/component/spec.ts';
import { running } from '../../../sim/engine/engine.ts';
import { quiet } from '../../../sim/options.ts';
import { simulate } from '../../../sim/run.ts';
import type { Deed } from '../../../sim/tape.ts';
import { WEB } from './served.ts';

const WANTED = 6;
const SHOP: StackSpec = {
  name: 'shop',
  components: [
    { ...WEB, replicas: WANTED, placement: { constraints: [], rebalance: true } },
    { ...WEB, name: 'still', replicas: 3 },
  ],
};
const LOST_MS = 10_000;
const BACK_MS = 16_000;
const END_MS = 60_000;

const lost: Deed = {
  at: LOST_MS * 1000,
  kind: 'strike',
  strike: { kind: 'lose', host: 2, forMs: BACK_MS - LOST_MS },
};

it.each([1, 2, 3, 4])('one of three, seed %i', (seed) => {
  const options = {
    ...quiet(seed, 3, END_MS),
    voterCount: 3,
    workload: { kind: 'given', stacks: [SHOP] },
  } as const;
  const counts = new Set<string>();
  let most = 0;
  const { verdict } = simulate(options, {
    timeline: [lost],
    look({ atMs, world }) {
      if (atMs < BACK_MS || atMs > END_MS) return undefined;
      const slotsOf = (name: string) =>
        world.hosts.map(({ engine }) =>
          running(engine)
            .filter((each) => each.component === `shop.${name}` && each.health === 'healthy')
            .map(({ slot }) => slot),
        );
      const slots = slotsOf('web');
      counts.add(slots.map(({ length }) => length).join(' '));
      most = Math.max(most, slots.flat().length);
      const still = slotsOf('still').map(({ length }) => length);
      if (still[2] !== 0) return `nobody has asked for this: ${still.join(' ')}`;
      const count = new Set(slots.flat()).size;
      return count < WANTED ? `${count} of ${WANTED} are well` : undefined;
    },
  });
  expect(verdict).toEqual({ kind: 'passed' });
  expect([...counts].at(0)).toBe('3 3 0');
  expect([...counts].at(-1)).toBe('2 2 2');
  // One at a time is there twice.
  expect(most).toBe(WANTED + 1);
});
