/**
 * Three hosts in virtual time: real cores and real performers, on disks that keep nothing until an
 * fsync returns, some milliseconds after it was asked for. A power cut takes the rest.
 */
import { decode, encode } from 'cborg';
import type { Hands, Performer } from '../../../node/perform.ts';
import type { Store } from '../../../node/store/store.ts';
import {
  boot,
  clusterId,
  epoch,
  type HostId,
  hostId,
  ROSTER_KEY,
  term,
} from '../../../protocol/base/ids.ts';
import { createPrng, next, type Prng, within } from '../../../protocol/base/prng.ts';
import { instant } from '../../../protocol/base/time.ts';
import { firstTerms, LAN } from '../../../protocol/config.ts';
import {
  type Core,
  createCore,
  type Identity,
  nextDeadline,
  step,
} from '../../../protocol/core.ts';
import { decodeRestored } from '../../../protocol/core/restore.ts';
import type { CommandResult, Effect } from '../../../protocol/effect.ts';
import type { Command, Input } from '../../../protocol/input.ts';
import type { Committed } from '../../../protocol/record/record.ts';
import type { Roster } from '../../../protocol/roster/roster.ts';
import { type ForgetfulStore, forgetfulStore } from '../../node/store/forgetful-store.ts';

export type PerformerOf = (hands: Hands) => Performer;

export type Host = {
  readonly id: HostId;
  /** What a power cut leaves. */
  readonly platter: Map<string, Uint8Array>;
  /** Undefined: without power. */
  running: Running | undefined;
};
type Running = {
  readonly core: Core;
  readonly store: ForgetfulStore;
  readonly performer: Performer;
  readonly startedAt: number;
  readonly replies: Map<string, (result: CommandResult) => void>;
  wakeAt: number;
  syncing: boolean;
};

export type World = {
  readonly hosts: readonly Host[];
  readonly prng: Prng;
  readonly performerOf: PerformerOf;
  /** Milliseconds since the world began. */
  now: number;
  readonly events: { readonly at: number; readonly happen: () => void | Promise<void> }[];
  commandCount: number;
};

const IDS = ['a', 'b', 'c'].map(hostId);
const HOP_MS = [1, 3] as const;
const FSYNC_MS = [2, 25] as const;

/** All hosts vote and know each other, have run never and are without power. */
export function createWorld(seed: number, performerOf: PerformerOf): World {
  const hosts = IDS.map((id) => ({ id, platter: firstDisk(), running: undefined }));
  return { hosts, prng: createPrng(seed), performerOf, now: 0, events: [], commandCount: 0 };
}

function firstDisk(): Map<string, Uint8Array> {
  const roster: Roster = { epoch: epoch(1), voters: IDS, termMs: firstTerms(LAN) };
  const members = IDS.map((id) => ({ id, name: id, peerId: `peer-${id}` }));
  const revision = { term: term(1), seq: 0 };
  const value = { kind: 'members', members } as const;
  const record: Committed = { key: ROSTER_KEY, revision, value };
  const entries = {
    host: { boot: boot(0), ceiling: 1, maxTermMs: 0, synced: true },
    roster,
    [`record/${ROSTER_KEY}`]: { promised: revision.term, revision, value, deployIds: [] },
    [`committed/${ROSTER_KEY}`]: record,
  };
  return new Map(Object.entries(entries).map(([name, entry]) => [name, encode(entry)]));
}

/** The store under the forgetful one: what is written here has reached the platter. */
function platterStore(platter: Map<string, Uint8Array>): Store {
  return {
    load: async () => new Map([...platter].map(([name, bytes]) => [name, decode(bytes)])),
    async write(entries) {
      for (const { key, value } of entries)
        if (value === undefined) platter.delete(key);
        else platter.set(key, encode(value));
    },
    close: async () => undefined,
  };
}

function schedule(world: World, inMs: number, happen: () => void | Promise<void>): void {
  world.events.push({ at: world.now + inMs, happen });
}

/** Lets time pass until `done`, at most `limitMs`; says whether it came to be. */
export async function passUntil(
  world: World,
  limitMs: number,
  done: () => boolean,
): Promise<boolean> {
  const end = world.now + limitMs;
  while (!done()) {
    let soonest = world.events[0];
    for (const event of world.events) if (soonest && event.at < soonest.at) soonest = event;
    if (soonest === undefined || soonest.at > end) return false;
    world.events.splice(world.events.indexOf(soonest), 1);
    world.now = soonest.at;
    await soonest.happen();
    // What a performer had waiting for an answer begins now, at no cost of virtual time.
    await new Promise(setImmediate);
  }
  return true;
}

/** Rejects where what is left on the disk cannot be read. */
export async function powerOn(world: World, host: Host): Promise<void> {
  const store = forgetfulStore(platterStore(host.platter));
  const restored = decodeRestored(await store.load(), LAN);
  if (!restored.ok) throw new Error(`${restored.error.path}: ${restored.error.message}`);
  const running: Running = {
    core: createCore(LAN, identityOf(host.id), next(world.prng), restored.value),
    store,
    performer: world.performerOf({
      begin: (effect) => begin(world, host, running, effect),
      async persist(writes) {
        const durable = store.write(writes.map(({ name, value }) => ({ key: name, value })));
        syncSoon(world, running);
        await durable;
      },
      diskFailed: (error) => {
        throw error;
      },
    }),
    startedAt: world.now,
    replies: new Map(),
    wakeAt: 0,
    syncing: false,
  };
  host.running = running;
  give(world, host, running, { kind: 'started' });
  for (const { id } of world.hosts)
    if (id !== host.id) give(world, host, running, { kind: 'peerConnected', host: id });
}

export function cutPower(host: Host): void {
  host.running?.store.crash();
  host.running = undefined;
}

function identityOf(id: HostId): Identity {
  const facts = {
    kind: 'host',
    name: id,
    agent: '0',
    engine: 'none',
    runs: 'processes',
    publishAddress: '0.0.0.0',
    cpuCount: 1,
    memoryBytes: 2 ** 30,
  } as const;
  return { host: id, cluster: clusterId('power'), name: id, peerId: `peer-${id}`, facts };
}

function syncSoon(world: World, running: Running): void {
  if (running.syncing) return;
  running.syncing = true;
  schedule(world, within(world.prng, ...FSYNC_MS), async () => {
    running.syncing = false;
    await running.store.sync();
  });
}

function give(world: World, host: Host, running: Running, input: Input): void {
  if (host.running !== running) return; // of an agent that is gone
  const now = instant(world.now - running.startedAt);
  running.performer.perform(step(running.core, input, now));
  const deadline = nextDeadline(running.core);
  if (deadline === undefined || deadline === Infinity) return;
  const wakeAt = Math.max(world.now, running.startedAt + deadline);
  if (wakeAt === running.wakeAt) return;
  running.wakeAt = wakeAt;
  schedule(world, wakeAt - world.now, () => {
    if (running.wakeAt === wakeAt) give(world, host, running, { kind: 'woken' });
  });
}

function begin(
  world: World,
  host: Host,
  running: Running,
  effect: Exclude<Effect, { readonly kind: 'persist' }>,
): void {
  if (host.running !== running) return;
  switch (effect.kind) {
    case 'send':
      return deliver(world, effect.to, {
        kind: 'messageReceived',
        from: host.id,
        message: effect.message,
      });
    case 'publish':
      for (const { id } of world.hosts)
        if (id !== host.id)
          deliver(world, id, { kind: 'gossipReceived', from: host.id, message: effect.message });
      return;
    case 'connectProbe': {
      const there = world.hosts.find(({ id }) => id === effect.host)?.running;
      const outcome = there === undefined ? 'silent' : 'connected';
      return schedule(world, within(world.prng, ...HOP_MS), () =>
        give(world, host, running, { kind: 'connectProbed', host: effect.host, outcome }),
      );
    }
    case 'reply':
      return running.replies.get(effect.commandId)?.(effect.result);
    case 'listInstances':
      return schedule(world, 0, () =>
        give(world, host, running, { kind: 'instancesListed', instances: [] }),
      );
    case 'keepPeers':
    case 'leaseChanged':
    case 'guardSlot':
    case 'journal':
      return;
    case 'startInstance':
    case 'stopInstance':
    case 'freezeInstance':
    case 'thawInstance':
    case 'removeInstance':
      throw new Error('these stacks want no instances');
  }
}

/** A message is lost where nobody is there when it arrives. */
function deliver(world: World, to: HostId, input: Input): void {
  const host = world.hosts.find(({ id }) => id === to);
  schedule(world, within(world.prng, ...HOP_MS), () => {
    if (host?.running !== undefined) give(world, host, host.running, input);
  });
}

/** A user asks this host; `told` is called with the answer, if there ever is one. */
export function command(
  world: World,
  host: Host,
  given: Command,
  told: (result: CommandResult) => void,
): void {
  const { running } = host;
  if (running === undefined) throw new Error(`${host.id} is without power`);
  world.commandCount += 1;
  const commandId = `c${world.commandCount}`;
  running.replies.set(commandId, told);
  give(world, host, running, { kind: 'commandGiven', commandId, command: given });
}
