/** Whatever is drained in turn, there is never less than is wanted; and what is drained is empty soon. */
import { expect, it } from 'vitest';
import type { StackSpec } from '../../../protocol/component/spec.ts';
import { running } from '../../../sim/engine/engine.ts';
import { quiet } from '../../../sim/options.ts';
import { type Planned, simulate } from '../../../sim/run.ts';
import type { Deed } from '../../../sim/tape.ts';
import { WANTED, WEB } from './served.ts';

const SHOP: StackSpec = { name: 'shop', components: [WEB] };
const FROM_MS = 10_000;
const EACH_MS = 6000;

const adjust = (atMs: number, of: number, to: 'active' | 'draining'): Deed => ({
  at: atMs * 1000,
  kind: 'strike',
  strike: { kind: 'adjust', host: (of + 1) % 3, of, change: { kind: 'availability', to } },
});

it.each([1, 2, 3, 4])('three hosts in turn, seed %i', (seed) => {
  const timeline: (Deed | Planned)[] = [0, 1, 2].flatMap((of) => {
    const atMs = FROM_MS + of * EACH_MS;
    return [adjust(atMs, of, 'draining'), adjust(atMs + EACH_MS - 500, of, 'active')];
  });
  const options = {
    ...quiet(seed, 3, FROM_MS + 3 * EACH_MS),
    voterCount: 3,
    workload: { kind: 'given', stacks: [SHOP] },
  } as const;
  const emptied = new Set<number>();
  const { verdict } = simulate(options, {
    timeline,
    look({ atMs, world }) {
      if (atMs < FROM_MS || atMs > options.stormMs) return undefined;
      const perHost = world.hosts.map(
        ({ engine }) => running(engine).filter(({ health }) => health === 'healthy').length,
      );
      const drained = Math.floor((atMs - FROM_MS) / EACH_MS);
      const isLate = (atMs - FROM_MS) % EACH_MS > EACH_MS - 1500;
      if (isLate && perHost[drained] === 0) emptied.add(drained);
      const count = new Set(
        world.hosts.flatMap(({ engine }) =>
          running(engine).flatMap(({ slot, health }) => (health === 'healthy' ? [slot] : [])),
        ),
      ).size;
      return count < WANTED ? `${count} of ${WANTED} are well: ${perHost.join(' ')}` : undefined;
    },
  });
  expect(verdict).toEqual({ kind: 'passed' });
  expect([...emptied]).toEqual([0, 1, 2]);
});
