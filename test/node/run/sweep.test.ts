/** Which tasks are removed when nobody waits for them any more, by whom, and when. */
import { expect, it, onTestFinished } from 'vitest';
import { createLogger } from '../../../node/log.ts';
import { runLabel } from '../../../node/run/label.ts';
import { SWEEP_MS, sweepRuns } from '../../../node/run/sweep.ts';
import { stackKey } from '../../../protocol/base/ids.ts';
import { createCommitted, mergeCommitted } from '../../../protocol/record/committed.ts';
import type { Committed } from '../../../protocol/record/record.ts';
import type { ClusterView, SlotView } from '../../../protocol/view/view.ts';
import { nodeSpec } from '../../compliance/engine/docker-ground.ts';

const OVER = { slot: 1, ended: 'complete' } as SlotView;
const RUNS = { slot: 1, instance: { state: 'running' } } as SlotView;
const REJECTED = { slot: 1, instance: { state: 'rejected' } } as SlotView;

function record(name: string, labels: Readonly<Record<string, string>>): Committed {
  const spec = { name, components: [nodeSpec('', { container: { labels } })] };
  const revision = { term: 1, seq: 1 };
  const value = { kind: 'stack', life: 1, since: revision, spec };
  return { key: stackKey(name), revision, value } as unknown as Committed;
}

type Stack = {
  readonly leader?: string;
  readonly slots?: readonly SlotView[];
  readonly labels?: Readonly<Record<string, string>>;
};

/** What is destroyed of one stack that is seen now, and again after so long. */
async function swept(stack: Stack, afterMs: number): Promise<readonly string[]> {
  const { leader = 'h1', slots = [OVER], labels = runLabel({ input: false }) } = stack;
  const committed = createCommitted([]);
  mergeCommitted(committed, record('task', labels));
  const components = [{ leader: { host: leader }, slots }];
  const view = { stacks: [{ name: 'task', revision: '1.1', components }] };
  const destroyed: string[] = [];
  let nowMs = 0;
  const sweep = sweepRuns({
    host: 'h1',
    committed,
    view: () => view as unknown as ClusterView,
    destroy: (name) => Promise.resolve(destroyed.push(name)),
    now: () => nowMs,
    log: createLogger({ level: 'silent' }),
  });
  onTestFinished(() => sweep[Symbol.dispose]());
  await sweep.look();
  nowMs = afterMs;
  await sweep.look();
  return destroyed;
}

it.each([
  [{}, SWEEP_MS, ['task'], 'a task that is over'],
  [{}, SWEEP_MS - 1, [], 'not before its time'],
  [{ slots: [REJECTED] }, SWEEP_MS, ['task'], 'one that could not be started'],
  [{ slots: [RUNS] }, SWEEP_MS, [], 'none that goes on'],
  [{ slots: [] }, SWEEP_MS, [], 'none that has yet to be placed'],
  [{ leader: 'h2' }, SWEEP_MS, [], 'only by the one that leads it'],
  [{ labels: {} }, SWEEP_MS, [], 'no job of a user'],
] as const)('%j after %d ms: %j', async (stack, afterMs, destroyed, reason) => {
  expect(await swept(stack as Stack, afterMs), reason).toEqual(destroyed);
});
