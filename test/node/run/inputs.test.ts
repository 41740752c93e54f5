/** Which tasks are killed because nobody brings their input, and when. */
import { expect, it, onTestFinished } from 'vitest';
import { EngineError } from '../../../node/engine/engine.ts';
import { createLogger } from '../../../node/log.ts';
import { awaitInputs, UNFED_MS } from '../../../node/run/inputs.ts';
import { runLabel } from '../../../node/run/label.ts';
import { nodeSpec } from '../../compliance/engine/docker-ground.ts';

const specWith = (labels: Readonly<Record<string, string>>) =>
  nodeSpec('', { container: { labels } });
const TASK = { id: 'i1', name: 'run-1' };

/** An engine with these answers to being told to kill: an error, or none. */
function sceneOf(...answers: readonly EngineError[]) {
  const told: string[] = [];
  const failures = [...answers];
  const clock = { now: 1 };
  const inputs = awaitInputs({
    engine: {
      async kill(id, name) {
        told.push(`${name} ${id}`);
        const failure = failures.shift();
        if (failure !== undefined) throw failure;
      },
      async feed(id, input) {
        for await (const bytes of input) told.push(`${id} gets ${Buffer.from(bytes).toString()}`);
      },
    },
    now: () => clock.now,
    log: createLogger({ level: 'silent' }),
  });
  onTestFinished(() => inputs[Symbol.dispose]());
  /** What the engine was told to do until then. */
  const after = async (ms: number): Promise<readonly string[]> => {
    clock.now += ms;
    await inputs.look();
    return told;
  };
  return { inputs, after };
}

const INPUT = runLabel({ input: true });

it('kills a task whose input nobody brings for a minute, once, and not before', async () => {
  const { inputs, after } = sceneOf();
  inputs.started(TASK, specWith(INPUT));
  expect(await after(UNFED_MS - 1)).toEqual([]);
  expect(await after(1)).toEqual(['SIGKILL i1']);
  expect(await after(UNFED_MS)).toEqual(['SIGKILL i1']);
});

it('leaves one alone that was given its input, however long it takes', async () => {
  const { inputs, after } = sceneOf();
  inputs.started(TASK, specWith(INPUT));
  await after(UNFED_MS - 1);
  async function* input() {
    yield Buffer.from('all');
  }
  await inputs.feed('i1', input(), new AbortController().signal);
  expect(await after(UNFED_MS)).toEqual(['i1 gets all']);
});

it.each([
  [runLabel({ input: false }), 'a task without an input'],
  [{}, 'what is no task'],
])('leaves alone %j: %s', async (labels) => {
  const { inputs, after } = sceneOf();
  inputs.started(TASK, specWith(labels));
  expect(await after(UNFED_MS)).toEqual([]);
});

it.each([
  ['not-found', 1],
  ['conflict', 1],
  ['unavailable', 2],
] as const)('where the engine says %s it is told to kill it %d times', async (code, times) => {
  const { inputs, after } = sceneOf(new EngineError(code, 'it says so'));
  inputs.started(TASK, specWith(INPUT));
  await after(UNFED_MS);
  expect(await after(1)).toHaveLength(times);
});

it('kills the others where one cannot be killed', async () => {
  const { inputs, after } = sceneOf(new EngineError('unavailable', 'it says so'));
  inputs.started(TASK, specWith(INPUT));
  inputs.started({ id: 'i2', name: 'run-2' }, specWith(INPUT));
  expect(await after(UNFED_MS)).toEqual(['SIGKILL i1', 'SIGKILL i2']);
  expect(await after(1)).toEqual(['SIGKILL i1', 'SIGKILL i2', 'SIGKILL i1']);
});
