/** Who is let in, asked of real agents: neither a stranger nor a guest ever shows in anybody's view. */
import { readFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { type LocalAgent, until } from '../../../node/local/cluster.ts';
import { encodeFrame } from '../../../node/network/codec.ts';
import { generateIdentity } from '../../../node/network/identity.ts';
import { TOPICS } from '../../../node/network/speech.ts';
import { type Credentials, hostIdOf } from '../../../node/token.ts';
import { decodeMessage } from '../../../protocol/wire/decode.ts';
import { startNetwork } from '../../node/network/harness.ts';
import { agentctl, everyoneAgrees, type RealCluster, threeAgents } from '../agents/cluster.ts';
import { askAll, counter, credentialsOf, sendAll, startSpeaker } from '../input/speaker.ts';

const VECTORS = new URL('../../vectors/', import.meta.url);
const STEP_MS = 30_000;

function firstOf({ agents }: RealCluster): LocalAgent {
  const [first] = agents;
  if (first === undefined) throw new Error('there are three agents');
  return first;
}

/** No agent knows of this peer, by its host id, by its peer id or by name. */
async function expectUnknown(cluster: RealCluster, peerId: string): Promise<void> {
  for (const agent of cluster.agents) {
    for (const args of [
      ['status', '--json'],
      ['cluster', 'show', '--json'],
      ['host', 'ls', '--json'],
    ]) {
      const { code, stdout } = await agentctl(agent, args);
      expect(code).toBe(0);
      expect(stdout).toContain(cluster.hostOf(agent)); // it does tell of hosts
      expect(stdout).not.toContain(hostIdOf(peerId));
      expect(stdout).not.toContain(peerId);
    }
  }
  await everyoneAgrees(cluster); // three hosts, all alive, all of one mind
}

test('a stranger without the secret is refused, however often it tries', async () => {
  const cluster = await threeAgents();
  const first = firstOf(cluster);
  const { cluster: clusterId } = await credentialsOf(first);
  const before = await counter(first, 'rejected_connections');
  const { network } = await startNetwork({
    clusterId,
    secret: randomBytes(32),
    topics: Object.values(TOPICS),
    peers: cluster.agents.map(({ port }) => `127.0.0.1:${port}`),
  });
  onTestFinished(() => network.close());
  await until('two refusals by the first agent', STEP_MS, async () =>
    (await counter(first, 'rejected_connections')) >= before + 2 ? true : undefined,
  );
  expect(network.peers()).toEqual([]);
  await expectUnknown(cluster, network.selfId);
});

/** A message of test/vectors that speaks of `host` wherever it speaks of its sender. */
function saidBy(host: string, kind: string, { cluster }: Credentials): Uint8Array {
  const { message } = JSON.parse(readFileSync(new URL(`${kind}.json`, VECTORS), 'utf8')) as {
    readonly message: Record<string, unknown>;
  };
  for (const field of ['host', 'owner', 'by']) if (field in message) message[field] = host;
  const decoded = decodeMessage(message);
  if (!decoded.ok) throw new Error(`${kind}: ${decoded.error.message}`);
  return encodeFrame(cluster, decoded.value);
}

test('a guest with the secret that never joins is let in, and neither heard nor seen', async () => {
  const cluster = await threeAgents();
  const first = firstOf(cluster);
  const credentials = await credentialsOf(first);
  const guest = await startSpeaker({
    identityKey: await generateIdentity(),
    credentials,
    to: first,
  });
  const host = hostIdOf(guest.network.selfId);
  const before = await counter(first, 'strangers');
  const kinds = [
    'beat',
    'probe',
    'heartbeat',
    'inventoryDelta',
    'rumor',
    'push',
    'write',
    'deploy',
  ];
  const words = kinds.map((kind) => saidBy(host, kind, credentials));
  await sendAll(guest, 'urgent', words);
  for (const word of words) guest.network.publish(TOPICS.news, word);
  guest.network.publish(TOPICS.heartbeat, saidBy(host, 'heartbeat', credentials));
  await until('the first agent to count what a stranger says', STEP_MS, async () =>
    (await counter(first, 'strangers')) >= before + words.length ? true : undefined,
  );
  await expect(askAll(guest, 'journal', [new Uint8Array([0xff])])).resolves.toBe(1);
  await expectUnknown(cluster, guest.network.selfId);
});
