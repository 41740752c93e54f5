/** Whom to dial, and where: members, static peers, and strangers found on the local network. */
import type { Libp2p } from '@libp2p/interface';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import type { Logger } from '../log.ts';
import type { AddressBook } from './address-book.ts';
import { parsePeer } from './addresses.ts';
import type { Counters } from './counters.ts';
import { DIAL_TIMEOUT_MS } from './libp2p-host.ts';
import { createRedial } from './redial.ts';

export type Dialer = {
  readonly want: (peerIds: readonly string[]) => void;
  /** A rumor of where a peer is. Strangers are dialed too: that is how a host joins. */
  readonly found: (peerId: string, addresses: readonly Multiaddr[]) => void;
  readonly lost: (peerId: string) => void;
  /** Throws a `StartupError` if it is no address. */
  readonly addStatic: (address: string) => void;
  /** Nobody whom we want is missing. */
  readonly satisfied: () => boolean;
  readonly close: () => void;
};

export type DialerInit = {
  readonly libp2p: Pick<Libp2p, 'dial' | 'peerId'>;
  readonly book: AddressBook;
  readonly isConnected: (peerId: string) => boolean;
  readonly counters: Counters;
  readonly peers: readonly string[];
  readonly log: Logger;
};

export function createDialer(init: DialerInit): Dialer {
  const { book, isConnected, libp2p } = init;
  const selfId = libp2p.peerId.toString();
  /** Static address → who was met there; itself, if it is our own. */
  const staticPeers = new Map<string, string | undefined>(
    init.peers.map((text) => [parsePeer(text).toString(), undefined]),
  );
  const warn = warnOnce(init.log);
  let wanted: readonly string[] = [];

  function idle(target: string): boolean {
    const peerId = isStatic(target) ? staticPeers.get(target) : target;
    if (peerId === undefined) return false;
    if (peerId === selfId || isConnected(peerId)) return true;
    return !isStatic(target) && book.addressesOf(peerId).length === 0;
  }

  async function dial(target: string, signal: AbortSignal): Promise<void> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(DIAL_TIMEOUT_MS)]);
    init.counters.dials += 1;
    try {
      const connection = await libp2p.dial(addressesFor(target), { signal: limit });
      if (isStatic(target)) staticPeers.set(target, connection.remotePeer.toString());
      warn.forget(target);
    } catch (error) {
      init.counters.dialsFailed += 1;
      if (isStatic(target) && isSelf(error)) staticPeers.set(target, selfId);
      if (isRefusedSecret(error)) warn.once(target);
      init.log.debug({ err: error, target }, 'dial failed');
      throw error;
    }
  }

  function addressesFor(target: string): Multiaddr[] {
    if (isStatic(target)) return [multiaddr(target)];
    return book.addressesOf(target).map((address) => address.encapsulate(`/p2p/${target}`));
  }

  const redial = createRedial({ dial, idle });
  const seekAll = (): void => redial.want([...wanted, ...staticPeers.keys()]);

  return {
    want(peerIds) {
      wanted = peerIds.filter((peerId) => peerId !== selfId);
      seekAll();
    },
    found(peerId, addresses) {
      if (peerId === selfId) return;
      book.learn(peerId, addresses);
      redial.notice(peerId);
    },
    lost(peerId) {
      redial.notice(peerId);
      for (const [address, met] of staticPeers) if (met === peerId) redial.notice(address);
    },
    addStatic(address) {
      const target = parsePeer(address).toString();
      if (!staticPeers.has(target)) staticPeers.set(target, undefined);
      seekAll();
    },
    satisfied: () =>
      wanted.every(isConnected) &&
      [...staticPeers.keys()].every(idle) &&
      wanted.length + staticPeers.size > 0,
    close: () => redial.close(),
  };
}

/** Peer ids never begin so. */
const isStatic = (target: string): boolean => target.startsWith('/');

/** A dial of several addresses fails with all their reasons. */
function reasons(error: unknown): readonly unknown[] {
  return error instanceof AggregateError ? error.errors : [error];
}

function isRefusedSecret(error: unknown): boolean {
  return reasons(error).some(
    (reason) => reason instanceof Error && reason.name === 'EncryptionFailedError',
  );
}

function isSelf(error: unknown): boolean {
  return reasons(error).some(
    (reason) => reason instanceof Error && /dial self/i.test(reason.message),
  );
}

/** Once per target and outage: the dials go on for ever. */
function warnOnce(log: Logger) {
  const warned = new Set<string>();
  return {
    once(target: string): void {
      if (warned.has(target)) return;
      warned.add(target);
      log.warn({ peer: target }, 'refused: it does not hold the secret of this cluster');
    },
    forget: (target: string): void => void warned.delete(target),
  };
}
