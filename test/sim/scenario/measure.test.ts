/** What the users of a stack would have noticed, told from a run in which it is known. */
import { expect, it } from 'vitest';
import { componentId } from '../../../protocol/base/ids.ts';
import type { Act } from '../../../sim/scenario/act.ts';
import type { Measures } from '../../../sim/scenario/measure.ts';
import { play } from '../../../sim/scenario/play.ts';
import type { Scenario } from '../../../sim/scenario/scenario.ts';
import { SCENARIO, site } from './site.ts';

const DB = componentId('site', 'db');
const WEB = componentId('site', 'web');
const AT_MS = 15_000;

function measured(component: string, acts: readonly Act[], scenario: Partial<Scenario> = {}) {
  const timeline = acts.map((act) => ({ atMs: AT_MS, act }));
  const { outcome, measures } = play({ ...SCENARIO, timeline, ...scenario }, 1, {});
  expect(outcome.verdict).toEqual({ kind: 'passed' });
  const found = measures.find((one) => one.component === component);
  if (found === undefined) throw new Error(`${component} was not measured`);
  return found;
}
const share = ({ upMs, watchedMs }: Measures): number => upMs / watchedMs;
const hostOfDb = { kind: 'hostOf', seat: { component: DB } } as const;

it('finds nothing to tell of a quiet run', () => {
  const { watchedMs, ...quiet } = measured(DB, []);
  expect(watchedMs).toBeGreaterThan(20_000);
  expect(watchedMs).toBeLessThan(SCENARIO.forMs);
  expect(quiet).toEqual({
    component: DB,
    upMs: watchedMs,
    fullMs: watchedMs,
    longestDoubleMs: 0,
    failoversMs: [],
    restartsMs: [],
    missing: 0,
  });
});

it('counts a restart where it was', () => {
  const exit: Act = { kind: 'exit', seat: { component: DB }, how: 'exit' };
  const found = measured(DB, [exit]);
  expect(found.restartsMs).toHaveLength(1);
  expect(found.restartsMs[0]).toBeLessThan(1500);
  expect(found.failoversMs).toEqual([]);
  expect(found.watchedMs - found.upMs).toBe(found.restartsMs[0]);
});

it('counts a failover to another host', () => {
  const lose: Act = { kind: 'host', who: hostOfDb, fault: { kind: 'lose', forMs: 90_000 } };
  const found = measured(DB, [lose]);
  expect(found.failoversMs).toHaveLength(1);
  expect(found.failoversMs[0]).toBeGreaterThan(1000);
  expect(found.failoversMs[0]).toBeLessThan(6000);
  expect(found.restartsMs).toEqual([]);
  expect(found.longestDoubleMs).toBe(0);
});

it('sees a second one while the first goes on where nobody reaches it', () => {
  const between = { from: hostOfDb, to: undefined, oneWay: false };
  const found = measured(DB, [{ kind: 'cut', between, forMs: 10_000 }]);
  expect(found.failoversMs).toHaveLength(1);
  // From its start until the cut is over and the older one ends.
  expect(found.longestDoubleMs).toBeGreaterThan(4000);
  expect(found.longestDoubleMs).toBeLessThan(12_000);
});

it('does not count what nobody can reach', () => {
  const between = { from: { kind: 'all' }, to: undefined, oneWay: false } as const;
  const pair = { ...between, to: { kind: 'all' } } as const;
  const found = measured(WEB, [{ kind: 'cut', between: pair, forMs: 5000 }]);
  expect(found.watchedMs - found.upMs).toBeGreaterThan(4000);
});

it('tells one of several from all of them', () => {
  const lost = { kind: 'hostOf', seat: { component: WEB, slot: 1 } } as const;
  const found = measured(WEB, [
    { kind: 'host', who: lost, fault: { kind: 'lose', forMs: 90_000 } },
  ]);
  expect(share(found)).toBe(1);
  expect(found.fullMs).toBeLessThan(found.upMs);
});

it('does not begin before all was there once', () => {
  const { components } = site();
  const port = { target: 80, published: 80, protocol: 'tcp' } as const;
  const [web] = components.map((spec) => ({ ...spec, replicas: 4, ports: [port] }));
  if (web === undefined) throw new Error('no website');
  const four = { name: 'site', components: [web] };
  const { measures } = play({ ...SCENARIO, stacks: [four] }, 1, {});
  expect(measures).toMatchObject([{ watchedMs: 0, upMs: 0, missing: 0 }]);
});

it('misses nothing that is wanted no more', () => {
  expect(measured(WEB, [{ kind: 'deploy', spec: site(1) }])).toMatchObject({
    missing: 0,
    failoversMs: [],
    restartsMs: [],
  });
  expect(measured(WEB, [{ kind: 'destroy', stack: 'site' }])).toMatchObject({ missing: 0 });
});

it('takes the slots of what fills its hosts for no doubles', () => {
  const full = {
    name: 'site',
    components: site().components.map((spec) => ({
      ...spec,
      mode: 'global' as const,
      placement: { constraints: [], fill: true, perHostMax: 2 },
    })),
  };
  const found = measured(WEB, [], { stacks: [full] });
  expect(found.watchedMs).toBeGreaterThan(0);
  expect(found.longestDoubleMs).toBe(0);
});

it('wants one of a global component wherever an agent can be reached', () => {
  const everywhere = {
    name: 'site',
    components: site().components.map((spec) => ({ ...spec, mode: 'global' as const })),
  };
  const lose: Act = {
    kind: 'host',
    who: { kind: 'host', host: 2 },
    fault: { kind: 'lose', forMs: 90_000 },
  };
  const found = measured(WEB, [lose], { stacks: [everywhere] });
  expect(found).toMatchObject({ longestDoubleMs: 0, failoversMs: [], missing: 0 });
  expect(found.fullMs).toBe(found.watchedMs);
});
