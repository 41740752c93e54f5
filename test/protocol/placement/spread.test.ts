/** Slots spread over groups of hosts. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Subject } from '../../../protocol/component/spec.ts';
import { dead, DOCKER, host, image, run, show } from './cluster.ts';

const ZONE: Subject = { kind: 'label', label: 'zone' };
const RACK: Subject = { kind: 'label', label: 'rack' };
const over = (...spread: Subject[]) => ({ placement: { constraints: [], spread } });
/** `h1 in a`, `h1 in a/r1`: zone, and rack; `h1` has neither. */
function at(text: string, changes: Parameters<typeof host>[1] = {}) {
  const [id = '', where = ''] = text.split(' in ');
  const [zone = '', rack = ''] = where.split('/');
  const labels = { ...(zone !== '' && { zone }), ...(rack !== '' && { rack }) };
  return host(id, { facts: { ...DOCKER, labels }, ...changes });
}

it.each([
  ['evenly, though one zone has more hosts', 'h1 in a,h2 in a,h3 in a,h4 in b', 4, { a: 2, b: 2 }],
  ['in capitals or not', 'h1 in a,h2 in A,h3 in b', 4, { a: 2, b: 2 }],
  ['hosts without the label are a group', 'h1 in a,h2 in a,h3', 4, { a: 2, '': 2 }],
  ['one zone', 'h1 in a,h2 in a', 3, { a: 3 }],
] as const)('%s', (_name, hosts, replicas, expected) => {
  const all = hosts.split(',').map((text) => at(text));
  const counts: Record<string, number> = {};
  for (const slot of run(image(replicas, over(ZONE)), '', all).slots) {
    const labels = all.find(({ id }) => id === slot.host)?.facts?.labels;
    const zone = (labels?.['zone'] ?? '').toLowerCase();
    counts[zone] = (counts[zone] ?? 0) + 1;
  }
  expect(counts).toEqual(expected);
});

it('spreads within a zone by the second preference', () => {
  const hosts = ['h1 in a/1', 'h2 in a/1', 'h3 in a/2', 'h4 in b/1'].map((text) => at(text));
  const { slots } = run(image(4, over(ZONE, RACK)), '', hosts);
  const on = (...ids: string[]) => slots.filter((slot) => ids.includes(slot.host)).length;
  expect([on('h1', 'h2'), on('h3'), on('h4')]).toEqual([1, 1, 2]);
});

it('weighs the zone more than how full hosts are, but not more than that they flap', () => {
  const busy = at('h3 in b', { slotCount: 9 });
  expect(show(run(image(2, over(ZONE)), 'h1', [at('h1 in a'), at('h2 in a'), busy]).slots)).toBe(
    'h1 h3',
  );
  const restless = at('h3 in b', { restless: 'it flaps' });
  const placed = run(image(2, over(ZONE)), 'h1', [at('h1 in a'), at('h2 in a'), restless]);
  expect(show(placed.slots)).toBe('h1 h2');
});

it('says why a host was not taken', () => {
  const hosts = [at('h1 in a'), at('h2 in a'), at('h3 in b')];
  const [decision] = run(image(2, over(ZONE)), 'h1', hosts).decisions;
  expect(decision?.rejected).toEqual([
    { host: 'h1', why: '1 of its slots where node.labels.zone is a' },
    { host: 'h2', why: '1 of its slots where node.labels.zone is a' },
  ]);
  const [bare] = run(image(2, over(ZONE)), 'h1', [at('h1'), at('h2 in a')]).decisions;
  expect(bare?.rejected[0]?.why).toBe('1 of its slots where node.labels.zone is not set');
});

it('moves nothing that is there, and counts what waits for a dead host', () => {
  const rest = [at('h2 in a'), at('h3 in b')];
  expect(show(run(image(2, over(ZONE)), 'h1 h2', [at('h1 in a'), ...rest]).slots)).toBe('h1 h2');
  const lost = { ...dead('h1'), facts: { ...DOCKER, labels: { zone: 'a' } } };
  expect(show(run(image(2, over(ZONE)), 'h1 h3', [lost, ...rest]).slots)).toBe('h2 h3');
});

it('leaves no two zones further apart than one slot, whatever hosts they have', () => {
  const zones = fc.array(fc.constantFrom('a', 'b', 'c', ''), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(zones, fc.nat(12), (wheres, replicas) => {
      const hosts = wheres.map((zone, i) => at(`h${i}${zone === '' ? '' : ` in ${zone}`}`));
      const { slots } = run(image(replicas, over(ZONE)), '', hosts);
      const counts = [...new Set(wheres)].map(
        (zone) => slots.filter(({ host: id }) => wheres[Number(id.slice(1))] === zone).length,
      );
      expect(slots).toHaveLength(replicas);
      expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
    }),
    { numRuns: 300, seed: 1 },
  );
});
