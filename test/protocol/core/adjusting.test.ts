/** Users set labels of hosts, cordon them and drain them, from any host; what runs there is handed over. */
import { describe, expect, it } from 'vitest';
import { hostId, ROSTER_KEY } from '../../../protocol/base/ids.ts';
import type { Change } from '../../../protocol/command/adjusts.ts';
import { know } from '../../../protocol/core/know.ts';
import { LABELS_MAX } from '../../../protocol/limits.ts';
import type { Member } from '../../../protocol/record/record.ts';
import {
  answered,
  type Cluster,
  coreOf,
  crash,
  deploy,
  give,
  grown,
  hostOf,
  run,
  running,
  soon,
  stack,
} from './cluster.ts';

const ask = (cluster: Cluster, by: string, id: string, host: string, change: Change): void =>
  give(cluster, hostOf(cluster, by), {
    kind: 'commandGiven',
    commandId: id,
    command: { kind: 'adjust', host: hostId(host), change },
  });
const label = (set: Readonly<Record<string, string>>, ...unset: readonly string[]): Change => ({
  kind: 'label',
  set,
  unset,
});
const be = (to: 'active' | 'cordoned' | 'draining'): Change => ({ kind: 'availability', to });

const memberAt = (cluster: Cluster, by: string, host: string): Member | undefined =>
  know(coreOf(cluster, by)).members.find(({ id }) => id === host);

function adjusted(cluster: Cluster, by: string, host: string, change: Change): void {
  const id = `adjust${cluster.now}`;
  ask(cluster, by, id, host, change);
  soon(cluster, 3000, () => answered(cluster, id) !== undefined);
  expect(answered(cluster, id)).toBe(`${by} answers ${id}: adjusted`);
}

describe('what users say of a host', () => {
  it('is known to all, whoever was asked, and stays when the next is said', () => {
    const cluster = grown('abcd');
    adjusted(cluster, 'b', 'd', label({ disk: 'ssd', zone: 'x' }));
    adjusted(cluster, 'c', 'd', be('cordoned'));
    adjusted(cluster, 'd', 'd', label({ zone: 'y' }, 'disk'));
    run(cluster, 2000);
    for (const by of 'abcd')
      expect(memberAt(cluster, by, 'd')).toMatchObject({
        labels: { zone: 'y' },
        availability: 'cordoned',
      });
    adjusted(cluster, 'a', 'd', be('active'));
    adjusted(cluster, 'a', 'd', label({}, 'zone'));
    const { labels, availability } = memberAt(cluster, 'a', 'd') ?? {};
    expect([labels, availability]).toEqual([undefined, undefined]);
  });

  it('is answered at once where it is so already, and nothing is written', () => {
    const cluster = grown('abc');
    adjusted(cluster, 'a', 'b', be('draining'));
    run(cluster, 2000);
    const { adjusted: count } = know(coreOf(cluster, 'c'));
    ask(cluster, 'c', 'again', 'b', be('draining'));
    expect(answered(cluster, 'again')).toBe('c answers again: adjusted');
    run(cluster, 2000);
    expect(know(coreOf(cluster, 'c')).adjusted).toBe(count);
  });

  it('of two who are asked at once none is lost', () => {
    const cluster = grown('abc');
    ask(cluster, 'a', 'one', 'c', label({ one: '1' }));
    ask(cluster, 'b', 'two', 'c', label({ two: '2' }));
    soon(cluster, 5000, () => ['one', 'two'].every((id) => answered(cluster, id) !== undefined));
    run(cluster, 2000);
    expect(memberAt(cluster, 'a', 'c')?.labels).toEqual({ one: '1', two: '2' });
  });

  it('comes late, or twice, and is void (F3)', () => {
    const cluster = grown('abc');
    const { adjusted: before } = know(coreOf(cluster, 'a'));
    adjusted(cluster, 'a', 'b', be('draining'));
    adjusted(cluster, 'a', 'b', be('active'));
    run(cluster, 1000);
    const late = {
      kind: 'adjust',
      host: hostId('b'),
      adjusted: before,
      availability: 'draining',
    } as const;
    for (const host of cluster.hosts.values())
      give(cluster, host, { kind: 'messageReceived', from: hostId('c'), message: late });
    run(cluster, 3000);
    expect(memberAt(cluster, 'a', 'b')?.availability).toBeUndefined();
  });

  it('outlives whoever has written it down', () => {
    const cluster = grown('abc');
    adjusted(cluster, 'b', 'c', be('draining'));
    const leader = [...cluster.hosts.values()].find(({ core }) => core?.writers.has(ROSTER_KEY));
    crash(cluster, leader?.id ?? 'a');
    run(cluster, 15_000);
    const by = leader?.id === 'b' ? 'c' : 'b';
    expect(memberAt(cluster, by, 'c')?.availability).toBe('draining');
  });

  it.each([
    ['of no member', 'z', be('cordoned'), 'no-such-host'],
    [
      'with too many labels',
      'b',
      label(Object.fromEntries(Array.from({ length: LABELS_MAX + 1 }, (_, i) => [`l${i}`, '']))),
      'too-many-labels',
    ],
  ])('%s: refused', (_, host, change, code) => {
    const cluster = grown('abc');
    ask(cluster, 'a', 'x', host, change);
    expect(answered(cluster, 'x')).toBe(`a answers x: refused ${code}`);
  });
});

const countOf = (cluster: Cluster): number => running(cluster).length;
const on = (cluster: Cluster, host: string): readonly string[] =>
  running(cluster).filter((line) => line.startsWith(`${host} `));

describe('a host that is drained', () => {
  it('runs what it has until others do, and nothing after that', () => {
    const cluster = grown('abcd');
    deploy(cluster, 'a', 'open', stack('shop', 'web:4 api:2'));
    soon(cluster, 5000, () => countOf(cluster) === 6);
    run(cluster, 2000);
    const had = on(cluster, 'd').length;
    expect(had).toBeGreaterThan(0);
    ask(cluster, 'a', 'drain', 'd', be('draining'));
    let least = Infinity;
    soon(cluster, 8000, () => {
      least = Math.min(least, countOf(cluster));
      return on(cluster, 'd').length === 0;
    });
    expect(least).toBe(6);
    run(cluster, 2000);
    expect(countOf(cluster)).toBe(6);
    for (const line of cluster.lines.filter((each) => each.startsWith('d stops ')))
      expect(cluster.lines.slice(0, cluster.lines.indexOf(line))).toContainEqual(
        expect.stringMatching(`^[abc] starts ${line.slice('d stops '.length)}$`),
      );
    deploy(cluster, 'a', 'more', stack('shop', 'web:8 api:2'));
    run(cluster, 5000);
    expect(on(cluster, 'd')).toEqual([]);
    adjusted(cluster, 'a', 'd', be('active'));
    deploy(cluster, 'a', 'most', stack('shop', 'web:12 api:2'));
    run(cluster, 5000);
    expect(on(cluster, 'd').length).toBeGreaterThan(0);
  });

  it('keeps what fits nowhere else', () => {
    const cluster = grown('abc');
    deploy(
      cluster,
      'a',
      'open',
      stack('shop', 'web:3', { placement: { constraints: [], perHostMax: 1 } }),
    );
    soon(cluster, 5000, () => countOf(cluster) === 3);
    run(cluster, 2000);
    adjusted(cluster, 'a', 'c', be('draining'));
    run(cluster, 10_000);
    expect(on(cluster, 'c')).toHaveLength(1);
  });
});
