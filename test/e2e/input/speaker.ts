/** A node of the network that a test speaks through: a stranger with the secret, or a real member. */
import { createHash } from 'node:crypto';
import { pino } from 'pino';
import { onTestFinished } from 'vitest';
import { createNetwork, type Network } from '../../../node/network/network.ts';
import { RequestError } from '../../../node/network/requests.ts';
import { TOPICS } from '../../../node/network/speech.ts';
import { type Credentials, parseToken } from '../../../node/token.ts';
import { type LocalAgent, until } from '../../../node/local/cluster.ts';
import { memoryBook } from '../../node/network/harness.ts';

const CALL_MS = 15_000;
const REQUEST_MS = 10_000;
/** Below the queue of a lane, which drops its oldest. */
const BATCH = 100;

export type Speaker = {
  readonly network: Network;
  readonly target: string;
  /** Frames and gossip that others sent while we listened; at most `HEARD_MAX`. */
  readonly heard: readonly Uint8Array[];
};
const HEARD_MAX = 500;

export type SpeakerInit = {
  readonly identityKey: Uint8Array;
  readonly credentials: Credentials;
  readonly to: LocalAgent;
};

/** Connected to `to` when it resolves. */
export async function startSpeaker({
  identityKey,
  credentials,
  to,
}: SpeakerInit): Promise<Speaker> {
  const heard: Uint8Array[] = [];
  const keep = ({ bytes }: { readonly bytes: Uint8Array }): void => {
    if (heard.length < HEARD_MAX) heard.push(Uint8Array.from(bytes));
  };
  const network = await createNetwork({
    privateKey: identityKey,
    clusterId: credentials.cluster,
    secret: credentials.secret,
    listen: ['127.0.0.1:0'],
    mdns: false,
    peers: [`127.0.0.1:${to.port}`],
    addressBook: memoryBook(),
    topics: Object.values(TOPICS),
    messageId: (_topic, bytes) => createHash('sha256').update(bytes).digest(),
    log: pino({ level: 'silent' }),
    onFrame: keep,
    onGossip: keep,
    onPeer: () => undefined,
  });
  onTestFinished(() => network.close());
  const { members } = await to.client.cluster(AbortSignal.timeout(CALL_MS));
  const { host } = await to.client.cluster(AbortSignal.timeout(CALL_MS));
  const target = members.find(({ id }) => id === host)?.peer_id ?? '';
  await until(`a connection with ${to.name}`, CALL_MS, async () =>
    network.peers().some(({ peerId }) => peerId === target) ? true : undefined,
  );
  return { network, target, heard };
}

/** On one lane, in order, none dropped by our own queue. */
export async function sendAll(
  { network, target }: Speaker,
  lane: 'urgent' | 'bulk',
  frames: readonly Uint8Array[],
): Promise<void> {
  for (let at = 0; at < frames.length; at += BATCH) {
    const batch = frames.slice(at, at + BATCH);
    const { framesOut, dropped } = network.counters();
    for (const frame of batch) network.send(target, lane, frame);
    await until(`${lane} frames to be sent`, CALL_MS, async () => {
      const now = network.counters();
      if (now.dropped > dropped) throw new Error('our own queue dropped frames');
      return now.framesOut >= framesOut + batch.length ? true : undefined;
    });
  }
}

/** Asks each in turn; returns how many the peer said it could not read. */
export async function askAll(
  { network, target }: Speaker,
  name: string,
  requests: readonly Uint8Array[],
): Promise<number> {
  let unread = 0;
  for (const request of requests) {
    try {
      const signal = AbortSignal.timeout(REQUEST_MS);
      for await (const _ of network.request(target, name, request, signal));
    } catch (error) {
      if (!(error instanceof RequestError)) throw error;
      if (error.message === 'the request cannot be read') unread += 1;
    }
  }
  return unread;
}

export const gossipTopics: readonly string[] = Object.values(TOPICS);

export async function credentialsOf({ client }: LocalAgent): Promise<Credentials> {
  const { token } = await client.cluster(AbortSignal.timeout(CALL_MS));
  const credentials = parseToken(token);
  if (credentials === undefined) throw new Error('the agent shows a token that is none');
  return credentials;
}

/** What this agent has counted of that name since its start. */
export async function counter({ client }: LocalAgent, name: string): Promise<number> {
  const { counters } = await client.cluster(AbortSignal.timeout(CALL_MS));
  const count = counters[name];
  if (count === undefined) throw new Error(`nothing is counted as ${name}`);
  return count;
}
