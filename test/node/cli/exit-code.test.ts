/** What scripts rely on, through the real process: exit codes, and what goes to which output. */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import type { AgentFile } from '../../../node/agent-file.ts';
import {
  type FixtureAgent,
  refusal,
  type Routes,
  run,
  sendJson,
  start,
  startAgent,
} from './fixture-agent.ts';
import { degraded, healthy, idOf } from './views.ts';

const done = { done: 'sent', next: 'the agent restarts it' };

type Row = readonly [exit: number, args: string, routes: Routes, says: RegExp, reason: string];
const ROWS: readonly Row[] = [
  [0, 'status', { 'GET /v1/status': degraded() }, /^$/, 'a degraded cluster is still an answer'],
  [0, 'status --exit-code', { 'GET /v1/status': healthy() }, /^$/, 'all is well'],
  [3, 'status --exit-code', { 'GET /v1/status': degraded() }, /^$/, 'asked for a verdict'],
  [3, 'status db --exit-code', { 'GET /v1/status': degraded() }, /^$/, 'of this component'],
  [0, 'status web --exit-code', { 'GET /v1/status': degraded() }, /^$/, 'another one is well'],
  [2, 'stats', {}, /Did you mean status/, 'no such verb'],
  [2, 'status --bogus', {}, /unknown option '--bogus'/, 'no such option'],
  [2, 'kill', {}, /missing required argument/, 'a missing argument'],
  [2, 'kill web --signal foo', {}, /such as SIGHUP/, 'no such signal'],
  [2, 'wait', {}, /--for/, 'a missing option'],
  [
    2,
    'wait --for healthy --timeout soon',
    {},
    /not a length of time/,
    'an unreadable length of time',
  ],
  [
    2,
    'kill w',
    { 'GET /v1/status': degraded() },
    /component shop\.web, component shop\.worker/,
    'an ambiguous prefix lists what it may mean',
  ],
  [
    4,
    'kill nobody',
    { 'GET /v1/status': healthy() },
    /this cluster has: component shop\.web/,
    'no such thing',
  ],
  [4, 'destroy', { 'GET /v1/status': emptied() }, /nothing to destroy/, 'no stack'],
  [
    2,
    'destroy shop',
    { 'GET /v1/status': healthy() },
    /Remove shop: 3 instances on 3 hosts\?[^]*add --yes/,
    'no terminal to ask on',
  ],
  [
    6,
    'destroy shop --yes',
    { 'GET /v1/status': healthy(), 'POST /v1/destroy': refusing(409, 'no-quorum', 6) },
    /no-quorum happened/,
    'refused for safety',
  ],
  [
    7,
    'destroy shop --yes',
    { 'GET /v1/status': healthy(), 'POST /v1/destroy': refusing(504, 'unknown', 7) },
    /--deploy-id [0-9a-f]{32}/,
    'an unknown outcome says how to ask again',
  ],
  [
    4,
    'kill web.1',
    {
      'GET /v1/status': healthy(),
      'POST /v1/instances/shop.web.1/kill': refusing(404, 'not-found', 4),
    },
    /not-found happened/,
    'gone in between',
  ],
  [
    0,
    'kill web.1',
    { 'GET /v1/status': healthy(), 'POST /v1/instances/shop.web.1/kill': done },
    /^$/,
    'done',
  ],
  [
    6,
    'cluster init',
    { 'POST /v1/cluster/init': refusing(409, 'already-member', 6) },
    /already-member happened/,
    "the exit code is the agent's word",
  ],
  [
    3,
    'wait --for healthy --timeout 0s',
    { 'GET /v1/status': degraded() },
    /is not healthy after/,
    'not in time',
  ],
  [0, 'wait --for healthy --timeout 0s', { 'GET /v1/status': healthy() }, /^$/, 'in time'],
  [
    3,
    'wait --for converged --timeout 0s',
    { 'GET /v1/status': degraded() },
    /is not converged/,
    'a host is doubted',
  ],
  [
    5,
    'status',
    { 'GET /v1/status': (_, response) => response.end('<html>') },
    /NOT-AN-AGENT/,
    'somebody else answers',
  ],
];

it.each(ROWS)('%i agentctl %s', async (exit, args, routes, says, _reason) => {
  await using agent = await startAgent(routes);
  const ran = await run([...args.split(' '), '--socket', agent.socket]);
  expect(ran.stderr).toMatch(says);
  expect(ran.code).toBe(exit);
  // Data, if any, is on standard output; a failure leaves it empty.
  if (exit !== 0 && exit !== 3) expect(ran.stdout).toBe('');
});

it('tells an agent that is absent from one that is dead (exit 5)', async () => {
  await using agent = await startAgent({});
  const absent = await run(['status', '--socket', `${agent.socket}.none`]);
  expect(absent.code).toBe(5);
  expect(absent.stderr).toBe(
    [
      `error: no agent answers on ${agent.socket}.none (ENOENT)`,
      '  why   there is no socket at this path: no agent was started here, or it listens elsewhere',
      '  next  npx agentctl agent start      or read this host only: npx agentctl ps --local',
      '',
    ].join('\n'),
  );
  const dead = await leftoverSocket(agent);
  const refused = await run(['status', '--socket', dead]);
  expect(refused.code).toBe(5);
  expect(refused.stderr).toMatch(
    /\(ECONNREFUSED\)\n {2}why {3}the socket is there, but nobody listens/,
  );
});

it('tells errors as JSON with the same code under --json', async () => {
  await using agent = await startAgent({ 'GET /v1/status': healthy() });
  const ran = await run(['kill', 'nobody', '--json', '--socket', agent.socket]);
  expect(ran.code).toBe(4);
  expect(JSON.parse(ran.stderr)).toMatchObject({ error: { code: 'not-found', exit: 4 } });
  const usage = await run(['stats', '--json']);
  expect(usage.code).toBe(2);
  expect(JSON.parse(usage.stderr)).toMatchObject({ error: { code: 'usage', exit: 2 } });
});

it('prints the body as it is under --json', async () => {
  await using agent = await startAgent({ 'GET /v1/status': degraded() });
  const ran = await run(['status', '--json'], { MILLRACE_SOCKET: agent.socket });
  expect(JSON.parse(ran.stdout)).toEqual(degraded());
});

it('says in the form that works here what the agent advises', async () => {
  const body = refusal('no-cluster', 6);
  await using agent = await startAgent({ 'GET /v1/status': refusing(409, 'no-cluster', 6) });
  const ran = await run(['status', '--socket', agent.socket]);
  expect(body.error.next).toBe('agentctl status');
  expect(ran.stderr).toContain('  next  npx agentctl status\n');
});

it('asks each instance of a component by its full id', async () => {
  const routes = {
    'GET /v1/status': healthy(),
    'POST /v1/instances/shop.web.1/kill': done,
    'POST /v1/instances/shop.web.2/kill': done,
  };
  await using agent = await startAgent(routes);
  const ran = await run(['kill', 'we', '--signal', 'term', '--socket', agent.socket]);
  expect(ran.code).toBe(0);
  expect(agent.asked.slice(1)).toEqual([
    { method: 'POST', path: '/v1/instances/shop.web.1/kill', body: { signal: 'SIGTERM' } },
    { method: 'POST', path: '/v1/instances/shop.web.2/kill', body: { signal: 'SIGTERM' } },
  ]);
});

it('ends with 130 at Ctrl-C and says what continues', async () => {
  await using agent = await startAgent({
    'GET /v1/status': healthy(),
    'POST /v1/destroy': { deploy_id: 'd', revision: '4.8', changed: true },
  });
  const running = start(['destroy', 'shop', '--yes', '--socket', agent.socket]);
  await vi.waitFor(() => expect(running.stderr()).toContain('shop.web.1'), { timeout: 10_000 });
  running.interrupt();
  const ran = await running.done;
  expect(ran.code).toBe(130);
  expect(ran.stderr).toContain(
    'interrupted: shop goes on ending in the cluster; see npx agentctl status',
  );
});

it('waits until a destroyed stack is gone, and its hosts have removed what they had', async () => {
  let destroyed = false;
  let asked = 0;
  let looks = 0;
  const report = { kind: 'instance', component: 'shop.web', slot: 1, state: 'stopping' };
  await using agent = await startAgent({
    'GET /v1/status': (_, response) => {
      asked += destroyed ? 1 : 0;
      sendJson(response, 200, asked > 2 ? emptied() : healthy());
    },
    'POST /v1/destroy': (_, response) => {
      destroyed = true;
      sendJson(response, 200, { deploy_id: 'd', revision: '4.8', changed: true });
    },
    'GET /v1/inspect': ({ path }, response) => {
      const isFirst = path === `/v1/inspect?subject=${idOf('h1')}`;
      looks += isFirst ? 1 : 0;
      const record = isFirst && looks < 3 ? { 'instance/shop.web/1': report } : {};
      sendJson(response, 200, { ...emptied(), data: { kind: 'host', record, instances: [] } });
    },
  });
  const ran = await run(['destroy', '--yes', '--socket', agent.socket]);
  expect(looks).toBe(3);
  expect(ran.stderr).toMatch(/shop\.web\.1 is stopping on \w+\n[^]*shop\.web\.1 gone/);
  expect(ran).toMatchObject({ code: 0, stdout: 'shop is gone\n' });
  expect(ran.stderr).toContain('shop.web.1 gone');
});

it('says of a lost host what it has yet of a destroyed stack, and does not wait for it', async () => {
  let destroyed = false;
  const { data, ...rest } = healthy();
  const hosts = data.cluster.hosts.map((one) =>
    one.name === 'h2' ? { ...one, state: 'left' as const } : one,
  );
  const gone = { ...rest, data: { ...data, cluster: { ...data.cluster, hosts, stacks: [] } } };
  await using agent = await startAgent({
    'GET /v1/status': (_, response) => sendJson(response, 200, destroyed ? gone : healthy()),
    'POST /v1/destroy': (_, response) => {
      destroyed = true;
      sendJson(response, 200, { deploy_id: 'd', revision: '4.8', changed: true });
    },
    'GET /v1/inspect': { ...rest, data: { kind: 'host', record: {}, instances: [] } },
  });
  const ran = await run(['destroy', '--yes', '--socket', agent.socket]);
  expect(ran).toMatchObject({ code: 0, stdout: 'shop is gone\n' });
  expect(ran.stderr).toContain('h2 has left; what it has of shop it ends once it is heard again\n');
  const asked = agent.asked.filter(({ path }) => path.startsWith('/v1/inspect'));
  expect(asked.some(({ path }) => path.includes(idOf('h2')))).toBe(false);
});

it('refuses destroy --local beside a living agent', async () => {
  await using agent = await startAgent({ 'GET /v1/status': refusing(409, 'no-cluster', 6) });
  const ran = await run(['destroy', '--local', '--yes', '--socket', agent.socket]);
  expect(ran.code).toBe(6);
  expect(ran.stderr).toContain('agentctl agent stop');
});

it('says which state folder it cannot read under --local', async () => {
  await using agent = await startAgent({});
  const ran = await run(['ps', '--local'], { MILLRACE_STATE: agent.folder });
  expect(ran.code).toBe(4);
  expect(ran.stderr).toContain(agent.folder);
});

it('lists what the engine of this host runs with the agent dead', async () => {
  await using agent = await startAgent({});
  await leaveAgentFile(agent, { engine: 'process' });
  const ran = await run(['ps', '--local', '--json'], { MILLRACE_STATE: agent.folder });
  expect(ran.code).toBe(0);
  expect(JSON.parse(ran.stdout)).toMatchObject({
    schema: 'millrace/ps-local/1',
    data: { host: 'h1', instances: [] },
  });
});

it('says which engine does not answer, as the settings of the agent named it', async () => {
  await using agent = await startAgent({});
  const socket = join(agent.folder, 'docker.sock');
  await leaveAgentFile(agent, { engine: 'docker', docker_socket: socket });
  const ran = await run(['ps', '--local'], { MILLRACE_STATE: agent.folder });
  expect(ran.code).toBe(1);
  expect(ran.stderr).toMatch(/^error: the engine of this host did not do it\n/);
  expect(ran.stderr).toContain(`tried ${socket} (`);
  expect(ran.stderr).toContain('  next  npx agentctl doctor\n');
});

async function leaveAgentFile(
  { folder, socket }: FixtureAgent,
  engine: Pick<AgentFile, 'engine' | 'docker_socket'>,
): Promise<void> {
  const who = { cluster: 'k3x9', host: idOf('h1'), name: 'h1', pid: 1 };
  const file = { ...who, ...engine, publish_address: '127.0.1.1', socket };
  await writeFile(join(folder, 'agent.json'), JSON.stringify(file));
}

function refusing(statusCode: number, code: string, exit: number): Routes[string] {
  return (_: unknown, response: Parameters<typeof sendJson>[0]) =>
    sendJson(response, statusCode, refusal(code, exit));
}

function emptied(): object {
  const body = healthy();
  return { ...body, data: { ...body.data, cluster: { ...body.data.cluster, stacks: [] } } };
}

/** What an agent leaves that was killed: a socket file nobody listens on. */
async function leftoverSocket(agent: FixtureAgent): Promise<string> {
  const path = join(agent.folder, 'dead.sock');
  const listening =
    "require('net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))";
  await once(spawn(process.execPath, ['-e', listening, path]), 'exit');
  return path;
}
