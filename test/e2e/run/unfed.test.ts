/** A task with input that nobody is left to give it: it ends by itself. It is waited for as long as that takes. */
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { until } from '../../../node/local/cluster.ts';
import { UNFED_MS } from '../../../node/run/inputs.ts';
import { runLabel } from '../../../node/run/label.ts';
import { nodeSpec } from '../../compliance/engine/docker-ground.ts';
import { agentctl, agentsThat, openAgentctl } from '../agents/cluster.ts';

const PATIENCE_MS = 60_000;

it('ends a task whose agentctl was gone before it began, and no other', async () => {
  const cluster = await agentsThat({ count: 1, voterCount: 1 });
  const [only] = cluster.agents;
  if (only === undefined) throw new Error('there is one');
  const fed = openAgentctl(only, ['run', '-i', '--image', 'any', '--', 'cat']);
  fed.child.stdin.write('one\n');
  await until('its first line', PATIENCE_MS, async () => fed.stdout() === 'one\n' || undefined);
  const { image: _, ...spec } = nodeSpec('', { name: 'run', command: ['cat'] });
  const task = { ...spec, job: {}, container: { labels: runLabel({ input: true }) } };
  const deploy_id = '0'.repeat(32);
  const stack = { name: 'run-left', components: [task] };
  await only.client.deploy({ stack, deploy_id }, AbortSignal.timeout(PATIENCE_MS));
  const ended = await until('its end', UNFED_MS + PATIENCE_MS, async () => {
    const { stdout } = await agentctl(only, ['ps']);
    return stdout.split('\n').find((line) => line.includes('failed'));
  });
  expect(ended).toContain('run-left.run.1');
  expect(ended).toContain('exit 137');
  fed.child.stdin.end('two\n');
  expect(await once(fed.child, 'close'), fed.stderr()).toEqual([0, null]);
  expect(fed.stdout()).toBe('one\ntwo\n');
}, 180_000);
