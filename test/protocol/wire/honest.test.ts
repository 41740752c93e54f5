/**
 * What honest agents say to each other and keep on their disks is decoded without a single refusal:
 * a relation that the decoder asks for and the core does not keep would cut hosts off.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { clusterId, type HostId, hostId, ROSTER_KEY } from '../../../protocol/base/ids.ts';
import { instant } from '../../../protocol/base/time.ts';
import { LAN } from '../../../protocol/config.ts';
import { decodeRestored } from '../../../protocol/core/restore.ts';
import type { Core } from '../../../protocol/core/state.ts';
import { createCore, emptyDisk, foundCluster, nextDeadline, step } from '../../../protocol/core.ts';
import type { Effect } from '../../../protocol/effect.ts';
import type { Input } from '../../../protocol/input.ts';
import { decodeMessage } from '../../../protocol/wire/decode.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import { KINDS } from './arbitrary-messages.ts';
import { SPEC } from './examples.ts';

const HOSTS = ['h1', 'h2', 'h3', 'h4'].map(hostId);
const LATENCY_MS = 2;

type Host = { readonly disk: Map<string, unknown>; core: Core | undefined };
type Post = { readonly at: number; readonly to: HostId; readonly input: Input };
/** A cluster in one process whose every message and disk goes through the decoder. */
type World = {
  now: number;
  readonly hosts: Map<HostId, Host>;
  post: Post[];
  /** Hosts that stand still: what they are told waits. */
  readonly paused: Set<HostId>;
  readonly kinds: Set<Message['kind']>;
  readonly refused: string[];
};

function start(world: World, id: HostId, first = emptyDisk(LAN), joins = false): void {
  const host = world.hosts.get(id) ?? {
    disk: new Map([['roster', first.roster]]),
    core: undefined,
  };
  world.hosts.set(id, host);
  const restored = decodeRestored(host.disk, LAN);
  if (!restored.ok) throw new Error(`${id}: ${restored.error.path}: ${restored.error.message}`);
  const facts = {
    kind: 'host',
    name: id,
    agent: '0.1.0',
    engine: 'docker',
    runs: 'images',
    publishAddress: '127.0.0.1',
    cpuCount: 2,
    memoryBytes: 1024,
  } as const;
  const identity = { host: id, cluster: clusterId('c1'), name: id, peerId: `12D3KooW${id}`, facts };
  host.core = createCore(LAN, identity, world.now + id.charCodeAt(1), {
    ...restored.value,
    joins: joins || restored.value.joins,
  });
  give(world, id, { kind: 'started' });
  give(world, id, { kind: 'instancesListed', instances: [] });
  for (const [other, { core }] of world.hosts) {
    if (other === id || core === undefined) continue;
    give(world, id, { kind: 'peerConnected', host: other });
    give(world, other, { kind: 'peerConnected', host: id });
  }
}

function stop(world: World, id: HostId): void {
  const host = world.hosts.get(id);
  if (host !== undefined) host.core = undefined;
  for (const other of world.hosts.keys())
    give(world, other, { kind: 'peerDisconnected', host: id });
}

function give(world: World, to: HostId, input: Input): void {
  const host = world.hosts.get(to);
  if (host?.core === undefined) return;
  for (const effect of step(host.core, input, instant(world.now))) perform(world, to, host, effect);
}

function perform(world: World, from: HostId, host: Host, effect: Effect): void {
  if (effect.kind === 'persist') {
    for (const { name, value } of effect.writes) {
      if (value === undefined) host.disk.delete(name);
      else host.disk.set(name, structuredClone(value));
    }
  } else if (effect.kind === 'send') {
    say(world, effect.message, [effect.to], (message) => ({
      kind: 'messageReceived',
      from,
      message,
    }));
  } else if (effect.kind === 'publish') {
    const others = HOSTS.filter((id) => id !== from);
    say(world, effect.message, others, (message) => ({ kind: 'gossipReceived', from, message }));
  } else if (effect.kind === 'connectProbe') {
    const outcome = world.hosts.get(effect.host)?.core === undefined ? 'refused' : 'connected';
    const input: Input = { kind: 'connectProbed', host: effect.host, outcome };
    world.post.push({ at: world.now + LATENCY_MS, to: from, input });
  } else if (effect.kind === 'startInstance') {
    const { component, slot, attempt, revision, term } = effect;
    const engineId = `${from}.${component}.${slot}.${attempt}`;
    const seen = { engineId, component, slot, attempt, revision, term, state: 'running' } as const;
    const instance = { ...seen, health: 'none', pid: 7, ports: [] } as const;
    world.post.push({ at: world.now + 10, to: from, input: { kind: 'instanceStarted', instance } });
  }
}

function say(
  world: World,
  message: Message,
  to: readonly HostId[],
  inputOf: (message: Message) => Input,
): void {
  const decoded = decodeMessage(structuredClone(message));
  if (!decoded.ok) {
    world.refused.push(`${message.kind}: ${decoded.error.path}: ${decoded.error.message}`);
    return;
  }
  world.kinds.add(message.kind);
  for (const host of to)
    world.post.push({ at: world.now + LATENCY_MS, to: host, input: inputOf(decoded.value) });
}

function run(world: World, lengthMs: number): void {
  const end = world.now + lengthMs;
  for (; world.now < end; world.now += 1) {
    const due = world.post.filter(({ at, to }) => at <= world.now && !world.paused.has(to));
    world.post = world.post.filter((each) => !due.includes(each));
    for (const { to, input } of due) give(world, to, input);
    for (const [id, { core }] of world.hosts) {
      if (core === undefined || world.paused.has(id)) continue;
      const deadline = nextDeadline(core);
      if (deadline !== undefined && deadline <= world.now) give(world, id, { kind: 'woken' });
    }
  }
}

describe('a cluster that grows, deploys, loses a host, takes it back and has one stand still', () => {
  const world: World = {
    now: 0,
    hosts: new Map(),
    post: [],
    paused: new Set(),
    kinds: new Set(),
    refused: [],
  };
  const [h1, h2, h3, h4] = HOSTS as [HostId, HostId, HostId, HostId];

  beforeAll(() => {
    start(world, h1, foundCluster(h1, LAN));
    run(world, 2_000);
    for (const id of [h2, h3, h4]) start(world, id);
    run(world, 15_000);
    const command = (deploy: Extract<Input, { kind: 'commandGiven' }>['command']): Input => ({
      kind: 'commandGiven',
      commandId: `c${world.now}`,
      command: deploy,
    });
    const decoded = decodeMessage({ kind: 'deploy', deployId: 'd1', stack: SPEC.name, spec: SPEC });
    if (!decoded.ok || decoded.value.kind !== 'deploy' || decoded.value.spec === undefined)
      throw new Error(`no spec: ${JSON.stringify(decoded)}`);
    const { spec } = decoded.value;
    give(world, h4, command({ kind: 'deploy', deployId: 'd1', spec }));
    run(world, 5_000);
    stop(world, h2);
    run(world, 10_000);
    give(
      world,
      h3,
      command({
        kind: 'deploy',
        deployId: 'd2',
        spec: { ...spec, components: spec.components.map((each) => ({ ...each, replicas: 3 })) },
      }),
    );
    run(world, 5_000);
    start(world, h2);
    run(world, 5_000);
    world.paused.add(h3);
    run(world, 1_000);
    world.paused.delete(h3);
    run(world, 5_000);
    // Whoever leads it now, the next in turn does not.
    for (const force of [false, true])
      for (const to of [h1, h2, h3]) {
        give(world, h1, command({ kind: 'lead', key: ROSTER_KEY, to, force }));
        run(world, 5_000);
      }
    give(world, h1, command({ kind: 'destroy', deployId: 'd3', stack: SPEC.name }));
    run(world, 5_000);
    const votes = (id: HostId): boolean =>
      world.hosts.get(h1)?.core?.council.roster.voters.includes(id) === true;
    const spare = HOSTS.find((id) => !votes(id)) ?? h4;
    const [asked] = HOSTS.filter(votes);
    world.paused.add(spare);
    run(world, 10_000);
    const change = { kind: 'availability', to: 'cordoned' } as const;
    give(world, h1, command({ kind: 'adjust', host: h1, change }));
    give(world, asked ?? h1, command({ kind: 'forget', host: spare }));
    run(world, 2_000);
    world.paused.delete(spare);
    run(world, 5_000);
    stop(world, spare);
    start(world, spare, emptyDisk(LAN), true);
    run(world, 5_000);
  });

  it('is never misunderstood', () => {
    expect(world.refused).toEqual([]);
  });

  it('says everything there is to say', () => {
    const unsaid = KINDS.filter((kind) => !world.kinds.has(kind));
    expect(unsaid).toEqual([]);
  });

  it('agrees in the end that the stack is gone, on every disk', () => {
    for (const { disk } of world.hosts.values()) {
      const restored = decodeRestored(disk, LAN);
      expect(
        restored.ok && restored.value.committed.find(({ key }) => key === 'stack/shop')?.value,
      ).toMatchObject({ kind: 'stack', life: 1 });
    }
  });
});
