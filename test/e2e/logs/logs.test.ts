/** Logs of instances wherever they run, asked of any agent. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { loadCompose } from '../../../node/compose/load.ts';
import { type LocalAgent, signalAgent, until } from '../../../node/local/cluster.ts';
import { agentctl, everyoneRuns, threeAgents } from '../agents/cluster.ts';

const PATIENCE_MS = 30_000;
const AGENTCTL = fileURLToPath(new URL('../../../node/cli/main.ts', import.meta.url));

type LogLine = { readonly instance: string; readonly host: string; readonly line: string };

/** Each instance says once who it is. */
const FILE = (replicas: number): string => `
name: demo
services:
  talks:
    command: [sh, -c, 'echo "$$MILLRACE_COMPONENT.$$MILLRACE_SLOT begins"; exec sleep 1000000']
    stop_grace_period: 1s
    deploy: { replicas: ${replicas} }
  once:
    command: [sh, -c, 'echo alone; exec sleep 1000000']
    stop_grace_period: 1s
`;

async function deploy(agent: LocalAgent, replicas: number): Promise<void> {
  const loaded = loadCompose(FILE(replicas), { path: 'compose.yaml', dir: tmpdir(), env: {} });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('; '));
  const body = { stack: loaded.stack, deploy_id: randomUUID() };
  await agent.client.deploy(body, AbortSignal.timeout(PATIENCE_MS));
}

/** `agentctl logs -f`, until the test ends. */
function follow(
  agent: LocalAgent,
  subject: string,
): { lines: () => string[]; notes: () => string } {
  const child = spawn(process.execPath, [
    AGENTCTL,
    '--socket',
    agent.socket,
    'logs',
    subject,
    '-f',
  ]);
  onTestFinished(() => void child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return { lines: () => stdout.split('\n').slice(0, -1), notes: () => stderr };
}

const begins = (slot: number): string => `demo.talks.${slot} | demo.talks.${slot} begins`;

it('merges all replicas from any host, and follows them as they come and go', async () => {
  const cluster = await threeAgents();
  const [first, , third] = cluster.agents;
  if (first === undefined || third === undefined) throw new Error('there are three');
  await deploy(first, 3);
  await everyoneRuns(cluster, 4);

  for (const agent of cluster.agents) {
    const all = await agentctl(agent, ['logs', 'talks']);
    expect(all, all.stderr).toMatchObject({ code: 0, stderr: '' });
    expect(all.stdout.split('\n').sort()).toEqual(['', begins(1), begins(2), begins(3)]);
    const json = await agentctl(agent, ['logs', 'demo.once', '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ instance: 'demo.once.1', line: 'alone' });
  }
  const one = await agentctl(third, ['logs', 'talks.2']);
  expect(one.stdout).toBe('demo.talks.2 begins\n');

  const followed = follow(first, 'talks');
  await until('what was there', PATIENCE_MS, async () => followed.lines().length >= 3 || undefined);
  await agentctl(third, ['kill', 'talks.2']);
  await until('the one after', PATIENCE_MS, async () => followed.lines().length >= 4 || undefined);
  await deploy(third, 4);
  await until('one more', PATIENCE_MS, async () => followed.lines().length >= 5 || undefined);
  await everyoneRuns(cluster, 5);
  expect(followed.lines().toSorted()).toEqual(
    [begins(1), begins(2), begins(2), begins(3), begins(4)].toSorted(),
  );
  const before = await agentctl(first, ['logs', 'talks.2', '--previous']);
  expect(before).toMatchObject({ code: 0, stdout: 'demo.talks.2 begins\n' });
});

it('says which host it cannot reach, and reads the others', async () => {
  const cluster = await threeAgents();
  const [first, , third] = cluster.agents;
  if (first === undefined || third === undefined) throw new Error('there are three');
  await deploy(first, 3);
  await everyoneRuns(cluster, 4);
  const before = await agentctl(first, ['logs', 'talks', '--json']);
  const told = before.stdout
    .trimEnd()
    .split('\n')
    .map((text) => JSON.parse(text) as LogLine);
  const others = told.filter(({ host }) => host !== third.name);
  expect(others).toHaveLength(2);
  signalAgent(third, 'SIGKILL'); // of one that crashed the others wait, and do not start elsewhere what it ran
  const read = await agentctl(first, ['logs', 'talks']);
  expect(read.code).toBe(3);
  expect(read.stdout.split('\n').sort()).toEqual([
    '',
    ...others.map(({ instance, line }) => `${instance} | ${line}`).sort(),
  ]);
  expect(read.stderr).toMatch(new RegExp(`^${third.name}: .+\n$`));
});
