/**
 * The cluster as its agents see each other. The agent that is asked has every other one dial all others
 * and tell whom it heard by multicast; whoever does not answer in time is a row without an answer.
 *
 * Each host announces itself twice, rather than ask: a question is answered by everybody, and of a
 * question by everybody the answers grow with the square of the hosts.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { encode } from 'cborg';
import { z } from 'zod';
import { type HostId, hostId } from '../../protocol/base/ids.ts';
import { know } from '../../protocol/core/know.ts';
import type { Member } from '../../protocol/record/record.ts';
import type { Agent } from '../agent.ts';
import { VERSION } from '../config.ts';
import { ask, readOf } from '../http/peer-requests.ts';
import { hostOf } from '../network/addresses.ts';
import { createSemaphore } from '../network/semaphore.ts';
import { hostIdOf } from '../token.ts';
import { multiaddr } from '@multiformats/multiaddr';
import {
  type ClusterFacts,
  type Heard,
  OUTCOMES,
  type Reach,
  type Report,
  type Row,
} from './facts.ts';

/** As libp2p gives an address up. */
const DIAL_MS = 1_500;
const DIALS_MAX = 64;
const ANNOUNCE_AGAIN_MS = 250;
/** From the last announcement until everybody has heard it. */
const HEAR_MS = 400;
/** What a report takes beside dialing. */
const SPARE_MS = 2_000;

const HOST = z.string().max(64).transform(hostId);
const ADDRESS = z.string().max(256);
const ANSWER = z.object({
  /** By its wall clock, in ms. */
  received: z.number(),
  answered: z.number(),
  version: z.string().max(64),
  cloned: z.boolean(),
  chaos: z
    .object({ kinds: z.array(z.string().max(16)).max(8), leftMs: z.number() })
    .exactOptional(),
  mdns: z.boolean(),
  addresses: z.array(ADDRESS),
  heard: z.array(z.object({ host: HOST, address: ADDRESS, agoMs: z.number() })),
  reach: z.array(
    z.object({
      host: HOST,
      outcome: z.enum(OUTCOMES),
      ms: z.number().exactOptional(),
      addresses: z.array(ADDRESS).exactOptional(),
    }),
  ),
});

/** Answers members who ask how this host sees the others. */
export async function serveReports(agent: Agent): Promise<void> {
  await agent.network.handle('doctor', async function* (from, request) {
    readOf(agent, from, request, z.object({}));
    const received = Date.now();
    const report = await reportOf(agent);
    yield encode({ received, answered: Date.now(), ...report });
  });
}

/** Never rejects. */
export async function gatherCluster(agent: Agent): Promise<ClusterFacts> {
  const begun = performance.now();
  const { members } = know(agent.core);
  const limitMs = SPARE_MS + DIAL_MS * Math.ceil(members.length / DIALS_MAX);
  const own = reportOf(agent);
  const others = members.filter(({ id }) => id !== agent.host);
  const rows = await Promise.all(others.map(({ id }) => rowOf(agent, id, { begun, limitMs })));
  // What the others have announced was heard when they had answered.
  const report = { ...(await own), heard: heardBy(agent) };
  const heardMs = performance.now() - begun;
  const self: Row = { host: agent.host, kind: 'told', report, heardMs, aheadMs: 0 };
  const view = agent.view();
  return {
    self: agent.host,
    hosts: view.hosts.map(({ id, name, state, voter }) => ({ id, name, state, voter })),
    quorum: view.quorum,
    rivals: view.rivals ?? [],
    rows: [self, ...rows],
  };
}

type Asked = { readonly begun: number; readonly limitMs: number };

async function rowOf(agent: Agent, host: HostId, { begun, limitMs }: Asked): Promise<Row> {
  const limit = AbortSignal.timeout(limitMs);
  try {
    const asked = Date.now();
    const answer = await ask(agent, host, 'doctor', {}, limit);
    const { received, answered, ...report } = ANSWER.parse(answer);
    // As NTP does: the way there and the way back are taken to be of the same length.
    const aheadMs = (received - asked + answered - Date.now()) / 2;
    const heardMs = performance.now() - begun;
    return { host, kind: 'told', report, heardMs, aheadMs };
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const why = limit.aborted ? `no answer within ${limitMs / 1000} s` : said;
    return { host, kind: 'silent', why };
  }
}

async function reportOf(agent: Agent): Promise<Report> {
  const others = know(agent.core).members.filter(({ id }) => id !== agent.host);
  const [reach] = await Promise.all([dialAll(agent, others), announce(agent)]);
  return {
    version: VERSION,
    cloned: agent.core.cloned,
    ...chaosOf(agent),
    mdns: agent.settings.mdns,
    addresses: agent.network.addresses().flatMap((text) => hostOf(multiaddr(text)) ?? []),
    heard: heardBy(agent),
    reach,
  };
}

function chaosOf({ interference }: Agent): Pick<Report, 'chaos'> {
  const { faults, leftMs } = interference.running();
  const kinds = [...new Set(faults.map(({ breakage }) => breakage.kind))];
  return kinds.length === 0 ? {} : { chaos: { kinds, leftMs } };
}

async function announce({ network }: Agent): Promise<void> {
  network.announce();
  await pause(ANNOUNCE_AGAIN_MS);
  network.announce();
  await pause(HEAR_MS);
}

function heardBy(agent: Agent): readonly Heard[] {
  const { isMember } = know(agent.core);
  return agent.network
    .heard()
    .map(({ peerId, address, agoMs }) => ({ host: hostIdOf(peerId), address, agoMs }))
    .filter(({ host }) => isMember.has(host));
}

async function dialAll(agent: Agent, members: readonly Member[]): Promise<readonly Reach[]> {
  const places = createSemaphore(DIALS_MAX);
  return Promise.all(
    members.map(async (member) => {
      const release = await places.acquire(new AbortController().signal);
      try {
        return await dial(agent, member);
      } finally {
        release();
      }
    }),
  );
}

async function dial({ network }: Agent, { id: host, peerId }: Member): Promise<Reach> {
  const addresses = network.addressesOf(peerId);
  if (addresses.length === 0) return { host, outcome: 'no-address' };
  const begun = performance.now();
  const outcome = await network.probe(peerId, AbortSignal.timeout(DIAL_MS));
  if (outcome === 'connected') return { host, outcome, ms: performance.now() - begun };
  return { host, outcome, addresses };
}
