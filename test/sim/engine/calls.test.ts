import { describe, expect, it } from 'vitest';
import type { Result } from '../../../protocol/base/result.ts';
import { choicesOfSeed } from '../../../sim/choice.ts';
import {
  abandonCalls,
  giveUp,
  listInstances,
  removeInstance,
  startInstance,
  stopInstance,
} from '../../../sim/engine/calls.ts';
import type { Answer, Call, Engine, Refusal } from '../../../sim/engine/engine.ts';
import { hang, killAll, restartDaemon } from '../../../sim/engine/faults.ts';
import { play, request, stage, wordsOf } from './stage.ts';

/** More events than any one call takes. */
const EVENTS_MAX = 12;
const MOMENTS = Array.from({ length: EVENTS_MAX }, (_, index) => index);
const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

const wordFor = (outcome: Result<unknown, Refusal>): string =>
  outcome.ok ? 'ok' : outcome.error.code;

/** Starts an instance and waits until it runs; its id. */
function begun({ engine, queue }: ReturnType<typeof stage>): string {
  startInstance(engine, request(), () => {});
  play(queue);
  return [...engine.instances.keys()][0] ?? '';
}

describe('a start', () => {
  it.each(MOMENTS)('given up after %i events is refused and leaves nothing behind', (events) => {
    const { engine, queue, started } = stage();
    const heard: string[] = [];
    const call = startInstance(engine, request(), (outcome) => heard.push(wordFor(outcome)));
    play(queue, events);
    const isAnswered = heard.length > 0;
    giveUp(engine, call);
    play(queue);
    expect(heard).toEqual([isAnswered ? 'ok' : 'aborted']);
    expect(engine.instances.size).toBe(isAnswered ? 1 : 0);
    expect(engine.calls.size).toBe(0);
    expect(started.length).toBeLessThanOrEqual(1);
  });

  it('whose agent dies has happened, is half done or never was, and does not go on later', () => {
    const left = new Set<string>();
    const stateOf = ({ instances }: Engine): string =>
      [...instances.values()][0]?.observed.state ?? 'nothing';
    for (const seed of SEEDS)
      for (const events of MOMENTS) {
        const { engine, queue, started } = stage({ choices: choicesOfSeed(seed) });
        const heard: unknown[] = [];
        startInstance(engine, request(), (outcome) => heard.push(outcome));
        play(queue, events);
        const answered = heard.length;
        const before = stateOf(engine);
        abandonCalls(engine);
        const runs = started.length;
        play(queue);
        expect([heard.length, started.length]).toEqual([answered, runs]);
        left.add(`${before}, ${stateOf(engine)}`);
      }
    const halfDone = ['created, created', 'created, running'];
    expect([...left].toSorted()).toEqual([...halfDone, 'nothing, nothing', 'running, running']);
  });

  it('is refused where this very attempt runs, and takes the place of one that has ended', () => {
    const { engine, queue, events } = stage();
    const heard: string[] = [];
    const hear = (outcome: Result<unknown, Refusal>): void => void heard.push(wordFor(outcome));
    startInstance(engine, request(), hear);
    play(queue);
    startInstance(engine, request(), hear);
    play(queue);
    killAll(engine);
    startInstance(engine, request(), hear);
    play(queue);
    expect(heard).toEqual(['ok', 'conflict', 'ok']);
    expect(wordsOf(events)).toEqual(['started', 'exited 137', 'removed', 'started']);
  });

  it('of what cannot be run is refused for good', () => {
    const { engine, queue } = stage({ programOf: () => undefined });
    const heard: Result<unknown, Refusal>[] = [];
    startInstance(engine, request(), (outcome) => heard.push(outcome));
    play(queue);
    expect(heard).toMatchObject([{ ok: false, error: { code: 'bad-spec', permanent: true } }]);
    expect(engine.instances.size).toBe(0);
  });

  it('goes wrong now and then where things go wrong, and leaves nothing behind', () => {
    const refused = Array.from({ length: 200 }, (_, seed) => {
      const { engine, queue } = stage({ choices: choicesOfSeed(seed), lifeMs: 60_000 });
      const heard: string[] = [];
      startInstance(engine, request(), (outcome) => {
        heard.push(wordFor(outcome));
        if (!outcome.ok) expect(engine.instances.size).toBe(0);
      });
      play(queue);
      return heard;
    });
    expect(new Set(refused.flat())).toEqual(new Set(['ok', 'failed']));
  });

  it('may be answered after its instance has ended', () => {
    const late = Array.from({ length: 200 }, (_, seed) => {
      const { engine, queue, events } = stage({ choices: choicesOfSeed(seed), lifeMs: 60_000 });
      let before: readonly string[] = [];
      startInstance(engine, request(), () => (before = wordsOf(events)));
      play(queue);
      return before.some((word) => word.startsWith('exited'));
    });
    expect(late).toContain(true);
    expect(late).toContain(false);
  });
});

describe('a stop whose agent dies', () => {
  it('is forgotten or goes on', () => {
    const states = SEEDS.map((seed) => {
      const subject = stage({ choices: choicesOfSeed(seed) });
      const engineId = begun(subject);
      stopInstance(subject.engine, { engineId, graceMs: 1000 }, () => {});
      abandonCalls(subject.engine);
      play(subject.queue);
      return subject.engine.instances.get(engineId)?.observed.state;
    });
    expect(new Set(states)).toEqual(new Set(['running', 'exited']));
  });
});

type Begin = (engine: Engine, engineId: string, answer: Answer<unknown>) => Call;
const CALLS: readonly (readonly [string, Begin])[] = [
  ['start', (engine, _, answer) => startInstance(engine, request(2), answer)],
  ['stop', (engine, engineId, answer) => stopInstance(engine, { engineId, graceMs: 1000 }, answer)],
  ['remove', (engine, engineId, answer) => removeInstance(engine, engineId, answer)],
  ['list', (engine, _, answer) => listInstances(engine, answer)],
];

describe.each(CALLS)('%s', (_, begin) => {
  it.each(MOMENTS)('is answered once though the daemon hangs after %i events', (events) => {
    const heard = outcomesWith(events, hang);
    expect(heard).toEqual(['ok']);
  });

  it.each(MOMENTS)('is answered once though the daemon restarts after %i events', (events) => {
    for (const instances of ['survive', 'die'] as const) {
      const heard = outcomesWith(events, (engine) => restartDaemon(engine, instances));
      expect([['ok'], ['unavailable']]).toContainEqual(heard);
    }
  });

  it('is refused while the daemon is away', () => {
    const subject = stage();
    const engineId = begun(subject);
    restartDaemon(subject.engine, 'survive');
    const heard: string[] = [];
    begin(subject.engine, engineId, (outcome) => heard.push(wordFor(outcome)));
    play(subject.queue);
    expect(heard).toEqual(['unavailable']);
    expect(subject.engine.instances.size).toBe(1);
  });

  it('is forgotten with its machine', () => {
    const subject = stage();
    const engineId = begun(subject);
    const heard: string[] = [];
    begin(subject.engine, engineId, (outcome) => heard.push(wordFor(outcome)));
    killAll(subject.engine);
    play(subject.queue);
    expect(heard).toEqual([]);
  });

  function outcomesWith(events: number, strike: (engine: Engine) => () => void): string[] {
    const subject = stage();
    const engineId = begun(subject);
    const heard: string[] = [];
    begin(subject.engine, engineId, (outcome) => heard.push(wordFor(outcome)));
    play(subject.queue, events);
    const undo = strike(subject.engine);
    play(subject.queue);
    undo();
    play(subject.queue);
    return heard;
  }
});
