/**
 * Where peers may be reached. libp2p's own peer store forgets addresses after an hour, which a
 * cluster that was switched off overnight does not survive; this book is kept in the store.
 *
 * Learned from mDNS an address is a rumor: tried, never stored. Confirmed by a peer that proved
 * its key and the secret, it is stored, the latest first.
 */
import type { Multiaddr } from '@multiformats/multiaddr';
import { multiaddr } from '@multiformats/multiaddr';
import type { Logger } from '../log.ts';
import type { NetworkLimits } from './limits.ts';

export interface AddressBookPort {
  /** Peer id → multiaddrs without the peer id, the most trusted first. */
  load(): Promise<ReadonlyMap<string, readonly string[]>>;
  /** `undefined` forgets a peer. */
  save(changes: ReadonlyMap<string, readonly string[] | undefined>): Promise<void>;
}

export interface AddressBook {
  addressesOf(peerId: string): readonly Multiaddr[];
  /** True if one of them was not known. */
  learn(peerId: string, addresses: readonly Multiaddr[]): boolean;
  /** We reached it there. */
  confirm(peerId: string, address: Multiaddr): void;
  /** It says so itself: what was stored before is replaced. */
  replace(peerId: string, addresses: readonly Multiaddr[]): void;
  /** Writes what is not yet written. */
  close(): Promise<void>;
}

export type AddressBookInit = {
  readonly port: AddressBookPort;
  readonly accepts: (address: Multiaddr) => boolean;
  readonly limits: NetworkLimits;
  readonly log: Logger;
};

type Entry = { readonly confirmed: readonly string[]; readonly learned: readonly string[] };

/** Changes are collected this long: they are hints and need no fsync each. */
const SAVE_DELAY_MS = 1_000;

export async function openAddressBook(init: AddressBookInit): Promise<AddressBook> {
  const { limits } = init;
  const entries = new Map<string, Entry>();
  for (const [peerId, addresses] of await init.port.load()) {
    entries.set(peerId, { confirmed: addresses.slice(0, limits.addressesPerPeerMax), learned: [] });
  }
  const saver = createSaver(init, (peerId) => entries.get(peerId)?.confirmed);

  function accepted(addresses: readonly Multiaddr[]): readonly string[] {
    return addresses.filter(init.accepts).map((address) => withoutPeer(address).toString());
  }
  function put(peerId: string, entry: Entry): void {
    if (!entries.has(peerId) && entries.size >= limits.peersMax) evictRumor(entries);
    if (entries.has(peerId) || entries.size < limits.peersMax) entries.set(peerId, entry);
  }
  function store(peerId: string, confirmed: readonly string[]): void {
    const before = entries.get(peerId) ?? { confirmed: [], learned: [] };
    if (confirmed.join() === before.confirmed.join()) return;
    put(peerId, { confirmed, learned: before.learned.filter((text) => !confirmed.includes(text)) });
    saver.changed(peerId);
  }
  const latest = (newer: readonly string[], older: readonly string[]): readonly string[] =>
    [...new Set([...newer, ...older])].slice(0, limits.addressesPerPeerMax);

  return {
    addressesOf(peerId) {
      const entry = entries.get(peerId);
      if (entry === undefined) return [];
      return [...new Set([...entry.learned, ...entry.confirmed])]
        .map((text) => multiaddr(text))
        .filter(init.accepts);
    },
    learn(peerId, addresses) {
      const heard = accepted(addresses);
      const { confirmed, learned } = entries.get(peerId) ?? { confirmed: [], learned: [] };
      const isNew = heard.some((text) => !confirmed.includes(text) && !learned.includes(text));
      if (isNew) put(peerId, { confirmed, learned: latest(heard, learned) });
      return isNew;
    },
    confirm(peerId, address) {
      store(peerId, latest(accepted([address]), entries.get(peerId)?.confirmed ?? []));
    },
    replace(peerId, addresses) {
      const said = accepted(addresses);
      if (said.length > 0) store(peerId, latest(said, []));
    },
    close: () => saver.flush(),
  };
}

export function withoutPeer(address: Multiaddr): Multiaddr {
  return address.getComponents().some((part) => part.name === 'p2p')
    ? address.decapsulate('/p2p')
    : address;
}

/** The peer heard of longest ago who never proved anything makes room. */
function evictRumor(entries: Map<string, Entry>): void {
  for (const [peerId, entry] of entries) {
    if (entry.confirmed.length > 0) continue;
    entries.delete(peerId);
    return;
  }
}

function createSaver(
  init: AddressBookInit,
  current: (peerId: string) => readonly string[] | undefined,
) {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  async function flush(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    if (changed.size === 0) return;
    const changes = new Map([...changed].map((peerId) => [peerId, current(peerId)] as const));
    changed.clear();
    try {
      await init.port.save(changes);
    } catch (error) {
      // A hint lost; whatever else broke the store, the agent hears of it on its own writes.
      init.log.warn({ err: error }, 'addresses of peers could not be stored');
    }
  }

  return {
    changed(peerId: string): void {
      changed.add(peerId);
      timer ??= setTimeout(() => void flush(), SAVE_DELAY_MS).unref();
    },
    flush,
  };
}
