import { expect, it } from 'vitest';
import { hostId } from '../../../protocol/base/ids.ts';
import { watches, watchersOf } from '../../../protocol/membership/watchers.ts';

const hosts = (count: number) => Array.from({ length: count }, (_, i) => hostId(`host${i}`));

it.each([
  [1, 0],
  [2, 1],
  [3, 2],
  [5, 4],
  [6, 4],
  [50, 4],
])('each of %i hosts has exactly %i watchers, never itself', (count, expected) => {
  const all = hosts(count);
  for (const subject of all) {
    const found = watchersOf(subject, all, 4);
    expect(new Set(found).size).toBe(expected);
    expect(found).not.toContain(subject);
  }
});

it('everyone agrees, whatever order they know the hosts in', () => {
  const all = hosts(20);
  const others = [...all].reverse();
  for (const subject of all)
    expect(watchersOf(subject, others, 4)).toEqual(watchersOf(subject, all, 4));
});

it('the quick answer is the long one', () => {
  for (const count of [1, 2, 4, 5, 6, 40]) {
    const all = hosts(count);
    for (const subject of all)
      for (const watcher of all)
        expect(watches(watcher, subject, all, 4)).toBe(
          watchersOf(subject, all, 4).includes(watcher),
        );
  }
  expect(watches(hostId('stranger'), hostId('host1'), hosts(3), 4)).toBe(false);
});

it('the seats are spread over the hosts', () => {
  const all = hosts(100);
  const seats = new Map(all.map((id) => [id, 0]));
  for (const subject of all)
    for (const id of watchersOf(subject, all, 4)) seats.set(id, (seats.get(id) ?? 0) + 1);
  const counts = [...seats.values()];
  expect(counts.reduce((a, b) => a + b)).toBe(400);
  expect(Math.max(...counts)).toBeLessThanOrEqual(12);
  expect(counts.filter((n) => n === 0).length).toBeLessThanOrEqual(5);
});

it('a loss moves only the seats the lost host had', () => {
  const all = hosts(30);
  const [lost, ...left] = all;
  for (const subject of left) {
    const was = watchersOf(subject, all, 4);
    const is = watchersOf(subject, left, 4);
    expect(is.filter((id) => was.includes(id))).toEqual(was.filter((id) => id !== lost));
  }
});
