/**
 * What agents ask each other on behalf of users: journals, kill and restart of an instance.
 * Only what a user of that host could do there; nothing here decides where anything runs.
 */
import { decode, encode } from 'cborg';
import { z } from 'zod';
import type { ComponentId, HostId } from '../../protocol/base/ids.ts';
import { know } from '../../protocol/core/know.ts';
import type { CommandResult } from '../../protocol/effect.ts';
import type { Agent } from '../agent.ts';
import type { RequestOptions } from '../network/requests.ts';
import { hostIdOf } from '../token.ts';
import type { EventBody } from './api.ts';

/** The request that no fault befalls. */
export const CHAOS = 'chaos';
/** Entries of one answer; the newest are kept. */
const EVENTS_MAX = 1000;
const ANSWER_BYTES_MAX = 4_194_304;

export type EventFilter = {
  readonly sinceMs: number;
  readonly about?: string;
  /** What others have decided too, as it was told here. */
  readonly witnessed?: boolean;
};
export type Act =
  | { readonly kind: 'kill'; readonly engineId: string; readonly signal: string }
  | { readonly kind: 'restart'; readonly component: string; readonly slot: number };

const FILTER = z.object({
  sinceMs: z.number(),
  about: z.string().max(256).optional(),
  witnessed: z.boolean().optional(),
});
const ACT = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('kill'), engineId: z.string().max(256), signal: z.string().max(20) }),
  z.object({ kind: z.literal('restart'), component: z.string().max(256), slot: z.int().min(1) }),
]);
/** Answers members as this host's own API answers its users. */
export async function servePeers(agent: Agent): Promise<void> {
  const { network } = agent;
  await network.handle('journal', async function* (from, request) {
    const filter = readOf(agent, from, request, FILTER) as EventFilter;
    const told = filter.witnessed === true ? witnessedEvents(agent, filter) : [];
    yield encode([...ownEvents(agent, filter), ...told].slice(-EVENTS_MAX));
  });
  await network.handle('act', async function* (from, request) {
    yield encode(await act(agent, readOf(agent, from, request, ACT)));
  });
}

/** The secret lets a host in; what it asks is answered once it has joined. */
export function readOf<T>(
  { core, speech }: Agent,
  from: string,
  request: Uint8Array,
  as: z.ZodType<T>,
): T {
  const asked = speech.readRequest(request, as);
  if (!know(core).isMember.has(hostIdOf(from)))
    throw new Error('only members of the cluster are answered');
  return asked;
}

/** This host's journal as others read it. */
export function ownEvents(agent: Agent, filter: EventFilter): readonly EventBody[] {
  const since = Date.now() - filter.sinceMs;
  const { host, core } = agent;
  const { boot, identity } = core;
  const { name } = identity;
  return agent
    .journal()
    .filter(({ wall, about }) => wall >= since && concerns(about, filter.about))
    .slice(-EVENTS_MAX)
    .map(({ wall, seq, kind, about, text }) => {
      const at = new Date(wall).toISOString();
      return { at, host, host_name: name, boot, seq, kind, about, text };
    });
}

/** What this host was told of the decisions of others. */
function witnessedEvents(agent: Agent, filter: EventFilter): readonly EventBody[] {
  const since = Date.now() - filter.sinceMs;
  const names = new Map(know(agent.core).members.map(({ id, name }) => [id, name]));
  const witnesses = [agent.core.identity.name];
  return agent
    .witnessed()
    .filter(({ wall, about }) => wall >= since && concerns(about, filter.about))
    .map(({ wall, host, boot, seq, kind, about, text }) => {
      const at = new Date(wall).toISOString();
      const host_name = names.get(host) ?? host;
      return { at, host, host_name, boot, seq, kind, about, text, witnesses };
    });
}

/** The same event, whoever tells it. */
export const nameOf = ({ host, boot, seq }: EventBody): string => `${host}/${boot}/${seq}`;

/** Each event once: as its own host tells it, or else with all who were told of it. */
export function mergeEvents(all: readonly EventBody[]): readonly EventBody[] {
  const merged = new Map<string, EventBody>();
  for (const event of all) {
    const name = nameOf(event);
    const known = merged.get(name);
    if (known === undefined || event.witnesses === undefined) merged.set(name, event);
    else if (known.witnesses !== undefined) {
      const witnesses = [...new Set([...known.witnesses, ...event.witnesses])].sort();
      merged.set(name, { ...known, witnesses });
    }
  }
  return [...merged.values()];
}

const concerns = (about: readonly string[], id: string | undefined): boolean =>
  id === undefined || about.some((entry) => entry === id || entry === `component/${id}`);

/** Does to an instance of this host what its user asked. */
export async function act(agent: Agent, request: Act): Promise<CommandResult> {
  if (request.kind === 'kill') {
    await agent.engine.kill(request.engineId, request.signal, AbortSignal.timeout(10_000));
    return { kind: 'restarting' };
  }
  const { component, slot } = request;
  return agent.command({ kind: 'restart', component: component as ComponentId, slot });
}

/** What of an agent asks others. */
type Asking = Pick<Agent, 'speech' | 'interference' | 'network'>;

/** One question to one peer, its whole answer decoded by the caller. */
export async function ask(
  agent: Asking,
  host: HostId,
  name: string,
  body: unknown,
  signal: AbortSignal,
): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answerOf(agent, host, name, body, signal)) {
    bytes += chunk.byteLength;
    if (bytes > ANSWER_BYTES_MAX) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  return decode(Buffer.concat(chunks));
}

/** One question to one peer, and its answer as it comes. */
export async function* answerOf(
  agent: Asking,
  host: HostId,
  name: string,
  body: unknown,
  signal: AbortSignal,
  options?: RequestOptions,
): AsyncGenerator<Uint8Array> {
  const peerId = agent.speech.peerIdOf(host);
  if (peerId === undefined) throw new Error(`host ${host} has not been met yet`);
  // A fault on purpose; only what would end it passes.
  if (name !== CHAOS && agent.interference.isSevered(host))
    throw new Error(`host ${host} cannot be reached`);
  yield* agent.network.request(peerId, name, encode(body), signal, options);
}

const EVENTS = z.array(
  z.object({
    at: z.string(),
    host: z.string(),
    host_name: z.string(),
    boot: z.number(),
    seq: z.number(),
    kind: z.string(),
    about: z.array(z.string()),
    text: z.string(),
    witnesses: z.array(z.string()).optional(),
  }),
);

/** How long one silent peer may keep an answer waiting. */
const GATHER_MS = 500;

/** Another host's journal; empty where it does not answer in time. */
export async function journalOf(
  agent: Agent,
  host: HostId,
  filter: EventFilter,
): Promise<readonly EventBody[]> {
  try {
    const answer = await ask(agent, host, 'journal', filter, AbortSignal.timeout(GATHER_MS));
    return EVENTS.parse(answer) as readonly EventBody[];
  } catch {
    return [];
  }
}

/**
 * Everybody's journal, oldest first. Of a peer that does not answer in time, or is gone, what this host
 * was told; of one subject also what the others were told of it.
 */
export async function gatherEvents(
  agent: Agent,
  filter: EventFilter,
): Promise<readonly EventBody[]> {
  const others = agent.view().hosts.filter(({ self, state }) => !self && state === 'alive');
  const asked = filter.about === undefined ? filter : { ...filter, witnessed: true };
  const answers = await Promise.all(others.map(({ id }) => journalOf(agent, id, asked)));
  const own = [...ownEvents(agent, filter), ...witnessedEvents(agent, filter)];
  return mergeEvents([...own, ...answers.flat()])
    .toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.seq - b.seq))
    .slice(-EVENTS_MAX);
}
