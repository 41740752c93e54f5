/**
 * A user holds a rollout, lets it go on, or puts the former spec back, and the component's leader dies
 * before, while and after it hears of that: what was said holds.
 */
import { describe, expect, it } from 'vitest';
import { componentKey } from '../../../protocol/base/ids.ts';
import { millis } from '../../../protocol/base/time.ts';
import { specDigest } from '../../../protocol/component/digest.ts';
import type { ComponentSpec, StackSpec } from '../../../protocol/component/spec.ts';
import { DEFAULT_UPDATE, type Steering } from '../../../protocol/component/update.ts';
import { holdersOf } from '../../../sim/checkers/leases.ts';
import { running } from '../../../sim/engine/engine.ts';
import { quiet } from '../../../sim/options.ts';
import { type Planned, type Scene, simulate } from '../../../sim/run.ts';
import type { Deed } from '../../../sim/tape.ts';
import { WANTED, WEB } from './served.ts';

const POLICY = { ...DEFAULT_UPDATE, monitorMs: millis(1000) };
const OLD: ComponentSpec = { ...WEB, update: POLICY, rollback: { ...POLICY, parallelism: 2 } };
const NEW: ComponentSpec = { ...OLD, environment: { V: 'b' } };
const KEY = componentKey('shop.web' as Parameters<typeof componentKey>[0]);

const ROLL_MS = 10_000;
/** By then the second of four is on trial. */
const SAID_MS = 12_500;
const RESUMED_MS = 22_000;
const END_MS = 40_000;

const shop = (web: ComponentSpec, steering?: Steering): StackSpec => ({
  name: 'shop',
  components: [steering === undefined ? web : { ...web, steering }],
});

const deploy = (atMs: number, deployId: string, spec: StackSpec): Deed => ({
  at: atMs * 1000,
  kind: 'command',
  host: 1,
  errand: { stack: 'shop', given: { kind: 'deploy', deployId, spec }, attempt: 1 },
});

/** The agent that leads the component then is gone for as long. */
const die = (atMs: number, forMs: number): Planned => ({
  at: atMs * 1000,
  deedsIn: ({ panel, world }: Scene): readonly Deed[] =>
    holdersOf(panel.leases, KEY, world.queue.now).map(({ index: host }) => ({
      at: world.queue.now,
      kind: 'strike',
      strike: { kind: 'crash', host, forMs },
    })),
});

type Seen = { readonly atMs: number; readonly old: number; readonly fresh: number };

/** How many serve of either spec, at every moment looked at. */
function roll(said: readonly Deed[], diesAtMs: number | undefined): readonly Seen[] {
  const seen: Seen[] = [];
  const timeline: (Deed | Planned)[] = [
    deploy(ROLL_MS, 'next', shop(NEW)),
    ...said,
    ...(diesAtMs === undefined ? [] : [die(SAID_MS + diesAtMs, 4000)]),
  ];
  const options = {
    ...quiet(1, 3, END_MS),
    voterCount: 3,
    workload: { kind: 'given', stacks: [shop(OLD)] },
  } as const;
  const { verdict } = simulate(options, {
    timeline: timeline.toSorted((a, b) => a.at - b.at),
    look(scene) {
      const all = scene.world.hosts.flatMap(({ engine }) =>
        running(engine).filter(({ health }) => health === 'healthy'),
      );
      const count = (spec: ComponentSpec): number =>
        all.filter(({ revision }) => revision === specDigest(spec)).length;
      seen.push({ atMs: scene.atMs, old: count(OLD), fresh: count(NEW) });
      return undefined;
    },
  });
  expect(verdict).toEqual({ kind: 'passed' });
  return seen;
}

const between = (seen: readonly Seen[], fromMs: number, untilMs: number): readonly Seen[] =>
  seen.filter(({ atMs }) => atMs > fromMs && atMs < untilMs);
const fewest = (seen: readonly Seen[]): number =>
  Math.min(...between(seen, ROLL_MS, END_MS).map(({ old, fresh }) => old + fresh));

describe.each([undefined, -20, 1, 5, 20, 200, 1000])('its leader dies after %s ms', (diesAtMs) => {
  it('a rollout that is held stands still, and goes on when it is told to', () => {
    const said = [
      deploy(SAID_MS, 'hold', shop(NEW, { held: true })),
      deploy(RESUMED_MS, 'go', shop(NEW, { resumed: 'go' })),
    ];
    const seen = roll(said, diesAtMs);
    const held = between(seen, SAID_MS + 6000, RESUMED_MS);
    expect(held.length).toBeGreaterThan(0);
    expect(new Set(held.map(({ old, fresh }) => `${old} ${fresh}`))).toEqual(new Set(['2 2']));
    expect(seen.at(-1)).toMatchObject({ old: 0, fresh: WANTED });
    expect(fewest(seen)).toBe(WANTED - 1);
  });

  it('one that is undone puts the former spec back, by its own policy', () => {
    const said = [deploy(SAID_MS, 'undo', shop(OLD, { undoes: specDigest(NEW) }))];
    const seen = roll(said, diesAtMs);
    expect(seen.at(-1)).toMatchObject({ old: WANTED, fresh: 0 });
    expect(fewest(seen)).toBeGreaterThanOrEqual(WANTED - 2);
  });
});
