/**
 * What an agent of a quiet cluster sends and hears: every host runs one instance of a stack. Bytes are
 * those of the encoded messages and a packet's headers for each of them; real connections put several
 * messages into one packet, so this is the most it can be.
 */
import type { Message } from '../../protocol/wire/message.ts';
import { quiet } from '../options.ts';
import { simulate } from '../run.ts';
import type { World } from '../world.ts';
import { onePerHost } from './convergence.ts';

export type Traffic = {
  readonly hostCount: number;
  /** Per host and second, in and out together. */
  readonly messages: number;
  readonly bytes: number;
};

type Sum = { messages: number; bytes: number };

/** So many take an hour to join, and what a quiet cluster says does not depend on how they came to be members. */
const JOIN_MAX = 200;

/** @throws Error if the cluster has not come to rest when the measurement begins. */
export function benchTraffic(hostCount: number, sizeOf: (message: Message) => number): Traffic {
  const settledMs = 30_000 + 40 * hostCount;
  // Each host's heartbeats come every N/20 s, and of those that have started together all at once.
  const stormMs = settledMs + Math.max(hostCount > 50 ? 20_000 : 60_000, 50 * hostCount);
  let before: Sum | undefined;
  let after: Sum = { messages: 0, bytes: 0 };
  let restless: string | undefined;
  simulate(
    {
      ...quiet(1, hostCount, stormMs),
      voterCount: hostCount >= 5 ? 5 : 3,
      ...(hostCount > JOIN_MAX && { hasJoined: true as const }),
      gossip: 'mesh',
      workload: { kind: 'given', stacks: [onePerHost()] },
    },
    {
      untilMs: stormMs,
      isUnjudged: true,
      sizeOf,
      look({ atMs, world }) {
        if (atMs < settledMs) return undefined;
        if (before === undefined) restless = whyRestless(world);
        before ??= sumOf(world);
        after = sumOf(world);
        return restless;
      },
    },
  );
  if (restless !== undefined) throw new Error(`nothing can be measured: ${restless}`);
  const hostSeconds = (hostCount * (stormMs - settledMs)) / 1000;
  const perHost = (what: keyof Sum): number => (after[what] - (before?.[what] ?? 0)) / hostSeconds;
  return { hostCount, messages: perHost('messages'), bytes: perHost('bytes') };
}

function whyRestless({ hosts }: World): string | undefined {
  const idle = hosts.filter(({ engine }) => engine.instances.size === 0).length;
  return idle === 0 ? undefined : `${idle} of ${hosts.length} hosts run nothing yet`;
}

function sumOf({ network }: World): Sum {
  const sum: Sum = { messages: 0, bytes: 0 };
  for (const { traffic } of network.medium.stations) {
    sum.messages += traffic.messagesIn + traffic.messagesOut;
    sum.bytes += traffic.bytesIn + traffic.bytesOut;
  }
  return sum;
}
