/**
 * What will happen in the simulated world, in one total order: by time, then what is done to the world
 * from outside, then by when it was planned.
 */

/** Virtual time of the world: whole microseconds. */
export type Micros = number;
export const ofMillis = (ms: number): Micros => Math.round(ms * 1000);

type Event = { readonly at: Micros; readonly seq: number; readonly run: () => void };
export type EventQueue = {
  now: Micros;
  seq: number;
  /** Below every `seq`. */
  outsideSeq: number;
  ran: number;
  readonly heap: Event[];
};

export const createEventQueue = (): EventQueue => ({
  now: 0,
  seq: 0,
  outsideSeq: -(2 ** 50),
  ran: 0,
  heap: [],
});

const isBefore = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.seq < b.seq);

/** Plans `run` for `at`, or for now if that has passed. */
export function schedule(queue: EventQueue, at: Micros, run: () => void): void {
  add(queue, { at: Math.max(at, queue.now), seq: queue.seq, run });
  queue.seq += 1;
}

/** Plans what is done from outside: before all else of its time, so that a tape can do it again. */
export function scheduleDeed(queue: EventQueue, at: Micros, run: () => void): void {
  add(queue, { at: Math.max(at, queue.now + 1), seq: queue.outsideSeq, run });
  queue.outsideSeq += 1;
}

function add({ heap }: EventQueue, event: Event): void {
  let i = heap.length;
  heap.push(event);
  while (i > 0) {
    const above = (i - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !isBefore(event, parent)) break;
    heap[i] = parent;
    i = above;
  }
  heap[i] = event;
}

/** Runs the next event; false: nothing is planned any more. */
export function runNext(queue: EventQueue): boolean {
  const { heap } = queue;
  const [first] = heap;
  const last = heap.pop();
  if (first === undefined || last === undefined) return false;
  if (heap.length > 0) sink(heap, last);
  queue.now = first.at;
  queue.ran += 1;
  first.run();
  return true;
}

function sink(heap: Event[], event: Event): void {
  let i = 0;
  for (;;) {
    const left = heap[2 * i + 1];
    const right = heap[2 * i + 2];
    if (left === undefined) break;
    const isRight = right !== undefined && isBefore(right, left);
    const child = isRight ? right : left;
    if (!isBefore(child, event)) break;
    heap[i] = child;
    i = 2 * i + (isRight ? 2 : 1);
  }
  heap[i] = event;
}
