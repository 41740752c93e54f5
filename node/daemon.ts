/**
 * The process of one host: its store, its identity, and the agent once it belongs to a cluster.
 *
 *     (no cluster) ──init──▶ member
 *          │  ▲                ▲
 *         join └─ nobody ─┐    │
 *          ▼              │    │
 *       joining ──────────┴────┘ welcomed
 *
 * A member that its cluster has forgotten ends what it runs, and belongs to none then. What makes it the
 * same host stays on the disk (`protocol/core/dismissal.ts`): voters would take a host that begins to
 * count its starts anew for a copy.
 */
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { type ClusterId, clusterId } from '../protocol/base/ids.ts';
import { know } from '../protocol/core/know.ts';
import { LAN } from '../protocol/config.ts';
import type { StopReason } from '../protocol/input.ts';
import { decodeRestored } from '../protocol/core/restore.ts';
import { emptyDisk, foundCluster, type Restored } from '../protocol/core.ts';
import { chosenEngine, writeAgentFile } from './agent-file.ts';
import { type Agent, startAgent } from './agent.ts';
import { type AgentSettings, configOf } from './config.ts';
import { serveBuilds } from './build/serve.ts';
import { serveOrders } from './chaos/orders.ts';
import { createLeaseClock } from './clock.ts';
import { createGuardLink } from './guard/link.ts';
import { openEngine } from './engine/select.ts';
import { serveReports } from './doctor/report.ts';
import { servePeers } from './http/peer-requests.ts';
import { serveExec } from './exec/serve.ts';
import type { Logger } from './log.ts';
import { withQuorum } from './founding.ts';
import { servePages } from './inspect/serve.ts';
import { serveLogs } from './logs/serve.ts';
import { generateIdentity, peerIdOf } from './network/identity.ts';
import { serveKeys } from './secrets/answers.ts';
import { KEY_PREFIX } from './secrets/keyring.ts';
import { alreadyMember, damaged, nobodyFound, stillLeaving } from './refusals.ts';
import { openStore, type Store } from './store/store.ts';
import type { ServiceManager } from './systemd.ts';
import { type Credentials, hostIdOf, newCredentials } from './token.ts';

export interface Daemon {
  readonly settings: AgentSettings;
  readonly log: Logger;
  /** Undefined: this host belongs to no cluster. */
  agent(): Agent | undefined;
  credentials(): Credentials | undefined;
  /** The cluster that has forgotten this host, if it belongs to none since. */
  former(): ClusterId | undefined;
  /** Founds a cluster with this host as its first member. */
  init(): Promise<Agent>;
  /** Resolves once this host is a member; rejects with code `no-cluster-found` and leaves no trace. */
  join(credentials: Credentials, peers: readonly string[]): Promise<Agent>;
  /** Ends the agent and starts it over what is on the disk now; its instances run on. */
  restart(): Promise<void>;
  /** Ends this process soon; the instances run on. */
  stop(why: StopReason): void;
  /** The orderly end. The others are told why, unless the agent is back in a moment. */
  end(why: StopReason): Promise<void>;
}

export type DaemonInit = {
  readonly settings: AgentSettings;
  readonly log: Logger;
  readonly service: ServiceManager;
  readonly fatal: (error: unknown) => void;
  readonly stop: (why: StopReason) => void;
};

const JOIN_POLL_MS = 50;
/** Well within any watchdog's time. */
const IDLE_MS = 1_000;
const CORE_PREFIX = 'core/';
const CLUSTER = z.object({ cluster: z.string(), secret: z.instanceof(Uint8Array) });

export async function openDaemon(init: DaemonInit): Promise<Daemon> {
  const { settings, log, service } = init;
  const store = await openStore(settings.state);
  const identityKey = await identityIn(store);
  const peerId = await peerIdOf(identityKey);
  let credentials = await credentialsIn(store);
  let former = await formerIn(store);
  let busy = false;
  const parts: Parts = { ...init, store, identityKey, peerId, dismissed: () => void retire() };
  let agent = credentials === undefined ? undefined : await run(parts, credentials);
  if (agent !== undefined) await introduce(parts, agent);
  service.status(standing(credentials));
  /** Without a core there are no steps to tell of, and nothing to do but to serve agentctl. */
  const idle = setInterval(() => {
    if (agent === undefined) service.alive();
  }, IDLE_MS).unref();

  /** Its cluster has forgotten this host: it belongs to none from here on. */
  async function retire(): Promise<void> {
    busy = true;
    try {
      const { cluster } = credentials ?? {};
      log.warn({ cluster }, 'this host is a member of the cluster no more, and belongs to none');
      await agent?.end('restart');
      await store.write([
        { key: 'cluster', value: undefined },
        { key: 'former', value: cluster },
        ...(await keysLike(store, KEY_PREFIX)).map((key) => ({ key, value: undefined })),
      ]);
      agent = undefined;
      credentials = undefined;
      former = cluster;
      service.status(standing(credentials));
    } catch (error) {
      init.fatal(error);
    } finally {
      busy = false;
    }
  }

  async function become(
    chosen: Credentials,
    fresh: Restored,
    peers: readonly string[],
  ): Promise<Agent> {
    if (agent !== undefined && isLeaving(agent)) throw stillLeaving(credentials);
    if (busy || (agent !== undefined && isMember(agent))) throw alreadyMember(credentials);
    busy = true;
    try {
      if (agent !== undefined) await abandonJoin(agent);
      const restored = await prepared(store, chosen, fresh, former);
      agent = await member(parts, chosen, restored, peers);
      await store.write([{ key: 'former', value: undefined }]);
      credentials = chosen;
      former = undefined;
      service.status(standing(credentials));
      return agent;
    } catch (error) {
      await forget(store, former).catch(() => undefined); // the first error is the one to tell
      throw error;
    } finally {
      busy = false;
    }
  }

  /** A restart interrupted a join, and nobody has let us in since: the user says it anew. */
  async function abandonJoin(joining: Agent): Promise<void> {
    await joining[Symbol.asyncDispose]();
    agent = undefined;
    credentials = undefined;
    await forget(store, former);
  }

  return {
    settings,
    log,
    agent: () => agent,
    credentials: () => credentials,
    former: () => former,
    init: async () =>
      withQuorum(await become(newCredentials(), foundCluster(hostIdOf(peerId), LAN), [])),
    join: (chosen, peers) => become(chosen, emptyDisk(LAN), peers),
    async restart() {
      const known = credentials;
      if (agent === undefined || known === undefined) throw new Error('no agent runs here');
      try {
        await agent.end('restart');
        agent = await run(parts, known);
        await introduce(parts, agent);
      } catch (error) {
        init.fatal(error); // a host without its agent is started anew by its service manager
        throw error;
      }
    },
    stop: init.stop,
    async end(why) {
      clearInterval(idle);
      await agent?.end(why);
      await store.close();
    },
  };
}

/** What `systemctl status` shows of it. */
const standing = (credentials: Credentials | undefined): string =>
  credentials === undefined
    ? 'belongs to no cluster: agentctl cluster init, or join'
    : `agent of the cluster ${credentials.cluster}`;

const isMember = ({ core }: Agent): boolean =>
  core.council.roster.epoch > 0 && !know(core).isDismissed;

/** Its cluster has forgotten it, and it has not ended all that it was given there. */
const isLeaving = ({ core }: Agent): boolean => core.dismissed && !core.joins;

type Parts = DaemonInit & {
  readonly store: Store;
  readonly identityKey: Uint8Array;
  readonly peerId: string;
  readonly dismissed: () => void;
};

/** Runs the agent of a host that is new to its cluster; throws, with nothing left, if nobody lets it in. */
async function member(
  parts: Parts,
  chosen: Credentials,
  restored: Restored,
  peers: readonly string[],
): Promise<Agent> {
  const { joinTimeoutMs } = parts.settings;
  const agent = await run(parts, chosen, restored, peers);
  if (await welcomed(agent, joinTimeoutMs)) {
    await introduce(parts, agent);
    return agent;
  }
  await agent[Symbol.asyncDispose]();
  throw nobodyFound(chosen, joinTimeoutMs);
}

async function run(
  parts: Parts,
  credentials: Credentials,
  first?: Restored,
  peers: readonly string[] = [],
): Promise<Agent> {
  const { settings, log, store, identityKey, peerId, dismissed, fatal, service } = parts;
  const host = hostIdOf(peerId);
  const { publishAddress, dockerSocket } = settings;
  const clock = createLeaseClock();
  const socket = settings.guard;
  const link = socket === undefined ? undefined : createGuardLink(socket, clock, log);
  const engine = await openEngine(
    await chosenEngine(settings),
    { cluster: credentials.cluster, host, publishAddress, home: `${hostname()}:${settings.state}` },
    {
      stateDir: settings.state,
      filesDir: filesDirOf(settings),
      ...(link === undefined ? {} : { guard: link }),
      ...(dockerSocket === undefined ? {} : { dockerSocket }),
    },
  );
  log.info({ engine: engine.version, cluster: credentials.cluster, host }, 'agent starts');
  const agent = await startAgent({
    settings: { ...settings, peers: [...settings.peers, ...peers] },
    config: configOf(settings),
    credentials,
    identityKey,
    peerId,
    restored: first ?? (await restoredFrom(store)),
    store,
    engine,
    clock,
    guard: link,
    log,
    stepped: () => service.alive(),
    dismissed,
    fatal,
  });
  await servePeers(agent);
  await serveLogs(agent);
  await serveExec(agent);
  await servePages(agent);
  await serveOrders(agent);
  await serveReports(agent);
  await serveKeys(agent);
  await serveBuilds(agent);
  return agent;
}

/** Beside the socket: in `/run`, where that is. */
const filesDirOf = ({ socket }: AgentSettings): string => join(dirname(socket), 'files');

/** Writes down whose instances are here, for those who look while no agent answers. */
async function introduce({ settings }: Parts, agent: Agent): Promise<void> {
  const { name, publishAddress, dockerSocket, socket, state } = settings;
  await writeAgentFile(state, {
    cluster: agent.core.identity.cluster,
    host: agent.host,
    name,
    engine: agent.engine.kind,
    ...(dockerSocket === undefined ? {} : { docker_socket: dockerSocket }),
    publish_address: publishAddress,
    socket,
  });
}

async function welcomed(agent: Agent, limitMs: number): Promise<boolean> {
  const until = Date.now() + limitMs;
  while (!isMember(agent)) {
    if (Date.now() > until) return false;
    await pause(JOIN_POLL_MS);
  }
  return true;
}

async function identityIn(store: Store): Promise<Uint8Array> {
  const known = (await store.load()).get('identity');
  if (known instanceof Uint8Array) return known;
  const made = await generateIdentity();
  await store.write([{ key: 'identity', value: made }]);
  return made;
}

async function credentialsIn(store: Store): Promise<Credentials | undefined> {
  const value = (await store.load()).get('cluster');
  if (value === undefined) return undefined;
  const read = CLUSTER.safeParse(value);
  if (!read.success) throw damaged('the cluster id and secret cannot be read');
  return { cluster: clusterId(read.data.cluster), secret: read.data.secret };
}

async function restoredFrom(store: Store): Promise<Restored> {
  const entries = new Map<string, unknown>();
  for (const [key, value] of await store.load())
    if (key.startsWith(CORE_PREFIX)) entries.set(key.slice(CORE_PREFIX.length), value);
  const restored = decodeRestored(entries, LAN);
  if (!restored.ok) throw damaged(`${restored.error.path}: ${restored.error.message}`);
  return restored.value;
}

/**
 * Writes down which cluster it is to be, and returns what the agent begins with. Its former cluster lets
 * the host in again as the one it was; for another one only its counters go on.
 */
async function prepared(
  store: Store,
  chosen: Credentials,
  fresh: Restored,
  former: ClusterId | undefined,
): Promise<Restored> {
  const { cluster, secret } = chosen;
  const write = { key: 'cluster', value: { cluster, secret } };
  const known = await restoredFrom(store);
  if (cluster === former) {
    await store.write([write]);
    return { ...known, joins: true };
  }
  const { boot, ceiling, maxTermMs } = known;
  const { synced, roster } = fresh;
  await store.write([
    ...(await clusterKeys(store)).map((key) => ({ key, value: undefined })),
    write,
    // The first start of all writes its own.
    ...(boot === 0
      ? []
      : [{ key: `${CORE_PREFIX}host`, value: { boot, ceiling, maxTermMs, synced } }]),
    { key: `${CORE_PREFIX}roster`, value: roster },
  ]);
  return { ...fresh, boot, ceiling, maxTermMs };
}

/** After a join that found nobody: as if it had never been tried, but for what a former cluster knows. */
async function forget(store: Store, former: ClusterId | undefined): Promise<void> {
  const keys = former === undefined ? await clusterKeys(store) : [];
  await store.write(['cluster', ...keys].map((key) => ({ key, value: undefined })));
}

/** All that is of one cluster. */
const clusterKeys = async (store: Store): Promise<readonly string[]> => [
  ...(await keysLike(store, CORE_PREFIX)),
  ...(await keysLike(store, KEY_PREFIX)),
];

const keysLike = async (store: Store, prefix: string): Promise<readonly string[]> =>
  [...(await store.load()).keys()].filter((key) => key.startsWith(prefix));

async function formerIn(store: Store): Promise<ClusterId | undefined> {
  const value = (await store.load()).get('former');
  return typeof value === 'string' ? clusterId(value) : undefined;
}
