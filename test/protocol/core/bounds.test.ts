/** What whole cores keep does not grow with what has been and is no more, and they do not spin. */
import { describe, expect, it } from 'vitest';
import { ballot, boot, hostId, key } from '../../../protocol/base/ids.ts';
import { createVoter, onPrepare } from '../../../protocol/lease/voter.ts';
import { instant, millis } from '../../../protocol/base/time.ts';
import { PLACES_MAX } from '../../../protocol/limits.ts';
import { viewOf } from '../../../protocol/view/build.ts';
import { theOnly, turnOf } from '../turns.ts';
import {
  answered,
  coreOf,
  deploy,
  destroy,
  give,
  grown,
  hostOf,
  run,
  soon,
  stack,
} from './cluster.ts';

const NAMES = ['a', 'b', 'c'];

describe('a voter asked about ever new keys', () => {
  const durable = { boot: boot(2), ceiling: ballot(1000), maxTermMs: millis(0), synced: true };
  const voter = createVoter(durable, ballot(1000), instant(0), turnOf('v', 0));
  const ask = (name: string, n: number): string => {
    const turn = turnOf('v', 10);
    const items = [{ key: key(name), ballot: ballot(n) }];
    const message = { kind: 'prepare', epoch: 1 as never, sid: boot(1), items } as const;
    onPrepare(voter, turn, hostId('a'), message, true);
    const [answer] = theOnly(turn, 'prepareAck').items;
    return `${answer?.status} ${answer?.hint}`;
  };
  for (let i = 0; i < PLACES_MAX; i++) ask(`stack/s${i}`, i === 5 ? 7000 : 2000);

  it('keeps no more than its bound', () => {
    expect(ask('stack/one-more', 8000)).toBe('open 8000');
    expect(voter.places.size).toBe(1);
  });
  it('still promises what it promised for the keys it forgot', () => {
    expect(ask('stack/s5', 6999)).toBe('nack 7000');
    expect(ask('stack/s5', 7001)).toBe('open 7001');
  });
});

describe('three hosts', () => {
  it('keep nothing of stacks that came and went but their records', () => {
    const cluster = grown('abc');
    const sizes = (): readonly string[] =>
      NAMES.map((name) => {
        const core = coreOf(cluster, name);
        const { deploys, explained, writers, decided, pusher, leases, slots } = core;
        return JSON.stringify([
          [deploys.errands.size, deploys.waiting.length, explained.size],
          [writers.size, decided.size, pusher.size, slots.seats.size],
          [leases?.candidacies.size, leases?.holder.holds.size],
        ]);
      });
    const before = sizes();
    for (let i = 0; i < 5; i++) {
      deploy(cluster, 'a', `d${i}`, stack(`shop${i}`, 'web:2 db'));
      run(cluster, 3000);
      destroy(cluster, 'b', `x${i}`, `shop${i}`);
      run(cluster, 3000);
      expect(answered(cluster, `x${i}`)).toBe(`b answers x${i}: committed`);
    }
    run(cluster, 5000);
    expect(sizes()).toEqual(before);
  });

  it('take no more steps than their beats, renewals and pulls ask for', () => {
    const cluster = grown('abc');
    deploy(cluster, 'a', 'd', stack('shop', 'web:6 db:3'));
    run(cluster, 5000);
    const before = NAMES.map((name) => hostOf(cluster, name).steps);
    run(cluster, 10_000);
    const perSecond = NAMES.map((name, i) => (hostOf(cluster, name).steps - (before[i] ?? 0)) / 10);
    for (const steps of perSecond) expect(steps).toBeLessThan(60);
  });
});

describe('a host that hears of a newer start of itself', () => {
  it('says it in the journal and does nothing more', () => {
    const cluster = grown('abc');
    const a = hostOf(cluster, 'a');
    const { epoch } = coreOf(cluster, 'a').council.roster;
    const grant = { boot: boot(1), count: 1, nonce: 1 };
    cluster.lines.length = 0;
    const seen: string[] = [];
    cluster.lost = (from, _to, { kind }) => {
      if (from === 'a') seen.push(kind);
      return false;
    };
    run(cluster, 260); // so that beats and more are due
    seen.length = 0;
    const answer = {
      kind: 'keepaliveAck',
      epoch,
      class: 'normal',
      seq: 1,
      sid: boot(1),
      grant,
      fresh: false,
    } as const;
    const message = {
      ...answer,
      yourBoot: boot(9),
      synced: true,
      maxTermMs: millis(0),
      revoked: [],
      bindings: [],
    };
    a.stoppedUntil = 0;
    cluster.now += 500;
    give(cluster, a, { kind: 'messageReceived', from: hostId('b'), message });
    soon(cluster, 10, () => coreOf(cluster, 'a').cloned);
    run(cluster, 3000);
    expect(seen).toEqual([]);
    const copiedIn = (name: string) => viewOf(coreOf(cluster, name), instant(cluster.now)).copied;
    expect([copiedIn('a'), copiedIn('b')]).toEqual([true, undefined]);
  });
});
