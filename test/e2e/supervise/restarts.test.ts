/** What ends or falls ill runs again, what cannot run is told apart, and `agentctl` says so. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { InstanceView } from '../../../protocol/view/view.ts';
import { until } from '../../../node/local/cluster.ts';
import { killInstance, runningInstances } from '../../../node/local/instances.ts';
import {
  agentctl,
  everyoneRuns,
  type RealCluster,
  threeAgents,
  viewOf,
} from '../agents/cluster.ts';

const ENGINE = { kind: 'process' } as const;
const STEP_MS = 30_000;
/** Failures come 0, 1, 2, 4 and 8 s after each other, each up to a fifth later. */
const CRASH_LOOP_MS = 45_000;

async function deployed(services: string): Promise<RealCluster> {
  const cluster = await threeAgents();
  const path = join(cluster.init.folder, 'compose.yaml');
  writeFileSync(
    path,
    `name: demo\nservices:\n${services.replaceAll('FOLDER', cluster.init.folder)}`,
  );
  const told = await ctl(cluster, 0, `deploy -f ${path} --no-wait`);
  expect(told).toMatchObject({ code: 0 });
  return cluster;
}

/** `agentctl` on the agent at this place. */
function ctl(cluster: RealCluster, at: number, args: string) {
  const agent = cluster.agents[at];
  if (agent === undefined) throw new Error('there are three agents');
  return agentctl(agent, args.split(' '));
}

/** The first slot of a component as the second agent sees it. */
async function slotOf(cluster: RealCluster, component: string): Promise<InstanceView | undefined> {
  const [, agent] = cluster.agents;
  const view = agent === undefined ? undefined : await viewOf(agent);
  return view?.stacks.flatMap(({ components }) => components).find(({ id }) => id === component)
    ?.slots[0]?.instance;
}

function slotToBe(
  cluster: RealCluster,
  component: string,
  what: string,
  is: (slot: InstanceView) => boolean,
  limitMs = STEP_MS,
): Promise<InstanceView> {
  return until(`${component} to be ${what}`, limitMs, async () => {
    const slot = await slotOf(cluster, component);
    return slot !== undefined && is(slot) ? slot : undefined;
  });
}

test('a component killed with SIGKILL runs again, and status and why tell of it', async () => {
  const cluster = await deployed('  web: { command: [sleep, "1000000"] }\n');
  await everyoneRuns(cluster, 1);
  const [victim] = await runningInstances(ENGINE, { cluster: cluster.id });
  if (victim === undefined) throw new Error('it runs');
  await killInstance(ENGINE, victim);
  const next = await slotToBe(cluster, 'demo.web', 'a new instance', ({ state, pid }) => {
    return state === 'running' && pid !== Number(victim.id);
  });
  const [now, ...more] = await runningInstances(ENGINE, { cluster: cluster.id });
  expect({ id: now?.id, component: now?.component, slot: now?.slot, more }).toEqual({
    id: String(next.pid),
    component: 'demo.web',
    slot: 1,
    more: [],
  });
  // The view of one host, asked of another: the events were gathered from where it happened.
  const status = await ctl(cluster, 2, 'status');
  expect(status.stdout).toMatch(/^demo {3}OK /);
  expect(status.stdout).toMatch(/demo\.web\.1 +instance +ended after .*exit 137 \(SIGKILL\)/);
  expect(status.stdout).toMatch(/demo\.web\.1 +instance +started \(attempt 2\)/);
  const why = await ctl(cluster, 0, 'why web.1');
  expect(why.stdout).toMatch(/attempt 2, 1 restart counted/);
  expect(why.stdout).toMatch(/exit 137 \(SIGKILL\), restarts at once/);
  expect(why.stdout).toMatch(/demo\.web\.1 goes to h\d/);
});

test('an unhealthy component is restarted, and is healthy again once it can be', async () => {
  const cluster = await deployed(`  db:
    command: [sleep, "1000000"]
    healthcheck:
      { test: [CMD, test, '!', -e, FOLDER/ill], interval: 500ms, timeout: 1s, retries: 2 }
    stop_grace_period: 1s
`);
  const ill = join(cluster.init.folder, 'ill');
  const first = await slotToBe(cluster, 'demo.db', 'healthy', ({ health }) => health === 'healthy');
  writeFileSync(ill, '');
  await slotToBe(cluster, 'demo.db', 'restarted', ({ restarts, attempt }) => {
    return restarts >= 1 && attempt > first.attempt;
  });
  expect((await ctl(cluster, 0, 'status')).stdout).toMatch(/^demo {3}(DEGRADED|DOWN) /);
  expect(existsSync(ill)).toBe(true);
  rmSync(ill);
  const last = await slotToBe(cluster, 'demo.db', 'healthy again', ({ health, pid }) => {
    return health === 'healthy' && pid !== first.pid;
  });
  expect(last.attempt).toBeGreaterThan(first.attempt);
  expect((await runningInstances(ENGINE, { cluster: cluster.id })).map(({ id }) => id)).toEqual([
    String(last.pid),
  ]);
  const why = await ctl(cluster, 1, 'why db');
  expect(why.stdout).toMatch(/demo\.db\.1 +instance +told to stop \(attempt 1\): unhealthy/);
  expect(why.stdout).toMatch(/failed: unhealthy, restarts at once/);
  expect(why.stdout).toMatch(/next +nothing: it is as wanted/);
});

test('a crash loop backs off, is marked as one, and leaves its neighbor alone', async () => {
  const cluster = await deployed(`  bad: { command: [sh, -c, exit 1] }
  good: { command: [sleep, "1000000"] }
`);
  const early = await slotToBe(cluster, 'demo.bad', 'failing', ({ restarts }) => restarts >= 2);
  expect(early.crashLoop).toBe(false);
  const looping = await slotToBe(
    cluster,
    'demo.bad',
    'marked',
    ({ crashLoop }) => crashLoop,
    CRASH_LOOP_MS,
  );
  expect(looping).toMatchObject({ state: 'failed', exitCode: 1 });
  const status = await ctl(cluster, 1, 'status');
  expect(status.stdout).toMatch(/^demo {3}DEGRADED .* 1\/2 instances healthy/);
  expect(status.stdout).toMatch(/bad has 0 of 1 healthy: crash loop/);
  expect(status.stdout).toMatch(/\nbad +1 +0 +0 .*crash loop/);
  expect(status.stdout).toMatch(/\ngood +1 +1 +1 /);
  expect((await ctl(cluster, 1, 'status --exit-code')).code).toBe(3);
  const kill = await ctl(cluster, 1, 'kill bad');
  expect(kill).toMatchObject({ code: 4, stdout: '' });
  expect(kill.stderr).toMatch(
    /demo\.bad\.1 does not run\n {2}why {3}it is failed \(exit 1, restarts/,
  );
  const why = await ctl(cluster, 2, 'why bad');
  expect(why.stdout).toMatch(/slot 1 +on h\d, failed .*in a crash loop/);
  const delays = [...why.stdout.matchAll(/failed: exit 1, restarts ([\d.]+) s later/g)];
  const seconds = delays.map(([, text]) => Number(text));
  // Each about twice the one before, until the mark: then a minute.
  expect(seconds.length).toBeGreaterThanOrEqual(5);
  expect(seconds.toSorted((a, b) => a - b)).toEqual(seconds);
  expect(seconds.at(-1)).toBeGreaterThan(30);
  expect(why.stdout).toMatch(/crash loop: 6 failures within 10 min/);
});
