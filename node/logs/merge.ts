/**
 * Several streams of lines as one, by their times: several instances of one host, several hosts.
 *
 *  1. Lines of one source keep their order.
 *  2. A line waits for the other sources to say what they have, but for none of them longer than
 *     `waitMs`: a source that is quiet holds nobody up.
 *  3. A source is asked for more only once what it gave has been taken: however slow the reader, no
 *     more is held than one portion of each source.
 *
 * Lines without a time come before all others, as soon as they are there.
 */

type Timed = { readonly at?: string };
/** Told at the end of a source, with the error that ended it if there was one. */
type Ended = (error?: Error) => void;

export interface Merge<T extends Timed> extends AsyncIterable<readonly T[]> {
  add(source: AsyncIterable<readonly T[]>, ended?: Ended): void;
  /** Nothing is added any more: it ends with its last source. */
  close(): void;
}

type Source<T> = {
  readonly portions: AsyncIterator<readonly T[]>;
  readonly ended: Ended;
  /** Given and not taken yet, from `next` on. */
  lines: readonly T[];
  next: number;
  askedAt: number;
};

export function createMerge<T extends Timed>(waitMs: number): Merge<T> {
  const sources = new Set<Source<T>>();
  const state = { isClosed: false, isOver: false };
  let changed = Promise.withResolvers<void>();
  const wake = (): void => {
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };

  async function ask(source: Source<T>): Promise<void> {
    source.askedAt = performance.now();
    try {
      const { done, value } = await source.portions.next();
      if (done === true) end(source);
      else if (value.length === 0) void ask(source);
      else Object.assign(source, { lines: value, next: 0 });
    } catch (error) {
      end(source, error instanceof Error ? error : new Error(String(error)));
    }
    wake();
  }

  function end(source: Source<T>, error?: Error): void {
    sources.delete(source);
    source.ended(error);
  }

  async function* merged(): AsyncGenerator<readonly T[]> {
    try {
      while (sources.size > 0 || !state.isClosed) {
        const ready = [...sources].filter(hasLines);
        const patienceMs = ready.length === 0 ? Infinity : patienceFor(sources, waitMs);
        if (patienceMs > 0) {
          await withinMs(changed.promise, patienceMs);
          continue;
        }
        const first = ready.reduce((a, b) => (timeOf(b) < timeOf(a) ? b : a));
        yield take(first, ready);
        if (!hasLines(first)) void ask(first);
      }
    } finally {
      state.isOver = true;
      for (const { portions } of sources) void portions.return?.().catch(() => undefined);
    }
  }

  return {
    add(given, ended = () => undefined) {
      if (state.isOver) return;
      const portions = given[Symbol.asyncIterator]();
      const source: Source<T> = { portions, ended, lines: [], next: 0, askedAt: 0 };
      sources.add(source);
      void ask(source);
    },
    close() {
      state.isClosed = true;
      wake();
    },
    [Symbol.asyncIterator]: merged,
  };
}

const hasLines = ({ lines, next }: Source<unknown>): boolean => next < lines.length;
const timeOf = <T extends Timed>({ lines, next }: Source<T>): string => lines[next]?.at ?? '';

/** How long the others may still be waited for. */
function patienceFor<T>(sources: ReadonlySet<Source<T>>, waitMs: number): number {
  const asked = [...sources].filter((source) => !hasLines(source));
  return Math.max(0, ...asked.map(({ askedAt }) => askedAt + waitMs - performance.now()));
}

/** What of the first comes before the others: all of it, if nobody else has anything. */
function take<T extends Timed>(first: Source<T>, ready: readonly Source<T>[]): readonly T[] {
  const others = ready.filter((source) => source !== first).map(timeOf);
  const { lines, next } = first;
  const isBefore = ({ at = '' }: T): boolean => others.every((time) => at <= time);
  const length = lines.slice(next + 1).findIndex((line) => !isBefore(line));
  const end = length < 0 ? lines.length : next + 1 + length;
  first.next = end;
  return lines.slice(next, end);
}

async function withinMs(changed: Promise<void>, ms: number): Promise<void> {
  if (ms === Infinity) return changed;
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([changed, promise]);
  clearTimeout(timer);
}
