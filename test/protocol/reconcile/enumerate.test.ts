/**
 * Every short sequence of things that can happen to one slot, against a small engine that does what
 * it is told when it is told to. What must never happen is checked at every step; afterwards everyone
 * cooperates, and exactly what is wanted must be left.
 */
import { expect, it } from 'vitest';
import { componentId } from '../../../protocol/base/ids.ts';
import { unreachable } from '../../../protocol/base/assert.ts';
import type { Effect } from '../../../protocol/effect.ts';
import type { Observed } from '../../../protocol/input.ts';
import {
  onExited,
  onHealth,
  onListed,
  onRefused,
  onRemoved,
  onRestartCommand,
  onStarted,
  reportsOf,
  slotsDeadline,
} from '../../../protocol/reconcile/slots.ts';
import { desired, observed, type Stage, stage, WEB } from './stage.ts';

const FOREIGN = observed({ engineId: 'foreign', component: componentId('blog', 'db') });

/** An engine with its requests under way, and the order they were made in. */
type Engine = {
  readonly all: Map<string, Observed>;
  starting: { readonly attempt: number; readonly revision: string } | undefined;
  readonly stopping: Set<string>;
  readonly removing: Set<string>;
  highest: number;
  listed: boolean;
};

const EVENTS = {
  startSucceeds: 'answers a start',
  startFails: 'refuses a start for now',
  stopWorks: 'ends what was told to stop',
  crash: 'ends something that runs',
  crashUnseen: 'the same, and its event is lost',
  removeWorks: 'removes what it was told to',
  requestsLost: 'forgets all stops and removals',
  unhealthy: 'finds the newest unhealthy',
  list: 'is listed',
  want2: 'the spec changes',
  unwant: 'the slot moves away',
  unknown: 'the assignment is not known any more',
  gate: 'a dependency is missing',
  restart: 'a user restarts it',
  time: 'the deadline comes',
} as const;
type Event = keyof typeof EVENTS;
type Wish = 'want2' | 'unwant' | 'unknown' | 'gate' | 'restart' | 'time';
const ALL = Object.keys(EVENTS) as readonly Event[];

const LIFE: readonly Event[] = [
  'startSucceeds',
  'startFails',
  'stopWorks',
  'crash',
  'removeWorks',
  'unhealthy',
  'want2',
  'unwant',
];

const STARTS: Readonly<Record<string, readonly Observed[]>> = {
  nothing: [],
  'one of the wanted spec': [observed({ attempt: 3 })],
  'one of an older spec': [observed({ attempt: 3, revision: 'r0' })],
  'two at once': [observed({ attempt: 2 }), observed({ attempt: 3, revision: 'r0' })],
  'one that ended, one never started': [
    observed({ attempt: 2, state: 'exited', exitCode: 1 }),
    observed({ attempt: 3, state: 'created' }),
  ],
};

it.each(Object.keys(STARTS))('all sequences of 3 of 15 events, starting with %s', (name) => {
  expect(playAll(STARTS[name] ?? [], ALL, 3)).toBe(15 ** 3);
});

it('all sequences of 4 of 15 events', () => {
  expect(playAll([], ALL, 4)).toBe(15 ** 4);
});

it('all sequences of 5 of the 8 events of an ordinary life', () => {
  expect(playAll([], LIFE, 5)).toBe(8 ** 5);
});

/** Plays every sequence of so many events; returns how many there were. */
function playAll(start: readonly Observed[], events: readonly Event[], length: number): number {
  const total = events.length ** length;
  for (let code = 0; code < total; code++) {
    const sequence: Event[] = [];
    for (let i = 0, rest = code; i < length; i++, rest = Math.floor(rest / events.length))
      sequence.push(events[rest % events.length] ?? 'time');
    try {
      play(start, sequence, false);
    } catch {
      // Once more, to tell the whole story.
      play(start, sequence, true);
      throw new Error('it failed once only: something here is not deterministic');
    }
  }
  return total;
}

function play(start: readonly Observed[], events: readonly Event[], record: boolean): void {
  const s = stage([desired()], record);
  s.unwanted = (component) => component === WEB;
  const engine: Engine = {
    all: new Map([...start, FOREIGN].map((instance) => [instance.engineId, instance])),
    starting: undefined,
    stopping: new Set(),
    removing: new Set(),
    highest: Math.max(0, ...start.map(({ attempt }) => attempt)),
    listed: false,
  };
  const trace: string[] = [];
  const act = (event: Event): void => {
    trace.push(event);
    happen(s, engine, event);
    check(s, engine, trace);
  };
  s.step(0, 'before the first list');
  check(s, engine, trace);
  act('list');
  events.forEach(act);
  settleDown(s, act);
  verifyEnd(s, engine, trace);
}

const SETTLING = [
  'list',
  'stopWorks',
  'startSucceeds',
  'stopWorks',
  'startSucceeds',
  'removeWorks',
  'removeWorks',
  'time',
] as const;

/** Everyone does what is asked until nothing is under way; the slot is wanted again unless it moved. */
function settleDown(s: Stage, act: (event: Event) => void): void {
  const [last] = s.wanted;
  const moved = last === undefined && s.unwanted(WEB, 1);
  s.unwanted = (component) => component === WEB;
  s.wanted = moved ? [] : [desired({ revision: last?.revision ?? 'r1' })];
  // Each time longer than a stop's grace and slack, the age of a list and any backoff.
  for (let i = 0; i < 3; i++) {
    s.now += 61_000;
    for (const event of SETTLING) act(event);
  }
}

function happen(s: Stage, engine: Engine, event: Event): void {
  const now = s.now + 100;
  const tell = (event_: Parameters<Stage['step']>[2]): void => s.step(now, event, event_);
  const live = ours(engine).filter(({ state }) => state === 'running');
  switch (event) {
    case 'startSucceeds': {
      if (engine.starting === undefined) return;
      const instance = observed({ ...engine.starting });
      engine.starting = undefined;
      engine.all.set(instance.engineId, instance);
      return tell((slots, turn) => onStarted(slots, turn, instance));
    }
    case 'startFails': {
      if (engine.starting === undefined) return;
      const { attempt } = engine.starting;
      engine.starting = undefined;
      const refusal = { component: WEB, slot: 1, attempt, permanent: false, reason: 'busy' };
      return tell((slots, turn) => onRefused(slots, turn, refusal));
    }
    case 'stopWorks': {
      const [engineId] = engine.stopping;
      if (engineId === undefined) return;
      engine.stopping.delete(engineId);
      return leave(engine, engineId, 143, tell);
    }
    case 'crash':
      return live[0] === undefined ? undefined : leave(engine, live[0].engineId, 1, tell);
    case 'crashUnseen':
      return live[0] === undefined ? undefined : leave(engine, live[0].engineId, 1, undefined);
    case 'removeWorks': {
      const [engineId] = engine.removing;
      if (engineId === undefined) return;
      engine.removing.delete(engineId);
      engine.all.delete(engineId);
      return tell((slots, turn) => onRemoved(slots, turn, engineId));
    }
    case 'requestsLost':
      engine.stopping.clear();
      return engine.removing.clear();
    case 'unhealthy': {
      const engineId = live.at(-1)?.engineId;
      if (engineId === undefined) return;
      return tell((slots, turn) => onHealth(slots, turn, engineId, 'unhealthy'));
    }
    case 'list': {
      engine.listed = true;
      for (const engineId of engine.stopping)
        if (engine.all.get(engineId)?.state === 'exited') engine.stopping.delete(engineId);
      const instances = [...engine.all.values()];
      return tell((slots, turn) => onListed(slots, turn, instances));
    }
    case 'want2':
    case 'unwant':
    case 'unknown':
    case 'gate':
    case 'restart':
    case 'time':
      return wish(s, event, now, tell);
    default:
      return unreachable(event);
  }
}

function wish(
  s: Stage,
  event: Wish,
  now: number,
  tell: (event: Parameters<Stage['step']>[2]) => void,
): void {
  switch (event) {
    case 'want2':
      s.wanted = [desired({ revision: 'r2' })];
      return tell(undefined);
    case 'unwant':
      s.wanted = [];
      return tell(undefined);
    case 'unknown':
      s.wanted = [];
      s.unwanted = () => false;
      return tell(undefined);
    case 'gate':
      s.wanted = s.wanted.map((slot) => ({ ...slot, waitsFor: 'waits for shop.db to start' }));
      return tell(undefined);
    case 'restart':
      return tell((slots, turn) => onRestartCommand(slots, turn, WEB, 1));
    case 'time':
      return s.step(Math.max(now, slotsDeadline(s.slots) ?? now), event);
    default:
      return unreachable(event);
  }
}

const ours = (engine: Engine): readonly Observed[] =>
  [...engine.all.values()].filter(({ component }) => component === WEB);

function leave(
  engine: Engine,
  engineId: string,
  exitCode: number,
  tell: ((event: Parameters<Stage['step']>[2]) => void) | undefined,
): void {
  const instance = engine.all.get(engineId);
  // A stop of what has crashed unseen works too, and its exit is told then.
  if (instance === undefined) return;
  engine.all.set(engineId, { ...instance, state: 'exited', exitCode });
  if (tell !== undefined) engine.stopping.delete(engineId);
  tell?.((slots, turn) => onExited(slots, turn, { engineId, exitCode, oomKilled: false }));
}

/** Takes the effects into the engine, and checks each against what it knows. */
function check(s: Stage, engine: Engine, trace: readonly string[]): void {
  const say = (what: string): string => `${what}\n${trace.join(' → ')}\n${s.lines.join('\n')}`;
  for (const effect of s.effects) {
    if (!engine.listed) throw new Error(say('1: touched before the first list'));
    if ('engineId' in effect && effect.engineId === 'foreign') throw new Error(say('5: foreign'));
    const wrong = take(engine, effect, s.wanted);
    if (wrong !== undefined) throw new Error(say(wrong));
  }
  s.effects = [];
  const due = slotsDeadline(s.slots);
  if (due !== undefined && due <= s.now) throw new Error(say('a deadline that has passed spins'));
}

function take(engine: Engine, effect: Effect, [wanted]: Stage['wanted']): string | undefined {
  const runs = ours(engine).some(({ state }) => state === 'running');
  if (effect.kind === 'stopInstance') {
    if (engine.starting !== undefined) return '2: a stop while a start is under way';
    // The same again is allowed: a request may have been lost.
    engine.stopping.add(effect.engineId);
    return engine.stopping.size > 1 ? '2: two stops under way' : undefined;
  }
  if (effect.kind === 'removeInstance') {
    if (engine.all.get(effect.engineId)?.state === 'running') return 'removed what runs';
    engine.removing.add(effect.engineId);
    return engine.removing.size > 1 ? '2: two removals under way' : undefined;
  }
  if (effect.kind !== 'startInstance') return `unexpected ${effect.kind}`;
  if (engine.starting !== undefined) return '2: two starts under way';
  if (runs) return '3: started beside one that runs';
  if (engine.stopping.size > 0) return '2: started while a stop is under way';
  if (effect.attempt <= engine.highest) return '4: the attempt did not rise';
  if (wanted?.revision !== effect.revision) return 'started another spec than the wanted';
  if (wanted.waitsFor !== undefined) return 'started although it waits';
  engine.highest = effect.attempt;
  engine.starting = { attempt: effect.attempt, revision: effect.revision };
  return undefined;
}

function verifyEnd(s: Stage, engine: Engine, trace: readonly string[]): void {
  const left = ours(engine).map(({ state, revision }) => `${state} ${revision}`);
  const reports = [...reportsOf(s.slots).values()].filter(({ component }) => component === WEB);
  const states = reports.map(({ state, revision }) => `${state} ${revision}`);
  const expected = s.wanted.map(({ revision }) => `running ${revision}`);
  const all = [left, states].map((list) => list.join());
  if (all.some((text) => text !== expected.join()) || !engine.all.has('foreign'))
    throw new Error(`${trace.join(' → ')}\nleft: ${all.join(' / ')}\n${s.lines.join('\n')}`);
}
