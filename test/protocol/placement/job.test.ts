import { expect, it } from 'vitest';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import type { Progress } from '../../../protocol/placement/job.ts';
import { place, type PlacementHost } from '../../../protocol/placement/place.ts';
import type { Slot } from '../../../protocol/record/record.ts';
import { dead, FIXED, host, image, request, show, slotsOf } from './cluster.ts';

const RETRIED: Partial<ComponentSpec> = { job: {}, restart: { kind: 'onFailure' } };
const ONCE: Partial<ComponentSpec> = { job: {}, restart: { kind: 'no' } };
const job = (replicas: number, changes = RETRIED): ComponentSpec => image(replicas, changes);
const everywhere = image(1, { ...RETRIED, mode: 'global' });
const COMPLETE = { state: 'complete', attempt: 1, exitCode: 0 } as const;
const FAILED = { state: 'failed', attempt: 2, exitCode: 3 } as const;
const leaving = (id: string): PlacementHost => host(id, { leaving: true });
const [h1, h2, h3] = [host('h1'), host('h2'), host('h3')];

/** `h1:complete` */
const ends = (slots: readonly Slot[]): string =>
  slots.map(({ host: at, ended }) => (ended === undefined ? at : `${at}:${ended.state}`)).join(' ');

it.each<
  readonly [string, ComponentSpec, string, readonly PlacementHost[], readonly Progress[], string]
>([
  ['what its host calls over has ended', job(1), 'h1', [h1, h2], [COMPLETE], 'h1:complete'],
  ['whatever has become of it', job(1), 'h1', [h1, h2], [FAILED], 'h1:failed'],
  [
    'the last word of a dead host counts',
    job(1),
    'h1',
    [dead('h1'), h2],
    [COMPLETE],
    'h1:complete',
  ],
  ['what was under way goes on elsewhere', job(1), 'h1', [dead('h1'), h2], ['busy'], 'h2'],
  ['what is tried once only fails', job(1, ONCE), 'h1', [dead('h1'), h2], ['busy'], 'h1:failed'],
  ['unless nothing was begun', job(1, ONCE), 'h1', [dead('h1'), h2], ['none'], 'h2'],
  ['a host that leaves ends it first (J3)', job(1), 'h1', [leaving('h1'), h2], ['busy'], 'h1'],
  ['between two attempts it moves', job(1), 'h1', [leaving('h1'), h2], ['begun'], 'h2'],
  [
    'one of many, each by itself',
    job(3),
    'h1 h2',
    [h1, dead('h2'), h3],
    [COMPLETE],
    'h1:complete h3 h1',
  ],
  ['a global one waits for its host', everywhere, 'h1', [dead('h1')], ['busy'], 'h1'],
  ['and is begun on every other', everywhere, 'h1', [dead('h1'), h2], ['busy'], 'h1 h2'],
  ['nor twice on one', everywhere, 'h1', [h1, h2], [COMPLETE], 'h1:complete h2'],
  ['a service is no job', image(1), 'h1', [dead('h1'), h2], [COMPLETE], 'h2'],
])('%s', (_name, spec, current, hosts, said, expected) => {
  const progress = (slot: number): Progress => said[slot - 1] ?? 'none';
  const placed = place({ ...request(spec, hosts), current: slotsOf(current), progress });
  expect(ends(placed.slots)).toBe(expected);
});

it('keeps what has ended, whatever becomes of its host, and says it once', () => {
  const asked = request(job(2), [h2]);
  const current: readonly Slot[] = [{ slot: 1, host: h1.id, ended: COMPLETE }];
  const placed = place({ ...asked, current });
  expect(ends(placed.slots)).toBe('h1:complete h2');
  expect(placed.decisions.map(({ kind }) => kind)).toEqual(['placed']);
});

it('removes slots that are too many, ended or not', () => {
  const current: readonly Slot[] = [1, 2].map((slot) => ({ slot, host: h1.id, ended: COMPLETE }));
  expect(ends(place({ ...request(job(1), [h1]), current }).slots)).toBe('h1:complete');
});

it('leaves the port of what has ended to the others', () => {
  const current: readonly Slot[] = [{ slot: 1, host: h1.id, ended: COMPLETE }];
  const asked = request(job(2, { ...RETRIED, ...FIXED }), [h1]);
  expect(show(place({ ...asked, current }).slots)).toBe('h1 h1');
});

it('gives nothing up while the brake holds', () => {
  const asked = request(job(1, ONCE), [dead('h1'), h2]);
  const placed = place({
    ...asked,
    current: slotsOf('h1'),
    progress: () => 'busy',
    movesMax: 0,
  });
  expect([ends(placed.slots), placed.withheld]).toEqual(['h1', 1]);
});

it('forgets where a global job ended once that host is no member', () => {
  const current: readonly Slot[] = [{ slot: 1, host: h1.id, ended: COMPLETE }];
  expect(ends(place({ ...request(everywhere, [h2]), current }).slots)).toBe('h2');
});
