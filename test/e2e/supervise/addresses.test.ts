/** What depends on others finds them by its environment, and is replaced when they have moved. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type LocalAgent, until } from '../../../node/local/cluster.ts';
import { killInstance, runningInstances } from '../../../node/local/instances.ts';
import type { InstanceView } from '../../../protocol/view/view.ts';
import { agentctl, crash, type RealCluster, threeAgents, viewOf } from '../agents/cluster.ts';

const ENGINE = { kind: 'process' } as const;
const MOVE_MS = 60_000;
const CALL_MS = 5000;

/** Answers with its own name and where it was told that the database is. */
const SERVER = `
const { MILLRACE_COMPONENT: name, MILLRACE_ADDRESS_THE_DB_80: told = 'nothing' } = process.env;
require('http').createServer((_, answer) => answer.end(name + ' ' + told))
  .listen(process.env.MILLRACE_PORT_80, process.env.MILLRACE_PUBLISH_ADDRESS);
`;

const fileOf = ({ init }: RealCluster): string => join(init.folder, 'found.yaml');

async function deploy(cluster: RealCluster, asked: LocalAgent): Promise<void> {
  const server = join(cluster.init.folder, 'server.cjs');
  writeFileSync(server, SERVER);
  const service = (operator: '==' | '!=') => ({
    command: [process.execPath, server],
    ports: [{ target: 80, mode: 'host' }],
    stop_grace_period: '1s',
    deploy: { placement: { constraints: [`node.hostname${operator}${asked.name}`] } },
    'x-millrace': {
      heartbeat: { path: '/', every: '200ms', timeout: '1s', miss: 5, start_period: '5s' },
    },
  });
  const services = {
    'the-db': service('!='),
    web: {
      ...service('=='),
      depends_on: { 'the-db': { condition: 'service_healthy', restart: true } },
    },
  };
  // JSON is YAML.
  writeFileSync(fileOf(cluster), JSON.stringify({ name: 'found', services }));
  const told = await agentctl(asked, ['deploy', '-f', fileOf(cluster), '--no-wait']);
  expect(told, told.stderr).toMatchObject({ code: 0 });
}

type Both = { readonly web: InstanceView; readonly db: InstanceView };

/** Both, once they are well and as they are to be. */
function bothOf(asked: LocalAgent, what: string, are: (both: Both) => boolean): Promise<Both> {
  return until(what, MOVE_MS, async () => {
    const view = await viewOf(asked);
    const wellOf = (component: string): InstanceView | undefined =>
      view?.stacks
        .flatMap(({ components }) => components)
        .find(({ id }) => id === `found.${component}`)
        ?.slots.map(({ instance }) => instance)
        .find((one) => one?.state === 'running' && one.health === 'healthy');
    const [web, db] = [wellOf('web'), wellOf('the-db')];
    return web !== undefined && db !== undefined && are({ web, db }) ? { web, db } : undefined;
  });
}

const addressOf = ({ ports: [port] }: InstanceView): string =>
  `${port?.address}:${port?.published}`;

async function answerOf(address: string): Promise<string> {
  const answer = await fetch(`http://${address}/`, { signal: AbortSignal.timeout(CALL_MS) });
  return answer.text();
}

/** Its agent, and all that runs there. */
async function killHost(cluster: RealCluster, host: string): Promise<void> {
  const agent = cluster.agents.find((one) => cluster.hostOf(one) === host);
  if (agent === undefined) throw new Error(`${host} is no host of it`);
  await crash(agent);
  for (const one of await runningInstances(ENGINE, { cluster: cluster.id, host }))
    await killInstance(ENGINE, one);
}

test('a web finds its database on another host, and follows it when that host is killed', async () => {
  const cluster = await threeAgents();
  const [asked] = cluster.agents;
  if (asked === undefined) throw new Error('three run');
  await deploy(cluster, asked);
  const first = await bothOf(asked, 'both to be well', () => true);
  expect(first.web.host).not.toBe(first.db.host);
  const before = addressOf(first.db);
  expect(await answerOf(addressOf(first.web))).toBe(`found.web ${before}`);
  expect(await answerOf(before)).toBe('found.the-db nothing');
  const task = ['--', process.execPath, '-p', 'process.env.MILLRACE_ADDRESS_THE_DB_80'];
  const ran = await agentctl(asked, ['run', '-f', fileOf(cluster), 'web', ...task]);
  expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: `${before}\n` });

  await killHost(cluster, first.db.host);
  const then = await bothOf(
    asked,
    'the web to be replaced',
    ({ web, db }) => db.host !== first.db.host && web.attempt > first.web.attempt,
  );
  const after = addressOf(then.db);
  expect(after).not.toBe(before);
  expect([then.web.host, then.web.restarts]).toEqual([first.web.host, 0]);
  expect(await answerOf(addressOf(then.web))).toBe(`found.web ${after}`);
  expect(await answerOf(after)).toBe('found.the-db nothing');
  const why = await agentctl(asked, ['why', 'found.web.1']);
  expect(why.stdout.replaceAll(/\s+/g, ' ')).toContain(
    `the-db is found at ${after} for port 80, and it was told ${before}`,
  );
});
