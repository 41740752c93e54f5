/**
 * Whole cores of a few hosts over a network in memory and in virtual time, with engines that do what
 * they are told. A write is durable at once; a crash between two writes of one step is asked for by
 * `writesLeft`. What users and operators would notice is kept as lines.
 */
import { clusterId, type HostId, hostId } from '../../../protocol/base/ids.ts';
import { type Instant, instant, millis, NEVER } from '../../../protocol/base/time.ts';
import type { ComponentSpec, StackSpec } from '../../../protocol/component/spec.ts';
import { LAN } from '../../../protocol/config.ts';
import { decodeRestored } from '../../../protocol/core/restore.ts';
import { type Core, createCore, foundCluster, nextDeadline, step } from '../../../protocol/core.ts';
import type { Effect } from '../../../protocol/effect.ts';
import { begin, createGuard, type Guard, vouch } from '../../../protocol/guard/guard.ts';
import type { Input, Observed } from '../../../protocol/input.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import { spec } from '../reconcile/stage.ts';
import { instanceOf } from './instance.ts';

export type Host = {
  readonly id: HostId;
  readonly disk: Map<string, unknown>;
  readonly instances: Map<string, Observed>;
  guarded: boolean;
  readonly guard: Guard;
  core: Core | undefined;
  /** The machine itself is gone: nothing answers. */
  lost: boolean;
  /** Everything that happens to it waits for this instant: a stopped process. */
  stoppedUntil: number;
  /** Writes that still reach the disk before the agent dies; undefined: all of them. */
  writesLeft: number | undefined;
  made: number;
  steps: number;
};
type Event = { readonly at: number; readonly happen: () => void };

export type Cluster = {
  now: number;
  readonly hosts: Map<string, Host>;
  readonly lines: string[];
  readonly events: Event[];
  /** Every step settles everything, however little has happened. */
  eager: boolean;
  /** Whether a message is lost on its way. */
  lost: (from: HostId, to: HostId, message: Message) => boolean;
};

const DELAY_MS = 1;
const START_MS = 20;

export function newCluster(names: string): Cluster {
  const hosts = new Map(
    Array.from(names, (name): [string, Host] => [
      name,
      {
        id: hostId(name),
        disk: new Map(),
        instances: new Map(),
        guarded: false,
        guard: createGuard(),
        core: undefined,
        lost: false,
        stoppedUntil: 0,
        writesLeft: undefined,
        made: 0,
        steps: 0,
      },
    ]),
  );
  return { now: 1000, hosts, lines: [], events: [], eager: false, lost: () => false };
}

export function hostOf(cluster: Cluster, name: string): Host {
  const host = cluster.hosts.get(name);
  if (host === undefined) throw new Error(`there is no host ${name}`);
  return host;
}
export function coreOf(cluster: Cluster, name: string): Core {
  const { core } = hostOf(cluster, name);
  if (core === undefined) throw new Error(`no agent runs on ${name}`);
  return core;
}

export function found(cluster: Cluster, name: string): void {
  const { disk, id } = hostOf(cluster, name);
  disk.set('roster', foundCluster(id, LAN).roster);
  start(cluster, name);
}

/** Starts the agent over what its disk holds; `joins`: a user tells it to join again. */
export function start(cluster: Cluster, name: string, joins = false): void {
  const host = hostOf(cluster, name);
  const restored = decodeRestored(structuredClone(host.disk), LAN);
  if (!restored.ok) throw new Error(`${name}: ${JSON.stringify(restored.error)}`);
  host.lost = false;
  host.writesLeft = undefined;
  const kept = joins ? { ...restored.value, joins } : restored.value;
  host.core = createCore(LAN, identityOf(host), name.charCodeAt(0), kept);
  give(cluster, host, { kind: 'started' });
  if (host.guarded) guardJoins(cluster, host);
  for (const other of cluster.hosts.values())
    if (other !== host && other.core !== undefined) connect(cluster, host, other);
}

/** Its guard answers from now on. */
export function guardJoins(cluster: Cluster, host: Host): void {
  host.guarded = true;
  begin(host.guard);
  give(cluster, host, { kind: 'guardJoined' });
}

function identityOf({ id }: Host): Core['identity'] {
  const facts = {
    kind: 'host',
    name: id,
    agent: '1',
    engine: 'in memory',
    runs: 'images',
    publishAddress: '0.0.0.0',
    address: `10.0.0.${id}`,
    cpuCount: 1,
    memoryBytes: 1,
  } as const;
  return { host: id, cluster: clusterId('test'), name: id, peerId: `peer-${id}`, facts };
}

function connect(cluster: Cluster, a: Host, b: Host): void {
  plan(cluster, DELAY_MS, () => give(cluster, a, { kind: 'peerConnected', host: b.id }));
  plan(cluster, DELAY_MS, () => give(cluster, b, { kind: 'peerConnected', host: a.id }));
}

/** The process is gone; its instances go on. */
export function crash(cluster: Cluster, name: string): void {
  const host = hostOf(cluster, name);
  host.core = undefined;
  for (const other of cluster.hosts.values())
    if (other !== host)
      plan(cluster, DELAY_MS, () =>
        give(cluster, other, { kind: 'peerDisconnected', host: host.id }),
      );
}

/** The machine is gone, and with it all that ran on it. */
export function lose(cluster: Cluster, name: string): void {
  const host = hostOf(cluster, name);
  host.core = undefined;
  host.lost = true;
  host.instances.clear();
}

/** Only hosts of one group hear each other; without groups all do. */
export function divide(cluster: Cluster, ...groups: readonly string[]): void {
  const groupOf = (id: HostId): number => groups.findIndex((group) => group.includes(id));
  cluster.lost = (from, to) => groups.length > 0 && groupOf(from) !== groupOf(to);
}

function plan(cluster: Cluster, inMs: number, happen: () => void): void {
  const event = { at: cluster.now + inMs, happen };
  const { events } = cluster;
  let i = events.length;
  for (; i > 0; i--) {
    const before = events[i - 1];
    if (before !== undefined && before.at <= event.at) break;
  }
  events.splice(i, 0, event);
}

export function run(cluster: Cluster, ms: number): void {
  const end = cluster.now + ms;
  for (let event = cluster.events[0]; event !== undefined && event.at <= end;) {
    cluster.events.shift();
    cluster.now = event.at;
    event.happen();
    event = cluster.events[0];
  }
  cluster.now = end;
}

/** Runs until the condition holds; returns how long that took, or fails after `limitMs`. */
export function soon(cluster: Cluster, limitMs: number, holds: () => boolean): number {
  const began = cluster.now;
  while (!holds()) {
    if (cluster.now - began >= limitMs)
      throw new Error([`not so after ${limitMs} ms`, ...cluster.lines.slice(-40)].join('\n'));
    run(cluster, 5);
  }
  return cluster.now - began;
}

/** One input to one agent, and everything that follows from it. */
export function give(cluster: Cluster, host: Host, input: Input): void {
  const { core } = host;
  if (core === undefined) return;
  if (host.stoppedUntil > cluster.now)
    return plan(cluster, host.stoppedUntil - cluster.now, () => {
      if (host.core === core) give(cluster, host, input);
    });
  host.steps += 1;
  if (cluster.eager) core.settleBy = NEVER;
  for (const effect of step(core, input, instant(cluster.now))) {
    if (host.core !== core) return; // it died at a write
    perform(cluster, host, effect);
  }
  const wakeAt = nextDeadline(core);
  if (wakeAt !== undefined) wake(cluster, host, core, wakeAt);
}

const timers = new WeakMap<Core, number>();
function wake(cluster: Cluster, host: Host, core: Core, at: Instant): void {
  const due = Math.max(at, cluster.now);
  if (timers.get(core) === due) return;
  timers.set(core, due);
  plan(cluster, due - cluster.now, () => {
    if (host.core !== core || timers.get(core) !== due) return;
    timers.delete(core);
    give(cluster, host, { kind: 'woken' });
  });
}

function perform(cluster: Cluster, host: Host, effect: Effect): void {
  switch (effect.kind) {
    case 'persist':
      return write(cluster, host, effect.writes);
    case 'send':
      return deliver(cluster, host, effect.to, 'messageReceived', effect.message);
    case 'publish':
      for (const { id } of cluster.hosts.values())
        if (id !== host.id) deliver(cluster, host, id, 'gossipReceived', effect.message);
      return;
    case 'connectProbe': {
      const target = hostOf(cluster, effect.host);
      const outcome =
        target.lost || cluster.lost(host.id, target.id, { kind: 'probe', nonce: 0 })
          ? 'silent'
          : target.core === undefined
            ? 'refused'
            : 'connected';
      const inMs = outcome === 'silent' ? LAN.probeMs : 2 * DELAY_MS;
      return plan(cluster, inMs, () =>
        give(cluster, host, { kind: 'connectProbed', host: target.id, outcome }),
      );
    }
    case 'reply':
      return say(cluster, `${host.id} answers ${effect.commandId}: ${answerText(effect.result)}`);
    case 'journal':
      if (effect.topic === 'roster') say(cluster, `${host.id} follows ${effect.text}`);
      if (effect.topic === 'placement') say(cluster, `decided: ${effect.text.split(/: | \(/)[0]}`);
      return;
    case 'keepPeers':
    case 'leaseChanged':
      return;
    case 'guardSlot': {
      const { key, warrant } = effect;
      if (host.guarded) vouch(host.guard, key, warrant);
      if (!host.guarded || warrant === undefined) return;
      return plan(cluster, DELAY_MS, () =>
        give(cluster, host, { kind: 'guardAcknowledged', key, warrant }),
      );
    }
    case 'startInstance':
    case 'stopInstance':
    case 'freezeInstance':
    case 'thawInstance':
    case 'removeInstance':
    case 'listInstances':
      return runEngine(cluster, host, effect);
  }
}

const answerText = (result: Extract<Effect, { kind: 'reply' }>['result']): string =>
  result.kind === 'refused' ? `refused ${result.code}` : result.kind;

const say = (cluster: Cluster, line: string): void => void cluster.lines.push(line);

function write(
  cluster: Cluster,
  host: Host,
  writes: Extract<Effect, { kind: 'persist' }>['writes'],
): void {
  if (host.writesLeft === 0) return crash(cluster, host.id);
  if (host.writesLeft !== undefined) host.writesLeft -= 1;
  for (const { name, value } of writes)
    if (value === undefined) host.disk.delete(name);
    else host.disk.set(name, structuredClone(value));
}

function deliver(
  cluster: Cluster,
  host: Host,
  to: HostId,
  kind: 'messageReceived' | 'gossipReceived',
  message: Message,
): void {
  const target = cluster.hosts.get(to);
  if (target === undefined || cluster.lost(host.id, to, message)) return;
  const { core } = target;
  plan(cluster, DELAY_MS, () => {
    if (target.core === core) give(cluster, target, { kind, from: host.id, message });
  });
}

function runEngine(
  cluster: Cluster,
  host: Host,
  effect: Extract<
    Effect,
    {
      kind:
        | 'startInstance'
        | 'stopInstance'
        | 'freezeInstance'
        | 'thawInstance'
        | 'removeInstance'
        | 'listInstances';
    }
  >,
): void {
  const { instances } = host;
  const tell = (input: Input): void => plan(cluster, START_MS, () => give(cluster, host, input));
  switch (effect.kind) {
    case 'startInstance': {
      const instance = instanceOf(host.id, (host.made += 1), effect);
      const { engineId, component, slot } = instance;
      instances.set(engineId, instance);
      say(cluster, `${host.id} starts ${component}.${slot}`);
      return tell({ kind: 'instanceStarted', instance });
    }
    case 'stopInstance': {
      const { engineId } = effect;
      const known = instances.get(engineId);
      if (known === undefined) return tell({ kind: 'instanceRemoved', engineId });
      if (known.state === 'exited') return;
      instances.set(engineId, { ...known, state: 'exited', exitCode: 0 });
      say(cluster, `${host.id} stops ${known.component}.${known.slot}`);
      return tell({ kind: 'instanceExited', engineId, exitCode: 0, oomKilled: false });
    }
    case 'freezeInstance':
    case 'thawInstance': {
      const { engineId } = effect;
      const known = instances.get(engineId);
      if (known === undefined) return tell({ kind: 'instanceRemoved', engineId });
      const isFrozen = effect.kind === 'freezeInstance';
      instances.set(engineId, { ...known, state: isFrozen ? 'paused' : 'running' });
      say(cluster, `${host.id} ${isFrozen ? 'freezes' : 'thaws'} ${known.component}.${known.slot}`);
      return tell({ kind: isFrozen ? 'instanceFrozen' : 'instanceThawed', engineId });
    }
    case 'removeInstance':
      instances.delete(effect.engineId);
      return tell({ kind: 'instanceRemoved', engineId: effect.engineId });
    case 'listInstances':
      return tell({ kind: 'instancesListed', instances: [...instances.values()] });
  }
}

/** `web:2 db:1`: components and how many of each. */
export function stack(name: string, text: string, changes: Partial<ComponentSpec> = {}): StackSpec {
  const components = text.split(' ').map((part) => {
    const [component = '', replicas = '1'] = part.split(':');
    return spec({ name: component, image: 'any:1', replicas: Number(replicas), ...changes });
  });
  return { name, components };
}

export function deploy(cluster: Cluster, name: string, id: string, wanted: StackSpec): void {
  const command = { kind: 'deploy', deployId: id, spec: wanted } as const;
  give(cluster, hostOf(cluster, name), { kind: 'commandGiven', commandId: id, command });
}

export function destroy(cluster: Cluster, name: string, id: string, wanted: string): void {
  const command = { kind: 'destroy', deployId: id, stack: wanted } as const;
  give(cluster, hostOf(cluster, name), { kind: 'commandGiven', commandId: id, command });
}

/** Everything that runs, wherever: `a shop.web.1`. */
export const running = (cluster: Cluster): readonly string[] =>
  [...cluster.hosts.values()].flatMap(({ id, instances }) =>
    [...instances.values()]
      .filter(({ state }) => state === 'running')
      .map(({ component, slot }) => `${id} ${component}.${slot}`)
      .sort(),
  );

export const answered = (cluster: Cluster, id: string): string | undefined =>
  cluster.lines.find((line) => line.includes(` answers ${id}: `));

export function grown(names: string): Cluster {
  const cluster = newCluster(names);
  found(cluster, names.charAt(0));
  for (const name of names.slice(1)) start(cluster, name);
  soon(cluster, 30_000, () =>
    [...cluster.hosts.values()].every(
      ({ id, core }) =>
        core?.council.roster.voters.length === 3 &&
        (core.durable.synced || !core.council.roster.voters.includes(id)),
    ),
  );
  run(cluster, millis(5000));
  cluster.lines.length = 0;
  return cluster;
}
