/** How long a key has no leader when it changes hands on purpose, and whose hands those are. */
import { expect, it } from 'vitest';
import { ROSTER_KEY } from '../../../protocol/base/ids.ts';
import { LAN, leaseDrainMs } from '../../../protocol/config.ts';
import { holdersOf } from '../../../sim/checkers/leases.ts';
import { quiet } from '../../../sim/options.ts';
import { type Scene, simulate } from '../../../sim/run.ts';
import type { HostIndex, Strike } from '../../../sim/strike.ts';
import { deploy } from '../deed.ts';

const AT = 12_000_000;
/** Heard by all: a host of three is told of everything within a moment. */
const AT_ONCE_MS = 500;

type Struck = { readonly to: HostIndex; readonly gapsMs: readonly number[]; readonly keys: number };

/** What becomes of every key that the leader of the roster leads, when it is struck so. */
function strike(make: (leader: HostIndex, other: HostIndex) => Strike, seed: number): Struck {
  const before = new Map<string, HostIndex>();
  const ledAgain = new Map<string, number>();
  let heir = -1;
  let led = -1;
  const leaderOf = (scene: Scene, key: string): HostIndex | undefined =>
    holdersOf(scene.panel.leases, key as never, scene.atMs * 1000)[0]?.index;
  const watch = (scene: Scene): void => {
    for (const [key, was] of before) {
      const now = leaderOf(scene, key);
      if (now === undefined || now === was || ledAgain.has(key)) continue;
      ledAgain.set(key, scene.atMs);
      if (key === ROSTER_KEY) led = now;
    }
  };
  const outcome = simulate(
    { ...quiet(seed, 3, 30_000), voterCount: 3 },
    {
      untilMs: 22_000,
      onBegun: (scene) => before.size > 0 && watch(scene),
      timeline: [
        deploy(5_000_000, 0, 'shop', 'op1'),
        {
          at: AT,
          deedsIn: (scene) => {
            const leader = leaderOf(scene, ROSTER_KEY) ?? 0;
            heir = (leader + 1) % 3;
            for (const [key] of scene.panel.leases.holds)
              if (leaderOf(scene, key) === leader) before.set(key, leader);
            const wanted = [...(scene.world.hosts[leader]?.agent?.core.knowledge?.wanted ?? [])];
            const struck = make(leader, heir);
            const nth = wanted.indexOf(ROSTER_KEY);
            const deed = struck.kind === 'lead' ? { ...struck, nth } : struck;
            if (struck.kind === 'lead')
              for (const key of before.keys()) if (key !== ROSTER_KEY) before.delete(key);
            return [{ at: AT, kind: 'strike', strike: deed }];
          },
        },
      ],
    },
  );
  expect(outcome.verdict).toEqual({ kind: 'passed' });
  const gapsMs = [...before.keys()].map((key) => (ledAgain.get(key) ?? Infinity) - AT / 1000);
  return { to: led === heir ? 1 : led, gapsMs, keys: before.size };
}

const SEEDS = [1, 2, 3, 4, 5];

it.each(SEEDS)('a leader asked to end gives all it leads away at once, seed %i', (seed) => {
  const { gapsMs, keys } = strike(
    (host) => ({ kind: 'upgrade', host, forMs: 5000, clean: true }),
    seed,
  );
  expect(keys).toBeGreaterThan(0);
  expect(Math.max(...gapsMs)).toBeLessThan(AT_ONCE_MS);
});

it('one that is killed leaves them for about as long as a lease', () => {
  const { gapsMs } = strike((host) => ({ kind: 'upgrade', host, forMs: 5000, clean: false }), 1);
  expect(Math.max(...gapsMs)).toBeGreaterThan(LAN.termMs / 2);
});

it.each(SEEDS)('a leader asked for it gives a key to the host that is named, seed %i', (seed) => {
  const { to, gapsMs } = strike(
    (host, other) => ({ kind: 'lead', host, nth: 0, to: other, force: false }),
    seed,
  );
  expect(to).toBe(1);
  expect(Math.max(...gapsMs)).toBeLessThan(AT_ONCE_MS);
});

it.each(SEEDS)(
  'a key taken by force is led by the host that is named within T, seed %i',
  (seed) => {
    const { to, gapsMs } = strike(
      (_, other) => ({ kind: 'lead', host: other, nth: 0, to: other, force: true }),
      seed,
    );
    expect(to).toBe(1);
    expect(Math.max(...gapsMs)).toBeLessThan(leaseDrainMs(LAN.termMs, LAN));
  },
);
