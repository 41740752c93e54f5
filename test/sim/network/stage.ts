/** A network with nothing on it: hosts that only write down what reaches them. */
import { hostId } from '../../../protocol/base/ids.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import { choicesOfSeed } from '../../../sim/choice.ts';
import { createEventQueue, type EventQueue, ofMillis, runNext } from '../../../sim/event-queue.ts';
import { type Options, quiet } from '../../../sim/options.ts';
import type { Condition } from '../../../sim/network/medium.ts';
import {
  agentResumed,
  agentStarted,
  createNetwork,
  type Network,
  transmit,
} from '../../../sim/network/network.ts';

export type Heard = {
  readonly atMs: number;
  readonly from: number;
  readonly kind: Message['kind'];
  /** Of a probe. */
  readonly n: number;
};
export type Stage = {
  readonly network: Network;
  readonly queue: EventQueue;
  /** By host. */
  readonly heard: readonly Heard[][];
  /** By host: `+h2` and `-h2`. */
  readonly noticed: readonly string[][];
  readonly conditions: Condition[];
  readonly ids: string[];
};

export type Setting = Partial<Options> & { readonly seed?: number; readonly hostCount: number };

export function createStage(setting: Setting): Stage {
  const options = { ...quiet(setting.seed ?? 1, setting.hostCount, 60_000), ...setting };
  const each = <T>(make: (index: number) => T): T[] =>
    Array.from({ length: options.hostCount }, (_, index) => make(index));
  const queue = createEventQueue();
  const heard = each((): Heard[] => []);
  const noticed = each((): string[] => []);
  const conditions = each((): Condition => 'reads');
  const ids = each((index) => `h${index + 1}`);
  const network = createNetwork({
    queue,
    choices: choicesOfSeed(options.seed),
    options,
    idOf: (host) => hostId(ids[host] ?? ''),
    condition: (host) => conditions[host] ?? 'reads',
    deliver(to, from, message) {
      const n = message.kind === 'probe' ? message.nonce : 0;
      heard[to]?.push({ atMs: queue.now / 1000, from, kind: message.kind, n });
    },
    noticed: (host, peer, kind) =>
      noticed[host]?.push(`${kind === 'peerConnected' ? '+' : '-'}${peer}`),
    sizeOf: undefined,
  });
  return { network, queue, heard, noticed, conditions, ids };
}

/** All agents start, and meet. */
export function populated(setting: Setting): Stage {
  const stage = createStage(setting);
  for (const host of stage.ids.keys()) agentStarted(stage.network, host);
  pass(stage, 3000);
  return stage;
}

export function pass({ queue }: Stage, ms: number): void {
  const until = queue.now + ofMillis(ms);
  while ((queue.heap[0]?.at ?? Infinity) <= until) runNext(queue);
  queue.now = until;
}

export const probe = (nonce: number): Message => ({ kind: 'probe', nonce });
export const pull: Message = { kind: 'pull', inventories: [], records: [] };

/** Numbered probes, one every `everyMs`. */
export function say(
  stage: Stage,
  [from, to]: readonly [number, number],
  numbers: readonly number[],
  everyMs = 10,
): void {
  for (const n of numbers) {
    transmit(stage.network, from, to, probe(n));
    pass(stage, everyMs);
  }
}

export const numbers = (first: number, last: number): readonly number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i);

export const heardBy = ({ heard }: Stage, host: number): readonly number[] =>
  heard[host]?.filter(({ kind }) => kind === 'probe').map(({ n }) => n) ?? [];

export function goOn(stage: Stage, host: number): void {
  stage.conditions[host] = 'reads';
  agentResumed(stage.network, host);
}
