/** Commands in instances wherever they run, asked of any agent. */
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { processesWith } from '../../../node/engine/process/identity.ts';
import { signalAgent, until } from '../../../node/local/cluster.ts';
import { agentctl, deploy, everyoneRuns, openAgentctl, threeAgents } from '../agents/cluster.ts';

const PATIENCE_MS = 30_000;

it('runs a command in an instance from every host, with its outputs, input and exit code', async () => {
  const cluster = await threeAgents();
  const [first, second, third] = cluster.agents;
  if (first === undefined || second === undefined || third === undefined)
    throw new Error('there are three');
  await deploy(first, { components: ['one'], replicas: 3, version: 4 });
  await everyoneRuns(cluster, 3);

  for (const agent of cluster.agents)
    for (const slot of [1, 2, 3]) {
      const words = ['--', 'sh', '-c', 'echo $VERSION $MILLRACE_SLOT; echo err >&2; exit 3'];
      const ran = await agentctl(agent, ['exec', `one.${slot}`, ...words]);
      expect(ran).toEqual({ code: 3, stdout: `4 ${slot}\n`, stderr: 'err\n' });
    }
  expect(await agentctl(first, ['exec', 'one', '--', '/no/such'])).toMatchObject({ code: 127 });
  const refused = await agentctl(first, ['exec', 'one', '-t', '--', 'sh']);
  expect(refused).toMatchObject({ code: 2 });

  // As many bytes as no buffer holds, there and back again.
  for (const slot of [1, 2, 3]) {
    const copy = openAgentctl(second, ['exec', '-i', `one.${slot}`, '--', 'cat']);
    const bytes = 'x'.repeat(3_000_000);
    copy.child.stdin.end(bytes);
    const [code] = await once(copy.child, 'close');
    expect(code, copy.stderr()).toBe(0);
    expect(copy.stdout()).toBe(bytes);
    const enough = openAgentctl(second, ['exec', '-i', `one.${slot}`, '--', 'head', '-c', '2']);
    enough.child.stdin.on('error', () => undefined).write(bytes);
    expect(await once(enough.child, 'close')).toEqual([0, null]);
    expect(enough.stdout()).toBe('xx');
  }
});

it('ends the command with Ctrl-C, and says when its host is gone', async () => {
  const cluster = await threeAgents();
  const [first, , third] = cluster.agents;
  if (first === undefined || third === undefined) throw new Error('there are three');
  await deploy(first, { components: ['one'], replicas: 3 });
  await everyoneRuns(cluster, 3);
  const inspected = await agentctl(first, ['inspect', 'one', '--json']);
  const { data } = JSON.parse(inspected.stdout) as {
    data: { instances: readonly { id: string; host: string }[] };
  };
  const there = data.instances.find(({ host }) => host === cluster.hostOf(third))?.id ?? '';
  expect(there).not.toBe('');

  const hanging = openAgentctl(first, [
    'exec',
    '-i',
    there,
    '--',
    'sh',
    '-c',
    'echo ready; exec sleep 31415',
  ]);
  await until('it to run', PATIENCE_MS, async () => hanging.stdout() === 'ready\n' || undefined);
  const left = (): number =>
    processesWith('MILLRACE_CHECK').filter(
      ({ environment }) => environment.get('MILLRACE_CLUSTER') === cluster.id,
    ).length;
  expect(left()).toBe(1);
  hanging.child.kill('SIGINT');
  expect(await once(hanging.child, 'close')).toEqual([130, null]);
  await until('it to end', PATIENCE_MS, async () => left() === 0 || undefined);

  // It ends with its input: no agent is left here that would kill it.
  const lost = openAgentctl(first, ['exec', '-i', there, '--', 'sh', '-c', 'echo ready; exec cat']);
  await until('it to run', PATIENCE_MS, async () => lost.stdout() === 'ready\n' || undefined);
  signalAgent(third, 'SIGKILL');
  expect(await once(lost.child, 'close')).toEqual([7, null]);
  expect(lost.stderr()).toContain('it is unknown how the command ends');
});
