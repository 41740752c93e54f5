/**
 * One direction of one connection, as TCP carries it: in order, nothing twice, nothing lost while the
 * connection stands. What a packet loses the packets behind it lose too: time.
 *
 *     segments  ▣▣▣▣ head ──▶ way blocked: tried again after 0.2, 0.4, 0.8 … 120 s
 *                             reader stands still, or clog: waits until that ends
 *                             nobody there: refused, the connection breaks
 */
import { type Micros, ofMillis, schedule } from '../event-queue.ts';
import type { HostIndex } from '../strike.ts';
import { countIn, isSilent, type Medium, type Parcel, stationOf } from './medium.ts';
import { clogOf, delayOf, isLost, plainDelay, wayOf, type WayState } from './ways.ts';

/** Linux: the first retransmission, the longest wait between two, and how many are in vain. */
const RETRANSMIT_MS = 200;
const RETRANSMIT_MAX_MS = 120_000;
const TRIES_MAX = 15;
/** A first window of TCP: so many segments arrive while no acknowledgment comes back. */
const UNACKNOWLEDGED_MAX = 10;
/** Losses of one packet in a row; beyond it this is a cut, which has its own name. */
const LOSSES_MAX = 6;

type Segment = Parcel & {
  readonly at: Micros;
  /** It was lost on its way, and comes when TCP tries again. */
  readonly isLost: boolean;
  readonly taken: () => void;
};

export type PipeInit = {
  readonly medium: Medium;
  readonly from: HostIndex;
  readonly to: HostIndex;
  /** The other end still belongs to the agent there. */
  readonly isTaken: () => boolean;
  /** There is nobody at the other end, or no answer for a quarter of an hour. */
  readonly failed: () => void;
};

export type Pipe = PipeInit & {
  readonly way: WayState;
  readonly back: WayState;
  readonly segments: Segment[];
  /** In vain, in a row. */
  tries: number;
  unacknowledged: number;
  /** Somebody will look at the head. */
  isPlanned: boolean;
  isOver: boolean;
};

export const createPipe = (init: PipeInit): Pipe => ({
  ...init,
  way: wayOf(init.medium.ways, init.from, init.to),
  back: wayOf(init.medium.ways, init.to, init.from),
  segments: [],
  tries: 0,
  unacknowledged: 0,
  isPlanned: false,
  isOver: false,
});

/** `taken`: it is through; there is room for another. */
export function put(pipe: Pipe, parcel: Parcel, taken: () => void): void {
  if (pipe.isOver) return;
  const { medium, way, segments } = pipe;
  const { queue, ways } = medium;
  let at = queue.now + delayOf(ways, way, parcel.kind);
  let lost = 0;
  for (; lost < LOSSES_MAX && isLost(ways, way, parcel.kind); lost++) at += retransmitAfter(lost);
  segments.push({ ...parcel, at, isLost: lost > 0, taken });
  // Whoever is not the head is looked at after the head.
  if (segments.length === 1 && !pipe.isPlanned) plan(pipe, at);
}

/** Something waits for TCP to try again: what was in the way may be gone for long. */
export const isBackingOff = ({ tries, segments }: Pipe): boolean =>
  tries > 0 || segments[0]?.isLost === true;

const retransmitAfter = (tries: number): Micros =>
  ofMillis(Math.min(RETRANSMIT_MAX_MS, RETRANSMIT_MS * 2 ** tries));

function plan(pipe: Pipe, at: Micros): void {
  pipe.isPlanned = true;
  schedule(pipe.medium.queue, at, () => resume(pipe));
}

function resume(pipe: Pipe): void {
  pipe.isPlanned = false;
  pump(pipe);
}

/** Something must happen first, which then goes on with it. */
function wait(pipe: Pipe, held: (() => void)[]): void {
  pipe.isPlanned = true;
  held.push(() => resume(pipe));
}

/** Hands over what is there, until something stands in the way. */
function pump(pipe: Pipe): void {
  const { medium, segments } = pipe;
  while (!pipe.isOver && !pipe.isPlanned) {
    const [head] = segments;
    if (head === undefined) return;
    if (head.at > medium.queue.now) return plan(pipe, head.at);
    if (!mayPass(pipe, head)) return;
    segments.shift();
    pipe.tries = 0;
    pipe.unacknowledged = pipe.back.cuts > 0 ? pipe.unacknowledged + 1 : 0;
    countIn(medium, pipe.to, head.bytes);
    head.arrive();
    head.taken();
  }
}

/** False: somebody will look again, or it is over. */
function mayPass(pipe: Pipe, head: Segment): boolean {
  const { medium, way, from, to } = pipe;
  const sender = stationOf(medium, from);
  // Its kernel sleeps too, and with it the wait for the next try.
  if (sender.state === 'gone') pipe.isOver = true;
  else if (medium.condition(from) === 'sleeps') wait(pipe, sender.held);
  else if (isBlocked(pipe)) tryLater(pipe);
  else {
    const clog = clogOf(way, head.kind);
    if (clog !== undefined) wait(pipe, clog.held);
    else if (!pipe.isTaken()) refused(pipe);
    else if (medium.condition(to) !== 'reads') wait(pipe, stationOf(medium, to).held);
    else return true;
  }
  return false;
}

const isBlocked = ({ medium, way, back, to, unacknowledged }: Pipe): boolean =>
  way.cuts > 0 || isSilent(medium, to) || (back.cuts > 0 && unacknowledged >= UNACKNOWLEDGED_MAX);

function tryLater(pipe: Pipe): void {
  if (pipe.tries >= TRIES_MAX) {
    pipe.isOver = true;
    return pipe.failed();
  }
  plan(pipe, pipe.medium.queue.now + retransmitAfter(pipe.tries));
  pipe.tries += 1;
}

/** A kernel answers that it knows of no such connection. */
function refused(pipe: Pipe): void {
  const { medium, back } = pipe;
  if (back.cuts > 0) return tryLater(pipe);
  pipe.isOver = true;
  const delay = plainDelay(back.delay, medium.options.delayMeanMs);
  schedule(medium.queue, medium.queue.now + delay, pipe.failed);
}
