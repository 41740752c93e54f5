/**
 * Secrets of a real cluster: every host that runs their component finds them, those that have joined since
 * too, and they are readable nowhere else.
 */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encode } from 'cborg';
import { expect, onTestFinished, test } from 'vitest';
import { generateIdentity } from '../../../node/network/identity.ts';
import {
  type LocalAgent,
  planLocalCluster,
  removeLocalCluster,
  startLocalAgent,
  until,
} from '../../../node/local/cluster.ts';
import { killInstance, runningInstances } from '../../../node/local/instances.ts';
import { KEY_REQUEST } from '../../../node/secrets/keyring.ts';
import { agentctl, crash, everyoneRuns, type RealCluster, threeAgents } from '../agents/cluster.ts';
import { committed } from '../../../protocol/wire/record-schema.ts';
import { decode } from '../../../protocol/wire/schema.ts';
import type { StackSpec } from '../../../protocol/component/spec.ts';
import { credentialsOf, startSpeaker } from '../input/speaker.ts';

const SOON_MS = 60_000;
const ENGINE = { kind: 'process' } as const;
const PORT = 18_199;

/** Answers with the digest of its secret. */
const SERVE = `const at = process.env.MILLRACE_FILES + '/run/secrets/password';
const told = require('crypto').hash('sha256', require('fs').readFileSync(at));
require('http').createServer((_, answer) => answer.end(told)).listen(${PORT});`;

function composeIn(folder: string, services: object): string {
  const path = join(folder, 'compose.json');
  const text = { name: 'vault', services, secrets: { password: { environment: 'PASSWORD' } } };
  writeFileSync(path, JSON.stringify({ ...text, configs: { site: { environment: 'SITE' } } }));
  return path;
}

const digestOf = (password: string): string => createHash('sha256').update(password).digest('hex');

async function answer(digest: string): Promise<void> {
  await until('an answer', SOON_MS, async () => {
    const response = await fetch(`http://127.0.0.1:${PORT}`).catch(() => undefined);
    return (await response?.text()) === digest ? true : undefined;
  });
}

async function run(agent: LocalAgent, args: readonly string[], env = {}): Promise<string> {
  const ran = await agentctl(agent, args, env);
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  return ran.stdout + ran.stderr;
}

/** All that an agent has on the disk and has said, but what is to be in memory only. */
function filesOf({ folder }: LocalAgent): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.startsWith('files/'))
    .map((path) => join(folder, path))
    .filter((path) => statSync(path).isFile());
}

/** In any of the ways in which it travels from a user to an instance. */
const shows = (bytes: Uint8Array, content: string): boolean =>
  [content, Buffer.from(content).toString('base64'), Buffer.from(content).toString('hex')].some(
    (text) => Buffer.from(bytes).includes(text),
  );

const [PASSWORD, SITE] = [randomBytes(24).toString('hex'), randomBytes(24).toString('hex')];
const ENV = { PASSWORD, SITE };

function two({ agents }: RealCluster): readonly [LocalAgent, LocalAgent] {
  const [first, second] = agents;
  if (first === undefined || second === undefined) throw new Error('there are three');
  return [first, second];
}

test('a secret is found on the next host, and nowhere in what hosts keep, say and show', async () => {
  const cluster = await threeAgents();
  const [first, second] = two(cluster);
  const speaker = await startSpeaker({
    identityKey: await generateIdentity(),
    credentials: await credentialsOf(first),
    to: first,
  });
  const serve = { command: ['node', '-e', SERVE], configs: ['site'], secrets: ['password'] };
  const path = composeIn(cluster.init.folder, { db: serve });
  const deployed = await run(first, ['deploy', '--yes', '-f', path], ENV);
  await answer(digestOf(PASSWORD));

  // The same once more changes nothing, whoever is asked.
  const before = await everyoneRuns(cluster, 1);
  const planned = await run(second, ['plan', '-f', path], ENV);
  expect(planned).toContain('nothing that runs would change');
  expect(await run(second, ['deploy', '--yes', '-f', path], ENV)).toContain('was so already');
  expect(await everyoneRuns(cluster, 1)).toEqual(before);
  expect(await run(second, ['plan', '-f', path], { ...ENV, PASSWORD: 'x' })).toContain(
    '1 running instance is replaced',
  );

  const shown = [deployed, planned];
  for (const args of [
    ['status', '--json'],
    ['why', 'vault.db'],
    ['inspect', 'vault'],
    ['inspect', 'vault.db'],
    ['events'],
    ['logs', 'vault.db'],
  ])
    shown.push(await run(second, args));
  expect(shown.some((text) => shows(Buffer.from(text), SITE))).toBe(true);
  expect(shown.filter((text) => shows(Buffer.from(text), PASSWORD))).toEqual([]);
  for (const agent of cluster.agents) {
    const read = filesOf(agent).map((file) => [file, readFileSync(file)] as const);
    expect(read.some(([, bytes]) => shows(bytes, SITE))).toBe(true);
    expect(read.filter(([, bytes]) => shows(bytes, PASSWORD)).map(([file]) => file)).toEqual([]);
  }
  expect(speaker.heard.length).toBeGreaterThan(0);
  expect(speaker.heard.filter((bytes) => shows(bytes, PASSWORD))).toEqual([]);

  // Who has the token and is no member is not given the key.
  const [, id = ''] = /dataKey[^]*?\bid"?: "?([0-9a-f]{32})/.exec(shown.join('\n')) ?? [];
  expect(id).not.toBe('');
  const signal = AbortSignal.timeout(SOON_MS);
  const stolen = speaker.network.request(speaker.target, KEY_REQUEST, encode({ id }), signal);
  await expect(stolen[Symbol.asyncIterator]().next()).rejects.toThrow(
    'only members of the cluster are answered',
  );

  // Its host is lost as a whole.
  const [instance] = await runningInstances(ENGINE, { cluster: cluster.id });
  const lost = cluster.agents.find((agent) => cluster.hostOf(agent) === instance?.owner.host);
  if (instance === undefined || lost === undefined) throw new Error('one of three runs it');
  await crash(lost);
  await killInstance(ENGINE, instance);
  await answer(digestOf(PASSWORD));
  const [next] = await runningInstances(ENGINE, { cluster: cluster.id });
  expect(next?.owner.host).not.toBe(instance.owner.host);
});

test('a host that has joined since gets the key from those that have it', async () => {
  const cluster = await threeAgents();
  const [first] = two(cluster);
  const deploy = { replicas: 3, placement: { max_replicas_per_node: 1 } };
  const sleep = { command: ['sleep', '1000000'], secrets: ['password'], deploy };
  const path = composeIn(cluster.init.folder, { keeper: sleep });
  await run(first, ['deploy', '--yes', '-f', path], ENV);
  await everyoneRuns(cluster, 3);

  const folder = mkdtempSync(join(tmpdir(), 'mr-'));
  const init = { folder, count: 1, engine: ENGINE, flagsOf: () => ['--name', 'late'] };
  const joining = await planLocalCluster(init);
  onTestFinished(() => removeLocalCluster(joining), SOON_MS);
  const [late] = joining.agents;
  if (late === undefined) throw new Error('there is one');
  await startLocalAgent(joining, late);
  const { token } = await first.client.cluster(AbortSignal.timeout(SOON_MS));
  await run(late, ['cluster', 'join', token, '--peer', `127.0.0.1:${first.port}`]);

  // What is sealed already stays as it is: nobody has wrapped the key for it.
  await run(first, ['scale', 'keeper=4']);
  const files = readdirSync(join(late.folder, 'files'), { recursive: true, encoding: 'utf8' });
  const found = files.filter((name) => name.endsWith('run/secrets/password'));
  expect(found).toHaveLength(1);
  const at = join(late.folder, 'files', found[0] ?? '');
  expect(readFileSync(at, 'utf8')).toBe(PASSWORD);
  expect(statSync(at).mode & 0o777).toBe(0o444);
});

test('a secret whose key nobody has any more is told of, and deployed once more it opens', async () => {
  const cluster = await threeAgents();
  const [first, second] = two(cluster);
  const serve = { command: ['node', '-e', SERVE], secrets: ['password'] };
  const path = composeIn(cluster.init.folder, { db: serve });
  await run(first, ['deploy', '--yes', '-f', path], ENV);
  await answer(digestOf(PASSWORD));

  // As if all for whom it was wrapped had lost their disks: the record names a key that no host has.
  const inspected = await first.client.inspect('vault', AbortSignal.timeout(SOON_MS));
  const id = randomBytes(16).toString('hex');
  const spec = specOf(inspected.data.record);
  const components = spec.components.map((one) =>
    one.dataKey === undefined ? one : { ...one, dataKey: { ...one.dataKey, id, wraps: {} } },
  );
  const stack = { ...spec, components };
  const lost = { stack, deploy_id: randomBytes(16).toString('hex') };
  await first.client.deploy(lost, AbortSignal.timeout(SOON_MS));
  await until(
    'its host to know',
    SOON_MS,
    async () => (await run(second, ['inspect', 'vault.db'])).includes(id) || undefined,
  );
  const [instance] = await runningInstances(ENGINE, { cluster: cluster.id });
  if (instance === undefined) throw new Error('it runs on');
  await killInstance(ENGINE, instance);

  const why = 'waits for the key of secret password: no member that has it answers';
  const next = 'if none has it any more, deploy its stack once more';
  for (const args of [['status'], ['status', 'vault.db'], ['why', 'vault.db'], ['ps']])
    await until(`${args.join(' ')} to tell`, SOON_MS, async () => {
      const told = (await agentctl(second, args)).stdout.replaceAll(/\s+/g, ' ');
      return (told.includes(why) && told.includes(next)) || undefined;
    });
  const scaled = await agentctl(first, ['scale', 'db=2', '--timeout', '1s']);
  expect(scaled).toMatchObject({ code: 3 });
  expect(scaled.stderr).toContain(why);

  await run(second, ['deploy', '--yes', '--no-wait', '-f', path], ENV);
  await until('its host to know', SOON_MS, async () =>
    (await run(first, ['inspect', 'vault.db'])).includes(id) ? undefined : true,
  );
  await run(second, ['restart', 'vault.db']);
  await answer(digestOf(PASSWORD));
});

function specOf(record: unknown): StackSpec {
  const read = decode(committed, record);
  if (!read.ok || read.value.value.kind !== 'stack' || read.value.value.spec === undefined)
    throw new Error('it is deployed');
  return read.value.value.spec;
}
