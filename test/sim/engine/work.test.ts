import { describe, expect, it } from 'vitest';
import type { Input } from '../../../protocol/input.ts';
import { choicesOfSeed } from '../../../sim/choice.ts';
import { running } from '../../../sim/engine/engine.ts';
import { exitNth, hang, restartDaemon } from '../../../sim/engine/faults.ts';
import {
  beginEngineEffect,
  createEngineWork,
  endEngineWork,
  type EngineWork,
} from '../../../sim/engine/work.ts';
import { play, playFor, request, stage } from './stage.ts';

function agent(choices = choicesOfSeed(0)) {
  const subject = stage({ choices });
  const inputs: Input[] = [];
  const work = createEngineWork(subject.engine, (input) => inputs.push(input));
  return { ...subject, inputs, work, kinds: () => inputs.map(({ kind }) => kind) };
}
const start = (work: EngineWork, slot = 1): void =>
  beginEngineEffect(work, { kind: 'startInstance', ...request(slot) });
const relist = (work: EngineWork): void => beginEngineEffect(work, { kind: 'listInstances' });

it('tells of a start by its answer and by its event', () => {
  const { work, queue, kinds } = agent();
  start(work);
  play(queue);
  expect(kinds()).toEqual(['instanceStarted', 'instanceStarted']);
});

it('lists again where a list was overtaken: the truth it tells is not older than what was told', () => {
  let overtaken = 0;
  for (let seed = 0; seed < 50; seed++)
    for (let events = 0; events < 8; events++) {
      const { work, queue, engine, inputs } = agent(choicesOfSeed(seed));
      start(work);
      play(queue);
      inputs.length = 0;
      relist(work);
      play(queue, events);
      exitNth(engine, 0, 'exit');
      play(queue);
      const exited = inputs.findIndex(({ kind }) => kind === 'instanceExited');
      const listed = inputs.findIndex(({ kind }) => kind === 'instancesListed');
      expect(exited + listed).toBe(1);
      const list = inputs[listed];
      if (exited > listed || list?.kind !== 'instancesListed') continue;
      overtaken += 1;
      expect(list.instances).toMatchObject([{ state: 'exited' }]);
    }
  expect(overtaken).toBeGreaterThan(0);
});

describe('a start whose answer is lost', () => {
  it('is not said to have failed unless a list shows nothing of it', () => {
    const outcomes = new Set<string>();
    for (let seed = 0; seed < 20; seed++)
      for (let events = 0; events < 6; events++) {
        const { work, queue, engine, inputs, kinds } = agent(choicesOfSeed(seed));
        start(work);
        play(queue, events);
        const undo = restartDaemon(engine, 'survive');
        playFor(queue, 5000);
        expect(kinds()).not.toContain('instanceRefused');
        undo();
        play(queue);
        const runs = running(engine).length;
        const refused = inputs.findIndex(({ kind }) => kind === 'instanceRefused');
        const listed = inputs.findIndex(({ kind }) => kind === 'instancesListed');
        expect(refused >= 0).toBe(runs === 0);
        if (refused >= 0) expect(listed).toBeLessThan(refused);
        outcomes.add(refused >= 0 ? 'refused' : 'runs');
      }
    expect(outcomes).toEqual(new Set(['refused', 'runs']));
  });
});

it('gives up a daemon that hangs for too long, and asks again when it is told to', () => {
  const { work, queue, engine, kinds } = agent();
  const undo = hang(engine);
  relist(work);
  playFor(queue, 19_000);
  expect(work.listing).toBe(true);
  playFor(queue, 2000);
  expect(work.listing).toBe(false);
  undo();
  play(queue);
  expect(kinds()).toEqual([]);
  relist(work);
  play(queue);
  expect(kinds()).toEqual(['instancesListed']);
});

describe('an agent that has died hears nothing', () => {
  it.each([0, 1, 2, 3, 4, 5, 6])('more after %i events of a start', (events) => {
    const { work, queue, engine, inputs } = agent();
    start(work);
    relist(work);
    play(queue, events);
    const heard = inputs.length;
    endEngineWork(work);
    play(queue);
    expect(inputs).toHaveLength(heard);
    expect(engine.listeners.size).toBe(1);
  });

  it('while the next one hears what it asks', () => {
    const { work, queue, engine } = agent();
    start(work);
    play(queue, 2);
    endEngineWork(work);
    const next: Input[] = [];
    relist(createEngineWork(engine, (input) => next.push(input)));
    play(queue);
    const list = next.find(({ kind }) => kind === 'instancesListed');
    expect(list).toMatchObject({ instances: [{ slot: 1 }] });
  });
});
