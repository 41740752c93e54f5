/** The examples of Compose files, deployed to real agents and asked over the network. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { until } from '../../../node/local/cluster.ts';
import { agentctl, everyoneRuns, type RealCluster, threeAgents } from '../agents/cluster.ts';

const EXAMPLES = join(import.meta.dirname, '../../../examples');
const PATIENCE_MS = 30_000;

/** What the server on a port of this machine answers. */
async function answerOf(port: number): Promise<string> {
  return until(`an answer from ${port}`, PATIENCE_MS, async () => {
    const response = await fetch(`http://127.0.0.1:${port}`).catch(() => undefined);
    return response === undefined ? undefined : (await response.text()).trim();
  });
}

async function deploy(cluster: RealCluster, ...args: readonly string[]): Promise<void> {
  const [agent] = cluster.agents;
  if (agent === undefined) throw new Error('there are three');
  const ran = await agentctl(agent, ['deploy', '--yes', ...args]);
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
}

it('runs a stack of pieces, with a profile and without, and one told in TypeScript', async () => {
  const cluster = await threeAgents();
  const pieces = join(EXAMPLES, 'pieces/compose.yaml');
  await deploy(cluster, '-f', pieces, '--profile', 'debug');
  await everyoneRuns(cluster, 4);
  const answers = await Promise.all([18120, 18121, 18122, 18123].map(answerOf));
  expect(answers).toEqual(['web info', 'page info', 'store info', 'debug info']);

  await deploy(cluster, '-f', pieces, '-f', join(EXAMPLES, 'pieces/production.yaml'));
  await everyoneRuns(cluster, 2);
  expect(await answerOf(18120)).toBe('web warn');

  const defined = spawnSync(process.execPath, [join(EXAMPLES, 'defined/stack.ts')], {
    env: { ...process.env, SHARDS: '2' },
  });
  const file = join(cluster.init.folder, 'defined.yaml');
  writeFileSync(file, defined.stdout);
  await deploy(cluster, '-f', file);
  await everyoneRuns(cluster, 5);
  expect(await Promise.all([18100, 18101, 18102].map(answerOf))).toEqual([
    'front',
    'shard-0',
    'shard-1',
  ]);
});
