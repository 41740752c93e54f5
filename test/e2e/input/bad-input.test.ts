/** Whatever users type: three parts, the documented exit code, and nothing is changed by it. */
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { LocalAgent } from '../../../node/local/cluster.ts';
import { clusterId } from '../../../protocol/base/ids.ts';
import { formatToken } from '../../../node/token.ts';
import {
  agentctl,
  type CliResult,
  everyoneAgrees,
  threeAgents,
  viewOf,
} from '../agents/cluster.ts';
import { agentd, loneAgent, makeFolder } from './agentd.ts';

const CLI_MS = 20_000;

/** What, why and what to do next, in this order, and nothing for whoever reads standard output. */
function expectRefusal(result: CliResult, code: number, says: RegExp): void {
  expect(result.stderr).toMatch(/(^|\n)error: \S.*\n {2}why {3}\S[^]*\n {2}next {2}\S/);
  expect(result.stderr).toMatch(says);
  expect(result.stderr).not.toMatch(/\n {4}at .*\.ts:/); // no stack of ours
  expect(result).toMatchObject({ code, stdout: '' });
}

const BAD_STACKS: readonly (readonly [reason: string, yaml: string, says: RegExp])[] = [
  ['broken YAML', 'name: demo\nservices:\n  a: [\n', /compose\.yaml:4:1 /],
  [
    'an unknown key',
    'name: demo\nservices:\n  a:\n    image: x\n    helthcheck: {}\n',
    /compose\.yaml:5:5 services\.a\.helthcheck: unknown key.*healthcheck/,
  ],
  [
    'dependencies in a circle',
    `name: demo
services:
  a: { image: x, depends_on: [b] }
  b: { image: x, depends_on: [c] }
  c: { image: x, depends_on: [a] }
`,
    /a -> b -> c -> a/,
  ],
  [
    'neither image nor command',
    'name: demo\nservices:\n  a: { environment: { A: b } }\n',
    /services\.a: has neither an image nor a command/,
  ],
  ['no services', 'name: demo\n', /services/],
  ['a file that is no map', '- 1\n', /compose\.yaml:1:1/],
];

const BAD_CALLS: readonly (readonly [reason: string, args: string, code: number, says: RegExp])[] =
  [
    ['a second init', 'cluster init', 6, /belongs to a cluster already/],
    ['no token', 'cluster join abc', 2, /not a join token/],
    ['a token cut short', 'cluster join TOKEN-CUT', 2, /not a join token/],
    ['a join of a member', 'cluster join TOKEN', 6, /belongs to a cluster already/],
    ['no such file', 'deploy -f FOLDER/none.yaml', 2, /none\.yaml cannot be read/],
    ['no such component', 'kill nobody', 4, /there is no .*"nobody"/],
    ['no such stack', 'destroy nothing -y', 4, /there is no stack "nothing"/],
    ['no such verb', 'stats', 2, /Did you mean status/],
  ];

test('bad files and calls change nothing in a cluster', async () => {
  const cluster = await threeAgents();
  const [agent] = cluster.agents;
  if (agent === undefined) throw new Error('there are three agents');
  const { token } = await agent.client.cluster(AbortSignal.timeout(CLI_MS));
  const before = await knownTo(cluster.agents);
  const path = join(cluster.init.folder, 'compose.yaml');
  for (const [reason, yaml, says] of BAD_STACKS) {
    writeFileSync(path, yaml);
    const result = await agentctl(agent, ['deploy', '-f', path]);
    expect(result.code, reason).toBe(2);
    expectRefusal(result, 2, says);
  }
  const words: Readonly<Record<string, string>> = {
    TOKEN: token,
    'TOKEN-CUT': token.slice(0, -1),
    'FOLDER/none.yaml': join(cluster.init.folder, 'none.yaml'),
  };
  for (const [reason, args, code, says] of BAD_CALLS) {
    const result = await agentctl(
      agent,
      args.split(' ').map((word) => words[word] ?? word),
    );
    expect(result.code, reason).toBe(code);
    expectRefusal(result, code, says);
  }
  expect(await knownTo(cluster.agents)).toEqual(before);
  await everyoneAgrees(cluster);
});

/** What no refused call may change: the members, the voters and the stacks, as everyone knows them. */
async function knownTo(agents: readonly LocalAgent[]): Promise<unknown> {
  return Promise.all(
    agents.map(async (agent) => {
      const view = await viewOf(agent);
      return {
        roster: view?.roster,
        stacks: view?.stacks,
        hosts: view?.hosts.map(({ id, state }) => ({ id, state })),
      };
    }),
  );
}

test('without an agent every verb ends with 5', async () => {
  const folder = makeFolder();
  const socket = join(folder, 'agent.sock');
  const nobody = { socket } as LocalAgent;
  for (const args of ['status', 'cluster init', 'why web', 'agent stop'])
    expectRefusal(await agentctl(nobody, args.split(' ')), 5, /no agent answers on .*ENOENT/);
  expect(readdirSync(folder)).toEqual([]);
});

test('a host in no cluster says so, and a failed join leaves no trace', async () => {
  const lone = await loneAgent(['--join-timeout', '1']);
  const compose = join(lone.folder, 'compose.yaml');
  writeFileSync(compose, 'services: { a: { command: [sleep, "1"] } }\nname: demo\n');
  for (const args of ['status', 'cluster show', `deploy -f ${compose}`])
    expectRefusal(await agentctl(lone, args.split(' ')), 6, /belongs to no cluster yet/);
  const foreign = formatToken({
    cluster: clusterId('abcdefghij'),
    secret: new Uint8Array(32).fill(9),
  });
  const before = readdirSync(lone.folder).sort();
  const failed = await agentctl(lone, ['cluster', 'join', foreign]);
  expectRefusal(failed, 7, /no member of cluster abcdefghij let this host in within 1 s/);
  expect(readdirSync(lone.folder).sort()).toEqual(before);
  const peer = await agentctl(lone, ['cluster', 'join', foreign, '--peer', 'nonsense/']);
  expectRefusal(peer, 2, /is not the address of a peer/);
  expectRefusal(await agentctl(lone, ['status']), 6, /belongs to no cluster yet/);
  // As new: it can found a cluster of its own.
  expect(await agentctl(lone, ['cluster', 'init'])).toMatchObject({ code: 0 });
});

test('an init that finds the port taken leaves nothing behind', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const { port } = taken.address() as AddressInfo;
  const lone = await loneAgent(['--listen', `127.0.0.1:${port}`]);
  expectRefusal(await agentctl(lone, ['cluster', 'init']), 1, /another program has this port/);
  taken.close();
  await once(taken, 'close');
  expect(await agentctl(lone, ['cluster', 'init'])).toMatchObject({ code: 0 });
});

test('the token of another cluster, and one with a wrong secret, let nobody in', async () => {
  const cluster = await threeAgents();
  const [first] = cluster.agents;
  if (first === undefined) throw new Error('there are three agents');
  const lone = await loneAgent(['--join-timeout', '3']);
  const wrong = formatToken({ cluster: clusterId(cluster.id), secret: new Uint8Array(32).fill(9) });
  const { counters } = await first.client.cluster(AbortSignal.timeout(CLI_MS));
  const address = `127.0.0.1:${first.port}`;
  const result = await agentctl(lone, ['cluster', 'join', wrong, '--peer', address]);
  expectRefusal(result, 7, /its secret is another one/);
  const { counters: after } = await first.client.cluster(AbortSignal.timeout(CLI_MS));
  expect(after['rejected_connections']).toBeGreaterThan(counters['rejected_connections'] ?? 0);
  for (const agent of cluster.agents) expect((await viewOf(agent))?.hosts).toHaveLength(3);
});

test('one folder and one socket are one agent', async () => {
  const owner = await loneAgent();
  const other = join(makeFolder(), 'other.sock');
  const folder = makeFolder();
  const file = join(folder, 'precious');
  writeFileSync(file, 'mine');
  const listen = ['--listen', '127.0.0.1:0', '--engine', 'process'];
  expectRefusal(
    await agentd(['--state', owner.folder, '--socket', other, ...listen]),
    6,
    /another agent uses .*process \d+/,
  );
  expectRefusal(
    await agentd(['--state', folder, '--socket', owner.socket, ...listen]),
    6,
    // From a clone, where nobody can type the name alone; what is prose stays as it is.
    /another agent answers on [^]* next {2}npx agentctl agent start --takeover, or/,
  );
  expectRefusal(
    await agentd(['--state', folder, '--socket', file, ...listen]),
    1,
    /cannot listen for agentctl on [^]*a file at this path that is no socket/,
  );
  expect(readFileSync(file, 'utf8')).toBe('mine');
  expectRefusal(await agentctl(owner, ['status']), 6, /belongs to no cluster yet/);
});

test.each([
  ['an unknown flag', '--bogus', /Unknown option '--bogus'/],
  ['an unknown engine', '--engine podman', /expected one of "auto"\|"docker"\|"process"/],
  ['an address to listen on', '--listen nonsense', /nonsense is not an address to listen on/],
  ['an address of a peer', '--peer nonsense/', /is not the address of a peer/],
  ['an address to publish on', '--publish-address nowhere', /must be an IP address/],
  ['a length of time', '--join-timeout soon', /must be a number of seconds, 1 to 60/],
  ['a settings file', '--config FOLDER/none.yaml', /there is no file .*none\.yaml/],
  ['a setting', '--config FOLDER/agent.yaml', /agent\.yaml.*nam/],
])('agentd with %s that cannot be meant ends with 2', async (_, flags, says) => {
  const folder = makeFolder();
  writeFileSync(join(folder, 'agent.yaml'), 'nam: h1\n');
  const state = join(folder, 'state');
  const given = flags.split(' ').map((word) => word.replace('FOLDER', folder));
  const told = ['--state', state, '--socket', join(state, 'agent.sock'), ...given];
  expectRefusal(await agentd(told), 2, says);
  expect(readdirSync(folder)).toEqual(['agent.yaml']);
});
