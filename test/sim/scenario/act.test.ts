/** Whom a line of a timeline strikes is found when its moment has come. */
import { expect, it } from 'vitest';
import { componentId } from '../../../protocol/base/ids.ts';
import { millis } from '../../../protocol/base/time.ts';
import type { Result } from '../../../protocol/base/result.ts';
import { holdersOf } from '../../../sim/checkers/leases.ts';
import { running } from '../../../sim/engine/engine.ts';
import { ofMillis } from '../../../sim/event-queue.ts';
import { type Scene, simulate } from '../../../sim/run.ts';
import { type Act, planned } from '../../../sim/scenario/act.ts';
import { namesIn, parseKey } from '../../../sim/scenario/names.ts';
import { optionsOf } from '../../../sim/scenario/scenario.ts';
import { countOn, parseWho, type Who } from '../../../sim/scenario/who.ts';
import type { Strike } from '../../../sim/strike.ts';
import type { Deed } from '../../../sim/tape.ts';
import { SCENARIO, site } from './site.ts';

const CHECK = {
  test: { kind: 'shell', line: 'true' },
  intervalMs: millis(1000),
  timeoutMs: millis(1000),
  retries: 3,
  startPeriodMs: millis(0),
} as const;
const AT_MS = 15_000;
const NAMES = namesIn(3, [site()]);

function valueOf<T>(read: Result<T, string>): T {
  if (!read.ok) throw new Error(read.error);
  return read.value;
}
const who = (text: string): Who => valueOf(parseWho(NAMES, text));

/** What an act becomes, and what its moment looked like: `of` is asked just before it. */
function done<T>(act: Act, of: (scene: Scene) => T): { deeds: readonly Deed[]; seen: T } {
  const deeds: Deed[] = [];
  let seen: { readonly it: T } | undefined;
  simulate(optionsOf(SCENARIO, 1), {
    untilMs: AT_MS + 100,
    timeline: [
      {
        at: ofMillis(AT_MS) - 1,
        deedsIn(scene) {
          seen = { it: of(scene) };
          return [];
        },
      },
      planned({ atMs: AT_MS, act }, 'timeline-1'),
    ],
    onDeed: (deed) => deeds.push(deed),
  });
  if (seen === undefined) throw new Error('it never came to that');
  return { deeds: deeds.filter(({ at }) => at === ofMillis(AT_MS)), seen: seen.it };
}

const strikes = (act: Act): readonly Strike[] =>
  done(act, () => 0).deeds.flatMap((deed) => (deed.kind === 'strike' ? [deed.strike] : []));

const crash = (whom: Who): Act => ({
  kind: 'host',
  who: whom,
  fault: { kind: 'crash', forMs: 500 },
});
const struck = (act: Act): readonly number[] =>
  strikes(act).flatMap((strike) => ('host' in strike ? [strike.host] : []));

it.each<readonly [string, readonly number[]]>([
  ['h2', [1]],
  ['all', [0, 1, 2]],
  ['voters', [0, 1, 2]],
  ['all but h2', [0, 2]],
  ['all but all', []],
])('strikes %s', (text, hosts) => {
  expect(struck(crash(who(text)))).toEqual(hosts);
});

it('strikes whoever leads, and where something runs', () => {
  const db = { component: componentId('site', 'db') };
  const leader = done(crash(who('leader of site.db')), ({ panel, world }) =>
    holdersOf(panel.leases, valueOf(parseKey(NAMES, 'site.db')), world.queue.now).map(
      ({ index }) => index,
    ),
  );
  expect(leader.seen).toHaveLength(1);
  expect(leader.deeds).toMatchObject([{ strike: { host: leader.seen[0] } }]);
  const host = done(crash(who('host of site.db')), ({ world }) =>
    world.hosts.filter((one) => countOn(one, db) > 0).map(({ index }) => index),
  );
  expect(host.seen).toHaveLength(1);
  expect(host.deeds).toMatchObject([{ strike: { host: host.seen[0] } }]);
});

const h1 = who('h1');
it.each<readonly [string, Act, readonly (readonly number[])[]]>([
  [
    'from the others, both ways',
    { kind: 'cut', between: { from: h1, to: undefined, oneWay: false }, forMs: 9 },
    [
      [0, 1],
      [1, 0],
      [0, 2],
      [2, 0],
    ],
  ],
  [
    'in one direction',
    { kind: 'clog', between: { from: h1, to: who('h3'), oneWay: true }, forMs: 9 },
    [[0, 2]],
  ],
  [
    'never from itself',
    { kind: 'cut', between: { from: h1, to: who('all'), oneWay: true }, forMs: 9 },
    [
      [0, 1],
      [0, 2],
    ],
  ],
])('cuts %s', (_, act, ways) => {
  expect(strikes(act)).toEqual([{ kind: act.kind, ways, forMs: 9 }]);
});

it('breaks each connection once', () => {
  const between = { from: h1, to: undefined, oneWay: false };
  expect(strikes({ kind: 'reset', between })).toEqual([
    { kind: 'reset', a: 0, b: 1 },
    { kind: 'reset', a: 0, b: 2 },
  ]);
});

it('ends every instance of a component, each counted among those that run then', () => {
  const seat = { component: componentId('site', 'web') };
  const act: Act = { kind: 'exit', seat, how: 'exit' };
  const { deeds } = done(act, () => 0);
  expect(deeds).toHaveLength(2);
  let left: number | undefined;
  simulate(optionsOf(SCENARIO, 1), {
    untilMs: AT_MS + 1,
    timeline: [
      planned({ atMs: AT_MS, act }, 't'),
      {
        at: ofMillis(AT_MS) + 1,
        deedsIn({ world }) {
          left = world.hosts.reduce((sum, host) => sum + countOn(host, seat), 0);
          return [];
        },
      },
    ],
  });
  expect(left).toBe(0);
});

it('turns those unhealthy that have a healthcheck, whatever runs beside them', () => {
  const [web, db] = site().components;
  if (web === undefined || db === undefined) throw new Error('no site');
  const checked = { ...db, name: 'zoo', healthcheck: CHECK };
  const stacks = [{ name: 'site', components: [{ ...web, replicas: 3 }, checked] }];
  const seat = { component: componentId('site', 'zoo') };
  const seen = new Set<string>();
  simulate(optionsOf({ ...SCENARIO, stacks }, 1), {
    untilMs: AT_MS + 5000,
    timeline: [planned({ atMs: AT_MS, act: { kind: 'exit', seat, how: 'unhealthy' } }, 't')],
    look({ world }) {
      for (const { component, health } of world.hosts.flatMap(({ engine }) => running(engine)))
        if (component === seat.component) seen.add(health);
      return undefined;
    },
  });
  expect(seen).toContain('unhealthy');
});

it('deploys at the first agent that can answer', () => {
  const spec = site(3);
  expect(done({ kind: 'deploy', spec }, () => 0).deeds).toMatchObject([
    { kind: 'command', host: 0, errand: { stack: 'site', given: { kind: 'deploy', spec } } },
  ]);
});
