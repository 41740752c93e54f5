/** libp2p as this agent needs it; each number that is not a default stands beside its reason. */
import { setTimeout } from 'node:timers/promises';
import type { GossipSub } from '@libp2p/gossipsub';
import { identify, type Identify } from '@libp2p/identify';
import type { ConnectionEncrypter, Libp2p } from '@libp2p/interface';
import { noise, type NoiseComponents } from '@libp2p/noise';
import { ping, type Ping } from '@libp2p/ping';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import { StartupError } from '../startup-error.ts';
import { type AddressPolicy, type Endpoint, toMultiaddr } from './addresses.ts';
import { gossipService, type GossipInit } from './gossip.ts';
import { noisePrologue, readIdentity } from './identity.ts';
import { inOnePiece, sparingYamux } from './packets.ts';

export type Libp2pServices = { identify: Identify; ping: Ping; gossip: GossipSub };
export type Libp2pHost = Libp2p<Libp2pServices>;

export type Libp2pHostInit = {
  readonly identity: Uint8Array;
  readonly secret: Uint8Array;
  readonly listen: readonly Endpoint[];
  readonly policy: AddressPolicy;
  readonly connectionsMax: number;
  readonly gossip: GossipInit;
  /** A handshake failed, from either side. */
  readonly onRejected: () => void;
};

/** libp2p's default is 10 s; on a LAN whoever has not answered by then is not there. */
export const DIAL_TIMEOUT_MS = 3_000;
const STOP_TIMEOUT_MS = 3_000;
const ADDRESS_DIAL_TIMEOUT_MS = 1_500;
/** New connections a second from one address (default 5), or restarts on one machine would flap. */
const CONNECTIONS_PER_SECOND_MAX = 200;
/** Handshakes under way at once (default 10). */
const HANDSHAKES_MAX = 200;
/** Each ping is a new stream, about ten packets (default 10 s). */
const PING_EVERY_MS = 60_000;
/**
 * The smallest that yamux allows (default 16 MiB): so much bulk at most is on its way before an
 * urgent frame, and at half a millisecond of round trip it still carries 500 MB/s.
 */
const STREAM_WINDOW_BYTES = 262_144;

/** Not yet listening: first the handlers are attached, then `startListening` is called. */
export async function createLibp2pHost(init: Libp2pHostInit): Promise<Libp2pHost> {
  const { policy } = init;
  const prologueBytes = noisePrologue(init.secret);
  const privateKey = await readIdentity(init.identity);
  return await createLibp2p({
    start: false,
    privateKey,
    nodeInfo: { name: 'millrace' },
    addresses: {
      listen: init.listen.map(toMultiaddr),
      announceFilter: (addresses) => addresses.filter(policy.announces),
    },
    transports: [tcp()],
    connectionEncrypters: [
      (components: NoiseComponents) =>
        countingFailures(inOnePiece(noise({ prologueBytes })(components)), init.onRejected),
    ],
    streamMuxers: [sparingYamux(STREAM_WINDOW_BYTES)],
    connectionGater: { filterMultiaddrForPeer: (_, address) => policy.accepts(address) },
    connectionManager: {
      maxConnections: init.connectionsMax,
      dialTimeout: DIAL_TIMEOUT_MS,
      addressDialTimeout: ADDRESS_DIAL_TIMEOUT_MS,
      inboundUpgradeTimeout: DIAL_TIMEOUT_MS,
      inboundConnectionThreshold: CONNECTIONS_PER_SECOND_MAX,
      maxIncomingPendingConnections: HANDSHAKES_MAX,
    },
    // Measures the round trip. Whether a peer is alive is the detector's to say: a stall of our
    // own would otherwise drop every connection at once.
    connectionMonitor: { abortConnectionOnPingFailure: false, pingInterval: PING_EVERY_MS },
    services: {
      identify: identify(),
      ping: ping(),
      gossip: gossipService(init.gossip),
    },
  });
}

/** Rejects with a `StartupError` if an address cannot be listened on. */
export async function startListening(
  libp2p: Libp2pHost,
  listen: readonly Endpoint[],
): Promise<void> {
  try {
    await libp2p.start();
  } catch (cause) {
    await stopLibp2p(libp2p);
    throw cannotListen(listen, cause);
  }
}

/** Peers that do not answer are not waited for. */
export async function stopLibp2p(libp2p: Libp2pHost): Promise<void> {
  const limit = setTimeout(STOP_TIMEOUT_MS, undefined, { ref: false });
  await Promise.race([libp2p.stop(), limit]);
}

/** libp2p tells nobody when an incoming handshake fails; an operator wants to know. */
function countingFailures(
  encrypter: ConnectionEncrypter,
  onRejected: () => void,
): ConnectionEncrypter {
  const secureInbound = encrypter.secureInbound.bind(encrypter);
  const secureOutbound = encrypter.secureOutbound.bind(encrypter);
  const counted = <T>(handshake: Promise<T>): Promise<T> => {
    handshake.catch(onRejected);
    return handshake;
  };
  encrypter.secureInbound = (...args) => counted(secureInbound(...args));
  encrypter.secureOutbound = (...args) => counted(secureOutbound(...args));
  return encrypter;
}

function cannotListen(listen: readonly Endpoint[], cause: unknown): unknown {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (!/listen/i.test(message)) return cause;
  const where = listen.map(({ host, port }) => `${host}:${port}`).join(', ');
  const parts = {
    code: 'cannot-listen',
    what: `the agent cannot listen on ${where}`,
    why: message.includes('EADDRINUSE')
      ? 'another program has this port'
      : (message.split('\n').at(-1) ?? message),
    next: `see who has it with: ss -ltnp      or set another one with --listen`,
  };
  return new StartupError(parts, { cause });
}
