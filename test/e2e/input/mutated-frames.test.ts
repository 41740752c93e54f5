/**
 * 10,000 spoiled frames against a running agent: from someone who does not even speak the protocol,
 * from someone who has the secret but is no member, and from a member. All of it is refused and
 * counted; the agent stays up, serves its users, and does not grow.
 */
import { connect } from 'node:net';
import { readdirSync, readFileSync } from 'node:fs';
import { encode } from 'cborg';
import { expect, test } from 'vitest';
import { type LocalAgent, until } from '../../../node/local/cluster.ts';
import { decodeFrame, encodeFrame } from '../../../node/network/codec.ts';
import { generateIdentity } from '../../../node/network/identity.ts';
import { openStore } from '../../../node/store/store.ts';
import type { Credentials } from '../../../node/token.ts';
import { below, createPrng, pick, type Prng } from '../../../protocol/base/prng.ts';
import { decodeMessage } from '../../../protocol/wire/decode.ts';
import { spoilBytes, spoilFields } from '../../node/network/spoil.ts';
import {
  agentctl,
  type CliResult,
  deploy,
  everyoneRuns,
  threeAgents,
  viewOf,
} from '../agents/cluster.ts';
import { loneAgent } from './agentd.ts';
import {
  askAll,
  counter,
  credentialsOf,
  gossipTopics,
  sendAll,
  type Speaker,
  startSpeaker,
} from './speaker.ts';

const VECTORS = new URL('../../vectors/', import.meta.url);
const FRAMES = 10_000;
/** Of the strangers' half, so many by someone who does not speak the protocol at all. */
const RAW_FRAMES = 2_500;
const FRAMES_PER_SOCKET = 20;
/** By a member, at the end. */
const LIES = 400;
const CALL_MS = 15_000;
const STEP_MS = 60_000;
/** Growth of a Node process that has just begun to work hard, several times over. */
const RSS_GROWTH_MAX_MB = 120;
/** What peers ask: name and a body that would be understood. */
const REQUESTS: readonly (readonly [name: string, body: unknown])[] = [
  ['journal', { sinceMs: 60_000, about: 'demo.one' }],
  ['act', { kind: 'kill', engineId: 'nothing-of-this-id', signal: 'SIGKILL' }],
  ['act', { kind: 'restart', component: 'none.at-all', slot: 1 }],
  ['logs', { engineId: 'nothing-of-this-id', follow: false, tail: 10 }],
];

const seed = Number(process.env['MILLRACE_SEED'] ?? 1);

test('10,000 spoiled frames are refused, counted, and do no harm', beSpoken, 240_000);

async function beSpoken(): Promise<void> {
  const cluster = await threeAgents();
  const [first] = cluster.agents;
  if (first === undefined) throw new Error('there are three agents');
  const credentials = await credentialsOf(first);
  const memberKey = await keyOfFormerMember(first);
  await deploy(first, { components: ['one'], replicas: 3 });
  await everyoneRuns(cluster, 3);
  const prng = createPrng(seed);
  const common = { credentials, to: first };
  const stranger = await startSpeaker({ identityKey: await generateIdentity(), ...common });
  const member = await startSpeaker({ identityKey: memberKey, ...common });
  await until('real frames to spoil', STEP_MS, async () =>
    member.heard.length > 50 ? true : undefined,
  );
  const templates = [...vectorsFor(credentials), ...member.heard];

  const rssBefore = rssMbOf(first);
  const raw = await sayRaw(prng, first.port, templates);
  expect(await counter(first, 'rejected_connections')).toBeGreaterThanOrEqual(raw);
  const lot = { count: FRAMES / 2 - RAW_FRAMES, templates, credentials };
  await sayAll(prng, first, stranger, lot);
  const rssHalf = rssMbOf(first);
  expect(await counter(first, 'strangers')).toBeGreaterThan(0);
  await sayAll(prng, first, member, { ...lot, count: FRAMES / 2, wrongOnly: true });
  const rssAfter = rssMbOf(first);
  console.log(
    `seed ${seed}: RSS of the agent ${rssBefore} MB, ${rssHalf} MB after half, ${rssAfter} MB after ${FRAMES} frames`,
  );
  expect(rssAfter - rssBefore).toBeLessThan(RSS_GROWTH_MAX_MB);

  expect((await statusOf(cluster.agents, first)).stdout).toMatch(/^demo {3}OK /);
  for (const agent of cluster.agents) {
    const hosts = (await viewOf(agent))?.hosts ?? [];
    expect(hosts.map(({ name }) => name).sort()).toEqual(['h1', 'h2', 'h3', 'lone']);
  }
  // And it still does its work.
  await deploy(first, { components: ['one', 'two'], replicas: 3 });
  await everyoneRuns(cluster, 6);

  // A member that lies in words everyone understands is believed; that much is within its power, but
  // not to bring an agent down. Whoever believes a list of members without itself belongs to no cluster
  // from then on and has nothing to show: those are left out.
  const self = (await viewOf(first))?.hosts.find((host) => host.self)?.id ?? '';
  const isLie = (frame: Uint8Array): boolean =>
    !isWrong(frame, credentials) && !expels(frame, credentials, self);
  const lies = spoiledFrames(prng, templates, LIES, isLie);
  const heard = await counter(first, 'frames_in');
  await sendAll(member, 'urgent', lies);
  await sendAll(member, 'bulk', lies.toReversed());
  await counterToReach(first, 'frames_in', heard + 2 * LIES);
  await statusOf(cluster.agents, first);
}

/** Every agent still runs, and this one serves its users. */
async function statusOf(agents: readonly LocalAgent[], asked: LocalAgent): Promise<CliResult> {
  for (const agent of agents) expect(agent.process?.exitCode).toBe(null);
  const status = await agentctl(asked, ['status']);
  expect(status).toMatchObject({ code: 0, stderr: '' });
  return status;
}

type Lot = {
  readonly count: number;
  readonly templates: readonly Uint8Array[];
  readonly credentials: Credentials;
  /** Only what cannot be read: what can is believed where it comes from a member. */
  readonly wrongOnly?: boolean;
};

/** One quarter each on two lanes, in requests, and as gossip; every refusal is counted by the agent. */
async function sayAll(prng: Prng, to: LocalAgent, speaker: Speaker, lot: Lot): Promise<void> {
  const quarter = lot.count / 4;
  const before = await counter(to, 'undecodable');
  const cannotBeRead = (frame: Uint8Array): boolean => isWrong(frame, lot.credentials);
  const isSaid = lot.wrongOnly === true ? cannotBeRead : () => true;
  let wrong = 0;
  for (const lane of ['urgent', 'bulk'] as const) {
    const frames = spoiledFrames(prng, lot.templates, quarter, isSaid);
    await sendAll(speaker, lane, frames);
    wrong += countWrong(frames, lot.credentials);
  }
  await counterToReach(to, 'undecodable', before + wrong);
  expect(await counter(to, 'undecodable')).toBe(before + wrong);

  const badBefore = await counter(to, 'bad_requests');
  const unread = await sayRequests(prng, speaker, quarter);
  expect(unread).toBeGreaterThan(quarter / 4);
  expect(await counter(to, 'bad_requests')).toBe(badBefore + unread);

  // Members hand gossip on as their own: whoever holds the secret is believed here as they are.
  const gossip = spoiledFrames(prng, lot.templates, quarter, cannotBeRead);
  await sayGossip(speaker, gossip);
  const wrongGossip = gossip.length;
  // Gossip is a hint: a little of it may be lost, none of it may be told twice.
  await counterToReach(to, 'undecodable', before + wrong + Math.floor(0.9 * wrongGossip));
  expect(await counter(to, 'undecodable')).toBeLessThanOrEqual(before + wrong + wrongGossip);
}

async function sayRequests(prng: Prng, speaker: Speaker, count: number): Promise<number> {
  let unread = 0;
  const bodies = REQUESTS.map(([name, body]) => ({ name, bytes: encode(body) }));
  for (const { name, bytes } of bodies)
    unread += await askAll(
      speaker,
      name,
      spoiledFrames(prng, [bytes, ...bodies.map((other) => other.bytes)], count / bodies.length),
    );
  return unread;
}

async function sayGossip({ network }: Speaker, frames: readonly Uint8Array[]): Promise<void> {
  for (const [at, frame] of frames.entries()) {
    network.publish(gossipTopics[at % gossipTopics.length] ?? '', frame);
    // The transport's own bound on what waits for a slow peer is not what is tried here.
    if (at % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Returns how many got as far as a handshake that had to be refused. */
async function sayRaw(prng: Prng, port: number, templates: readonly Uint8Array[]): Promise<number> {
  let handshakes = 0;
  for (let said = 0; said < RAW_FRAMES; said += FRAMES_PER_SOCKET) {
    const polite = below(prng, 2) === 0;
    if (polite) handshakes += 1;
    const opening = polite ? '\x13/multistream/1.0.0\n\x07/noise\n' : '';
    const frames = spoiledFrames(prng, templates, FRAMES_PER_SOCKET);
    await sayOnSocket(port, Buffer.concat([Buffer.from(opening), ...frames]));
  }
  return handshakes;
}

/** Resolves when the agent has ended the connection. */
function sayOnSocket(port: number, bytes: Uint8Array): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ host: '127.0.0.1', port, signal: AbortSignal.timeout(CALL_MS) });
  socket.once('error', (error: NodeJS.ErrnoException) =>
    error.code === 'ECONNRESET' || error.code === 'EPIPE' ? resolve() : reject(error),
  );
  socket.once('close', () => resolve());
  socket.resume();
  socket.end(bytes);
  return promise;
}

/** No two alike: the second of two equal gossips is rightly not looked at. */
function spoiledFrames(
  prng: Prng,
  templates: readonly Uint8Array[],
  count: number,
  isSaid: (frame: Uint8Array) => boolean = () => true,
): readonly Uint8Array[] {
  const frames = new Map<string, Uint8Array>();
  while (frames.size < count) {
    const template = pick(prng, templates);
    const frame =
      below(prng, 2) === 0
        ? spoilBytes(prng, template, pick(prng, templates))
        : spoilFields(prng, template);
    if (isSaid(frame)) frames.set(Buffer.from(frame).toString('base64'), frame);
  }
  return [...frames.values()];
}

const isWrong = (frame: Uint8Array, { cluster }: Credentials): boolean =>
  !decodeFrame(frame, cluster).ok;
function expels(frame: Uint8Array, { cluster }: Credentials, host: string): boolean {
  const decoded = decodeFrame(frame, cluster);
  const text = decoded.ok ? JSON.stringify(decoded.value) : '';
  return text.includes('"kind":"members"') && !text.includes(`"id":"${host}"`);
}
const countWrong = (frames: readonly Uint8Array[], credentials: Credentials): number =>
  frames.filter((frame) => isWrong(frame, credentials)).length;

function vectorsFor({ cluster }: Credentials): readonly Uint8Array[] {
  return readdirSync(VECTORS).map((name) => {
    const { message } = JSON.parse(readFileSync(new URL(name, VECTORS), 'utf8')) as {
      readonly message: unknown;
    };
    const decoded = decodeMessage(message);
    if (!decoded.ok) throw new Error(`${name}: ${decoded.error.message}`);
    return encodeFrame(cluster, decoded.value);
  });
}

/** A real agent joins and ends; its identity is what a member's machine would have been robbed of. */
async function keyOfFormerMember(first: LocalAgent): Promise<Uint8Array> {
  const lone = await loneAgent();
  const { token } = await first.client.cluster(AbortSignal.timeout(CALL_MS));
  await lone.client.clusterJoin(
    { token, peers: [`127.0.0.1:${first.port}`] },
    AbortSignal.timeout(STEP_MS),
  );
  const ended = new Promise<void>((resolve) => lone.process?.once('exit', () => resolve()));
  await lone.client.agentStop({}, AbortSignal.timeout(CALL_MS));
  await ended;
  const store = await openStore(lone.folder);
  const key = (await store.load()).get('identity');
  await store.close();
  if (!(key instanceof Uint8Array)) throw new Error('the agent kept no identity');
  return key;
}

async function counterToReach(agent: LocalAgent, name: string, count: number): Promise<void> {
  let last = 0;
  await until(`${name} of ${agent.name} to reach ${count}`, STEP_MS, async () => {
    last = await counter(agent, name);
    return last >= count ? true : undefined;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}; it is ${last}`);
  });
}

function rssMbOf(agent: LocalAgent): number {
  const status = readFileSync(`/proc/${agent.process?.pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024);
}
