/** Hosts ask what they run whether it is well, and what does not answer is as ill as by a healthcheck. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { InstanceView } from '../../../protocol/view/view.ts';
import { until } from '../../../node/local/cluster.ts';
import {
  agentctl,
  crash,
  type RealCluster,
  restart,
  threeAgents,
  viewOf,
} from '../agents/cluster.ts';

const STEP_MS = 30_000;

/** Answers nothing while there is a file FOLDER/ill, or one of its own version. */
const SERVER = `
const { existsSync } = require('fs');
const [folder, port, version] = process.argv.slice(2);
require('http').createServer(({ url }, answer) => {
  if (existsSync(folder + '/ill') || existsSync(folder + '/ill-' + version)) return;
  answer.writeHead(url === '/healthz' ? 200 : 404).end();
}).listen(port, process.env.MILLRACE_PUBLISH_ADDRESS);
`;

/** A web server on every host, and one that waits for it. */
async function deploy(cluster: RealCluster, version: number): Promise<void> {
  const { folder } = cluster.init;
  const path = join(folder, 'compose.yaml');
  const server = join(folder, 'server.cjs');
  writeFileSync(server, SERVER);
  const text = {
    name: 'demo',
    services: {
      web: {
        command: [process.execPath, server, folder, '18145', String(version)],
        ports: [{ target: 18145, published: 18145, mode: 'host' }],
        stop_grace_period: '1s',
        deploy: { replicas: 2, update_config: { order: 'stop-first', monitor: '500ms' } },
        'x-millrace': {
          heartbeat: {
            path: '/healthz',
            every: '200ms',
            timeout: '300ms',
            miss: 2,
            start_period: '5s',
          },
        },
      },
      after: {
        command: ['sleep', '1000000'],
        depends_on: { web: { condition: 'service_healthy' } },
      },
    },
  };
  // JSON is YAML.
  writeFileSync(path, JSON.stringify(text));
  const told = await ctl(cluster, 0, `deploy -f ${path} --no-wait`);
  expect(told, told.stderr).toMatchObject({ code: 0 });
}

/** `agentctl` on the agent at this place. */
function ctl(cluster: RealCluster, at: number, args: string) {
  const agent = cluster.agents[at];
  if (agent === undefined) throw new Error('there are three agents');
  return agentctl(agent, args.split(' '));
}

async function slotsOf(cluster: RealCluster, name: string): Promise<readonly InstanceView[]> {
  const [, agent] = cluster.agents;
  const view = agent === undefined ? undefined : await viewOf(agent);
  const components = view?.stacks.flatMap((stack) => stack.components) ?? [];
  const component = components.find(({ id }) => id === `demo.${name}`);
  return (
    component?.slots.flatMap(({ instance }) => (instance === undefined ? [] : [instance])) ?? []
  );
}

function slotsToBe(
  cluster: RealCluster,
  name: string,
  what: string,
  are: (slots: readonly InstanceView[]) => boolean,
): Promise<readonly InstanceView[]> {
  return until(`${name} to be ${what}`, STEP_MS, async () => {
    const slots = await slotsOf(cluster, name);
    return are(slots) ? slots : undefined;
  });
}

const isWell = ({ state, health }: InstanceView): boolean =>
  state === 'running' && health === 'healthy';
const twoAreWell = (slots: readonly InstanceView[]): boolean =>
  slots.length === 2 && slots.every(isWell);

test('what stops to answer is restarted, dependents wait, and an agent that is back finds it well', async () => {
  const cluster = await threeAgents();
  const ill = join(cluster.init.folder, 'ill');
  writeFileSync(ill, '');
  await deploy(cluster, 1);
  await slotsToBe(cluster, 'web', 'asked in vain', (slots) => {
    return slots.length === 2 && slots.every(({ health }) => health === 'starting');
  });
  expect((await ctl(cluster, 0, 'why after')).stdout).toMatch(/waits for demo\.web to be healthy/);
  expect((await slotsOf(cluster, 'after')).filter(({ state }) => state === 'running')).toEqual([]);
  rmSync(ill);
  const first = await slotsToBe(cluster, 'web', 'well', twoAreWell);
  await slotsToBe(cluster, 'after', 'running', ([slot]) => slot?.state === 'running');

  writeFileSync(ill, '');
  await slotsToBe(cluster, 'web', 'restarted', (slots) =>
    // Both: of one that is ill and not restarted yet the others may hear that it is well.
    slots.every(({ attempt, id }) => attempt > (first.find((one) => one.id === id)?.attempt ?? 0)),
  );
  expect(existsSync(ill)).toBe(true);
  rmSync(ill);
  const later = await slotsToBe(cluster, 'web', 'well again', twoAreWell);
  const why = await ctl(cluster, 2, 'why web');
  expect(why.stdout).toMatch(/told to stop \(attempt \d\): unhealthy/);
  expect(why.stdout).toMatch(/failed: unhealthy, restarts at once/);

  const host = later[0]?.host;
  const agent = cluster.agents.find((one) => cluster.hostOf(one) === host);
  if (agent === undefined) throw new Error('one of the three runs it');
  await crash(agent);
  await restart(cluster, agent);
  const adopted = await until('the agent to tell of what it has found', STEP_MS, async () => {
    const view = await viewOf(agent);
    return view?.stacks
      .flatMap(({ components }) => components)
      .flatMap(({ slots }) => slots)
      .find(({ instance }) => instance?.id === later[0]?.id && instance?.state === 'running');
  });
  expect(adopted.instance).toMatchObject({ pid: later[0]?.pid, health: 'healthy' });
});

test('a rollout waits for the answer of each, and stops at one that does not give it', async () => {
  const cluster = await threeAgents();
  const blocked = join(cluster.init.folder, 'ill-2');
  await deploy(cluster, 1);
  const before = await slotsToBe(cluster, 'web', 'well', twoAreWell);
  writeFileSync(blocked, '');
  await deploy(cluster, 2);
  await slotsToBe(cluster, 'web', 'replaced in one place', (slots) =>
    slots.some(({ health, revision }) => health === 'starting' && revision !== before[0]?.revision),
  );
  // The other one runs until the first has answered.
  const meanwhile = await slotsOf(cluster, 'web');
  expect(
    meanwhile.filter((slot) => isWell(slot) && slot.revision === before[0]?.revision),
  ).toHaveLength(1);
  rmSync(blocked);
  const after = await slotsToBe(
    cluster,
    'web',
    'of the new version',
    (slots) => twoAreWell(slots) && slots.every(({ revision }) => revision !== before[0]?.revision),
  );
  expect(after.map(({ attempt }) => attempt)).toHaveLength(2);

  writeFileSync(join(cluster.init.folder, 'ill-3'), '');
  await deploy(cluster, 3);
  await until('the rollout to be paused', STEP_MS, async () => {
    const { stdout } = await ctl(cluster, 1, 'rollout status web');
    return /paused/.test(stdout) ? stdout : undefined;
  });
  expect((await ctl(cluster, 0, 'why web')).stdout).toMatch(/unhealthy/);
  expect((await slotsOf(cluster, 'web')).filter(isWell)).toHaveLength(1);
});
