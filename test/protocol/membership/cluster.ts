/** Memberships of several hosts over a network in memory and in virtual time, all from one seed. */
import { type Boot, boot, epoch, type HostId, hostId } from '../../../protocol/base/ids.ts';
import { below, createPrng, next, type Prng, within } from '../../../protocol/base/prng.ts';
import { instant } from '../../../protocol/base/time.ts';
import { LAN } from '../../../protocol/config.ts';
import type { Effect } from '../../../protocol/effect.ts';
import {
  createMembership,
  healthOf,
  type Membership,
  membershipDeadline,
  noteHeard,
  onBeat,
  onConnectProbed,
  onHeartbeat,
  onKnock,
  onPeerDisconnected,
  onProbe,
  onProbeAck,
  onProbeFor,
  onProbeForAck,
  onRumor,
  setMembers,
  wakeMembership,
} from '../../../protocol/membership/membership.ts';
import type { Turn } from '../../../protocol/turn.ts';
import type { Message } from '../../../protocol/wire/message.ts';

/** `crashed`: the process is gone, its kernel refuses. `cut`: nothing goes in or out. */
export type Condition = 'up' | 'paused' | 'crashed' | 'cut';
export type Line = { readonly at: number; readonly host: HostId; readonly text: string };

type Host = {
  readonly id: HostId;
  boot: Boot;
  readonly prng: Prng;
  membership: Membership;
  condition: Condition;
  /** What arrived while paused. */
  readonly queue: ((turn: Turn) => void)[];
  wakeAt: number;
};
type Event = { readonly at: number; readonly order: number; readonly run: () => void };

export type Cluster = {
  now: number;
  readonly hosts: ReadonlyMap<HostId, Host>;
  /** `health` lines of the journals: `h2 says h1 dead: …`. */
  readonly lines: Line[];
  /** Messages begun, by kind. */
  readonly sent: Map<string, number>;
  readonly events: Event[];
  order: number;
  readonly prng: Prng;
  /** Whether a message is lost on its way. */
  lost: (from: HostId, to: HostId, message: Message, prng: Prng) => boolean;
};

export const h = (n: number): HostId => hostId(`h${n}`);

export function startCluster(hostCount: number, seed: number): Cluster {
  const prng = createPrng(seed);
  const ids = Array.from({ length: hostCount }, (_, i) => h(i + 1));
  const hosts = new Map(ids.map((id) => [id, newHost(id, createPrng(next(prng)))]));
  const events: Event[] = [];
  const sent = new Map<string, number>();
  const cluster: Cluster = {
    now: 0,
    hosts,
    lines: [],
    sent,
    events,
    order: 0,
    prng,
    lost: () => false,
  };
  for (const host of hosts.values()) begin(cluster, host);
  return cluster;
}

const newHost = (id: HostId, prng: Prng): Host => ({
  id,
  boot: boot(0),
  prng,
  membership: createMembership(),
  condition: 'up',
  queue: [],
  wakeAt: Infinity,
});

function begin(cluster: Cluster, host: Host): void {
  host.boot = boot(host.boot + 1);
  host.membership = createMembership();
  host.condition = 'up';
  host.queue.length = 0;
  host.wakeAt = Infinity;
  input(cluster, host, (turn) => setMembers(host.membership, turn, [...cluster.hosts.keys()]));
}

export function runFor(cluster: Cluster, ms: number): void {
  const end = cluster.now + ms;
  for (
    let event = cluster.events[0];
    event !== undefined && event.at <= end;
    event = cluster.events[0]
  ) {
    popEvent(cluster.events);
    cluster.now = event.at;
    event.run();
  }
  cluster.now = end;
}

/** Runs until the condition holds; returns how long that took, or fails after `limitMs`. */
export function expectSoon(cluster: Cluster, limitMs: number, holds: () => boolean): number {
  const began = cluster.now;
  while (!holds()) {
    if (cluster.now - began >= limitMs) throw new Error(`not so after ${limitMs} ms`);
    runFor(cluster, 1);
  }
  return cluster.now - began;
}

export function hostOf(cluster: Cluster, id: HostId): Host {
  const host = cluster.hosts.get(id);
  if (host === undefined) throw new Error(`no host ${id}`);
  return host;
}

/** Whether all hosts that are up, but for `about` itself, believe this. */
export const allBelieve = (cluster: Cluster, about: HostId, health: string): boolean =>
  [...cluster.hosts.values()].every(
    (host) =>
      host.id === about || host.condition !== 'up' || healthOf(host.membership, about) === health,
  );

export function crash(cluster: Cluster, id: HostId): void {
  hostOf(cluster, id).condition = 'crashed';
  for (const host of cluster.hosts.values()) {
    if (host.id === id) continue;
    const { membership } = host;
    later(cluster, 3, () =>
      input(cluster, host, (turn) => onPeerDisconnected(membership, turn, id)),
    );
  }
}

export const restart = (cluster: Cluster, id: HostId): void => begin(cluster, hostOf(cluster, id));

export function setCondition(
  cluster: Cluster,
  id: HostId,
  condition: 'up' | 'paused' | 'cut',
): void {
  const host = hostOf(cluster, id);
  host.condition = condition;
  if (condition !== 'up') return;
  for (const run of host.queue.splice(0)) input(cluster, host, run);
  input(cluster, host, () => undefined);
}

/** One step of one host: the input, then whatever is due. */
function input(cluster: Cluster, host: Host, run: (turn: Turn) => void): void {
  if (host.condition === 'paused') return void host.queue.push(run);
  if (host.condition === 'crashed') return;
  const out: Effect[] = [];
  const { boot: current, prng } = host;
  const now = instant(cluster.now);
  const turn: Turn = { now, config: LAN, self: host.id, boot: current, prng, out };
  run(turn);
  wakeMembership(host.membership, turn, { inventoryVersion: 0, epoch: epoch(1), recordsHash: 0 });
  for (const effect of out) perform(cluster, host, effect);
  const deadline = membershipDeadline(host.membership, LAN);
  if (deadline === undefined) return;
  const wakeAt = Math.max(cluster.now + 1, deadline);
  if (wakeAt === host.wakeAt) return;
  host.wakeAt = wakeAt;
  later(cluster, wakeAt - cluster.now, () => {
    if (host.wakeAt === cluster.now && host.boot === current) input(cluster, host, () => undefined);
  });
}

function perform(cluster: Cluster, host: Host, effect: Effect): void {
  if (effect.kind === 'send')
    deliver(cluster, host, effect.to, effect.message, within(cluster.prng, 1, 4), false);
  if (effect.kind === 'publish') {
    for (const id of cluster.hosts.keys())
      if (id !== host.id)
        deliver(cluster, host, id, effect.message, within(cluster.prng, 2, 12), true);
  }
  if (effect.kind === 'connectProbe') connect(cluster, host, hostOf(cluster, effect.host));
  if (effect.kind === 'journal') {
    const text = `${effect.about.join(' ')} ${effect.text}`;
    cluster.lines.push({ at: cluster.now, host: host.id, text });
  }
}

function connect(cluster: Cluster, host: Host, target: Host): void {
  const silent = target.condition === 'cut' || host.condition === 'cut';
  const outcome = silent ? 'silent' : target.condition === 'crashed' ? 'refused' : 'connected';
  later(cluster, silent ? LAN.probeMs : 2, () =>
    input(cluster, host, (turn) => onConnectProbed(host.membership, turn, target.id, outcome)),
  );
}

function deliver(
  cluster: Cluster,
  from: Host,
  to: HostId,
  message: Message,
  delayMs: number,
  isGossip: boolean,
): void {
  cluster.sent.set(message.kind, (cluster.sent.get(message.kind) ?? 0) + 1);
  if (from.condition === 'cut' || cluster.lost(from.id, to, message, cluster.prng)) return;
  const target = hostOf(cluster, to);
  const bootThen = target.boot;
  later(cluster, delayMs, () => {
    if (target.condition === 'cut' || target.boot !== bootThen) return;
    input(cluster, target, (turn) => receive(target.membership, turn, from.id, message, isGossip));
  });
}

/** As the core routes them. */
function receive(
  m: Membership,
  turn: Turn,
  from: HostId,
  message: Message,
  isGossip: boolean,
): void {
  if (!isGossip) noteHeard(m, turn, from);
  if (message.kind === 'beat') onBeat(m, turn, from, message);
  if (message.kind === 'probe') onProbe(m, turn, from, message);
  if (message.kind === 'probeAck') onProbeAck(m, turn, from, message);
  if (message.kind === 'probeFor') onProbeFor(m, turn, from, message);
  if (message.kind === 'probeForAck') onProbeForAck(m, turn, from, message);
  if (message.kind === 'knock') onKnock(m, turn, from, message);
  if (message.kind === 'heartbeat') onHeartbeat(m, turn, message);
  if (message.kind === 'rumor') onRumor(m, turn, isGossip ? message.by : from, message);
}

/** True once in so many, from the seed. */
export const chance = (prng: Prng, percent: number): boolean => below(prng, 100) < percent;

function later(cluster: Cluster, ms: number, run: () => void): void {
  cluster.order += 1;
  pushEvent(cluster.events, { at: cluster.now + ms, order: cluster.order, run });
}

/** A binary heap by time, then by order of creation. */
const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.order < b.order);

function pushEvent(heap: Event[], event: Event): void {
  let i = heap.push(event) - 1;
  for (let up = (i - 1) >> 1; i > 0; i = up, up = (i - 1) >> 1) {
    const parent = heap[up];
    if (parent === undefined || !before(event, parent)) break;
    heap[i] = parent;
    heap[up] = event;
  }
}

function popEvent(heap: Event[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let i = 0;
  for (;;) {
    let down = 2 * i + 1;
    const [left, right] = [heap[down], heap[down + 1]];
    if (left === undefined) break;
    const least = right !== undefined && before(right, left) ? right : left;
    if (least === right) down += 1;
    if (!before(least, last)) break;
    heap[i] = least;
    i = down;
  }
  heap[i] = last;
}
