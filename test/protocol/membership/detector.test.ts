import { describe, expect, it } from 'vitest';
import { membersOf } from '../../../protocol/membership/membership.ts';
import {
  allBelieve,
  chance,
  type Cluster,
  crash,
  h,
  hostOf,
  restart,
  runFor,
  expectSoon,
  setCondition,
  startCluster,
} from './cluster.ts';

const SEEDS = [1, 2, 3, 4, 5, 6];
const verdicts = (cluster: Cluster): readonly string[] =>
  cluster.lines
    .filter(({ text }) => / dead: /.test(text))
    .map(({ host, text }) => `${host}: ${text}`);
const doubts = (cluster: Cluster): readonly string[] =>
  cluster.lines.filter(({ text }) => / (suspect|dead): /.test(text)).map(({ text }) => text);

describe('silence', () => {
  it.each([2, 3, 5, 9])(
    'of one of %i hosts is a verdict of all within about two seconds',
    (count) => {
      for (const seed of SEEDS) {
        const cluster = startCluster(count, seed);
        runFor(cluster, 5000 + seed * 37);
        setCondition(cluster, h(1), 'cut');
        const tookMs = expectSoon(cluster, 2100, () => allBelieve(cluster, h(1), 'dead'));
        expect(tookMs).toBeGreaterThan(1300); // quiet − one beat, probe, shortest suspicion
      }
    },
  );

  it('is told in the journal: how long, and who else found it', () => {
    const cluster = startCluster(3, 1);
    runFor(cluster, 5000);
    setCondition(cluster, h(1), 'cut');
    runFor(cluster, 3000);
    expect(verdicts(cluster)[0]).toMatch(
      /^h[23]: h1 dead: silent for 1\.[5-9] s, confirmed by h[23]$/,
    );
  });

  it.each([7, 30])(
    'is found in the end by whoever misses what its watchers say of one of %i',
    (count) => {
      const cluster = startCluster(count, 1);
      runFor(cluster, 5000);
      const bystander = [...cluster.hosts.values()].find(
        ({ id, membership }) => id !== h(1) && !membership.watched.has(h(1)),
      );
      cluster.lost = (_from, to, message) => message.kind === 'rumor' && to === bystander?.id;
      setCondition(cluster, h(1), 'cut');
      runFor(cluster, 5000);
      expect(allBelieve(cluster, h(1), 'dead')).toBe(false);
      expectSoon(cluster, 45_000, () => allBelieve(cluster, h(1), 'dead'));
      const wrong = verdicts(cluster).filter((text) => !/^h1:|h1 dead/.test(text));
      expect(wrong).toEqual([]);
    },
  );

  it('of two of five hosts at once is found as well', () => {
    for (const seed of SEEDS) {
      const cluster = startCluster(5, seed);
      runFor(cluster, 5000);
      setCondition(cluster, h(1), 'cut');
      setCondition(cluster, h(4), 'cut');
      expectSoon(
        cluster,
        2500,
        () => allBelieve(cluster, h(1), 'dead') && allBelieve(cluster, h(4), 'dead'),
      );
    }
  });

  it('leaves no verdict on the living', () => {
    const cluster = startCluster(5, 1);
    runFor(cluster, 5000);
    setCondition(cluster, h(1), 'cut');
    runFor(cluster, 10_000);
    const others = cluster.lines.filter(
      ({ host, text }) => host !== h(1) && !text.startsWith('h1 '),
    );
    expect(others).toEqual([]);
  });
});

describe('a live host', () => {
  it.each([
    [3, 'beats', (kind: string) => kind === 'beat'],
    [5, 'beats', (kind: string) => kind === 'beat'],
    [5, 'all messages', () => true],
  ] as const)(
    'of %i is never dead in ten minutes while every fifth of %s is lost',
    (count, _, isHit) => {
      for (const seed of SEEDS.slice(0, 4)) {
        const cluster = startCluster(count, seed);
        cluster.lost = (_from, _to, message, prng) => isHit(message.kind) && chance(prng, 20);
        runFor(cluster, 600_000);
        expect(verdicts(cluster)).toEqual([]);
      }
    },
  );

  it('is never even doubted on a good network', () => {
    const cluster = startCluster(5, 1);
    runFor(cluster, 60_000);
    expect(doubts(cluster)).toEqual([]);
    expect(cluster.sent.get('probe')).toBeUndefined();
  });

  it('costs each host the same however many there are: four beats per period', () => {
    const cluster = startCluster(30, 1);
    runFor(cluster, 10_000);
    const perHostAndSecond = (cluster.sent.get('beat') ?? 0) / 30 / 10;
    expect(perHostAndSecond).toBeGreaterThan(15.5);
    expect(perHostAndSecond).toBeLessThan(16.5);
  });

  it('is gossiped about less often in a large cluster: twenty heartbeats a second in all', () => {
    const cluster = startCluster(40, 1);
    runFor(cluster, 10_000);
    const perSecond = (cluster.sent.get('heartbeat') ?? 0) / 39 / 10;
    expect(perSecond).toBeGreaterThan(19);
    expect(perSecond).toBeLessThan(25);
  });

  it('is not even doubted by one that cannot hear it, as long as another can', () => {
    const cluster = startCluster(3, 1);
    runFor(cluster, 5000);
    cluster.lost = (from, to) => from === h(1) && to === h(2);
    runFor(cluster, 60_000);
    expect(doubts(cluster)).toEqual([]);
    expect(cluster.sent.get('probeFor')).toBeGreaterThan(30);
  });

  it('refutes at once when one other alone cannot hear it', () => {
    const cluster = startCluster(5, 1);
    runFor(cluster, 5000);
    cluster.lost = (from, to) => from === h(1) && to === h(2);
    runFor(cluster, 60_000);
    const deaf = cluster.lines.filter(({ host, text }) => host !== h(2) && / dead: /.test(text));
    expect(deaf).toEqual([]);
  });
});

describe('a host that stood still', () => {
  it.each([2, 3, 5, 9])('for two seconds is not dead: its port was open (%i hosts)', (count) => {
    for (const seed of SEEDS) {
      const cluster = startCluster(count, seed);
      runFor(cluster, 5000 + seed * 41);
      setCondition(cluster, h(1), 'paused');
      runFor(cluster, 2000);
      setCondition(cluster, h(1), 'up');
      expectSoon(cluster, 1100, () => allBelieve(cluster, h(1), 'alive'));
      runFor(cluster, 10_000);
      expect(verdicts(cluster)).toEqual([]);
    }
  });

  it.each([2, 3, 5, 9])('for longer is dead all the same (%i hosts)', (count) => {
    for (const seed of SEEDS) {
      const cluster = startCluster(count, seed);
      runFor(cluster, 5000 + seed * 41);
      setCondition(cluster, h(1), 'paused');
      const tookMs = expectSoon(cluster, 2800, () => allBelieve(cluster, h(1), 'dead'));
      expect(tookMs).toBeGreaterThan(2100);
    }
  });

  it.each([9, 30])('doubts none of %i for the time it did not listen', (count) => {
    const cluster = startCluster(count, 1);
    runFor(cluster, 5000);
    setCondition(cluster, h(1), 'paused');
    runFor(cluster, 60_000);
    hostOf(cluster, h(1)).queue.length = 0;
    setCondition(cluster, h(1), 'up');
    runFor(cluster, 5000);
    const doubted = cluster.lines.filter(({ host, text }) => host === h(1) && /suspect/.test(text));
    expect(doubted.filter(({ text }) => !text.includes('refuted'))).toEqual([]);
  });
});

describe('an agent that starts', () => {
  it('gives the others time to be heard before it doubts them', () => {
    const cluster = startCluster(3, 1);
    runFor(cluster, 5000);
    crash(cluster, h(1));
    restart(cluster, h(1));
    cluster.lost = (from, to) => from === h(1) || to === h(1);
    const { membership } = hostOf(cluster, h(1));
    runFor(cluster, 9000);
    expect([...membersOf(membership).values()].map(({ health }) => health)).toEqual([
      'alive',
      'alive',
    ]);
    expect(
      expectSoon(cluster, 5000, () => membersOf(membership).get(h(2))?.health === 'dead'),
    ).toBeGreaterThan(2000);
  });

  it('is told by its watchers who is dead', () => {
    const cluster = startCluster(5, 1);
    runFor(cluster, 5000);
    setCondition(cluster, h(5), 'cut');
    runFor(cluster, 5000);
    crash(cluster, h(1));
    runFor(cluster, 1000);
    restart(cluster, h(1));
    expectSoon(cluster, 50, () => allBelieve(cluster, h(5), 'dead'));
  });
});

describe('an agent crash', () => {
  it.each([3, 5])(
    'of one of %i is spared while its port refuses, and forgotten at its next boot',
    (count) => {
      for (const seed of SEEDS) {
        const cluster = startCluster(count, seed);
        runFor(cluster, 5000);
        crash(cluster, h(1));
        runFor(cluster, 8000);
        expect(allBelieve(cluster, h(1), 'suspect')).toBe(true);
        restart(cluster, h(1));
        expectSoon(cluster, 100, () => allBelieve(cluster, h(1), 'alive'));
        runFor(cluster, 20_000);
        expect(verdicts(cluster)).toEqual([]);
        expect(membersOf(hostOf(cluster, h(2)).membership).get(h(1))?.boot).toBe(2);
      }
    },
  );

  it.each([3, 5])('of one of %i is a verdict when the grace is over', (count) => {
    for (const seed of SEEDS) {
      const cluster = startCluster(count, seed);
      runFor(cluster, 5000);
      crash(cluster, h(1));
      const tookMs = expectSoon(cluster, 11_000, () => allBelieve(cluster, h(1), 'dead'));
      expect(tookMs).toBeGreaterThan(9900);
    }
  });

  it('is not spared twice within a minute', () => {
    const cluster = startCluster(3, 1);
    runFor(cluster, 5000);
    crash(cluster, h(1));
    runFor(cluster, 5000);
    restart(cluster, h(1));
    runFor(cluster, 5000);
    crash(cluster, h(1));
    expectSoon(cluster, 2100, () => allBelieve(cluster, h(1), 'dead'));
  });

  it('is spared again a minute later', () => {
    const cluster = startCluster(3, 1);
    runFor(cluster, 5000);
    crash(cluster, h(1));
    runFor(cluster, 5000);
    restart(cluster, h(1));
    runFor(cluster, 60_000);
    crash(cluster, h(1));
    runFor(cluster, 9000);
    expect(verdicts(cluster)).toEqual([]);
  });

  it('becomes a host loss as soon as two connects are not refused', () => {
    for (const seed of SEEDS) {
      const cluster = startCluster(5, seed);
      runFor(cluster, 5000);
      crash(cluster, h(1));
      runFor(cluster, 4000);
      expect(allBelieve(cluster, h(1), 'suspect')).toBe(true);
      setCondition(cluster, h(1), 'cut');
      expectSoon(cluster, 1600, () => allBelieve(cluster, h(1), 'dead'));
    }
  });

  it('takes two watchers to be spared in a larger cluster', () => {
    for (const seed of SEEDS) {
      const cluster = startCluster(5, seed);
      runFor(cluster, 5000);
      cluster.lost = (_from, _to, { kind }) => kind === 'knock';
      crash(cluster, h(1));
      expectSoon(cluster, 2100, () => allBelieve(cluster, h(1), 'dead'));
    }
  });
});

describe('a host that comes back', () => {
  it.each([3, 5])(
    'after a pause refutes and is alive everywhere within two heartbeats (%i hosts)',
    (count) => {
      for (const seed of SEEDS) {
        const cluster = startCluster(count, seed);
        runFor(cluster, 5000);
        setCondition(cluster, h(1), 'paused');
        expectSoon(cluster, 2800, () => allBelieve(cluster, h(1), 'dead'));
        runFor(cluster, seed * 900);
        setCondition(cluster, h(1), 'up');
        expectSoon(cluster, 2000, () => allBelieve(cluster, h(1), 'alive'));
        runFor(cluster, 10_000);
        expect(allBelieve(cluster, h(1), 'alive')).toBe(true);
        // Its own stall is no one else's silence.
        expect(
          cluster.lines.filter(({ host, text }) => host === h(1) && / dead: /.test(text)),
        ).toEqual([]);
      }
    },
  );

  it.each([3, 5, 9])(
    'with its side of a healed partition, all believe each other within 1.1 s (%i hosts)',
    (count) => {
      for (const seed of SEEDS) {
        const cluster = startCluster(count, seed);
        runFor(cluster, 5000);
        const minority = new Set([h(1), h(2)].slice(0, count > 3 ? 2 : 1));
        cluster.lost = (from, to) => minority.has(from) !== minority.has(to);
        runFor(cluster, 20_000 + seed * 130);
        expect(allBelieve(cluster, h(1), 'alive')).toBe(false);
        cluster.lost = () => false;
        const ids = [...cluster.hosts.keys()];
        expectSoon(cluster, 1100, () => ids.every((id) => allBelieve(cluster, id, 'alive')));
        cluster.lines.length = 0;
        runFor(cluster, 10_000);
        expect(cluster.lines).toEqual([]);
      }
    },
  );

  it('survives the loss of every other message while it refutes', () => {
    for (const seed of SEEDS) {
      const cluster = startCluster(5, seed);
      runFor(cluster, 5000);
      setCondition(cluster, h(1), 'paused');
      runFor(cluster, 5000);
      cluster.lost = (_from, _to, _message, prng) => chance(prng, 40);
      setCondition(cluster, h(1), 'up');
      expectSoon(cluster, 5000, () => allBelieve(cluster, h(1), 'alive'));
    }
  });
});

it('does the same for the same seed', () => {
  const story = (seed: number) => {
    const cluster = startCluster(5, seed);
    cluster.lost = (_from, _to, _message, prng) => chance(prng, 30);
    runFor(cluster, 30_000);
    crash(cluster, h(2));
    runFor(cluster, 30_000);
    return JSON.stringify([cluster.lines, [...cluster.sent]]);
  };
  expect(story(7)).toBe(story(7));
  expect(story(7)).not.toBe(story(8));
});
