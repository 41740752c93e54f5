/**
 * Finds the agents of this cluster on the local network by multicast DNS, under a service type of
 * the cluster's own.
 *
 * `@libp2p/mdns` speaks the protocol; its socket is ours, one per real interface. Its own sends
 * through the default route alone (none on an isolated network), announces loopback addresses and
 * bridges, and does not join again when an interface goes and comes back.
 */
import type { ComponentLogger, PeerInfo } from '@libp2p/interface';
import { mdns, type MulticastDNSComponents } from '@libp2p/mdns';
import type { Multiaddr } from '@multiformats/multiaddr';
import multicastDns, {
  type MulticastDNS,
  type QueryPacket,
  type ResponsePacket,
} from 'multicast-dns';
import { createHearing, type HeardPeer } from './hearing.ts';
import { NETWORK_LIMITS } from './limits.ts';

export interface Discovery {
  /** Says on every interface where we are, once, without being asked. */
  announce(): void;
  /** Who was heard by multicast; we hear ourselves, too. */
  heard(): readonly HeardPeer[];
  /** Someone is missing: ask often again for a while. */
  refresh(): void;
  close(): Promise<void>;
}

export type DiscoveryInit = {
  readonly serviceType: string;
  readonly selfId: string;
  readonly logger: ComponentLogger;
  /** What to announce, with our peer id; read at every answer. */
  readonly addresses: () => readonly Multiaddr[];
  /** One IPv4 address of each interface to use; read every few seconds. */
  readonly interfaces: () => readonly string[];
  /** No peer is missing: ask rarely. */
  readonly satisfied: () => boolean;
  readonly onFound: (peerId: string, addresses: readonly Multiaddr[]) => void;
  /** Whether multicast works at all, told when it becomes known and when it changes. */
  readonly onMulticast: (state: MulticastState) => void;
  /** Default 5353. */
  readonly port?: number;
};

export type MulticastState =
  | { readonly kind: 'works' }
  /** Nobody will be found; static peers are needed. */
  | { readonly kind: 'fails'; readonly why: string };

type Link = {
  readonly transport: MulticastDNS;
  readonly announce: () => void;
  readonly close: () => Promise<void>;
};

const ASK_OFTEN_MS = 1_000;
/** How many such questions; whoever is not found by then may be gone for long. */
const ASK_OFTEN_MAX = 60;
/** Everyone answers everyone's question: what this costs grows with the square of the hosts. */
const ASK_RARELY_MS = 60_000;
/** Many peers lost at once are one question. */
const REFRESH_DELAY_MS = 100;
const INTERFACES_POLL_MS = 5_000;
/** Our own question comes back to us where multicast works; unheard so often it does not. */
const UNHEARD_MAX = 3;
/** Of a peer's addresses two at most are remembered on the average. */
const HEARD_MAX = 2 * NETWORK_LIMITS.peersMax;

/** RFC 6335 §5.1: at most 15 characters beside the underscore. */
export function serviceTypeOf(clusterId: string): string {
  return `_mr-${clusterId.slice(0, 10)}._udp.local`;
}

export function createDiscovery(init: DiscoveryInit): Discovery {
  const health = createHealth(init.onMulticast);
  const hearing = createHearing(init.serviceType, HEARD_MAX);
  const questions = [{ name: init.serviceType, type: 'PTR' as const }];
  const links = new Map<string, Link>();
  let closed = false;
  let askTimer: NodeJS.Timeout | undefined;
  let askedOften = 0;

  function openLink(address: string): Link {
    const transport = multicastDns({
      interface: address,
      // On Linux a socket bound to the interface's own address receives no multicast.
      bind: '0.0.0.0',
      ...(init.port === undefined ? {} : { port: init.port }),
    });
    const speaker = speakerOn(transport, init);
    transport.on('query', (packet) => {
      if (packet.questions?.[0]?.name !== init.serviceType) return;
      health.heard();
      speaker.answer(packet);
    });
    transport.on('response', (packet, from) => {
      hearing.note(packet, from.address);
      speaker.hear(packet);
    });
    transport.on('warning', (error) => health.failed(error.message));
    transport.on('error', (error) => health.failed(error.message));
    return {
      transport,
      announce: () => speaker.answer({ questions }),
      close: () => new Promise((resolve) => transport.destroy(() => resolve())),
    };
  }

  function followInterfaces(): void {
    const current = new Set(init.interfaces());
    for (const [address, link] of links) {
      if (current.has(address)) continue;
      links.delete(address);
      void link.close();
    }
    for (const address of current) {
      if (!links.has(address)) links.set(address, openLink(address));
    }
    if (current.size === 0) health.failed('there is no network interface to use');
  }

  function ask(): void {
    clearTimeout(askTimer);
    if (closed) return;
    health.asked();
    for (const { transport } of links.values()) {
      transport.query({ questions }, (error) => {
        if (error !== null && error !== undefined) health.failed(error.message);
      });
    }
    const often = !init.satisfied() && askedOften < ASK_OFTEN_MAX;
    askedOften += 1;
    askTimer = setTimeout(ask, often ? ASK_OFTEN_MS : ASK_RARELY_MS).unref();
  }

  followInterfaces();
  ask();
  const pollTimer = setInterval(followInterfaces, INTERFACES_POLL_MS).unref();
  return {
    announce() {
      for (const link of links.values()) link.announce();
    },
    heard: hearing.heard,
    refresh() {
      if (closed) return;
      askedOften = 0;
      clearTimeout(askTimer);
      askTimer = setTimeout(ask, REFRESH_DELAY_MS).unref();
    },
    async close() {
      closed = true;
      clearTimeout(askTimer);
      clearInterval(pollTimer);
      await Promise.all([...links.values()].map((link) => link.close()));
      links.clear();
    },
  };
}

/** What is public on `@libp2p/mdns`'s object though not in the type of its factory. */
type Speaker = ReturnType<ReturnType<typeof mdns>> & {
  mdns?: MulticastDNS;
  _onMdnsQuery(packet: Pick<QueryPacket, 'questions'>): void;
  _onMdnsResponse(packet: ResponsePacket): void;
};

/** `@libp2p/mdns` on our socket: it is never started, so it opens none of its own. */
function speakerOn(transport: MulticastDNS, init: DiscoveryInit) {
  const getAddresses = (): Multiaddr[] => [...init.addresses()];
  const addressManager = { getAddresses } as MulticastDNSComponents['addressManager'];
  const speaker = mdns({ serviceTag: init.serviceType, peerName: init.selfId })({
    addressManager,
    logger: init.logger,
  }) as Speaker;
  speaker.mdns = transport;
  speaker.addEventListener('peer', (event: CustomEvent<PeerInfo>) => {
    init.onFound(event.detail.id.toString(), event.detail.multiaddrs);
  });
  // Its own names for them.
  /* oxlint-disable no-underscore-dangle */
  return {
    answer: (packet: Pick<QueryPacket, 'questions'>) => speaker._onMdnsQuery(packet),
    hear: (packet: ResponsePacket) => speaker._onMdnsResponse(packet),
  };
}

function createHealth(onMulticast: (state: MulticastState) => void) {
  let unheard = 0;
  let why = 'what we send does not come back to us';
  let told: MulticastState['kind'] | undefined;
  const tell = (state: MulticastState): void => {
    if (told === state.kind) return;
    told = state.kind;
    onMulticast(state);
  };
  return {
    asked(): void {
      unheard += 1;
      if (unheard > UNHEARD_MAX) tell({ kind: 'fails', why });
    },
    heard(): void {
      unheard = 0;
      tell({ kind: 'works' });
    },
    /** The reason, should it turn out that nothing is heard. */
    failed(reason: string): void {
      why = reason;
    },
  };
}
