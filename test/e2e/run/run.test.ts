/** Tasks that run once, asked of real agents: what they print, how they end, and that nothing of them stays. */
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { processesWith } from '../../../node/engine/process/identity.ts';
import { until } from '../../../node/local/cluster.ts';
import {
  agentctl,
  crash,
  openAgentctl,
  type RealCluster,
  restart,
  threeAgents,
  viewOf,
} from '../agents/cluster.ts';

const PATIENCE_MS = 60_000;

const FILE = {
  name: 'shop',
  services: {
    db: {
      command: ['sh', '-c', 'echo kept > $$MILLRACE_VOLUME_DATA/file; exec sleep 1000000'],
      volumes: ['data:/data'],
      environment: { GREETING: 'hello', NAME: 'db' },
      healthcheck: { test: ['CMD', 'false'], interval: '1s' },
      ports: [{ target: 80, published: 18199, mode: 'host' }],
      stop_grace_period: '1s',
    },
    report: { command: ['sh', '-c', 'echo $$GREETING; exit 4'], depends_on: ['db'] },
  },
  volumes: { data: {} },
};

function fileIn(cluster: RealCluster, content: unknown = FILE): string {
  const path = join(cluster.init.folder, 'compose.yaml');
  writeFileSync(path, JSON.stringify(content));
  return path;
}

/** Instances and stacks of tasks, as all hosts and this machine know them. */
async function leftOf(cluster: RealCluster): Promise<readonly string[]> {
  const views = await Promise.all(cluster.agents.map(viewOf));
  const stacks = views.flatMap((view) => view?.stacks.map(({ name }) => name) ?? []);
  const processes = processesWith('MILLRACE_INSTANCE')
    .filter(({ environment }) => environment.get('MILLRACE_CLUSTER') === cluster.id)
    .map(({ environment }) => environment.get('MILLRACE_INSTANCE') ?? '');
  return [...stacks, ...processes].filter((name) => name.includes('run-'));
}

const nothingLeft = (cluster: RealCluster): Promise<true> =>
  until('nothing of it to be left', PATIENCE_MS, async () =>
    (await leftOf(cluster)).length === 0 ? true : undefined,
  );

it('runs a service and a command of its own, with its variables, its volume and its exit code', async () => {
  const cluster = await threeAgents();
  const [first, second, third] = cluster.agents;
  if (first === undefined || second === undefined || third === undefined)
    throw new Error('there are three');
  const file = fileIn(cluster);

  const early = await agentctl(first, ['run', '-f', file, 'report']);
  expect(early).toMatchObject({ code: 6 });
  expect(early.stderr).toContain('what the task depends on is not there: shop.db');
  const without = await agentctl(first, [
    'run',
    '-f',
    file,
    '--no-deps',
    'report',
    '-e',
    'GREETING=hi',
  ]);
  expect(without, without.stderr).toMatchObject({ code: 4, stdout: 'hi\n' });

  await agentctl(first, ['deploy', '-f', file, '--no-wait']);
  const words = [
    'sh',
    '-c',
    'cat $MILLRACE_VOLUME_DATA/file; echo $GREETING $NAME $EXTRA; echo bad >&2',
  ];
  await until('the file', PATIENCE_MS, async () => {
    const { code } = await agentctl(first, ['exec', 'db', '--', 'cat', '/dev/null']);
    return code === 0 ? true : undefined;
  });
  for (const agent of cluster.agents) {
    const options = ['-f', file, '-e', 'NAME=task', '-e', 'EXTRA=more'];
    const ran = await agentctl(agent, ['run', ...options, 'db', '--', ...words]);
    // The embedded engine keeps both outputs in one.
    expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: 'kept\nhello task more\nbad\n' });
  }
  const json = await agentctl(second, [
    'run',
    '-f',
    file,
    '--json',
    'db',
    '--',
    'sh',
    '-c',
    'exit 9',
  ]);
  expect(json).toMatchObject({ code: 9 });
  expect(JSON.parse(json.stdout.trim())).toMatchObject({ data: { state: 'failed', exit_code: 9 } });

  const lines = Array.from({ length: 5_000 }, (_, line) => `line ${line}\n`).join('');
  const many = ['run', '-f', file, 'db', '--', 'sh', '-c', 'seq -f "line %.0f" 0 4999'];
  expect(await agentctl(third, many)).toMatchObject({ code: 0, stdout: lines });

  const unknown = await agentctl(first, ['run', '-f', file, 'web']);
  expect(unknown).toMatchObject({ code: 2 });
  expect(unknown.stderr).toContain('it has db, report');
  await nothingLeft(cluster);
});

it('tries again only if asked, and says what fits nowhere or cannot be started', async () => {
  const cluster = await threeAgents();
  const [first] = cluster.agents;
  if (first === undefined) throw new Error('there are three');
  const count = join(cluster.init.folder, 'count');
  const command = ['sh', '-c', `echo x >> ${count}; test $$(wc -l < ${count}) -ge 3`];
  const task = { command };
  const file = fileIn(cluster, { name: 'shop', services: { task, image: { image: 'some:1' } } });
  const words = ['run', '-f', file, 'task'];
  expect(await agentctl(first, words)).toMatchObject({ code: 1 });
  expect(await agentctl(first, [...words, '--retries', '3'])).toMatchObject({ code: 0 });

  const placeless = await agentctl(first, ['run', '-f', file, 'image']);
  expect(placeless).toMatchObject({ code: 6 });
  expect(placeless.stderr).toContain('the task fits on no host, and was not begun');
  expect(placeless.stderr).toContain('runs processes only, and it has no command');
  const missing = await agentctl(first, ['run', '--image', 'some:1', '--', '/no/such']);
  expect([3, 127]).toContain(missing.code);
  await nothingLeft(cluster);
});

it('ends and removes it at Ctrl-C, and when it is told to stop', async () => {
  const cluster = await threeAgents();
  const [first, second] = cluster.agents;
  if (first === undefined || second === undefined) throw new Error('there are three');
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    const words = ['--image', 'any', '--', 'sh', '-c', 'echo ready; exec sleep 27182'];
    const running = openAgentctl(second, ['run', ...words]);
    await until('it to run', PATIENCE_MS, async () => running.stdout() === 'ready\n' || undefined);
    expect((await leftOf(cluster)).length).toBeGreaterThan(0);
    running.child.kill(signal);
    expect(await once(running.child, 'close'), running.stderr()).toEqual([130, null]);
    expect(running.stderr()).toMatch(/interrupted: run-[0-9a-f]{8} was ended and removed/);
    await nothingLeft(cluster);
  }
});

const tasksOf = (cluster: RealCluster): readonly number[] =>
  processesWith('MILLRACE_INSTANCE')
    .filter(({ environment }) => environment.get('MILLRACE_CLUSTER') === cluster.id)
    .map(({ stat }) => stat.pid);

it('goes on when agents come and go, and says what nobody knows any more', async () => {
  const cluster = await threeAgents();
  const [first, second] = cluster.agents;
  if (first === undefined || second === undefined) throw new Error('there are three');
  const go = join(cluster.init.folder, 'go');
  const script = `echo ready; while [ ! -e ${go} ]; do sleep 0.1; done; echo done; exit 5`;
  const placement = { constraints: [`node.hostname == ${second.name}`] };
  const task = { command: ['sh', '-c', script], deploy: { placement } };
  const file = fileIn(cluster, { name: 'shop', services: { task } });

  // The agent that was asked, then the one that runs it: no line is lost, and none is printed twice. The
  // embedded engine cannot know how what it has not started itself has ended.
  for (const [agent, code] of [
    [first, 5],
    [second, 7],
  ] as const) {
    const kept = openAgentctl(first, ['run', '-f', file, 'task']);
    await until('it to run', PATIENCE_MS, async () => kept.stdout() === 'ready\n' || undefined);
    await crash(agent);
    await restart(cluster, agent);
    writeFileSync(go, '');
    expect(await once(kept.child, 'close'), kept.stderr()).toEqual([code, null]);
    expect(kept.stdout()).toBe('ready\ndone\n');
    await nothingLeft(cluster);
    rmSync(go);
  }

  const words = ['sh', '-c', 'echo ready; exec sleep 16180'];
  const lost = openAgentctl(first, ['run', '-f', file, 'task', '--', ...words]);
  await until('it to run', PATIENCE_MS, async () => lost.stdout() === 'ready\n' || undefined);
  const tasks = tasksOf(cluster);
  expect(tasks).toHaveLength(1);
  await crash(second);
  for (const pid of tasks) process.kill(pid, 'SIGKILL');
  expect(await once(lost.child, 'close'), lost.stderr()).toEqual([7, null]);
  expect(lost.stderr()).toContain('it is unknown how shop-task-run-');
  expect(lost.stderr()).toMatch(/h2 is dead; what it has of shop-task-run-\w+ it ends once/);
  expect(lost.stdout()).toBe('ready\n');
});

it('leaves a task alone with -d: it goes on to its end, and anybody sees how it ended', async () => {
  const cluster = await threeAgents();
  const [first, second] = cluster.agents;
  if (first === undefined || second === undefined) throw new Error('there are three');
  const go = join(cluster.init.folder, 'go');
  const script = `echo ready; while [ ! -e ${go} ]; do sleep 0.1; done; echo done; exit 5`;
  const file = fileIn(cluster, {
    name: 'shop',
    services: { task: { command: ['sh', '-c', script] } },
  });

  const begun = await agentctl(first, ['run', '-d', '-f', file, 'task']);
  expect(begun, begun.stderr).toMatchObject({ code: 0 });
  expect(begun.stdout).toMatch(/^shop-task-run-[0-9a-f]{8}\n$/);
  const stack = begun.stdout.trimEnd();
  expect(begun.stderr).toContain(`agentctl logs -f ${stack}`);
  const logs = openAgentctl(second, ['logs', '-f', stack]);
  await until('it to run', PATIENCE_MS, async () => logs.stdout().includes('ready') || undefined);
  writeFileSync(go, '');
  const ended = await until('its end', PATIENCE_MS, async () => {
    const { stdout } = await agentctl(second, ['ps']);
    return stdout.split('\n').find((line) => line.startsWith(stack) && line.includes('failed'));
  });
  expect(ended).toContain('exit 5');
  await until('all of it', PATIENCE_MS, async () => logs.stdout().includes('done') || undefined);

  expect(await agentctl(second, ['destroy', stack, '--yes'])).toMatchObject({ code: 0 });
  await nothingLeft(cluster);
  const placeless = fileIn(cluster, { name: 'shop', services: { task: { image: 'some:1' } } });
  expect(await agentctl(first, ['run', '-d', '-f', placeless, 'task'])).toMatchObject({ code: 6 });
  await nothingLeft(cluster);
});

it('gives it its input with -i, to its end, and ends what was given a part alone', async () => {
  const cluster = await threeAgents();
  const [first, second] = cluster.agents;
  if (first === undefined || second === undefined) throw new Error('there are three');
  const placement = { constraints: [`node.hostname == ${second.name}`] };
  const task = { command: ['sh', '-c', 'cat; echo end'], deploy: { placement } };
  const file = fileIn(cluster, { name: 'shop', services: { task } });
  const words = ['run', '-i', '-f', file, 'task'];
  const printed = async (run: ReturnType<typeof openAgentctl>, text: string): Promise<true> =>
    until(text, PATIENCE_MS, async () => run.stdout().endsWith(text) || undefined);

  // The host that is asked runs it, or another.
  for (const agent of [second, first]) {
    const fed = openAgentctl(agent, words);
    fed.child.stdin.write('one\n');
    await printed(fed, 'one\n');
    const large = `${'x'.repeat(299)}\n`.repeat(1_000);
    fed.child.stdin.end(`${large}last\n`);
    expect(await once(fed.child, 'close'), fed.stderr()).toEqual([0, null]);
    expect(fed.stdout()).toBe(`one\n${large}last\nend\n`);
  }
  const empty = await agentctl(first, words);
  expect(empty, empty.stderr).toMatchObject({ code: 0, stdout: 'end\n' });
  const deaf = openAgentctl(first, [...words, '--', 'sh', '-c', 'head -n 1; exit 3']);
  deaf.child.stdin.write('one\ntwo\n');
  expect(await once(deaf.child, 'close'), deaf.stderr()).toEqual([3, null]);
  expect(deaf.stdout()).toBe('one\n');
  await nothingLeft(cluster);

  const killed = openAgentctl(first, words);
  killed.child.stdin.write('half\n');
  await printed(killed, 'half\n');
  killed.child.kill('SIGKILL');
  const ended = await until('its end', PATIENCE_MS, async () => {
    const { stdout } = await agentctl(first, ['ps']);
    return stdout.split('\n').find((line) => line.includes('failed'));
  });
  expect(ended).toContain('exit 137');
  const [stack = ''] = ended.split('.');
  expect((await agentctl(first, ['logs', stack, '--no-prefix'])).stdout).toBe('half\n');
  expect(await agentctl(first, ['destroy', stack, '--yes'])).toMatchObject({ code: 0 });

  const cut = openAgentctl(first, words);
  cut.child.stdin.write('half\n');
  await printed(cut, 'half\n');
  await crash(second);
  await restart(cluster, second);
  expect(await once(cut.child, 'close'), cut.stderr()).toEqual([7, null]);
  expect(cut.stderr()).toContain('was not given all of its input');
  await nothingLeft(cluster);

  for (const [option, why] of [
    ['-d', 'nobody is left to give it'],
    ['--retries=2', 'it cannot be read a second time'],
    ['--file=-', 'the Compose file comes on it'],
  ] as const) {
    const refused = await agentctl(first, ['run', '-i', option, '--image', 'any']);
    expect(refused).toMatchObject({ code: 2 });
    expect(refused.stderr).toContain(why);
  }
});
