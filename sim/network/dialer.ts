/**
 * Makes connections, and makes them again: as the agent does, with one dial or one timer per peer, after
 * waits that double. Only who knows an address dials, and only an agent that runs and can be reached
 * both ways takes the call.
 */
import { below, type Stream, streamOf } from '../choice.ts';
import { type Micros, ofMillis, schedule } from '../event-queue.ts';
import type { HostIndex } from '../strike.ts';
import { connect, isConnected, type Links } from './links.ts';
import { isSilent, type Medium, stationOf, whenReading } from './medium.ts';
import { isLost, plainDelay, wayOf } from './ways.ts';

/** Those of the agent: see `node/network/redial.ts` and `libp2p-host.ts`. */
const DIALS = {
  spreadMs: 50,
  backoffMinMs: 200,
  wantedMaxMs: 5000,
  strangerMaxMs: 30_000,
  strangerFailuresMax: 10,
  /** One address that does not answer. */
  silentMs: 1500,
  /** All in all, with the handshake. */
  timeoutMs: 3000,
} as const;
/** TCP, noise, the muxer. */
const HANDSHAKE_TRIPS = 3;
/** A lost packet of a handshake is sent again after this. */
const HANDSHAKE_RETRY_MS = 1000;

type Target = { failures: number; isBusy: boolean };

export type DialerInit = {
  readonly medium: Medium;
  readonly links: Links;
  readonly knows: (host: HostIndex, peer: HostIndex) => boolean;
  /** To be reached without end. Others are only met when they are found. */
  readonly isWanted: (host: HostIndex, peer: HostIndex) => boolean;
};
export type Dialer = DialerInit & {
  /** By host, then by peer. */
  readonly targets: readonly Map<HostIndex, Target>[];
  readonly draws: readonly Stream[];
};

export const createDialer = (init: DialerInit): Dialer => ({
  ...init,
  targets: init.medium.stations.map(() => new Map()),
  draws: init.medium.stations.map(({ index }) =>
    streamOf(init.medium.choices, `h${index + 1}/dial`),
  ),
});

/** A reason to try soon: an address was found, a connection was lost. */
export function notice(dialer: Dialer, host: HostIndex, peer: HostIndex): void {
  const target = dialer.targets[host]?.get(peer) ?? { failures: 0, isBusy: false };
  if (target.isBusy || isIdle(dialer, host, peer)) return;
  dialer.targets[host]?.set(peer, target);
  later(dialer, host, peer, target, below(drawOf(dialer, host), ofMillis(DIALS.spreadMs)));
}

/** Its agent has ended, and with it all it was about to do. */
export const forgetTargets = ({ targets }: Dialer, host: HostIndex): void => targets[host]?.clear();

const drawOf = ({ draws }: Dialer, host: HostIndex): Stream => draws[host] as Stream;

const isIdle = ({ links, knows }: Dialer, host: HostIndex, peer: HostIndex): boolean =>
  isConnected(links, host, peer) || !knows(host, peer);

function later(
  dialer: Dialer,
  host: HostIndex,
  peer: HostIndex,
  target: Target,
  delay: Micros,
): void {
  target.isBusy = true;
  after(dialer, host, delay, () => attempt(dialer, host, peer, target));
}

/** Done by the agent of `host`, if it is still the same one. */
function after({ medium }: Dialer, host: HostIndex, delay: Micros, run: () => void): void {
  const { life } = stationOf(medium, host);
  schedule(medium.queue, medium.queue.now + delay, () => {
    if (stationOf(medium, host).life === life) whenReading(medium, host, run);
  });
}

function attempt(dialer: Dialer, host: HostIndex, peer: HostIndex, target: Target): void {
  const { medium, links, targets } = dialer;
  if (isIdle(dialer, host, peer)) return void targets[host]?.delete(peer);
  const { delay, isTaken } = call(medium, host, peer);
  after(dialer, host, delay, () => {
    if (isConnected(links, host, peer)) return void targets[host]?.delete(peer);
    if (!isTaken) return failed(dialer, host, peer, target);
    shakeHands(dialer, host, peer, target, ofMillis(DIALS.timeoutMs) - delay);
  });
}

/** A kernel has taken the call, its agent has so long to answer it. */
function shakeHands(
  dialer: Dialer,
  host: HostIndex,
  peer: HostIndex,
  target: Target,
  patience: Micros,
): void {
  const { medium, links, targets } = dialer;
  let isOver = false;
  const settle = (isAnswered: boolean): void => {
    if (isOver) return;
    isOver = true;
    if (!isAnswered) return failed(dialer, host, peer, target);
    if (!isConnected(links, host, peer)) connect(links, host, peer);
    targets[host]?.delete(peer);
  };
  const { life } = stationOf(medium, host);
  whenReading(medium, peer, () => {
    if (stationOf(medium, host).life === life && canTalk(medium, host, peer)) settle(true);
  });
  if (!isOver) after(dialer, host, patience, () => settle(false));
}

function failed(dialer: Dialer, host: HostIndex, peer: HostIndex, target: Target): void {
  target.failures += 1;
  const isWanted = dialer.isWanted(host, peer);
  if (!isWanted && target.failures >= DIALS.strangerFailuresMax)
    return void dialer.targets[host]?.delete(peer);
  const maxMs = isWanted ? DIALS.wantedMaxMs : DIALS.strangerMaxMs;
  const waitMs = Math.min(maxMs, DIALS.backoffMinMs * 2 ** Math.min(target.failures - 1, 30));
  // Between three quarters and five quarters of it.
  const wait = ofMillis(waitMs * 0.75) + below(drawOf(dialer, host), ofMillis(waitMs / 2));
  later(dialer, host, peer, target, wait);
}

const canTalk = (medium: Medium, host: HostIndex, peer: HostIndex): boolean =>
  wayOf(medium.ways, host, peer).cuts === 0 &&
  wayOf(medium.ways, peer, host).cuts === 0 &&
  !isSilent(medium, peer);

type Call = { readonly delay: Micros; readonly isTaken: boolean };

function call(medium: Medium, host: HostIndex, peer: HostIndex): Call {
  if (!canTalk(medium, host, peer)) return { delay: ofMillis(DIALS.silentMs), isTaken: false };
  if (stationOf(medium, peer).state === 'ended')
    return { delay: trip(medium, host, peer), isTaken: false };
  let delay = 0;
  for (let i = 0; i < HANDSHAKE_TRIPS; i++) delay += trip(medium, host, peer);
  const most = ofMillis(DIALS.timeoutMs);
  return { delay: Math.min(delay, most), isTaken: delay < most };
}

/** There and back. */
function trip({ ways, options }: Medium, host: HostIndex, peer: HostIndex): Micros {
  let delay = 0;
  for (const way of [wayOf(ways, host, peer), wayOf(ways, peer, host)]) {
    delay += plainDelay(way.delay, options.delayMeanMs);
    if (isLost(ways, way, undefined)) delay += ofMillis(HANDSHAKE_RETRY_MS);
  }
  return delay;
}
