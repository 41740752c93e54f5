/** Every direction of every link: what stands in it, and what becomes of what passes. */
import type { Message } from '../../protocol/wire/message.ts';
import { below, type Choices, exponential, happens, type Stream, streamOf } from '../choice.ts';
import { type Micros, ofMillis } from '../event-queue.ts';
import type { Options } from '../options.ts';
import type { HostIndex } from '../strike.ts';

type Kind = Message['kind'];
/** `undefined`: not one of ours, e.g. what gossipsub or mDNS say of themselves. */
export type ParcelKind = Kind | undefined;

export type Clog = {
  /** Everything, or only this kind. */
  readonly only: Kind | undefined;
  /** What goes on when it ends. */
  readonly held: (() => void)[];
};
type Lossy = { readonly permille: number; readonly only: Kind | undefined };

export type WayState = {
  readonly loss: Stream;
  readonly late: Stream;
  readonly delay: Stream;
  readonly twice: Stream;
  /** How many cuts stand in it. */
  cuts: number;
  clogs: readonly Clog[];
  lossy: readonly Lossy[];
  /** The storm is over here. */
  calm: boolean;
};

export type Ways = {
  readonly options: Options;
  readonly choices: Choices;
  /** By `from * hostCount + to`, made at first use. */
  readonly states: (WayState | undefined)[];
};

/** In larger worlds all ways out of a host share its chances: a million streams would fill the memory. */
const OWN_CHANCES_MAX = 20;

export const createWays = (options: Options, choices: Choices): Ways => ({
  options,
  choices,
  states: Array.from({ length: options.hostCount ** 2 }),
});

export function wayOf(
  { options, choices, states }: Ways,
  from: HostIndex,
  to: HostIndex,
): WayState {
  const { hostCount } = options;
  const known = states[from * hostCount + to];
  if (known !== undefined) return known;
  const site = `net/h${from + 1}${hostCount > OWN_CHANCES_MAX ? '' : `>h${to + 1}`}`;
  const state: WayState = {
    loss: streamOf(choices, `${site}/loss`),
    late: streamOf(choices, `${site}/late`),
    delay: streamOf(choices, `${site}/delay`),
    twice: streamOf(choices, `${site}/twice`),
    cuts: 0,
    clogs: [],
    lossy: [],
    calm: false,
  };
  states[from * hostCount + to] = state;
  return state;
}

/** The weather of this storm is for messages of this kind. */
export const isStruck = ({ options }: Ways, way: WayState, kind: ParcelKind): boolean =>
  !way.calm && (options.lossOnly === undefined || options.lossOnly === kind);

/** Whether one packet is lost, the way being open. */
export function isLost(ways: Ways, way: WayState, kind: ParcelKind): boolean {
  const { lossPermille } = ways.options;
  if (lossPermille > 0 && isStruck(ways, way, kind) && happens(way.loss, lossPermille)) return true;
  for (const { permille, only } of way.lossy)
    if ((only === undefined || only === kind) && happens(way.loss, permille)) return true;
  return false;
}

export const clogOf = ({ clogs }: WayState, kind: ParcelKind): Clog | undefined =>
  clogs.find(({ only }) => only === undefined || only === kind);

/** How long one packet takes. */
export function delayOf(ways: Ways, way: WayState, kind: ParcelKind): Micros {
  const { tailPermille, tailMs, delayMeanMs } = ways.options;
  if (tailPermille > 0 && isStruck(ways, way, kind) && happens(way.late, tailPermille))
    return ofMillis(1 + below(way.late, tailMs));
  return plainDelay(way.delay, delayMeanMs);
}

/** Without any fault: a switch, a kernel, and now and then a queue. */
export const plainDelay = (draw: Stream, meanMs: number): Micros =>
  100 + below(draw, 200) + exponential(draw, ofMillis(meanMs));
