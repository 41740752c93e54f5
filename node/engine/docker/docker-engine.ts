/** The port `Engine` on a Docker Engine, through dockerode. */
import type { Container, ContainerInfo } from 'dockerode';
import {
  type Engine,
  EngineError,
  type EngineEvent,
  type EngineInstance,
  type EngineScope,
  type ExecInput,
  type ExecOutput,
  type ExecRequest,
  type GuardReach,
  type Images,
  type InstanceLabels,
  type InstanceRequest,
  type LogLine,
  type LogOptions,
} from '../engine.ts';
import type { GuardLink } from '../../guard/link.ts';
import { type Bounds, Connection } from './connection.ts';
import { isExactId, notFound, shortId } from './container-id.ts';
import { createContainer, type Ground } from './creation.ts';
import { createEventSource } from './event-source.ts';
import { readEvents } from './events.ts';
import { execIn } from './exec.ts';
import { statusOf } from './failure.ts';
import { createInstanceFolders } from '../files.ts';
import { removeHands } from './files.ts';
import { endFormer } from './former.ts';
import { untilItIs } from './freezing.ts';
import { type Gatekeeper, openGatekeeper } from './gatekeeper.ts';
import { createImages } from './build.ts';
import { feedInto } from './input.ts';
import { instanceFromList, readInstance } from './instance.ts';
import { containerName, scopeFilter } from './labels.ts';
import { createLogins, NO_LOGINS } from './logins.ts';
import { readLogs } from './logs.ts';
import { createNetworks } from './networks.ts';

const BOUNDS_MS = {
  ask: 10_000,
  start: 60_000,
  kill: 15_000,
  freeze: 10_000,
  remove: 30_000,
  /** On top of the grace that the instance is given. */
  stop: 30_000,
} as const;
/** Inspected at once when listing: enough to hide the round trip, few enough for the engine. */
const INSPECT_COUNT_MAX = 16;

export type DockerOptions = {
  readonly socketPath: string;
  /** Lets strict instances begin; without it none can. */
  readonly guard?: GuardLink;
  /** Where the files of instances are, of this agent alone; absent: what has files cannot run. */
  readonly filesDir?: string;
  /** Docker's own folder, where `docker login` leaves what it was told; absent: nobody is logged in. */
  readonly loginsDir?: string;
  readonly signal?: AbortSignal;
};

/** Rejects with `unavailable` where no engine answers on the socket. */
export async function createDockerEngine(
  scope: EngineScope,
  options: DockerOptions,
): Promise<Engine> {
  const connection = new Connection(options.socketPath);
  try {
    const signal = options.signal ?? new AbortController().signal;
    await connection.negotiate(signal);
    const limits = { what: 'cannot ask the Docker Engine for its version', signal };
    const { Version } = await connection.call({ ...limits, boundMs: BOUNDS_MS.ask }, (cut) =>
      // The types lack the options of this one call.
      (connection.docker.version as (o: object) => Promise<{ Version: string }>).call(
        connection.docker,
        { abortSignal: cut },
      ),
    );
    await endFormer(scope, connection, signal);
    const gatekeeper = await openGatekeeper(scope, connection, options.guard, signal);
    const { filesDir, loginsDir } = options;
    const folders = filesDir === undefined ? undefined : createInstanceFolders(filesDir, scope);
    const logins = loginsDir === undefined ? NO_LOGINS : createLogins(loginsDir);
    const engine = new DockerEngine(scope, connection, Version, { gatekeeper, folders, logins });
    if (folders !== undefined) {
      await removeHands({ scope, connection }, signal);
      const there = await engine.list(signal);
      await folders.keepOnly(new Set(there.map(({ labels }) => containerName(scope, labels))));
    }
    return engine;
  } catch (error) {
    connection[Symbol.dispose]();
    throw error;
  }
}

class DockerEngine implements Engine {
  readonly kind = 'docker';
  readonly guardReach: GuardReach;
  readonly images: Images;
  readonly version: string;
  readonly #scope: EngineScope;
  readonly #connection: Connection;
  readonly #gatekeeper: Gatekeeper;
  /** The labels that were read of each id: no other container is ever touched. */
  readonly #ours = new Map<string, InstanceLabels>();
  readonly #closed = new AbortController();
  readonly #ground: Ground;
  /** Something has gone that may have been the last on its network. */
  #maySweep = true;

  constructor(
    scope: EngineScope,
    connection: Connection,
    engineVersion: string,
    { gatekeeper, folders, logins }: Pick<Ground, 'gatekeeper' | 'folders' | 'logins'>,
  ) {
    this.#scope = scope;
    this.#connection = connection;
    this.#gatekeeper = gatekeeper;
    this.#ground = {
      scope,
      connection,
      gatekeeper,
      networks: createNetworks(connection),
      logins,
      folders,
      closed: this.#closed.signal,
      read: (id, signal) => this.#read(id, signal),
      remove: (id, signal) => this.remove(id, signal),
    };
    this.guardReach = gatekeeper.reach;
    this.images = createImages({ scope, connection, logins, closed: this.#closed.signal });
    this.version = `docker ${engineVersion} (API ${connection.apiVersion})`;
  }

  ping(signal: AbortSignal): Promise<void> {
    return this.#connection.ping(signal);
  }

  async list(signal: AbortSignal): Promise<readonly EngineInstance[]> {
    const what = 'cannot list the containers';
    const found = await this.#connection.call({ what, boundMs: BOUNDS_MS.ask, signal }, (cut) =>
      this.#connection.docker.listContainers({
        all: true,
        filters: { label: scopeFilter(this.#scope) },
        abortSignal: cut,
      }),
    );
    // The list itself knows neither pid nor exit code nor health.
    const instances: EngineInstance[] = [];
    for (let from = 0; from < found.length; from += INSPECT_COUNT_MAX) {
      const some = found.slice(from, from + INSPECT_COUNT_MAX);
      const read = await Promise.all(some.map((row) => this.#readListed(row, signal)));
      instances.push(...read.filter((instance) => instance !== undefined));
    }
    const listed = new Set(found.map(({ Id }) => Id));
    for (const id of this.#ours.keys()) if (!listed.has(id)) this.#ours.delete(id);
    await this.#sweep(found, signal);
    return instances;
  }

  async inspect(id: string, signal: AbortSignal): Promise<EngineInstance> {
    const instance = isExactId(id) ? await this.#read(id, signal) : undefined;
    if (instance === undefined) throw notFound(id);
    return instance;
  }

  async start(request: InstanceRequest, signal: AbortSignal): Promise<EngineInstance> {
    const what = `cannot start ${request.labels.component}`;
    const id = await createContainer(this.#ground, request, what, signal);
    this.#ours.set(id, request.labels);
    try {
      await this.#gatekeeper.admit(id, request);
      const limits = { what, boundMs: BOUNDS_MS.start, signal };
      await this.#ground.networks.on(request, limits, () =>
        this.#connection.call(limits, (cut) =>
          this.#connection.docker.getContainer(id).start({ abortSignal: cut }),
        ),
      );
      return await this.#gatekeeper.begun(request, () => this.inspect(id, signal));
    } catch (error) {
      // Not under `signal`: called off or not, nothing may stay behind.
      await this.remove(id, new AbortController().signal).catch(() => undefined);
      throw error;
    }
  }

  async stop(id: string, graceMs: number, signal: AbortSignal): Promise<void> {
    await this.#onOurs(id, signal, {
      what: `cannot stop ${shortId(id)}`,
      boundMs: graceMs + BOUNDS_MS.stop,
      accept: [304, 409], // it has ended already
      // Both answer when it has ended. The engine counts whole seconds; its stop knows the signal
      // that the image asks for, but with no grace it would leave to luck how the instance ends.
      run: (container, cut) =>
        graceMs === 0
          ? container.kill({ signal: 'SIGKILL', abortSignal: cut })
          : container.stop({ t: Math.ceil(graceMs / 1000), abortSignal: cut }),
    });
  }

  async kill(id: string, name: string, signal: AbortSignal): Promise<void> {
    await this.#onOurs(id, signal, {
      what: `cannot send ${name} to ${shortId(id)}`,
      boundMs: BOUNDS_MS.kill,
      accept: [],
      run: (container, cut) => container.kill({ signal: name, abortSignal: cut }),
    });
  }

  async freeze(id: string, signal: AbortSignal): Promise<void> {
    await this.#onOurs(id, signal, {
      what: `cannot freeze ${shortId(id)}`,
      boundMs: BOUNDS_MS.freeze,
      accept: [],
      run: (container, cut) => untilItIs('paused', container, cut),
    });
  }

  async thaw(id: string, signal: AbortSignal): Promise<void> {
    await this.#onOurs(id, signal, {
      what: `cannot thaw ${shortId(id)}`,
      boundMs: BOUNDS_MS.freeze,
      accept: [],
      run: (container, cut) => untilItIs('running', container, cut),
    });
  }

  async remove(id: string, signal: AbortSignal): Promise<void> {
    const what = `cannot remove ${shortId(id)}`;
    try {
      await this.#onOurs(id, signal, {
        what,
        boundMs: BOUNDS_MS.remove,
        accept: [404],
        // `v` takes the volumes without a name along, which belong to this container alone.
        run: (container, cut) => container.remove({ force: true, v: true, abortSignal: cut }),
      });
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      if (error.code === 'not-found') return;
      if (!/already in progress/i.test(error.message)) throw error;
      await this.#awaitRemoved(id, what, signal);
    }
    await this.#isGone(id);
    this.#maySweep = true;
  }

  async logs(
    id: string,
    options: LogOptions,
    signal: AbortSignal,
  ): Promise<AsyncIterable<readonly LogLine[]>> {
    await this.#requireOurs(id, signal);
    const what = `cannot read the logs of ${shortId(id)}`;
    return readLogs(this.#connection, id, options, this.#unlessClosed(what, signal));
  }

  async exec(
    id: string,
    request: ExecRequest,
    input: AsyncIterable<ExecInput>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ExecOutput>> {
    await this.#requireOurs(id, signal);
    const what = `cannot run ${request.command[0]} in ${shortId(id)}`;
    return execIn(this.#connection, id, { request, input }, this.#unlessClosed(what, signal));
  }

  async feed(id: string, input: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    await this.#requireOurs(id, signal);
    const limits = this.#unlessClosed(`cannot give ${shortId(id)} its input`, signal);
    const kill = (): Promise<void> => this.kill(id, 'SIGKILL', new AbortController().signal);
    await feedInto(this.#connection, id, { input, kill }, limits);
  }

  events(signal: AbortSignal): AsyncIterable<EngineEvent> {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    // From this call on, not from when the first event is asked for.
    const source = createEventSource({
      scope: this.#scope,
      connection: this.#connection,
      isKnown: (id) => this.#ours.has(id),
      know: ({ id, labels }) => void this.#ours.set(id, labels),
      read: (id, cut) => this.#read(id, cut),
    });
    return this.#heard(readEvents(source, BigInt(Date.now()) * 1_000_000n, either));
  }

  /** Also what others have removed leaves nothing behind. */
  async *#heard(events: AsyncIterable<EngineEvent>): AsyncIterable<EngineEvent> {
    for await (const event of events) {
      if (event.kind === 'removed') await this.#isGone(event.id);
      yield event;
    }
  }

  async #isGone(id: string): Promise<void> {
    const labels = this.#ours.get(id);
    if (labels === undefined) return;
    this.#gatekeeper.removed(labels);
    this.#ours.delete(id);
    await this.#ground.folders?.remove(containerName(this.#scope, labels));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    this.#connection[Symbol.dispose]();
  }

  /** With the list of all that is here, since that says who is on which network. */
  async #sweep(found: readonly ContainerInfo[], signal: AbortSignal): Promise<void> {
    if (!this.#maySweep) return;
    const used = found.flatMap((one) => Object.keys(one.NetworkSettings?.Networks ?? {}));
    const limits = { what: 'cannot remove unused networks', boundMs: BOUNDS_MS.remove, signal };
    // The list is worth more: what fails is tried with the next one.
    const more = this.#ground.networks.sweep(new Set(used), limits).catch(() => true);
    this.#maySweep = await more;
  }

  /** One that cannot be inspected, as where its layers are lost, is no reason not to know of the others. */
  async #readListed(row: ContainerInfo, signal: AbortSignal): Promise<EngineInstance | undefined> {
    try {
      return await this.#read(row.Id, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      return instanceFromList(this.#scope, row);
    }
  }

  /** Inspects; `undefined` where there is no such container or it is not ours. */
  async #read(idOrName: string, signal: AbortSignal): Promise<EngineInstance | undefined> {
    const limits = { what: `cannot inspect ${shortId(idOrName)}`, boundMs: BOUNDS_MS.ask, signal };
    try {
      const answer = await this.#connection.call(limits, (cut) =>
        this.#connection.docker.getContainer(idOrName).inspect({ abortSignal: cut }),
      );
      const instance = readInstance(this.#scope, answer);
      if (instance === undefined) return undefined;
      this.#ours.set(instance.id, instance.labels);
      // The engine does not know what others have frozen.
      const isFrozen = instance.state === 'running' && this.#gatekeeper.hasFrozen(instance.id);
      return isFrozen ? { ...instance, state: 'paused' } : instance;
    } catch (error) {
      if (error instanceof EngineError && error.code === 'not-found') return undefined;
      throw error;
    }
  }

  async #onOurs(
    id: string,
    signal: AbortSignal,
    call: {
      readonly what: string;
      readonly boundMs: number;
      /** HTTP statuses that mean it is done already. */
      readonly accept: readonly number[];
      run(container: Container, cut: AbortSignal): Promise<unknown>;
    },
  ): Promise<void> {
    await this.#requireOurs(id, signal);
    const container = this.#connection.docker.getContainer(id);
    await this.#connection.call({ ...call, signal }, (cut) =>
      call.run(container, cut).catch((error: unknown) => {
        if (!call.accept.includes(statusOf(error) ?? 0)) throw error;
      }),
    );
  }

  #unlessClosed(what: string, signal: AbortSignal): Bounds {
    const either = AbortSignal.any([signal, this.#closed.signal]);
    return { what, boundMs: BOUNDS_MS.ask, signal: either };
  }

  async #requireOurs(id: string, signal: AbortSignal): Promise<void> {
    if (!this.#ours.has(id)) await this.inspect(id, signal);
  }

  async #awaitRemoved(id: string, what: string, signal: AbortSignal): Promise<void> {
    const limits = { what, boundMs: BOUNDS_MS.remove, signal };
    await this.#connection.call(limits, (cut) =>
      this.#connection.docker
        .getContainer(id)
        .wait({ condition: 'removed', abortSignal: cut })
        .catch((error: unknown) => {
          if (statusOf(error) !== 404) throw error;
        }),
    );
  }
}
