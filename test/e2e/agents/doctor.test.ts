/** The doctor at real agents: all well, one that hangs, one that is gone, an engine that does not answer. */
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  type LocalAgent,
  planLocalCluster,
  removeLocalCluster,
  signalAgent,
  startLocalAgent,
} from '../../../node/local/cluster.ts';
import { agentctl, type CliResult, crash, type RealCluster, threeAgents } from './cluster.ts';

type Found = { readonly check: string; readonly verdict: string; readonly found: string };

function foundIn({ stdout }: CliResult, check: string): readonly Found[] {
  const { data } = JSON.parse(stdout) as { readonly data: { readonly checks: readonly Found[] } };
  return data.checks.filter((each) => each.check === check);
}

function agentsOf({ agents }: RealCluster): readonly [LocalAgent, LocalAgent, LocalAgent] {
  const [first, second, third] = agents;
  if (first === undefined || second === undefined || third === undefined)
    throw new Error('there are three agents');
  return [first, second, third];
}

test('three agents that are well are told so, and of one that hangs and one that is gone who they are', async () => {
  const cluster = await threeAgents();
  const [first, second, third] = agentsOf(cluster);

  const well = await agentctl(first, ['doctor']);
  expect(well.stdout).not.toMatch(/^fail/m);
  expect(well.code).toBe(0);
  expect(well.stdout).toMatch(/^ok +agent +agent 0/m);
  expect(well.stdout).toMatch(/^ok +identity +no host runs twice, by 3 of them$/m);
  expect(well.stdout).toMatch(/^ok +multicast +lo 127\.0\.0\.1: .*h2 h3 hear this host/m);
  expect(well.stdout).toMatch(/^ok +reach +each of 3 hosts reaches each other/m);
  expect(well.stdout).toMatch(/^ 1 h1 +\. +ok +ok$/m);

  signalAgent(third, 'SIGSTOP');
  const hung = await agentctl(first, ['doctor', 'net', '--json']);
  expect(hung.code).toBe(3);
  expect(foundIn(hung, 'reach')).toEqual([
    expect.objectContaining({
      verdict: 'fail',
      found: expect.stringMatching(/^h3 takes connections, and its agent does not tell/),
    }),
  ]);
  const there = await agentctl(third, ['doctor', '--json']);
  expect(there.code).toBe(3);
  expect(foundIn(there, 'agent')[0]?.found).toMatch(/^the agent hangs or is stopped/);
  expect(foundIn(there, 'reach')[0]?.verdict).toBe('unknown');
  signalAgent(third, 'SIGCONT');

  await crash(second);
  const gone = await agentctl(first, ['doctor', 'net']);
  expect(gone.code).toBe(3);
  expect(gone.stdout).toMatch(/^fail +reach +h2 refuses connections/m);
  expect(gone.stdout).toMatch(/^ 2 h2 +\? +\. +\?$/m);
});

test('an agent without a cluster tells of an engine that takes connections and does not answer', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'mr-'));
  const socket = join(folder, 'docker.sock');
  const silent = createServer((connection) => connection.on('error', () => undefined).resume());
  silent.listen(socket);
  await once(silent, 'listening');
  const planned = await planLocalCluster({
    folder: join(folder, 'agents'),
    count: 1,
    engine: { kind: 'process' },
    flagsOf: () => ['--engine', 'docker', '--docker-socket', socket],
  });
  onTestFinished(async () => {
    silent.close();
    await removeLocalCluster(planned);
  });
  const [agent] = planned.agents;
  if (agent === undefined) throw new Error('there is one agent');
  await startLocalAgent(planned, agent);
  const told = await agentctl(agent, ['doctor']);
  expect(told.code).toBe(3);
  expect(told.stdout).toMatch(/^fail +engine +the Docker Engine takes connections on .* and does/m);
  expect(told.stdout).toMatch(/^ +fix +sudo systemctl restart docker$/m);
  expect(told.stdout).toMatch(/^warn +cluster +this host belongs to no cluster$/m);
  expect(told.stdout).toMatch(/^ok +port +TCP 127\.0\.0\.1:\d+ is free/m);
});
