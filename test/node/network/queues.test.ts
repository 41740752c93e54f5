import { describe, expect, test } from 'vitest';
import { backoffMs } from '../../../node/network/backoff.ts';
import { createFrameQueue } from '../../../node/network/frame-queue.ts';
import { createSemaphore } from '../../../node/network/semaphore.ts';

describe('frame queue', () => {
  test.each<[string, readonly number[], number, readonly number[]]>([
    ['up to both bounds nothing is dropped', [40, 40, 20], 0, [40, 40, 20]],
    ['the oldest makes room for one frame too many', [1, 2, 3, 4], 1, [2, 3, 4]],
    ['the oldest make room for too many bytes', [50, 40, 60], 1, [40, 60]],
    ['as many as it takes', [30, 30, 90], 2, [90]],
    ['what does not fit alone is dropped itself', [10, 101], 2, []],
  ])('%s', (_, sizes, dropped, left) => {
    const queue = createFrameQueue({ framesMax: 3, bytesMax: 100 });
    const counts = sizes.map((size) => queue.push(new Uint8Array(size)));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(dropped);
    expect(queue.length).toBe(left.length);
    expect(queue.bytes).toBe(left.reduce((sum, size) => sum + size, 0));
    expect(left.map(() => queue.shift()?.byteLength)).toEqual(left);
    expect([queue.shift(), queue.bytes]).toEqual([undefined, 0]);
  });
});

describe('semaphore', () => {
  const forever = new AbortController().signal;
  test('lets in so many, then one for each that leaves, in order', async () => {
    const semaphore = createSemaphore(2);
    const entered: number[] = [];
    const releases = [0, 1, 2, 3].map((n) =>
      semaphore.acquire(forever).then((release) => {
        entered.push(n);
        return release;
      }),
    );
    await Promise.all(releases.slice(0, 2));
    expect([entered, semaphore.users]).toEqual([[0, 1], 4]);
    const first = await releases[0];
    first?.();
    first?.();
    await releases[2];
    // Released twice, it still freed one place only.
    expect([entered, semaphore.users]).toEqual([[0, 1, 2], 3]);
  });

  test('who waits no longer takes no place', async () => {
    const semaphore = createSemaphore(1);
    const release = await semaphore.acquire(forever);
    const impatient = new AbortController();
    const waiting = semaphore.acquire(impatient.signal);
    impatient.abort(new Error('no longer'));
    await expect(waiting).rejects.toThrow('no longer');
    await expect(semaphore.acquire(impatient.signal)).rejects.toThrow('no longer');
    release();
    expect(semaphore.users).toBe(0);
    await semaphore.acquire(forever);
    expect(semaphore.users).toBe(1);
  });
});

test.each([
  [0, 0.5, 200],
  [1, 0.5, 400],
  [4, 0.5, 3200],
  [5, 0.5, 5000],
  [1000, 0.5, 5000],
  [0, 0, 150],
  [1000, 1, 6250],
])('after %i failures, with a random of %d, the wait is %i ms', (failures, random, expected) => {
  expect(backoffMs(failures, { minMs: 200, maxMs: 5_000 }, () => random)).toBe(expected);
});
