/**
 * A rollout whose leader dies, at whatever moment: never do fewer serve than its order and parallelism
 * promise, nor is more than one batch ahead, and it comes to its end.
 */
import { describe, expect, it } from 'vitest';
import { componentKey } from '../../../protocol/base/ids.ts';
import { millis } from '../../../protocol/base/time.ts';
import type { ComponentSpec, StackSpec } from '../../../protocol/component/spec.ts';
import { DEFAULT_UPDATE, type UpdatePolicy } from '../../../protocol/component/update.ts';
import { holdersOf } from '../../../sim/checkers/leases.ts';
import { running } from '../../../sim/engine/engine.ts';
import { quiet } from '../../../sim/options.ts';
import { type Planned, type Scene, simulate } from '../../../sim/run.ts';
import type { Deed } from '../../../sim/tape.ts';
import { WANTED, WEB } from './served.ts';

const FROM_MS = 10_000;
const LASTS_MS = 20_000;
const shop = (web: Partial<ComponentSpec>): StackSpec => ({
  name: 'shop',
  components: [{ ...WEB, ...web }],
});
const KEY = componentKey('shop.web' as Parameters<typeof componentKey>[0]);

/** What serves, by slot and by what it is made from. */
function serving({
  world,
}: Scene): readonly { readonly slot: number; readonly revision: string }[] {
  return world.hosts.flatMap(({ engine }) =>
    running(engine).filter(({ health }) => health === 'healthy'),
  );
}

type Seen = { fewest: number; readonly revisions: Set<string>; last: readonly string[] };

/** The agent that leads the component then is gone for as long. */
function die(atMs: number, forMs: number): Planned {
  const deedsIn = ({ panel, world }: Scene): readonly Deed[] => {
    const { now: at } = world.queue;
    const leaders = holdersOf(panel.leases, KEY, at);
    return leaders.map(({ index: host }) => ({
      at,
      kind: 'strike',
      strike: { kind: 'crash', host, forMs },
    }));
  };
  return { at: atMs * 1000, deedsIn };
}

function roll(update: Partial<UpdatePolicy>, diesAtMs: number | undefined): Seen {
  const policy: UpdatePolicy = { ...DEFAULT_UPDATE, monitorMs: millis(1000), ...update };
  const deploy = (atMs: number, deployId: string, spec: StackSpec): Deed => ({
    at: atMs * 1000,
    kind: 'command',
    host: 1,
    errand: { stack: 'shop', given: { kind: 'deploy', deployId, spec }, attempt: 1 },
  });
  const timeline: (Deed | Planned)[] = [
    deploy(FROM_MS, 'next', shop({ environment: { V: 'b' }, update: policy })),
    ...(diesAtMs === undefined ? [] : [die(FROM_MS + diesAtMs, 4000)]),
  ];
  const options = {
    ...quiet(1, 3, FROM_MS + LASTS_MS),
    voterCount: 3,
    workload: { kind: 'given', stacks: [shop({})] },
  } as const;
  const seen: Seen = { fewest: Infinity, revisions: new Set(), last: [] };
  const { verdict } = simulate(options, {
    timeline,
    look(scene) {
      const all = serving(scene);
      seen.last = all.map(({ slot, revision }) => `${slot} ${revision}`).sort();
      for (const { revision } of all) seen.revisions.add(revision);
      if (scene.atMs > FROM_MS) seen.fewest = Math.min(seen.fewest, all.length);
      return undefined;
    },
  });
  expect(verdict).toEqual({ kind: 'passed' });
  return seen;
}

const DEATHS_MS = [undefined, 100, 1100, 2100, 4500, 9000];

describe.each<[string, Partial<UpdatePolicy>, number]>([
  ['stop-first, one at a time', {}, WANTED - 1],
  ['stop-first, two at a time', { parallelism: 2 }, WANTED - 2],
  ['start-first', { order: 'startFirst' }, WANTED],
])('%s', (_what, update, fewest) => {
  it.each(DEATHS_MS)('its leader dies after %s ms', (diesAtMs) => {
    const seen = roll(update, diesAtMs);
    expect(seen.fewest).toBe(fewest);
    expect(seen.revisions.size).toBe(2);
    expect(seen.last.map((each) => each.split(' ')[0])).toEqual(['1', '2', '3', '4']);
    expect(new Set(seen.last.map((each) => each.split(' ')[1])).size).toBe(1);
  });
});
