/** A host whose service manager reboots it: it says so, the others wait with what has data. */
import { randomUUID } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { expect, onTestFinished, test, vi } from 'vitest';
import { loadCompose } from '../../../node/compose/load.ts';
import { agentEnded, type LocalAgent, signalAgent, until } from '../../../node/local/cluster.ts';
import { makeFolder } from '../input/agentd.ts';
import { receiveDatagrams } from '../service/datagrams.ts';
import { everyoneAgrees, everyoneRuns, restart, threeAgents, viewOf } from './cluster.ts';

const COMPOSE = `name: shop
services:
  web: { command: ["sleep", "1000000"], deploy: { replicas: 3 } }
  db: { command: ["sleep", "1000000"], volumes: ["data:/data"] }
volumes: { data: }
`;
const CALL_MS = 15_000;
const SOON_MS = 5_000;
/** As of the whole machine that goes down, when the agent is told to end. */
const JOBS = '17 reboot.target start waiting\n18 agentd.service stop running\n';

/** A service manager as agents see it: a socket to speak to, and `systemctl` to ask. */
function manage(): void {
  onTestFinished(() => void vi.unstubAllEnvs());
  const folder = makeFolder();
  const systemctl = join(folder, 'systemctl');
  writeFileSync(systemctl, `#!/bin/sh\ncat <<'END'\n${JOBS}END\n`);
  chmodSync(systemctl, 0o755);
  vi.stubEnv('PATH', `${folder}:${process.env['PATH']}`);
  vi.stubEnv('NOTIFY_SOCKET', join(folder, 'notify'));
}

async function hostsOf(agent: LocalAgent, component: string): Promise<readonly string[]> {
  const components = (await viewOf(agent))?.stacks.flatMap((stack) => stack.components) ?? [];
  const slots = components.find(({ id }) => id === component)?.slots ?? [];
  return slots.flatMap(({ host }) => host ?? []);
}

test('a reboot is waited for with what has a named volume, and the rest is elsewhere first', async () => {
  manage();
  using manager = receiveDatagrams(process.env['NOTIFY_SOCKET'] ?? '');
  const cluster = await threeAgents();
  const [any] = cluster.agents;
  const loaded = loadCompose(COMPOSE, { path: 'compose.yaml', dir: makeFolder(), env: {} });
  if (any === undefined || !loaded.ok) throw new Error('three agents, and a stack for them');
  const wanted = { stack: loaded.stack, deploy_id: randomUUID() };
  await any.client.deploy(wanted, AbortSignal.timeout(CALL_MS));
  await everyoneRuns(cluster, 4);
  const [home] = await hostsOf(any, 'shop.db');
  const gone = cluster.agents.find((agent) => cluster.hostOf(agent) === home);
  const other = cluster.agents.find((agent) => agent !== gone);
  if (home === undefined || gone === undefined || other === undefined) throw new Error('a home');

  signalAgent(gone, 'SIGTERM');
  await until('web to be elsewhere, before the agent has ended', SOON_MS, async () => {
    const view = await viewOf(other);
    const host = view?.hosts.find(({ id }) => id === home);
    const web = await hostsOf(other, 'shop.web');
    if (host?.state !== 'left' || web.length < 3 || web.includes(home)) return undefined;
    expect(host.backWithinMs).toBeGreaterThan(4 * 60_000);
    expect(gone.process?.exitCode).toBeNull();
    return true;
  });
  expect(await hostsOf(other, 'shop.db')).toEqual([home]);
  await agentEnded(gone);
  expect(manager.take()).toContain('STOPPING=1');

  await restart(cluster, gone);
  await everyoneAgrees(cluster);
  expect(await hostsOf(other, 'shop.db')).toEqual([home]);
});
