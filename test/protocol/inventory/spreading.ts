/**
 * Inventories of several hosts with a bag of messages between them that a test delivers, repeats or
 * loses in any order; and beside them the dumb implementation: per owner and boot the log of writes.
 */
import { boot, type HostId, hostId, incarnation, key, term } from '../../../protocol/base/ids.ts';
import { createPrng, next, type Prng } from '../../../protocol/base/prng.ts';
import { instant } from '../../../protocol/base/time.ts';
import { LAN } from '../../../protocol/config.ts';
import type { Effect } from '../../../protocol/effect.ts';
import type { Entry } from '../../../protocol/inventory/entry.ts';
import {
  createInventories,
  entriesOf,
  type Inventories,
  noteVersion,
  onDelta,
  onInventoryDelta,
  onPull,
  ownVersion,
  wakeInventories,
  writeEntry,
} from '../../../protocol/inventory/inventories.ts';
import {
  type CommittedRecords,
  createCommitted,
  mergeCommitted,
} from '../../../protocol/record/committed.ts';
import type { Committed } from '../../../protocol/record/record.ts';
import type { Turn } from '../../../protocol/turn.ts';
import type { Message } from '../../../protocol/wire/message.ts';

export type Peer = {
  readonly id: HostId;
  boot: number;
  inventories: Inventories;
  readonly committed: CommittedRecords;
  readonly prng: Prng;
  /** The dumb implementation: all writes of this boot. */
  readonly log: { readonly name: string; readonly entry: Entry | undefined }[];
};
export type Letter = { readonly from: HostId; readonly to: HostId; readonly message: Message };
export type World = {
  now: number;
  readonly peers: readonly Peer[];
  /** On their way. */
  readonly letters: Letter[];
  readonly journal: string[];
  readonly check: (peer: Peer) => void;
};

export const h = (n: number): HostId => hostId(`h${n}`);

export function startWorld(
  count: number,
  seed: number,
  check: (peer: Peer) => void = () => {},
): World {
  const prng = createPrng(seed);
  const peers = Array.from({ length: count }, (_, i): Peer => ({
    id: h(i + 1),
    boot: 1,
    inventories: createInventories(h(i + 1), boot(1)),
    committed: createCommitted([]),
    prng: createPrng(next(prng)),
    log: [],
  }));
  return { now: 0, peers, letters: [], journal: [], check };
}

/** One step of one host, then whatever is due. */
export function act(world: World, peer: Peer, run: (turn: Turn) => void): void {
  const out: Effect[] = [];
  const turn: Turn = {
    now: instant(world.now),
    config: LAN,
    self: peer.id,
    boot: boot(peer.boot),
    prng: peer.prng,
    out,
  };
  run(turn);
  wakeInventories(
    peer.inventories,
    peer.committed,
    turn,
    world.peers.map(({ id }) => id),
  );
  for (const effect of out) {
    if (effect.kind === 'send') post(world, peer, effect.to, effect.message);
    else if (effect.kind === 'publish')
      for (const { id } of world.peers) if (id !== peer.id) post(world, peer, id, effect.message);
    if (effect.kind === 'journal') world.journal.push(effect.text);
  }
  world.check(peer);
}

function post(world: World, from: Peer, to: HostId, message: Message): void {
  // What travels is a copy: nothing of one host is shared with another.
  world.letters.push({ from: from.id, to, message: structuredClone(message) });
}

export function write(world: World, peer: Peer, name: string, entry: Entry | undefined): void {
  peer.log.push({ name, entry });
  act(world, peer, (turn) => writeEntry(peer.inventories, turn, name, entry));
}

export function restart(world: World, peer: Peer): void {
  peer.boot += 1;
  peer.inventories = createInventories(peer.id, boot(peer.boot));
  peer.log.length = 0;
  act(world, peer, () => undefined);
}

export function commit(world: World, peer: Peer, record: Committed): void {
  act(world, peer, () => mergeCommitted(peer.committed, record));
}

export function read(world: World, { from, to, message }: Letter): void {
  const peer = world.peers.find(({ id }) => id === to);
  if (peer === undefined) return;
  const { inventories, committed } = peer;
  act(world, peer, (turn) => {
    if (message.kind === 'inventoryDelta') onInventoryDelta(inventories, turn, message);
    if (message.kind === 'pull') onPull(inventories, committed, turn, from, message);
    if (message.kind === 'delta') onDelta(inventories, committed, turn, from, message);
    if (message.kind === 'beat')
      noteVersion(inventories, turn, from, message.boot, message.inventoryVersion);
  });
}

export const wakeAll = (world: World): void => {
  for (const peer of world.peers) act(world, peer, () => undefined);
};

/** Every host hears every other's version, as by a beat. */
export function beatAll(world: World): void {
  for (const peer of world.peers)
    for (const { id } of world.peers)
      if (id !== peer.id)
        post(world, peer, id, {
          kind: 'beat',
          boot: boot(peer.boot),
          seq: world.now,
          incarnation: incarnation(0),
          inventoryVersion: ownVersion(peer.inventories),
        });
}

/** Delivers everything, what is answered included. */
export function settle(world: World, isLost: (letter: Letter) => boolean = () => false): number {
  let count = 0;
  for (let letter = world.letters.shift(); letter !== undefined; letter = world.letters.shift()) {
    count += 1;
    if (!isLost(letter)) read(world, letter);
  }
  return count;
}

/** Pulls without any loss until all agree; returns the rounds it took, or fails. */
export function converge(world: World, roundsMax: number): number {
  for (let round = 0; round <= roundsMax; round++) {
    if (isConverged(world)) return round;
    world.now += 2000;
    wakeAll(world);
    settle(world);
  }
  throw new Error(`not converged after ${roundsMax} rounds`);
}

/** Whether everyone sees of everyone what the dumb implementation says. */
export function isConverged(world: World): boolean {
  return world.peers.every((owner) => {
    const expected = replay(owner);
    return world.peers.every((peer) => show(entriesOf(peer.inventories, owner.id)) === expected);
  });
}

/** The dumb implementation: the last write of each name wins. */
export function replay({ log }: Peer): string {
  const entries = new Map<string, Entry>();
  for (const { name, entry } of log) {
    if (entry === undefined) entries.delete(name);
    else entries.set(name, entry);
  }
  return show(entries);
}

export const show = (entries: ReadonlyMap<string, Entry>): string =>
  JSON.stringify([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));

/** An entry that says `n`, of about `chars` characters. */
export const entry = (n: number, chars = 0): Entry => ({
  kind: 'lease',
  key: key(`stack/s${'x'.repeat(chars)}`),
  term: term(n),
});

/** Two hosts that have pulled from each other a little while ago. */
export function pair(): readonly [World, Peer, Peer] {
  const world = startWorld(2, 1);
  wakeAll(world);
  settle(world);
  world.now += 400; // long enough to ask again at once, and long before the next rhythmic pull
  const [owner, other] = world.peers;
  if (!owner || !other) throw new Error('two hosts');
  return [world, owner, other];
}

/** A write, gossiped. */
export function change(world: World, owner: Peer, name: string, n: number): void {
  write(world, owner, name, entry(n));
  world.now += 100;
  wakeAll(world);
}
