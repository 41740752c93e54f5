/**
 * Two agents in network namespaces of their own, and a firewall that lets one direction through only:
 * what the doctor says of it on either side. Needs root.
 */
import { execFileSync, spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { AGENTD, NODE_FLAGS } from '../../../node/agentd.ts';
import { createClient } from '../../../node/http/client.ts';
import { until } from '../../../node/local/cluster.ts';

const AGENTCTL = fileURLToPath(new URL('../../../node/cli/main.ts', import.meta.url));
const STEP_MS = 30_000;
const TAG = `${process.pid % 10_000}`;
const BRIDGE = `mrb${TAG}`;
const NAMES = ['h1', 'h2'] as const;
type Name = (typeof NAMES)[number];

const sh = (line: string): string => execFileSync('sh', ['-c', line], { stdio: 'pipe' }).toString();
const space = (name: Name): string => `mr${TAG}${name}`;
const inside = (name: Name, line: string): string =>
  sh(`nsenter --net=/run/netns/${space(name)} ${line}`);

function canMakeNetworks(): boolean {
  try {
    sh(`ip netns add mr${TAG}try && nsenter --net=/run/netns/mr${TAG}try iptables -S`);
    return true;
  } catch {
    return false;
  } finally {
    sh(`ip netns del mr${TAG}try 2>/dev/null || true`);
  }
}

function makeNetwork(): void {
  sh(`ip link add ${BRIDGE} type bridge && ip link set ${BRIDGE} up`);
  for (const [at, name] of NAMES.entries()) {
    const [ns, veth] = [space(name), `v${TAG}${name}`];
    sh(`ip netns add ${ns} && ip link add ${veth} type veth peer name eth0 netns ${ns}`);
    sh(`ip link set ${veth} master ${BRIDGE} && ip link set ${veth} up`);
    sh(`ip -n ${ns} addr add 10.79.0.${at + 1}/24 dev eth0`);
    sh(`ip -n ${ns} link set eth0 up && ip -n ${ns} link set lo up`);
    sh(`ip -n ${ns} route add 224.0.0.0/4 dev eth0`);
  }
}

function removeNetwork(): void {
  for (const name of NAMES) sh(`ip netns del ${space(name)} 2>/dev/null || true`);
  sh(`ip link del ${BRIDGE} 2>/dev/null || true`);
}

async function startAgent(folder: string, name: Name): Promise<string> {
  const socket = join(folder, `${name}.sock`);
  const words = ['--name', name, '--state', join(folder, name), '--socket', socket];
  const log = openSync(join(folder, `${name}.log`), 'a');
  const child = spawn(
    'nsenter',
    [
      `--net=/run/netns/${space(name)}`,
      process.execPath,
      ...NODE_FLAGS,
      AGENTD,
      ...words,
      '--engine',
      'process',
    ],
    { stdio: ['ignore', log, log] },
  );
  closeSync(log);
  // nsenter becomes the agent: one process, one pid.
  onTestFinished(() => void child.kill('SIGKILL'));
  await until(`${name} to answer`, STEP_MS, async () => {
    const answer = await createClient(socket)
      .cluster(AbortSignal.timeout(1_000))
      .catch((error: unknown) => (error instanceof Error ? error.name : ''));
    return answer === 'ApiError' ? true : undefined;
  });
  return socket;
}

/** The lines of `doctor net` for these checks that are not well. */
async function trouble(socket: string, name: Name): Promise<readonly string[]> {
  const child = spawn(
    'nsenter',
    [
      `--net=/run/netns/${space(name)}`,
      process.execPath,
      AGENTCTL,
      '--socket',
      socket,
      'doctor',
      'net',
    ],
    { stdio: ['ignore', 'pipe', 'ignore'], timeout: STEP_MS },
  );
  const lines = (await text(child.stdout)).split('\n');
  return lines.flatMap((line) => /^fail +(?:multicast|reach) +(.*)$/.exec(line)?.slice(1) ?? []);
}

test.skipIf(!canMakeNetworks())(
  'what passes one way only is told on both sides, with who is deaf',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'mr-'));
    onTestFinished(() => {
      removeNetwork();
      rmSync(folder, { recursive: true, force: true });
    });
    makeNetwork();
    const [h1, h2] = await Promise.all(NAMES.map((name) => startAgent(folder, name)));
    if (h1 === undefined || h2 === undefined) throw new Error('there are two agents');
    const bound = AbortSignal.timeout(STEP_MS);
    const { token } = await createClient(h1).clusterInit(bound);
    await createClient(h2).clusterJoin({ token, peers: [] }, bound);
    expect(await trouble(h1, 'h1')).toEqual([]);

    inside('h1', 'iptables -A INPUT -p udp --dport 5353 -s 10.79.0.2 -j DROP');
    expect(await trouble(h1, 'h1')).toEqual([
      'eth0 10.79.0.1: one-way: h2 hears this host, which hears nothing from there',
    ]);
    expect(await trouble(h2, 'h2')).toEqual([
      'eth0 10.79.0.2: one-way: this host hears h1, and is not heard there',
    ]);
    inside('h1', 'iptables -F');

    inside('h1', 'iptables -A INPUT -p udp --dport 5353 -j DROP');
    expect(await trouble(h1, 'h1')).toEqual([
      'eth0 10.79.0.1: what is sent does not come back: dropped on its way in',
    ]);
    inside('h1', 'iptables -F');

    inside('h1', 'iptables -A INPUT -p tcp --dport 7946 --syn -j DROP');
    expect((await trouble(h2, 'h2'))[0]).toMatch(
      /^h2 does not reach h1 \(no answer\), though it tells/,
    );
  },
);
