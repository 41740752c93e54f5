/** What all models of the network share: the hosts on it, the ways between them, and what is counted. */
import type { HostId } from '../../protocol/base/ids.ts';
import type { Message } from '../../protocol/wire/message.ts';
import { type Choices, type Stream, streamOf } from '../choice.ts';
import type { EventQueue } from '../event-queue.ts';
import type { Options } from '../options.ts';
import type { HostIndex } from '../strike.ts';
import { createWays, type ParcelKind, type Ways } from './ways.ts';

/** Of a machine that is there: its agent reads, stands still while the kernel keeps, or all of it sleeps. */
export type Condition = 'reads' | 'waits' | 'sleeps';

export type NetworkInit = {
  readonly queue: EventQueue;
  readonly choices: Choices;
  readonly options: Options;
  readonly idOf: (host: HostIndex) => HostId;
  readonly condition: (host: HostIndex) => Condition;
  readonly deliver: (to: HostIndex, from: HostIndex, message: Message, gossip: boolean) => void;
  /** To `host`: the first connection with `peer` stands, or the last is gone. */
  readonly noticed: (
    host: HostIndex,
    peer: HostId,
    kind: 'peerConnected' | 'peerDisconnected',
  ) => void;
  /** Bytes of a message as the wire has it; without it no bytes are counted. */
  readonly sizeOf: ((message: Message) => number) | undefined;
};

/** What passes a network card. */
export type Traffic = {
  messagesOut: number;
  messagesIn: number;
  /** With `HEADER_BYTES` for each message; pure acknowledgments and encryption are not counted. */
  bytesOut: number;
  bytesIn: number;
};
/** Ethernet 14, IPv4 20, TCP with timestamps 32. */
export const HEADER_BYTES = 66;

export type Station = {
  readonly index: HostIndex;
  /** Raised whenever its agent starts or ends: what was planned for a life before is void. */
  life: number;
  /** `ended`: a kernel that answers; `gone`: nothing does. */
  state: 'running' | 'ended' | 'gone';
  /** The era in which it became who it is now. */
  bornIn: number;
  /** What waits for an agent that stands still. */
  held: (() => void)[];
  readonly traffic: Traffic;
};

export type Medium = NetworkInit & {
  readonly ways: Ways;
  readonly stations: readonly Station[];
  /** Raised when a host becomes another one: nothing sent before reaches it, or is believed to be its. */
  era: number;
  readonly kernel: Stream;
};

export function createMedium(init: NetworkInit): Medium {
  const { options, choices } = init;
  const stations = Array.from({ length: options.hostCount }, (_, index): Station => ({
    index,
    life: 0,
    state: 'gone',
    bornIn: 0,
    held: [],
    traffic: { messagesOut: 0, messagesIn: 0, bytesOut: 0, bytesIn: 0 },
  }));
  return {
    ...init,
    ways: createWays(options, choices),
    stations,
    era: 0,
    kernel: streamOf(choices, 'net/kernel'),
  };
}

/** Something between two agents, on its way. */
export type Parcel = {
  readonly kind: ParcelKind;
  readonly bytes: number;
  readonly arrive: () => void;
};

export const stationOf = ({ stations }: Medium, host: HostIndex): Station =>
  stations[host] as Station;

/** Nothing there would answer, nor keep anything. */
export const isSilent = (medium: Medium, host: HostIndex): boolean =>
  stationOf(medium, host).state === 'gone' || medium.condition(host) === 'sleeps';

export function countOut(medium: Medium, host: HostIndex, bytes: number): void {
  const { traffic } = stationOf(medium, host);
  traffic.messagesOut += 1;
  traffic.bytesOut += bytes;
}

export function countIn(medium: Medium, host: HostIndex, bytes: number): void {
  const { traffic } = stationOf(medium, host);
  traffic.messagesIn += 1;
  traffic.bytesIn += bytes;
}

/** Done by the agent of `host`: now, when it goes on, or never if it ends before. */
export function whenReading(medium: Medium, host: HostIndex, run: () => void): void {
  const station = stationOf(medium, host);
  if (station.state !== 'running') return;
  if (medium.condition(host) === 'reads') return run();
  // Who goes on may stand still again before its turn comes.
  station.held.push(() => whenReading(medium, host, run));
}

/** The agent of `host` goes on, or has ended: whoever waited looks again, or for nothing. */
export function releaseHeld(medium: Medium, host: HostIndex): void {
  const station = stationOf(medium, host);
  const { held } = station;
  station.held = [];
  for (const run of held) run();
}
