/** Schedules in which whole cores once broke a promise, or would without the line that each names. */
import { describe, expect, it } from 'vitest';
import { type HostId, ROSTER_KEY, stackKey } from '../../../protocol/base/ids.ts';
import type { Input } from '../../../protocol/input.ts';
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
  newCluster,
  run,
  running,
  soon,
  stack,
  start,
} from './cluster.ts';

const memberCount = (cluster: Cluster, name: string): number => {
  const record = coreOf(cluster, name).committed.byKey.get(ROSTER_KEY);
  return record?.value.kind === 'members' ? record.value.members.length : 0;
};

describe('joining', () => {
  it('lets every newcomer in, however many know each other', () => {
    const cluster = newCluster('abcdefz');
    found(cluster, 'z');
    for (const name of 'abcdef') start(cluster, name);
    const known = (): readonly number[] =>
      Array.from('abcdefz', (name) => memberCount(cluster, name));
    const tookMs = soon(cluster, 10_000, () => known().every((count) => count === 7));
    expect(tookMs).toBeLessThan(8000);
  });
});

describe('a new voter', () => {
  // One write tells the disk that it votes, and none may let it forget that it has nothing yet.
  it.each([0, 1, 2, 3])(
    'answers nothing before it has merged, though it died after %i writes',
    (n) => {
      const cluster = newCluster('abc');
      found(cluster, 'a');
      for (const name of 'bc') start(cluster, name);
      const c = hostOf(cluster, 'c');
      let joint = false;
      cluster.lost = (_from, to, message) => {
        if (message.kind === 'rosterChosen' && message.roster.next !== undefined && to === c.id) {
          if (!joint) c.writesLeft = n;
          joint = true;
        }
        return message.kind === 'syncPage';
      };
      soon(cluster, 10_000, () => joint);
      run(cluster, 1000);
      if (c.core === undefined) start(cluster, 'c');
      c.writesLeft = undefined;
      run(cluster, 1000);
      const { council, durable } = coreOf(cluster, 'c');
      expect(council.roster.next).toContain('c');
      expect(durable.synced).toBe(false);
      cluster.lost = () => false;
      soon(cluster, 15_000, () => coreOf(cluster, 'c').durable.synced);
    },
  );
});

describe('a key that all have lost', () => {
  it('is led again without waiting for a whole renewal once the cut has healed', () => {
    const cluster = grown('abc');
    divide(cluster, 'a', 'b', 'c');
    run(cluster, 5000);
    const phases = (): readonly (string | undefined)[] =>
      ['a', 'b', 'c'].map((name) => coreOf(cluster, name).writers.get(ROSTER_KEY)?.phase);
    expect(phases()).toEqual([undefined, undefined, undefined]);
    divide(cluster);
    expect(soon(cluster, 5000, () => phases().includes('serving'))).toBeLessThan(800);
  });
});

describe('a leader that is heard and hears nothing', () => {
  it('keeps no key from the others, though its release is lost (L7)', () => {
    const cluster = grown('abc');
    deploy(cluster, 'b', 'x', stack('shop', 'web'));
    soon(cluster, 2000, () => answered(cluster, 'x') !== undefined);
    const leads = (name: string): boolean => coreOf(cluster, name).writers.has(stackKey('shop'));
    expect(leads('b')).toBe(true);
    const b = hostOf(cluster, 'b').id;
    cluster.lost = (from, to, { kind }) => to === b || (from === b && kind === 'release');
    expect(soon(cluster, 20_000, () => leads('a') || leads('c'))).toBeLessThan(8000);
  });
});

describe('a leader that stood still until its lease had lapsed (R4)', () => {
  it.each([
    ['readAck', 'writes nothing'],
    ['writeAck', 'tells nobody'],
  ] as const)('and hears of a %s first %s', (kind, _what) => {
    const cluster = grown('abc');
    deploy(cluster, 'b', 'x', stack('shop', 'web'));
    soon(cluster, 2000, () => answered(cluster, 'x') !== undefined);
    // Another takes over, and needs but one more voter.
    let heir: HostId | undefined;
    const late: Input[] = [];
    cluster.lost = (from, to, message) => {
      if (message.kind !== kind || message.key !== stackKey('shop')) return false;
      heir = to;
      late.push({ kind: 'messageReceived', from, message });
      return true;
    };
    crash(cluster, 'b');
    soon(cluster, 10_000, () => heir !== undefined);
    const host = hostOf(cluster, heir ?? '');
    host.stoppedUntil = cluster.now + 10_000;
    run(cluster, 5000);
    host.stoppedUntil = 0;
    const said: string[] = [];
    cluster.lost = (from, _to, message) => {
      if (from === host.id) said.push(message.kind);
      return false;
    };
    for (const input of late) give(cluster, host, input);
    expect(said).toContain('keepalive');
    expect(said.filter((each) => each === 'write' || each === 'push')).toEqual([]);
  });
});

describe('asking again', () => {
  it('never calls a deploy refused that is under way', () => {
    const cluster = grown('abc');
    cluster.lost = (_from, _to, { kind }) => kind === 'writeAck';
    deploy(cluster, 'b', 'x', stack('shop', 'web'));
    run(cluster, 1000);
    const { core } = hostOf(cluster, 'b');
    expect(core?.deploys.errands.size).toBe(1);
    cluster.lines.length = 0;
    // A user who lost patience asks again.
    deploy(cluster, 'b', 'x', stack('shop', 'web'));
    expect(cluster.lines).toEqual([]);
    cluster.lost = () => false;
    soon(cluster, 12_000, () => answered(cluster, 'x') !== undefined);
    run(cluster, 100);
    expect(cluster.lines.filter((line) => line.includes('answers'))).toEqual([
      'b answers x: committed',
      'b answers x: committed',
    ]);
    soon(cluster, 3000, () => running(cluster).length === 1);
  });

  it('does not call refused what it has sent out before (W4)', () => {
    const cluster = grown('abc');
    cluster.lost = (_from, _to, { kind }) => kind === 'writeAck';
    deploy(cluster, 'b', 'x', stack('shop', 'web'));
    run(cluster, 12_000);
    expect(cluster.lines.filter((line) => line.includes('answers'))).toEqual([
      'b answers x: unknown',
    ]);
    cluster.lost = () => true;
    run(cluster, 2000);
    cluster.lines.length = 0;
    deploy(cluster, 'b', 'x', stack('shop', 'web'));
    expect(cluster.lines).toEqual(['b answers x: unknown']);
  });
});
