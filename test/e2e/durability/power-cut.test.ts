/**
 * Deploys and power cuts, as seeds say: when the power is back the last acknowledged deploy must be
 * there, or one that was never answered; nothing else. Two performers that do not wait for the disk show that the test sees it.
 */
import { describe, expect, test } from 'vitest';
import { createPerformer } from '../../../node/perform.ts';
import { stackKey } from '../../../protocol/base/ids.ts';
import { below, pick, within } from '../../../protocol/base/prng.ts';
import { instant, seconds } from '../../../protocol/base/time.ts';
import type { StackSpec } from '../../../protocol/component/spec.ts';
import type { CommandResult } from '../../../protocol/effect.ts';
import { committedOf } from '../../../protocol/record/committed.ts';
import { compareRevision, type Committed } from '../../../protocol/record/record.ts';
import { viewOf } from '../../../protocol/view/build.ts';
import {
  command,
  createWorld,
  cutPower,
  type Host,
  passUntil,
  type PerformerOf,
  powerOn,
  type World,
} from './powered-hosts.ts';

const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);
const ROUNDS = 5;
const KEY = stackKey('demo');
/** Silence of restarted voters, detection, election, re-commit, dissemination. */
const SETTLE_MS = 30_000;
/** Longer than any answer to a command takes. */
const ANSWER_MS = 15_000;

/** Each version is another spec; it wants no instances. */
const stackOf = (version: number): StackSpec => ({
  name: 'demo',
  components: [
    {
      name: 'app',
      mode: 'replicated',
      replicas: 0,
      process: { command: ['true'] },
      environment: { VERSION: String(version) },
      ports: [],
      volumes: [],
      restart: { kind: 'always' },
      dependsOn: [],
      stopGraceMs: seconds(1),
    },
  ],
});

const versionIn = (record: Committed | undefined): number =>
  record?.value.kind === 'stack'
    ? Number(record.value.spec?.components[0]?.environment['VERSION'] ?? 0)
    : 0;

const knownBy = ({ running }: Host): Committed | undefined =>
  running === undefined ? undefined : committedOf(running.core.committed, KEY);

/** The record that a leader serves and that every host knows. */
function agreed({ hosts }: World): Committed | undefined {
  for (const { running } of hosts) {
    const writer = running?.core.writers.get(KEY);
    if (writer?.phase !== 'serving' || writer.record === undefined) continue;
    const { record } = writer;
    const isKnown = hosts.every((host) => {
      const known = knownBy(host);
      return known !== undefined && compareRevision(known.revision, record.revision) === 0;
    });
    if (isKnown) return record;
  }
  return undefined;
}

/** Whether this host would take a deploy. */
const hearsQuorum = ({ now }: World, { running }: Host): boolean =>
  running !== undefined && viewOf(running.core, instant(now - running.startedAt)).quorum;

type Tale = { readonly wrongs: readonly string[]; readonly acknowledged: number };

async function liveThrough(seed: number, performerOf: PerformerOf): Promise<Tale> {
  const world = createWorld(seed, performerOf);
  const { hosts } = world;
  for (const host of hosts) await powerOn(world, host);
  const wrongs: string[] = [];
  /** Asked for and never answered: each may still happen, once. */
  const open = new Set<number>();
  let acknowledged = 0;
  let last = 0;
  for (let version = 1; version <= ROUNDS; version += 1) {
    await passUntil(world, SETTLE_MS, () => hosts.every((host) => hearsQuorum(world, host)));
    const result = await deployAndCut(world, version);
    if (result === undefined || result.kind === 'unknown') open.add(version);
    if (result?.kind === 'committed') {
      acknowledged += 1;
      last = version;
    }
    try {
      await powerBack(world);
    } catch (error) {
      wrongs.push(`after version ${version} a disk cannot be read: ${String(error)}`);
      break;
    }
    await passUntil(world, SETTLE_MS, () => agreed(world) !== undefined);
    const found = versionIn(agreed(world));
    const isFair = found === last || open.delete(found);
    if (!isFair) wrongs.push(`version ${last} was acknowledged, found is ${found}`);
    last = found;
  }
  return { wrongs, acknowledged };
}

/** Cuts the power of some hosts in the moment of the acknowledgment, or while it is under way. */
async function deployAndCut(world: World, version: number): Promise<CommandResult | undefined> {
  const { hosts, prng } = world;
  const victims = below(prng, 3) === 0 ? [pick(prng, hosts)] : hosts;
  const cut = (): void => victims.forEach(cutPower);
  let result: CommandResult | undefined;
  let isOver = false;
  const given = { kind: 'deploy', deployId: `d${version}`, spec: stackOf(version) } as const;
  command(world, pick(prng, hosts), given, (told) => {
    if (isOver) return; // too late: whoever asked has given up
    result = told;
    cut();
  });
  const isMidway = below(prng, 4) === 0;
  await passUntil(world, isMidway ? within(prng, 1, 100) : ANSWER_MS, () => result !== undefined);
  isOver = true;
  cut();
  return result;
}

async function powerBack(world: World): Promise<void> {
  for (const host of world.hosts) {
    if (host.running !== undefined) continue;
    await passUntil(world, within(world.prng, 0, 500), () => false);
    await powerOn(world, host);
  }
}

describe('what was acknowledged is there after the power was cut', () => {
  test.each(SEEDS)('seed %i', async (seed) => {
    const { wrongs, acknowledged } = await liveThrough(seed, createPerformer);
    expect(wrongs).toEqual([]);
    expect(acknowledged).toBeGreaterThan(0);
  });
});

describe('that this test can fail is shown by a performer', () => {
  test.each<[string, PerformerOf]>([
    [
      'that knows no barrier',
      ({ begin, persist }) => ({
        perform(effects) {
          for (const effect of effects)
            if (effect.kind === 'persist') void persist(effect.writes);
            else begin(effect);
        },
        drained: async () => undefined,
      }),
    ],
    [
      'whose store acknowledges before its fsync',
      (hands) =>
        createPerformer({
          ...hands,
          async persist(writes) {
            void hands.persist(writes);
          },
        }),
    ],
  ])('%s', async (_, careless) => {
    const tales: Tale[] = [];
    for (const seed of SEEDS) tales.push(await liveThrough(seed, careless));
    const lossy = tales.filter(({ wrongs }) => wrongs.length > 0);
    expect(lossy.length).toBeGreaterThan(SEEDS.length / 2);
    expect(lossy.flatMap(({ wrongs }) => wrongs).join('\n')).toMatch(/was acknowledged, found is/);
  });
});
