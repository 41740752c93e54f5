/** Which ways a partition cuts: halves, one alone, a bridge, a ring or a single link; both ways or one. */
import { below, type Stream } from '../choice.ts';
import type { HostIndex, Way } from '../strike.ts';

const SHAPES = ['halves', 'alone', 'bridge', 'ring', 'link'] as const;
const DIRECTIONS = ['both', 'out', 'in'] as const;

/** `alone`: whom to isolate where the shape isolates one. */
export function drawCut(draw: Stream, hostCount: number, alone: HostIndex): readonly Way[] {
  const shape = SHAPES[below(draw, SHAPES.length)] ?? 'halves';
  const direction = DIRECTIONS[below(draw, DIRECTIONS.length)] ?? 'both';
  const side = Array.from({ length: hostCount }, () => below(draw, 2));
  const bridge = below(draw, hostCount);
  const other = below(draw, hostCount);
  const apart = (a: HostIndex, b: HostIndex): boolean => {
    switch (shape) {
      case 'halves':
        return side[a] !== side[b];
      case 'alone':
        return a === alone || b === alone;
      case 'bridge':
        return side[a] !== side[b] && a !== bridge && b !== bridge;
      case 'ring': // only neighbors hear each other
        return (a + 1) % hostCount !== b && (b + 1) % hostCount !== a;
      case 'link':
        return (a === alone && b === other) || (a === other && b === alone);
    }
  };
  // One way: only what leaves the first side, or only what reaches it, is lost.
  const isFirst = (host: HostIndex): boolean =>
    shape === 'halves' || shape === 'bridge' ? side[host] === 0 : host === alone;
  return ways(hostCount).filter(
    ([from, to]) =>
      apart(from, to) &&
      (direction === 'both' || (direction === 'out' ? isFirst(from) : isFirst(to))),
  );
}

/** Every direction of every link. */
export function ways(hostCount: number): readonly Way[] {
  const all = Array.from({ length: hostCount }, (_, host) => host);
  return all.flatMap((from) => all.filter((to) => to !== from).map((to): Way => [from, to]));
}
