/** When a deploy is done, a component healthy, a cluster converged: each row breaks one condition. */
import { expect, it } from 'vitest';
import { millis } from '../../../protocol/base/time.ts';
import type {
  ClusterView,
  ComponentView,
  RolloutView,
  SlotView,
} from '../../../protocol/view/view.ts';
import { haltedIn, isDone } from '../../../node/cli/settle.ts';
import { isConverged, isHealthy, isSettled, slotTrouble } from '../../../node/cli/verdict.ts';
import { cluster, component, filled, host, idOf } from './views.ts';

const hosts = [
  host('h1', { self: true }),
  host('h2'),
  host('h3', { state: 'suspect' }),
  host('h4', { state: 'dead', heardMsAgo: millis(9000) }),
];
const view = cluster({ hosts });

const web = (slots: readonly SlotView[], wanted: number | 'all' = 2): ComponentView =>
  component('shop.web', [], { wanted, slots });
const good = (slot: number, on = 'h1'): SlotView => filled(`shop.web.${slot}`, on);
const bad = (slot: number, changes: Parameters<typeof filled>[2]): SlotView =>
  filled(`shop.web.${slot}`, 'h1', changes);

type Row = readonly [ComponentView, boolean, boolean, string];
const ROWS: readonly Row[] = [
  [web([good(1), good(2)]), true, true, 'as wanted'],
  [web([good(1)]), false, false, 'one is missing'],
  [web([good(1), { slot: 2 }]), false, false, 'a slot is empty'],
  [web([good(1), good(2), good(3)]), true, false, 'one too many is no harm, but not settled'],
  [web([good(1), bad(2, { health: 'none' })]), true, true, 'no healthcheck: running is enough'],
  [web([good(1), bad(2, { health: 'starting' })]), false, false, 'still starting'],
  [web([good(1), bad(2, { health: 'unhealthy' })]), false, false, 'unhealthy'],
  [web([good(1), bad(2, { state: 'stopping' })]), false, false, 'stopping'],
  [web([good(1), bad(2, { state: 'failed' })]), false, false, 'failed'],
  [web([good(1), bad(2, { state: 'complete', health: 'none' })]), true, true, 'did what it had to'],
  [web([good(1), good(2, 'h3')]), true, true, 'a suspected host is not given up'],
  [web([good(1), good(2, 'h4')]), false, false, 'its host is dead'],
  [web([good(1), bad(2, { revision: 'older' })]), true, false, 'it runs the spec of before'],
  [web([], 0), true, true, 'none are wanted'],
  [web([], 'all'), false, false, 'no host fits'],
  [web([good(1), good(2, 'h2')], 'all'), true, true, 'one per host that fits'],
  [web([good(1), { slot: 2 }], 'all'), false, false, 'one of them is empty'],
  [
    component('shop.web', [], {
      wanted: 1,
      slots: [good(1)],
      rollout: { revision: 'r1', state: 'going', done: 0, total: 1, trial: [1] },
    }),
    true,
    false,
    'it has yet to stand',
  ],
  [
    component('shop.web', [], { wanted: 1, slots: [good(1)], pending: true }),
    true,
    false,
    'its leader has not heard of the deploy',
  ],
];

it.each(ROWS)('component %#: healthy %s, settled %s: %s', (one, healthy, settled) => {
  expect(isHealthy(view, one)).toBe(healthy);
  expect(isSettled(view, one)).toBe(settled);
});

const whole = web([good(1), good(2)]);
const stacks = (components: readonly ComponentView[], revision = '4.7') => [
  { name: 'shop', revision, components },
];
const calm = { hosts: hosts.slice(0, 2), agree: 1, stacks: stacks([whole]) };

const CONVERGED: readonly (readonly [Partial<ClusterView>, boolean, string])[] = [
  [{}, true, 'all of it'],
  [{ quorum: false }, false, 'no quorum'],
  [{ agree: 0 }, false, 'an alive peer knows something else'],
  [{ hosts: hosts.slice(0, 3), agree: 2 }, false, 'one is suspected'],
  [
    { hosts: [...hosts.slice(0, 2), host('h4', { state: 'dead' })] },
    true,
    'the dead need not agree',
  ],
  [{ stacks: stacks([web([good(1)])]) }, false, 'one is missing'],
];
it.each(CONVERGED)('converged with %j: %s (%s)', (changes, converged) => {
  expect(isConverged(cluster({ ...calm, ...changes }))).toBe(converged);
});

const DONE: readonly (readonly [Partial<ClusterView>, boolean, string])[] = [
  [{}, true, 'the revision is there, and all as wanted'],
  [{ stacks: [] }, false, 'not heard of yet'],
  [{ stacks: stacks([whole], '4.6') }, false, 'only the revision before is known'],
  [{ stacks: stacks([whole], '5.1') }, true, 'a later one is known already'],
  [{ stacks: stacks([]) }, false, 'its component is not listed yet'],
  [
    { stacks: stacks([whole, component('shop.api', [], { wanted: 1 })]) },
    false,
    'one is not there yet',
  ],
];
it.each(DONE)('done with %j: %s (%s)', (changes, done) => {
  const deployed = { stack: 'shop', components: ['web'], revision: '4.7', timeoutMs: 0 };
  expect(isDone(cluster({ ...calm, ...changes }), deployed)).toBe(done);
});

const REVISION = whole.revision;
const halted = (rollout: Partial<RolloutView>): ComponentView => ({
  ...web([good(1), good(2)]),
  rollout: { revision: REVISION, state: 'going', done: 1, total: 2, trial: [], ...rollout },
});
const HALTS: readonly (readonly [ComponentView, string, boolean, string])[] = [
  [web([good(1)]), '4.7', false, 'no rollout'],
  [halted({}), '4.7', false, 'it goes on'],
  [halted({ state: 'paused' }), '4.7', true, 'it is paused'],
  [halted({ state: 'paused' }), '4.6', false, 'the deploy is not known yet'],
  [
    halted({ state: 'paused', revision: 'r0' }),
    '4.7',
    false,
    'what the deploy overtakes is paused',
  ],
  [halted({ state: 'takenBack', refused: REVISION }), '4.7', true, 'it was taken back'],
  [halted({ state: 'paused', pending: true }), '4.7', false, 'a user has ended the pause'],
  [halted({ state: 'takenBack', refused: 'r0' }), '4.7', false, 'another one was taken back'],
];
it.each(HALTS)('halted, row %#', (one, known, isHalted, why) => {
  const deployed = { stack: 'shop', components: ['web'], revision: '4.7', timeoutMs: 0 };
  const found = haltedIn(cluster({ ...calm, stacks: stacks([one], known) }), deployed);
  expect(found !== undefined, why).toBe(isHalted);
});

const TROUBLES: readonly (readonly [SlotView, string | undefined])[] = [
  [good(1), undefined],
  [good(1, 'h4'), 'h4 (its host) is dead, last heard 9s ago'],
  [{ slot: 1 }, 'no host yet'],
  [{ slot: 1, note: 'no host fits: 2 lack docker' }, 'no host fits: 2 lack docker'],
  [{ slot: 1, host: idOf('h2') }, 'not yet on h2'],
  [bad(1, { health: 'unhealthy', reason: 'exit 1' }), 'running, unhealthy (exit 1) on h1'],
  [
    bad(1, { state: 'failed', crashLoop: true, restarts: 6, reason: 'exit 137' }),
    'crash loop, 6 restarts: failed (exit 137) on h1',
  ],
];
it.each(TROUBLES)('slot %# is in trouble: %s', (slot, told) => {
  expect(slotTrouble(view, slot)).toBe(told);
});
