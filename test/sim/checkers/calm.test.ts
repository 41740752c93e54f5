/** What is owed after a storm, of real clusters in which something stays broken. */
import { describe, expect, it } from 'vitest';
import { hostId } from '../../../protocol/base/ids.ts';
import { millis } from '../../../protocol/base/time.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { dethroned, leaked, reignsOf } from '../../../sim/checkers/calm/leaders.ts';
import type { Calm } from '../../../sim/checkers/calm/owed.ts';
import { isWell, standingsOf } from '../../../sim/checkers/calm/standing.ts';
import { createVigil, look } from '../../../sim/checkers/calm/vigil.ts';
import { type Options, quiet } from '../../../sim/options.ts';
import { type Scene, simulate } from '../../../sim/run.ts';
import type { Strike, Way } from '../../../sim/strike.ts';

const HOSTS = 5;
const LONG = 1_000_000;
const CHECK = {
  test: { kind: 'shell', line: 'true' },
  intervalMs: millis(1000),
  timeoutMs: millis(1000),
  retries: 3,
  startPeriodMs: millis(0),
} as const;
/** The stack runs by then. */
const SETTLED_MS = 12_000;

const component = (name: string, mode: ComponentSpec['mode']): ComponentSpec => ({
  name,
  mode,
  replicas: 4,
  process: { command: ['serve'] },
  environment: {},
  ports: [],
  volumes: [],
  restart: { kind: 'always' },
  dependsOn: [],
  stopGraceMs: millis(1000),
});
const STACK = {
  name: 'shop',
  components: [component('web', 'replicated'), component('log', 'global')],
};

const options = (changes: Partial<Options> = {}): Options => ({
  ...quiet(1, HOSTS, 200_000),
  voterCount: 3,
  workload: { kind: 'given', stacks: [STACK] },
  ...changes,
});

/** What is seen once the strikes have fallen on a settled cluster, when these hosts are called healed. */
function watch(strikes: readonly Strike[], core: readonly number[]): string {
  let seen = '';
  const timeline = strikes.map(
    (strike) => ({ at: SETTLED_MS * 1000, kind: 'strike', strike }) as const,
  );
  let vigil: ReturnType<typeof createVigil> | undefined;
  simulate(options(), {
    timeline,
    look({ world, panel, atMs }) {
      if (atMs < SETTLED_MS + 1) return undefined;
      world.core ??= new Set(core);
      vigil ??= createVigil(world, panel.leases);
      const sight = look(vigil, atMs - SETTLED_MS);
      if (sight.kind === 'waiting') return undefined;
      seen = sight.kind === 'right' ? 'right' : `${sight.rule} ${sight.text}`;
      return seen;
    },
  });
  return seen;
}

const all = [0, 1, 2, 3, 4];
const into = (host: number): readonly Way[] =>
  all.filter((other) => other !== host).map((other) => [other, host]);
const outOf = (host: number): readonly Way[] => into(host).map(([other]) => [host, other]);
const cut = (ways: readonly Way[]): Strike => ({ kind: 'cut', ways, forMs: LONG });
const crash = (host: number): Strike => ({ kind: 'crash', host, forMs: LONG });

describe('all that is owed is given', () => {
  it.each<readonly [string, readonly Strike[], readonly number[]]>([
    ['nothing is broken', [], all],
    ['an agent is gone, and its machine answers', [crash(4)], [0, 1, 2, 3]],
    ['a voter is gone with its machine', [{ kind: 'lose', host: 0, forMs: LONG }], [1, 2, 3, 4]],
    ['a host stands still', [{ kind: 'pause', host: 3, forMs: LONG }], [0, 1, 2, 4]],
    ['a host is cut off', [cut([...into(4), ...outOf(4)])], [0, 1, 2, 3]],
    ['a host is heard and hears nothing (L8)', [cut(into(4))], [0, 1, 2, 3]],
    ['a voter is heard and hears nothing (L8)', [cut(into(0))], [1, 2, 3, 4]],
    ['a host hears and is not heard', [cut(outOf(4))], [0, 1, 2, 3]],
    [
      'two hosts hear each other through the others only',
      [
        cut([
          [0, 4],
          [4, 0],
        ]),
      ],
      all,
    ],
    ['a host is not healed and nothing ails it', [], [0, 1, 2]],
  ])('when %s', (_what, strikes, core) => {
    expect(watch(strikes, core)).toBe('right');
  });
});

describe('what is owed is named', () => {
  it.each<readonly [string, string, readonly Strike[]]>([
    ['L1 h5 has no agent', 'an agent is gone', [crash(4)]],
    [
      'L1 sys/roster has no leader',
      'no two voters hear each other',
      [cut([0, 1, 2].flatMap(into))],
    ],
    [
      'L3 h1 believes h5',
      'a host is cut off and everyone is called healed',
      [cut([...into(4), ...outOf(4)])],
    ],
    [
      'L5 shop.',
      'an instance ends and its engine hangs',
      [
        { kind: 'engineHang', host: 4, forMs: LONG },
        { kind: 'exit', host: 4, nth: 0, how: 'exit' },
      ],
    ],
  ])('%s…, when %s and everyone is called healed', (text, _what, strikes) => {
    expect(watch(strikes, all)).toContain(text);
  });
});

it('does not owe what has to wait for a host that is half alive', () => {
  const db: ComponentSpec = { ...component('db', 'replicated'), replicas: 1, healthcheck: CHECK };
  const web: ComponentSpec = {
    ...component('web', 'replicated'),
    dependsOn: [{ on: 'db', condition: 'healthy', required: true, restart: false }],
  };
  const front: ComponentSpec = {
    ...component('front', 'replicated'),
    dependsOn: [{ on: 'web', condition: 'started', required: true, restart: false }],
  };
  const small = { name: 'shop', components: [db] };
  const spec = { name: 'shop', components: [db, web, front] };
  const errand = {
    stack: 'shop',
    given: { kind: 'deploy', deployId: 'op9', spec },
    attempt: 1,
  } as const;
  let seen = '';
  let vigil: ReturnType<typeof createVigil> | undefined;
  simulate(options({ workload: { kind: 'given', stacks: [small] } }), {
    timeline: [
      {
        at: SETTLED_MS * 1000,
        // Whatever starts there ends at once, and it is not healed.
        deedsIn({ world }) {
          const host = world.hosts.findIndex(({ engine }) => engine.instances.size > 0);
          world.core = new Set(all.filter((index) => index !== host));
          const strikes: readonly Strike[] = [
            { kind: 'crashLoop', host, forMs: LONG },
            { kind: 'exit', host, nth: 0, how: 'exit' },
          ];
          return strikes.map((strike) => ({ at: world.queue.now, kind: 'strike', strike }));
        },
      },
      // When everyone has heard of it.
      { at: (SETTLED_MS + 2000) * 1000, kind: 'command', host: 0, errand },
    ],
    look({ world, panel, atMs }) {
      // Long enough for the deploy to be everywhere.
      if (atMs < SETTLED_MS + 5000) return undefined;
      vigil ??= createVigil(world, panel.leases);
      const sight = look(vigil, atMs - SETTLED_MS - 5000);
      if (sight.kind === 'waiting') return undefined;
      seen = sight.kind === 'right' ? 'right' : `${sight.rule} ${sight.text}`;
      return seen;
    },
  });
  expect(seen).toBe('right');
});

/** One look at a settled cluster, everyone being well. */
function calmOf({ world, panel: { leases } }: Scene): Calm {
  world.core ??= new Set(all);
  const standings = standingsOf(world);
  const team = world.hosts.flatMap((host) =>
    host.agent !== undefined && isWell(standings[host.index])
      ? [{ host, core: host.agent.core }]
      : [],
  );
  return { world, leases, standings, team };
}

const rules = (owed: readonly { readonly rule: string }[]): readonly string[] => [
  ...new Set(owed.map(({ rule }) => rule)),
];

it('L2: a leader that is well goes on leading', () => {
  let reigns: ReturnType<typeof reignsOf> | undefined;
  const seen: (readonly string[])[] = [];
  // Whoever leads, its machine is gone for a while.
  const timeline = [0, 1, 2, 3, 4].map((host) => {
    const strike: Strike = { kind: 'lose', host, forMs: 5000 };
    return { at: (SETTLED_MS + 2000 + host * 8000) * 1000, kind: 'strike', strike } as const;
  });
  simulate(options(), {
    timeline,
    look(scene) {
      if (scene.atMs < SETTLED_MS) return undefined;
      const calm = calmOf(scene);
      reigns ??= reignsOf(calm);
      seen.push(rules(dethroned(calm, reigns)));
      return scene.atMs > SETTLED_MS + 45_000 ? 'enough' : undefined;
    },
  });
  expect(seen[0]).toEqual([]);
  expect(seen.at(-1)).toEqual(['L2']);
});

it('L7: a binding that nobody counts on is given back', () => {
  const seen: (readonly string[])[] = [];
  simulate(options(), {
    look(scene) {
      if (scene.atMs < SETTLED_MS) return undefined;
      const calm = calmOf(scene);
      const held = calm.team.flatMap(({ core }) => [...(core.leases?.voter.places.values() ?? [])]);
      const owner = held.find(({ binding }) => binding !== undefined)?.binding?.session.owner;
      seen.push(rules(leaked(calm)));
      calm.team.find(({ host }) => host.id === owner)?.core.leases?.holder.holds.clear();
      seen.push(rules(leaked(calm)));
      return 'enough';
    },
  });
  expect(seen).toEqual([[], ['L7']]);
});

it.each([
  [['h1', 'h2', 'h9'], undefined, 'h9 is gone, h3 h4 h5 could vote instead'],
  [['h1'], undefined, 'should have 3'],
  [['h1', 'h2', 'h3'], ['h1', 'h2', 'h4'], 'is on its way to h1 h2 h4'],
] as const)('L6: of five hosts %j vote, next %j: %s', (voters, next, lack) => {
  let seen = '';
  simulate(options(), {
    look({ world, panel, atMs }) {
      if (atMs < SETTLED_MS) return undefined;
      for (const { agent } of world.hosts) {
        if (agent === undefined) continue;
        const { council } = agent.core;
        council.roster = {
          ...council.roster,
          voters: voters.map(hostId),
          ...(next === undefined ? {} : { next: next.map(hostId) }),
        };
      }
      const sight = look(createVigil(world, panel.leases), 60_000);
      seen = sight.kind === 'stuck' ? `${sight.rule} ${sight.text}` : sight.kind;
      return 'enough';
    },
  });
  expect(seen).toContain(`L6 epoch 1 has the voters ${voters.join(' ')} and ${lack}`);
});
