/** Most voters are gone for good: a user makes one host the only voter, and the cluster goes on by it. */
import { describe, expect, it } from 'vitest';
import { hostId, ROSTER_KEY } from '../../../protocol/base/ids.ts';
import { rivalsOf } from '../../../protocol/core/forks.ts';
import { know } from '../../../protocol/core/know.ts';
import { instant } from '../../../protocol/base/time.ts';
import { healthOf } from '../../../protocol/membership/membership.ts';
import { ballotFloor, forkOf, generationOf, showEpoch } from '../../../protocol/roster/fork.ts';
import {
  answered,
  type Cluster,
  coreOf,
  crash,
  deploy,
  divide,
  found,
  give,
  grown,
  hostOf,
  lose,
  newCluster,
  run,
  running,
  soon,
  stack,
  start,
} from './cluster.ts';

const NAMES = ['a', 'b', 'c', 'd'] as const;
const THREE = ['a', 'b', 'c'] as const;

let asked = 0;
/** Asks this host to be the only voter; starts its agent again where it is. */
function force(cluster: Cluster, name: string, forceId = 7): string {
  const commandId = `force${(asked += 1)}`;
  const command = { kind: 'forceVoters', forceId } as const;
  give(cluster, hostOf(cluster, name), { kind: 'commandGiven', commandId, command });
  const answer = answered(cluster, commandId) ?? '';
  if (!answer.endsWith('forced')) return answer;
  crash(cluster, name);
  run(cluster, 100);
  start(cluster, name);
  return answer;
}

const rosterAt = (cluster: Cluster, name: string) => coreOf(cluster, name).council.roster;
const epochAt = (cluster: Cluster, name: string): string =>
  showEpoch(rosterAt(cluster, name).epoch);
const generationAt = (cluster: Cluster, name: string): number =>
  generationOf(forkOf(rosterAt(cluster, name).epoch));
const others = (names: string, name: string): readonly string[] =>
  Array.from(names).filter((each) => each !== name);
const voterOf = (cluster: Cluster): string => rosterAt(cluster, 'a').voters[0] ?? 'a';
const termAt = (cluster: Cluster, name: string): number =>
  coreOf(cluster, name).writers.get(ROSTER_KEY)?.term ?? 0;

/** Of four hosts all voters but one are lost; the spare host lives. */
function bereft(): {
  readonly cluster: Cluster;
  readonly left: string;
  readonly spare: string;
  readonly lost: readonly string[];
} {
  const cluster = grown('abcd');
  deploy(cluster, 'a', 'open', stack('shop', 'web:2'));
  soon(cluster, 5000, () => running(cluster).length === 2);
  run(cluster, 2000);
  const left = voterOf(cluster);
  const { voters } = rosterAt(cluster, left);
  const lost = voters.filter((id) => id !== left);
  const spare = NAMES.find((name) => !voters.includes(hostId(name))) ?? 'd';
  for (const name of lost) lose(cluster, name);
  return { cluster, left, spare, lost };
}

describe('a user forces the voters', () => {
  it('while a majority of them is heard: refused, and nothing is changed (E1)', () => {
    const cluster = grown('abc');
    expect(force(cluster, 'b')).toMatch(/refused quorum-heard$/);
    expect(epochAt(cluster, 'b')).toBe('3');
  });

  it('when they have been missed for less than ten seconds: refused (E1)', () => {
    const { cluster, left } = bereft();
    run(cluster, 8000);
    expect(force(cluster, left)).toMatch(/refused quorum-heard$/);
    run(cluster, 3000);
    expect(force(cluster, left)).toMatch(/forced$/);
  });

  it('on a host without a vote, while one that has one lives: refused, as that one knows more (E1)', () => {
    const { cluster, spare, left } = bereft();
    run(cluster, 11_000);
    expect(force(cluster, spare)).toMatch(/refused voter-alive$/);
    lose(cluster, left);
    soon(
      cluster,
      10_000,
      () => healthOf(coreOf(cluster, spare).membership, hostId(left)) === 'dead',
    );
    expect(force(cluster, spare)).toMatch(/forced$/);
  });

  it('and what it knew stays; a new deploy is committed, under a higher term than any before (E2)', () => {
    const { cluster, left, spare } = bereft();
    const before = know(coreOf(cluster, left)).stacks.get('shop')?.revision.term ?? 0;
    run(cluster, 11_000);
    force(cluster, left);
    soon(cluster, 15_000, () => termAt(cluster, left) + termAt(cluster, spare) > 0);
    soon(cluster, 15_000, () => running(cluster).length === 2);
    deploy(cluster, spare, 'more', stack('shop', 'web:3'));
    soon(cluster, 10_000, () => running(cluster).length === 3);
    const after = know(coreOf(cluster, spare)).stacks.get('shop')?.revision.term ?? 0;
    expect(after).toBeGreaterThan(ballotFloor(forkOf(rosterAt(cluster, left).epoch)));
    expect(after).toBeGreaterThan(before);
    expect(generationAt(cluster, spare)).toBe(1);
  });

  it('grants nothing for the longest lease after its start (E3)', () => {
    const { cluster, left, spare } = bereft();
    run(cluster, 11_000);
    force(cluster, left);
    const leads = (name: string): boolean => coreOf(cluster, name).writers.has(ROSTER_KEY);
    const tookMs = soon(cluster, 20_000, () => [left, spare].some(leads));
    expect(tookMs).toBeGreaterThanOrEqual(10_000);
  });

  it('and those who come back follow, vote no more, and vote again by the ordinary rules', () => {
    const { cluster, left, lost } = bereft();
    run(cluster, 11_000);
    force(cluster, left);
    run(cluster, 15_000);
    for (const name of lost) {
      start(cluster, name);
      soon(cluster, 2000, () => generationAt(cluster, name) === 1);
      expect(hostOf(cluster, name).disk.has(`record/${ROSTER_KEY}`)).toBe(false);
    }
    soon(cluster, 60_000, () => rosterAt(cluster, left).voters.length === 3);
    soon(cluster, 10_000, () => new Set(NAMES.map((name) => epochAt(cluster, name))).size === 1);
    expect(running(cluster)).toHaveLength(2);
  });

  it('twice, as the only voter is lost too', () => {
    const { cluster, left, spare } = bereft();
    run(cluster, 11_000);
    force(cluster, left);
    soon(cluster, 2000, () => generationAt(cluster, spare) === 1);
    lose(cluster, left);
    run(cluster, 12_000);
    expect(force(cluster, spare)).toMatch(/forced$/);
    start(cluster, left);
    soon(cluster, 15_000, () => generationAt(cluster, left) === 2);
  });
});

it('whoever leads by the votes of before lets go as soon as it follows (E4)', () => {
  const cluster = grown('abcd');
  deploy(cluster, 'a', 'open', stack('shop', 'web:2'));
  soon(cluster, 5000, () => running(cluster).length === 2);
  const cut = voterOf(cluster);
  const kept = others('abcd', cut);
  divide(cluster, cut, 'abcd'.replace(cut, ''));
  run(cluster, 12_000);
  const leads = (name: string): boolean =>
    [...(coreOf(cluster, name).leases?.holder.holds.values() ?? [])].some(
      ({ term }) => term !== undefined,
    );
  expect(kept.some(leads)).toBe(true);
  expect(force(cluster, cut)).toMatch(/forced$/);
  divide(cluster);
  for (const name of kept) {
    soon(cluster, 5000, () => generationAt(cluster, name) === 1);
    expect(leads(name)).toBe(false);
  }
});

describe('two users force the voters and do not know of each other', () => {
  /** Nobody heard anybody, and two of three were made the only voter. */
  function rivals(): Cluster {
    const cluster = newCluster('abc');
    found(cluster, 'a');
    for (const name of 'bc') start(cluster, name);
    soon(cluster, 30_000, () => rosterAt(cluster, 'c').voters.length === 3);
    run(cluster, 10_000);
    divide(cluster, 'a', 'b', 'c');
    run(cluster, 12_000);
    expect(force(cluster, 'a', 1)).toMatch(/forced$/);
    expect(force(cluster, 'b', 2)).toMatch(/forced$/);
    run(cluster, 12_000);
    divide(cluster);
    run(cluster, 10_000);
    return cluster;
  }
  const rivalsAt = (cluster: Cluster, name: string) =>
    rivalsOf(coreOf(cluster, name), instant(cluster.now));

  it('neither follows the other, and both say so; whoever did neither follows one of them (E5)', () => {
    const cluster = rivals();
    const [a, b, c] = THREE.map((name) => forkOf(rosterAt(cluster, name).epoch));
    expect(a).not.toBe(b);
    expect([a, b]).toContain(c);
    expect(rivalsAt(cluster, 'a')).toContain('b');
    expect(rivalsAt(cluster, 'b')).toContain('a');
    expect(healthOf(coreOf(cluster, 'a').membership, hostId('b'))).toBe('dead');
    expect(cluster.lines.some((line) => line.includes('forced elsewhere'))).toBe(true);
  });

  it('what is deployed on one side is not known on the other (E5)', () => {
    const cluster = rivals();
    deploy(cluster, 'a', 'here', stack('blog', 'web:1'));
    soon(cluster, 10_000, () => answered(cluster, 'here') !== undefined);
    run(cluster, 10_000);
    expect(know(coreOf(cluster, 'a')).stacks.has('blog')).toBe(true);
    expect(know(coreOf(cluster, 'b')).stacks.has('blog')).toBe(false);
  });

  it('until one of them is forced once more: then all follow that one', () => {
    const cluster = rivals();
    expect(force(cluster, 'a', 3)).toMatch(/forced$/);
    soon(cluster, 20_000, () => THREE.every((name) => generationAt(cluster, name) === 2));
    run(cluster, 12_000);
    expect(rivalsAt(cluster, 'a')).toEqual([]);
    soon(cluster, 30_000, () => rosterAt(cluster, 'b').voters.length === 3);
    expect(
      others('abc', 'a').every(
        (name) => healthOf(coreOf(cluster, 'a').membership, hostId(name)) === 'alive',
      ),
    ).toBe(true);
  });
});
