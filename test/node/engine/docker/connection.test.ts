import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { Connection } from '../../../../node/engine/docker/connection.ts';
import { createDockerEngine } from '../../../../node/engine/docker/docker-engine.ts';
import { expectRefusal } from '../../../compliance/engine/ground.ts';
import { nodeSpec } from '../../../compliance/engine/docker-ground.ts';
import { writeLabels } from '../../../../node/engine/docker/labels.ts';
import { HANGING, StandIn } from './stand-in.ts';

const scope = { cluster: 'c1', host: 'h1', publishAddress: '127.0.0.1' };
const labels = { component: 's.web', slot: 1, attempt: 1, revision: 'r', term: 1 };
const never = new AbortController().signal;
const paths = (asked: readonly string[]) => asked.map((url) => url.split('?', 1)[0]);

it.each([
  ['1.41', 'v1.41', 'an older engine is spoken to in its own version'],
  ['1.99', 'v1.51', 'a newer engine is spoken to in the newest version we know'],
])('of an engine that offers %s asks %s: %s', async (offered, spoken) => {
  await using docker = await StandIn.open(() => offered);
  await using engine = await createDockerEngine(scope, docker);
  await engine.list(never);
  const asked = ['version', 'containers/json', 'networks'].map((path) => `/${spoken}/${path}`);
  expect(paths(docker.asked)).toEqual(['/_ping', ...asked]);
  expect(engine.version).toBe(`docker 9.9 (API ${spoken.slice(1)})`);
});

it('agrees on the version anew when the engine was replaced', async () => {
  let version = '1.50';
  await using docker = await StandIn.open(
    () => version,
    ({ url = '' }, response) => {
      if (!url.startsWith('/v1.50') || version === '1.50') return;
      const message = 'client version 1.50 is too new. Maximum supported API version is 1.44';
      response.writeHead(400).end(JSON.stringify({ message }));
    },
  );
  await using engine = await createDockerEngine(scope, docker);
  version = '1.44';
  await expectRefusal(engine.list(never), ['unavailable']);
  expect(await engine.list(never)).toEqual([]);
  expect(paths(docker.asked)).toContain('/v1.44/containers/json');
});

it.each([
  ['1.12', 'at least 1.25 is needed', 'an engine that is too old'],
  ['', 'names no API version', 'what is no Docker Engine'],
])('refuses API version "%s": %s (%s)', async (offered, why) => {
  await using docker = await StandIn.open(() => offered);
  const refused = await expectRefusal(createDockerEngine(scope, docker), ['unavailable']);
  expect(refused.message).toContain(why);
});

it('has nothing to write out of its open sockets, which docker-modem does for each request', async () => {
  await using docker = await StandIn.open(() => '1.41');
  using connection = new Connection(docker.socketPath);
  await connection.ping(never);
  const { agent } = connection.docker.modem as unknown as { readonly agent: object };
  expect(inspect(agent, { showHidden: true, depth: null })).toBe('Agent');
});

it('refuses a socket that is not there, and says what to do', async () => {
  const opened = createDockerEngine(scope, { socketPath: '/nowhere/docker.sock' });
  const { message } = await expectRefusal(opened, ['unavailable']);
  expect(message).toMatch(/ENOENT.*; check that the Docker Engine runs on this host$/);
});

it('gives up when told to, though the engine never answers', async () => {
  const asked = Promise.withResolvers<void>();
  await using docker = await StandIn.open(
    () => '1.41',
    (request) => {
      if (request.url?.includes('/containers/json') !== true) return;
      request.url = HANGING;
      asked.resolve();
    },
  );
  await using engine = await createDockerEngine(scope, docker);
  const stop = new AbortController();
  const listed = expectRefusal(engine.list(stop.signal), ['aborted']);
  await asked.promise;
  stop.abort();
  await listed;
});

it('answers a ping only where the engine does', async () => {
  let hangs = false;
  await using docker = await StandIn.open(
    () => '1.41',
    (request) => {
      if (hangs) request.url = HANGING;
    },
  );
  await using engine = await createDockerEngine(scope, docker);
  await engine.ping(never);
  hangs = true;
  await expectRefusal(engine.ping(AbortSignal.timeout(200)), ['aborted']);
});

it('never puts the environment of a component into an address', async () => {
  await using docker = await StandIn.open(
    () => '1.41',
    ({ url = '' }, response) => {
      if (url.includes('/containers/create')) response.writeHead(400).end('{"message":"no"}');
    },
  );
  await using engine = await createDockerEngine(scope, docker);
  const spec = nodeSpec('', { environment: { PASSWORD: 'secret' } });
  await expectRefusal(engine.start({ labels, spec }, never), ['bad-spec']);
  expect(docker.asked.at(-1)).toBe('/v1.41/containers/create?name=s-web-1-1-h1');
});

it('lists one that cannot be inspected by what the list says of it', async () => {
  const row = (Id: string, State: string, Status: string) => ({
    Id,
    Names: [`/s-web-1-1-h1`],
    Labels: writeLabels(scope, labels),
    State,
    Status,
  });
  const rows = [
    row('a', 'exited', 'Exited (137) 2 hours ago'),
    row('b', 'running', 'Up 2 hours'),
    row('c', 'dead', 'Dead'),
  ];
  await using docker = await StandIn.open(
    () => '1.41',
    ({ url = '' }, response) => {
      if (url.includes('/containers/json')) response.end(JSON.stringify(rows));
      const lost = { message: 'stat /var/lib/docker/overlay2/x: no such file or directory' };
      if (/containers\/[abc]\/json/.test(url)) response.writeHead(500).end(JSON.stringify(lost));
    },
  );
  await using engine = await createDockerEngine(scope, docker);
  expect(await engine.list(never)).toMatchObject([
    { id: 'a', name: 's-web-1-1-h1', labels, state: 'exited', exitCode: 137 },
    { id: 'b', state: 'running' },
    { id: 'c', state: 'exited', exitCode: -1 },
  ]);
});
