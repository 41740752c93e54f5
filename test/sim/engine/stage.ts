/** An engine on a stage of its own: what is asked of it, what it says, and time that goes on by events. */
import { componentId, term } from '../../../protocol/base/ids.ts';
import { millis } from '../../../protocol/base/time.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import type { Observed } from '../../../protocol/input.ts';
import { type Choices, choicesOfTape } from '../../../sim/choice.ts';
import {
  createEngine,
  type Engine,
  type EngineEvent,
  type EngineInit,
} from '../../../sim/engine/engine.ts';
import type { Request } from '../../../sim/engine/instance.ts';
import { createEventQueue, type EventQueue, ofMillis, runNext } from '../../../sim/event-queue.ts';

export type Stage = {
  readonly queue: EventQueue;
  readonly engine: Engine;
  readonly events: EngineEvent[];
  readonly started: Observed[];
};

export type StageInit = {
  readonly choices?: Choices;
  readonly lifeMs?: number;
  readonly programOf?: EngineInit['programOf'];
};

/** Mildest, unless told otherwise. */
export function stage({ choices = choicesOfTape({}), lifeMs, programOf }: StageInit = {}): Stage {
  const queue = createEventQueue();
  const events: EngineEvent[] = [];
  const started: Observed[] = [];
  const engine = createEngine({
    name: 'h1',
    queue,
    choices,
    publishAddress: '0.0.0.0',
    lifeMs,
    isCalm: () => false,
    isOver: () => false,
    started: (instance) => void started.push(instance),
    ...(programOf === undefined ? {} : { programOf }),
  });
  engine.listeners.add((event) => void events.push(event));
  return { queue, engine, events, started };
}

/** Until nothing more happens by itself, or so many events later; how many there were. */
export function play(queue: EventQueue, most = Number.POSITIVE_INFINITY): number {
  let count = 0;
  while (count < most && runNext(queue)) count += 1;
  return count;
}

export function playFor(queue: EventQueue, ms: number): void {
  const until = queue.now + ofMillis(ms);
  while ((queue.heap[0]?.at ?? Number.POSITIVE_INFINITY) <= until) runNext(queue);
  queue.now = until;
}

const SPEC: ComponentSpec = {
  name: 'web',
  mode: 'replicated',
  replicas: 1,
  environment: {},
  ports: [],
  volumes: [],
  restart: { kind: 'always' },
  dependsOn: [],
  stopGraceMs: millis(1000),
};
export const CHECKED: Partial<ComponentSpec> = {
  healthcheck: {
    test: { kind: 'shell', line: 'true' },
    intervalMs: millis(1000),
    timeoutMs: millis(1000),
    retries: 3,
    startPeriodMs: millis(0),
  },
};

export const request = (slot = 1, more: Partial<ComponentSpec> = {}): Request => ({
  component: componentId('shop', 'web'),
  slot,
  attempt: 1,
  revision: 'r1',
  term: term(1),
  spec: { ...SPEC, ...more },
});

/** One word for each event, in the order they came. */
export const wordsOf = (events: readonly EngineEvent[]): readonly string[] =>
  events.map((event) => {
    if (event.kind === 'instanceHealthChanged') return event.health;
    if (event.kind === 'instanceExited') return `exited ${event.exitCode}`;
    return event.kind.replace('instance', '').toLowerCase();
  });
