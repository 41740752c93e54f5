/** The figures the simulator publishes of itself and of the protocol, each with what it should be. */
import type { Message } from '../../protocol/wire/message.ts';
import { benchConvergence } from './convergence.ts';
import { published } from './published.ts';
import { benchSpeed } from './speed.ts';
import { benchTraffic } from './traffic.ts';

export const BENCHED = ['speed', 'traffic', 'convergence', 'published'] as const;
export type Benched = (typeof BENCHED)[number];

export type Figure = {
  readonly bench: Benched;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What it should be; undefined: nobody has said. */
  readonly aim?: { readonly atLeast: number } | { readonly atMost: number };
  /** What others have published of their own. */
  readonly theirs?: string;
};

/** What the outside lends: milliseconds that pass, and messages as bytes. */
export type Tools = {
  readonly now: () => number;
  readonly sizeOf: (message: Message) => number;
};

const SPEED_MS = 10_000;
const CHANGES = 30;

/** One after the other; `report` is told of each figure as it is known. */
export function bench(which: Benched, tools: Tools, report: (figure: Figure) => void): void {
  switch (which) {
    case 'speed':
      for (const hostCount of [5, 50, 200])
        for (const figure of speedOf(hostCount, tools)) report(figure);
      return;
    case 'traffic':
      for (const hostCount of [5, 13, 50, 200, 1000])
        for (const figure of trafficOf(hostCount, tools)) report(figure);
      return;
    case 'convergence':
      for (const figure of convergenceOf(100, 100)) report(figure);
      return;
    case 'published':
      for (const comparison of published(tools.sizeOf)) report({ bench: which, ...comparison });
  }
}

function speedOf(hostCount: number, { now }: Tools): readonly Figure[] {
  return (['none', 'swarm'] as const).map((faults): Figure => {
    const { simulatedS, wallS } = benchSpeed(hostCount, faults, SPEED_MS, now);
    const what = `${hostCount} hosts, ${faults === 'none' ? 'quiet' : 'under faults'}`;
    const figure = { bench: 'speed', what, value: simulatedS / wallS, unit: 's/s' } as const;
    if (hostCount > 5) return figure;
    return { ...figure, aim: { atLeast: faults === 'none' ? 5000 : 1000 } };
  });
}

/** In thousands of bytes. */
const KILOBYTES_MAX: ReadonlyMap<number, number> = new Map([
  [5, 15],
  [13, 20],
  [200, 30],
  [1000, 30],
]);

function trafficOf(hostCount: number, { sizeOf }: Tools): readonly Figure[] {
  const { messages, bytes } = benchTraffic(hostCount, sizeOf);
  const what = `${hostCount} hosts, in and out`;
  const atMost = KILOBYTES_MAX.get(hostCount);
  const figure = { bench: 'traffic', what, value: bytes / 1000, unit: 'KB/s' } as const;
  return [
    atMost === undefined ? figure : { ...figure, aim: { atMost } },
    { bench: 'traffic', what, value: messages, unit: 'messages/s' },
  ];
}

function convergenceOf(hostCount: number, lossPermille: number): readonly Figure[] {
  const { p50Ms, p99Ms } = benchConvergence(hostCount, lossPermille, CHANGES);
  const what = `${hostCount} hosts, ${lossPermille / 10} % lost`;
  return [
    { bench: 'convergence', what: `${what}, median`, value: p50Ms / 1000, unit: 's' },
    {
      bench: 'convergence',
      what: `${what}, p99`,
      value: p99Ms / 1000,
      unit: 's',
      aim: { atMost: 2 },
    },
  ];
}
