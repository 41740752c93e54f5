/** The examples of Compose files, deployed to real agents and asked over the network. */
import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { until } from '../../../node/local/cluster.ts';
import {
  agentctl,
  agentsThat,
  crash,
  everyoneRuns,
  type RealCluster,
  restart,
  threeAgents,
} from '../agents/cluster.ts';

const EXAMPLES = join(import.meta.dirname, '../../../examples');
const PATIENCE_MS = 30_000;

/** What the server on a port of this machine answers. */
async function answerOf(port: number): Promise<string> {
  return until(`an answer from ${port}`, PATIENCE_MS, async () => {
    const response = await fetch(`http://127.0.0.1:${port}`).catch(() => undefined);
    return response?.ok === true ? (await response.text()).trim() : undefined;
  });
}

async function ask(
  cluster: RealCluster,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const [agent] = cluster.agents;
  if (agent === undefined) throw new Error('there are three');
  const ran = await agentctl(agent, args, env);
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
}

const deploy = (cluster: RealCluster, ...args: readonly string[]): Promise<void> =>
  ask(cluster, ['deploy', '--yes', ...args]);
const example = (name: string): string => join(EXAMPLES, name, 'compose.yaml');

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

it('runs one container, a page with its database, and two versions side by side', async () => {
  const cluster = await threeAgents();
  await deploy(cluster, '-f', example('one'));
  expect(await answerOf(18130)).toBe('hello');

  await deploy(cluster, '-f', example('guestbook'));
  // It runs before it listens.
  expect(await answerOf(18131)).toBe('');
  for (const body of ['first', 'second'])
    await fetch('http://127.0.0.1:18131', { method: 'POST', body });
  expect(await answerOf(18131)).toBe('first\nsecond');
  await ask(cluster, ['restart', 'database']);
  await ask(cluster, ['wait', '--for', 'converged']);
  expect(await answerOf(18131)).toBe('first\nsecond');

  const versions = (name: string, VERSION: string, PORT: string): Promise<void> =>
    ask(cluster, ['deploy', '-n', name, '-f', example('versions')], { VERSION, PORT });
  await versions('blue', '1', '18140');
  await versions('green', '2', '18141');
  expect(await Promise.all([18140, 18141].map(answerOf))).toEqual(['version 1', 'version 2']);
  await ask(cluster, ['destroy', '--yes', 'blue']);
  await everyoneRuns(cluster, 4);
  expect(await answerOf(18141)).toBe('version 2');
});

it('runs a clock of which there is one', async () => {
  const cluster = await agentsThat({ count: 3, voterCount: 3, guards: true });
  await deploy(cluster, '-f', example('singleton'));
  expect(await answerOf(18150)).toMatch(/^term \d+, \d+ ticks$/);
});

it('runs a build farm that fills its hosts', async () => {
  const cluster = await threeAgents();
  // Two on each of the three hosts, however large this machine is.
  const RUNNER_CPUS = String(cpus().length / 2);
  await ask(cluster, ['deploy', '-f', example('farm')], { RUNNER_CPUS, PARTS: '12' });
  await everyoneRuns(cluster, 4 + 3 * 2 + 3);
  await until('all parts', PATIENCE_MS, async () =>
    (await answerOf(18172)).startsWith('12 of 12') ? true : undefined,
  );
  expect(await answerOf(18172)).toBe('12 of 12 parts are built, with help on 3 hosts');
});

it('runs a shop of twelve components, each after those that it asks and where they are to be', async () => {
  const cluster = await threeAgents();
  await deploy(cluster, '-f', example('market'));
  const lines = await everyoneRuns(cluster, 12);
  const database = { database: {} };
  const cache = { cache: {} };
  expect(JSON.parse(await answerOf(18180))).toEqual({
    web: {
      catalog: { search: cache, prices: cache },
      basket: { orders: { payments: database, mail: {} }, stock: database },
      accounts: database,
    },
  });
  const at = (name: string): string | undefined =>
    lines.find((line) => line.startsWith(`market.${name}.`))?.split(/[ :]/)[2];
  expect([at('search'), at('prices')]).toEqual([at('cache'), at('cache')]);
  expect(at('cache')).not.toEqual(at('database'));
});

it('runs a page that is built, and a task of it, where there are no containers', async () => {
  const cluster = await threeAgents();
  await deploy(cluster, '-f', example('built'));
  expect(await answerOf(18195)).toBe('built for nobody');
  const [, second] = cluster.agents;
  if (second === undefined) throw new Error('there are three');
  const task = ['run', '-f', example('built'), '-e', 'WHO=a task', 'page', '--'];
  const ran = await agentctl(second, [...task, 'node', 'page.mjs', '--once']);
  expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: 'built for a task\n' });
});

it('runs a page with a config and a secret, and another when one of them is another', async () => {
  const cluster = await threeAgents();
  const folder = join(cluster.init.folder, 'sealed');
  cpSync(join(EXAMPLES, 'sealed'), folder, { recursive: true });
  const signed = (greeting: string, key: string): string =>
    `${greeting}\n${createHmac('sha256', key).update(greeting).digest('hex')}`;
  await deploy(cluster, '-f', join(folder, 'compose.yaml'));
  const key = readFileSync(join(folder, 'signing-key.txt'), 'utf8');
  expect(await answerOf(18190)).toBe(signed('hello, and welcome', key));
  writeFileSync(join(folder, 'signing-key.txt'), 'another');
  writeFileSync(join(folder, 'greeting.txt'), 'good-bye');
  await deploy(cluster, '-f', join(folder, 'compose.yaml'));
  expect(await answerOf(18190)).toBe(signed('good-bye', 'another'));
});

it('runs a pipeline of jobs, each once, and not again when its hosts or agents are gone', async () => {
  const cluster = await threeAgents();
  const log = join(cluster.init.folder, 'pipeline.log');
  const lines = (): readonly string[] => readFileSync(log, 'utf8').trim().split('\n').toSorted();
  const [first, second] = cluster.agents;
  if (first === undefined || second === undefined) throw new Error('there are three');
  const args = ['deploy', '--yes', '-f', example('pipeline')];
  const deployed = await agentctl(first, args, { PIPELINE_LOG: log });
  expect(deployed, deployed.stderr).toMatchObject({ code: 0 });
  expect(await answerOf(18160)).toBe('done');
  const done = ['fetch 1', 'fetch 2', 'fetch 3', 'merge, attempt 1', 'merge, attempt 2'];
  expect(lines()).toEqual(done);

  const told = await agentctl(second, ['restart', 'pipeline.merge.1']);
  expect(told).toMatchObject({ code: 4 });
  expect(told.stderr).toContain('it is of a job, and complete');
  // Their agents start anew, and the same is deployed once more.
  for (const agent of cluster.agents) await crash(agent);
  for (const agent of cluster.agents) await restart(cluster, agent);
  await everyoneRuns(cluster, 1);
  expect(await agentctl(second, args, { PIPELINE_LOG: log })).toMatchObject({ code: 0 });
  const settled = await agentctl(second, ['wait', '--for', 'converged']);
  expect(settled, settled.stderr).toMatchObject({ code: 0 });
  expect(lines()).toEqual(done);
});
