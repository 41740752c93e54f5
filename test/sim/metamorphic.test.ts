/** What must stay the same, or small, when something else changes: M2 to M4. M1 is in `seeds.test.ts`. */
import { describe, expect, it } from 'vitest';
import { millis } from '../../protocol/base/time.ts';
import type { ComponentSpec, StackSpec } from '../../protocol/component/spec.ts';
import type { Message } from '../../protocol/wire/message.ts';
import { clusterId } from '../../protocol/base/ids.ts';
import { encodeFrame } from '../../node/network/codec.ts';
import { running, seatName } from '../../sim/engine/engine.ts';
import { quiet } from '../../sim/options.ts';
import { type RunOptions, type Scene, simulate } from '../../sim/run.ts';

const component = (name: string, replicas: number): ComponentSpec => ({
  name,
  mode: 'replicated',
  replicas,
  process: { command: ['serve'] },
  environment: {},
  ports: [],
  volumes: [],
  restart: { kind: 'always' },
  dependsOn: [],
  stopGraceMs: millis(1000),
});

const components = (count: number): StackSpec => ({
  name: 'shop',
  components: Array.from({ length: count }, (_, i) => component(`c${i}`, 1)),
});

/** A quiet cluster of three voters that runs one stack, for a minute. */
function run(hostCount: number, stack: StackSpec, how: RunOptions): void {
  const options = { ...quiet(1, hostCount, 60_000), voterCount: 3 } as const;
  const outcome = simulate({ ...options, workload: { kind: 'given', stacks: [stack] } }, how);
  expect(outcome.verdict).toEqual({ kind: 'passed' });
}

describe('M2: a host that comes idle changes nothing', () => {
  /** Which host runs and leads what. */
  const ownership = ({ world, panel }: Scene): readonly string[] =>
    world.hosts.flatMap(({ id, engine }, index) => [
      ...running(engine).map(
        ({ component: name, slot, attempt }) => `${id} ${seatName(name, slot)} #${attempt}`,
      ),
      ...[...panel.leases.holds]
        .filter(([, holders]) => holders.has(world.hosts[index] as never))
        .map(([key]) => `${id} leads ${key}`),
    ]);

  it.each([4, 6])('the last of %i', (hostCount) => {
    const strike = { kind: 'lose', host: hostCount - 1, forMs: 30_000 } as const;
    const spec = { name: 'shop', components: [component('web', 5), component('db', 1)] };
    const given = { kind: 'deploy', deployId: 'op', spec } as const;
    const errand = { stack: 'shop', given, attempt: 1 };
    let before: readonly string[] = [];
    let after: readonly string[] = [];
    const options = { ...quiet(1, hostCount, 60_000), voterCount: 3 } as const;
    simulate(
      { ...options, workload: { kind: 'given', stacks: [] } },
      {
        timeline: [
          { at: 3_000_000, kind: 'strike', strike },
          { at: 20_000_000, kind: 'command', host: 0, errand },
        ],
        look(scene) {
          if (scene.atMs < 32_000) before = ownership(scene);
          after = ownership(scene);
          return undefined;
        },
      },
    );
    expect(before.length).toBeGreaterThan(8);
    expect(after).toEqual(before);
  });
});

it('M3: keepalives do not grow with the number of components', () => {
  const renewals = [1, 30].map((count) => {
    let sent = 0;
    run(3, components(count), {
      onBegun({ atMs }, _host, effect) {
        if (atMs < 30_000 || effect.kind !== 'send') return;
        if (effect.message.kind === 'keepalive' || effect.message.kind === 'beat') sent += 1;
      },
    });
    return sent;
  });
  const [few = 0, many = 0] = renewals;
  expect(few).toBeGreaterThan(500);
  expect(Math.abs(many - few)).toBeLessThan(few / 20);
});

describe('M4: what a host says stays within its budget', () => {
  /** Beats to four watchers, sessions with three voters, a pull every 1.5 s, a heartbeat a second. */
  const MESSAGES_PER_SECOND = 30;
  /** Of these 140 for what each answer to a keepalive says of classes of leases and of keys taken by force. */
  const BYTES_PER_SECOND = 3700;

  it.each([5, 13])('of %i hosts', (hostCount) => {
    let messages = 0;
    let bytes = 0;
    run(hostCount, components(hostCount), {
      onBegun({ atMs }, _host, effect) {
        if (atMs < 20_000 || atMs >= 60_000) return;
        if (effect.kind !== 'send' && effect.kind !== 'publish') return;
        messages += 1;
        bytes += sizeOf(effect.message);
      },
    });
    expect(messages / hostCount / 40).toBeLessThan(MESSAGES_PER_SECOND);
    expect(bytes / hostCount / 40).toBeLessThan(BYTES_PER_SECOND);
  });
});

const sizeOf = (message: Message): number => encodeFrame(clusterId('test'), message).length;
