/** The doctor where no agent of its own version answers: what can be seen is seen, nothing else is well. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { WELL } from '../doctor/examined.ts';
import { refusal, run, sendJson, startAgent } from './fixture-agent.ts';
import { healthy } from './views.ts';

const NO_DOCKER = { MILLRACE_DOCKER_SOCKET: '/nowhere/docker.sock' };

it('without an agent it says what fails, what it cannot know, and ends with 3', async () => {
  const state = mkdtempSync(join(tmpdir(), 'doctor-'));
  const ran = await run(['doctor', '--socket', join(state, 'none.sock')], {
    ...NO_DOCKER,
    MILLRACE_STATE: state,
  });
  expect(ran.code).toBe(3);
  expect(ran.stdout).toMatch(/^fail +agent +there is no socket at .*none\.sock$/m);
  expect(ran.stdout).toMatch(/^ok +state +.*doctor-/m);
  expect(ran.stdout).toMatch(/^unknown +the rest +only an agent can tell:/m);
  expect(ran.stdout).not.toMatch(/^ok +(cluster|identity|versions|reach|caller)/m);
  expect(ran.stdout).toMatch(/\nnot well: \d+ fail, .*\n$/);
});

it('names the socket on which the agent of this state folder listens instead', async () => {
  await using agent = await startAgent({});
  const file = {
    cluster: 'k3x9',
    host: 'h1',
    name: 'h1',
    pid: 1,
    engine: 'process',
    publish_address: '127.0.1.1',
    socket: agent.socket,
  };
  writeFileSync(join(agent.folder, 'agent.json'), JSON.stringify(file));
  const ran = await run(['doctor', 'net', '--json', '--socket', `${agent.socket}.none`], {
    ...NO_DOCKER,
    MILLRACE_STATE: agent.folder,
  });
  expect(ran.code).toBe(3);
  const { schema, data } = JSON.parse(ran.stdout) as {
    readonly schema: string;
    readonly data: { readonly verdict: string; readonly checks: readonly object[] };
  };
  expect([schema, data.verdict]).toEqual(['millrace/doctor/1', 'fail']);
  expect(data.checks[0]).toMatchObject({
    check: 'agent',
    fix: `npx agentctl --socket ${agent.socket} doctor`,
  });
});

// The settings of root are the system's own: no place for a test to write.
it.skipIf(process.getuid?.() === 0)(
  'tells of settings with which no agent would start',
  async () => {
    const config = mkdtempSync(join(tmpdir(), 'doctor-'));
    mkdirSync(join(config, 'millrace'));
    writeFileSync(join(config, 'millrace/agent.yaml'), 'nmae: h1\n');
    const ran = await run(['doctor', '--socket', join(config, 'none.sock')], {
      ...NO_DOCKER,
      XDG_CONFIG_HOME: config,
    });
    expect(ran.stdout).toMatch(/^fail +settings +.*nmae/m);
  },
);

it('is told by the agent what it sees, and ends with 0 where nothing fails', async () => {
  const { host, cluster } = WELL;
  await using agent = await startAgent({
    'GET /v1/status': healthy(),
    'POST /v1/doctor': {
      version: '0.1.0',
      pid: 4711,
      memory: { rss: 2 ** 27, heap: 2 ** 25 },
      host,
      cluster,
    },
  });
  const ran = await run(['doctor', 'net', '--socket', agent.socket]);
  expect(ran.stdout).toContain('ok       reach      each of 3 hosts reaches each other');
  expect(ran.code).toBe(0);
  expect(agent.asked.map(({ path, body }) => [path, body])).toEqual([
    ['/v1/status', undefined],
    ['/v1/doctor', { net: true }],
  ]);
});

it('takes an agent that knows no doctor for an older one', async () => {
  await using agent = await startAgent({
    'GET /v1/status': healthy(),
    'POST /v1/doctor': (_, response) => sendJson(response, 400, refusal('bad-request', 2)),
  });
  const ran = await run(['doctor', 'net', '--socket', agent.socket]);
  expect(ran.code).toBe(3);
  expect(ran.stdout).toMatch(/^fail +agent +an agent of an older version answers/m);
});

it('refuses another word (exit 2)', async () => {
  const ran = await run(['doctor', 'disk']);
  expect(ran.code).toBe(2);
  expect(ran.stderr).toMatch(/Allowed choices are net/);
});
