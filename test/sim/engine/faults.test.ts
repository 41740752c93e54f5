import { describe, expect, it } from 'vitest';
import { choicesOfSeed } from '../../../sim/choice.ts';
import { startInstance, stopInstance } from '../../../sim/engine/calls.ts';
import { running } from '../../../sim/engine/engine.ts';
import { crashLoop, exitNth, hang, killAll, restartDaemon } from '../../../sim/engine/faults.ts';
import { setStill } from '../../../sim/engine/instance.ts';
import { CHECKED, play, playFor, request, stage, type Stage, wordsOf } from './stage.ts';

/** Three run, and it has been told. */
function threeRun(): Stage {
  const subject = stage();
  for (const slot of [1, 2, 3]) startInstance(subject.engine, request(slot), () => {});
  play(subject.queue);
  subject.events.length = 0;
  return subject;
}
const slotsOf = ({ engine }: Stage): readonly number[] => running(engine).map(({ slot }) => slot);

describe('an exit', () => {
  it.each([
    [0, [2, 3]],
    [1, [1, 3]],
    [2, [1, 2]],
    [3, [2, 3]],
  ])('of number %i among those that run', (nth, left) => {
    const subject = threeRun();
    exitNth(subject.engine, nth, 'exit');
    play(subject.queue);
    expect(slotsOf(subject)).toEqual(left);
    expect(wordsOf(subject.events)).toEqual(['exited 1']);
  });

  it('befalls nobody where nothing runs', () => {
    const { engine, queue, events } = stage();
    exitNth(engine, 0, 'exit');
    play(queue);
    expect(events).toEqual([]);
  });
});

it('a healthcheck goes on once what was frozen does', () => {
  const { engine, queue, events } = stage();
  startInstance(engine, request(1, CHECKED), () => {});
  playFor(queue, 500);
  const [one] = engine.instances.values();
  if (one === undefined) throw new Error('it runs');
  setStill(engine, one, true);
  playFor(queue, 10_000);
  setStill(engine, one, false);
  play(queue);
  expect(wordsOf(events)).toEqual(['started', 'frozen', 'thawed', 'healthy']);
});

describe('bad health', () => {
  it('befalls the first that has a healthcheck, and shows after as many checks as it takes', () => {
    const subject = threeRun();
    startInstance(subject.engine, request(4, CHECKED), () => {});
    play(subject.queue);
    expect(wordsOf(subject.events)).toEqual(['started', 'healthy']);
    exitNth(subject.engine, 0, 'unhealthy');
    playFor(subject.queue, 2900);
    expect(subject.events).toHaveLength(2);
    playFor(subject.queue, 200);
    expect(wordsOf(subject.events)).toEqual(['started', 'healthy', 'unhealthy']);
    expect(running(subject.engine).at(-1)).toMatchObject({ slot: 4, health: 'unhealthy' });
  });

  it('comes by itself where things go wrong, and passes', () => {
    const stories = Array.from({ length: 100 }, (_, seed) => {
      const { engine, queue, events } = stage({ choices: choicesOfSeed(seed), lifeMs: 10_000 });
      startInstance(engine, request(1, CHECKED), () => {});
      play(queue);
      return wordsOf(events).join(' ');
    });
    expect(stories).toContain('started healthy unhealthy healthy');
  });
});

describe('a crash loop', () => {
  it('ends all that is started meanwhile, soon, and nothing that ran before or starts after', () => {
    const subject = threeRun();
    const undo = crashLoop(subject.engine);
    startInstance(subject.engine, request(4), () => {});
    play(subject.queue);
    expect(wordsOf(subject.events)).toEqual(['started', 'exited 1']);
    expect(slotsOf(subject)).toEqual([1, 2, 3]);
    undo();
    startInstance(subject.engine, request(5), () => {});
    play(subject.queue);
    expect(slotsOf(subject)).toEqual([1, 2, 3, 5]);
  });
});

describe('a daemon that hangs', () => {
  it('does and tells nothing, and afterwards all of it in order', () => {
    const subject = threeRun();
    const { engine, queue, events } = subject;
    const undo = hang(engine);
    const heard: string[] = [];
    startInstance(engine, request(4), () => heard.push('started'));
    exitNth(engine, 0, 'exit');
    playFor(queue, 60_000);
    expect([heard, events]).toEqual([[], []]);
    expect(slotsOf(subject)).toEqual([2, 3]);
    undo();
    play(queue);
    expect(heard).toEqual(['started']);
    expect(wordsOf(events)).toEqual(['exited 1', 'started']);
    expect(slotsOf(subject)).toEqual([2, 3, 4]);
  });

  it('hangs until the last of two that overlap is over', () => {
    const { engine, queue, events } = threeRun();
    const first = hang(engine);
    const second = hang(engine);
    exitNth(engine, 0, 'exit');
    first();
    play(queue);
    expect(events).toEqual([]);
    second();
    play(queue);
    expect(wordsOf(events)).toEqual(['exited 1']);
  });
});

describe('a daemon that restarts', () => {
  it('tells of nothing that happened meanwhile: only to list again, before anything newer', () => {
    const subject = threeRun();
    const { engine, queue, events } = subject;
    const undo = restartDaemon(engine, 'survive');
    exitNth(engine, 0, 'exit');
    playFor(queue, 1000);
    expect(events).toEqual([]);
    undo();
    exitNth(engine, 0, 'exit');
    play(queue);
    expect(wordsOf(events)).toEqual(['resync', 'exited 1']);
    expect(slotsOf(subject)).toEqual([3]);
  });

  it('forgets what it kept while it hung', () => {
    const { engine, queue, events } = threeRun();
    const unhang = hang(engine);
    exitNth(engine, 0, 'exit');
    restartDaemon(engine, 'survive')();
    unhang();
    play(queue);
    expect(wordsOf(events)).toEqual(['resync']);
  });

  it.each([
    ['survive', [1, 2, 3]],
    ['die', []],
  ] as const)('lets its instances %s', (instances, left) => {
    const subject = threeRun();
    const undo = restartDaemon(subject.engine, instances);
    undo();
    play(subject.queue);
    expect(slotsOf(subject)).toEqual(left);
    expect(wordsOf(subject.events)).toEqual(['resync']);
  });

  it('forgets a stop: the instance that ignores its signal runs on', () => {
    const program = { farewellMs: undefined, isWell: true };
    const { engine, queue } = stage({ programOf: () => program });
    startInstance(engine, request(), () => {});
    play(queue);
    const [engineId = ''] = engine.instances.keys();
    stopInstance(engine, { engineId, graceMs: 1000 }, () => {});
    playFor(queue, 500);
    restartDaemon(engine, 'survive')();
    play(queue);
    expect(running(engine)).toHaveLength(1);
    const heard: number[] = [];
    stopInstance(engine, { engineId, graceMs: 1000 }, () => heard.push(queue.now));
    const since = queue.now;
    play(queue);
    expect(running(engine)).toEqual([]);
    expect((heard[0] ?? 0) - since).toBeGreaterThanOrEqual(1_000_000);
  });
});

it('a machine that dies leaves what was on it as ended, and tells nobody', () => {
  const subject = threeRun();
  subject.engine.listeners.clear();
  killAll(subject.engine);
  play(subject.queue);
  expect(slotsOf(subject)).toEqual([]);
  expect([...subject.engine.instances.values()].map(({ observed }) => observed)).toMatchObject([
    { state: 'exited', exitCode: 137 },
    { state: 'exited', exitCode: 137 },
    { state: 'exited', exitCode: 137 },
  ]);
});
