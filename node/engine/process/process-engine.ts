/**
 * The embedded engine: an instance is a process group on this host. It lives in a session of its own,
 * writes to files, and neither ends nor stops with the agent; the next agent adopts it.
 *
 * Invariants, each proved in test/compliance/engine:
 *  1. An instance has a record on disk before it counts as started (`recover.ts` says what if not).
 *  2. `started` comes before any other event of an instance, `removed` after all of them.
 *  3. A signal goes only to a process whose start time was compared in the same turn.
 *  4. What an instance leaves in its group is killed before its `exited` is told, what has left the
 *     group at the latest when it is removed.
 *
 * Differs from Docker: nothing is isolated, `launch.ts` says how volumes and ports are handed over; the
 * exit code of an adopted instance is unknown (`EXIT_CODE_UNKNOWN`); nobody is found out of memory.
 */
import { mkdir, rm, rmdir } from 'node:fs/promises';
import { constants, release } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import type { GuardLink } from '../../guard/link.ts';
import {
  type Engine,
  EngineError,
  type EngineEvent,
  type EngineInstance,
  type EngineScope,
  type ExecInput,
  type ExecOutput,
  type ExecRequest,
  type InstanceRequest,
  type LogLine,
  type LogOptions,
} from '../engine.ts';
import { createInstanceFolders, type InstanceFolders, writeTree } from '../files.ts';
import { createEventFeed } from '../event-feed.ts';
import { type Health, type Outcome, watchHealth } from '../health.ts';
import { feedInto } from './input.ts';
import { checkOnce } from './check.ts';
import { execBeside } from './exec.ts';
import { activityOf, killLeft, readBootId, signalGroup } from './identity.ts';
import { abortedError, createInstance, endsWithin, hasEnded, idOf } from './instance.ts';
import { type Instance, isRunning, viewOf, wardOf } from './instance.ts';
import { type Launch, planLaunch, tokenOf } from './launch.ts';
import { readLog } from './log-file.ts';
import { type InstanceRecord, removeFolder, writeRecord } from './record.ts';
import { EXIT_CODE_UNKNOWN, killRest, recover, type Recovered } from './recover.ts';
import { createRotation, type Rotation } from './rotation.ts';
import { spawn, type Spawned } from './spawn.ts';
import { createStillness, type Stillness, STILLNESS_POLL_MS } from './stillness.ts';

export type ProcessEngineOptions = {
  /** Shared with nothing else; the engines of several hosts may share it. */
  readonly stateDir: string;
  /** Where the files of instances are, of this agent alone; absent: below `stateDir`. */
  readonly filesDir?: string;
  /** Told what the engine could not do and goes on without, one line each. */
  readonly warn?: (line: string) => void;
  /** Lets strict instances begin; without it none can. */
  readonly guard?: Pick<GuardLink, 'socket' | 'admit'>;
};

/** How late the end of an adopted instance may be noticed; a child's is noticed at once. */
const ADOPTED_POLL_MS = 100;
/** How often the size of the logs is looked at. */
const LOG_POLL_MS = 1_000;
/** The kernel ends a killed process at once, unless it is stuck in a driver. */
const KILLED_MS = 10_000;

type Home = {
  readonly scope: EngineScope;
  readonly boot: string;
  readonly instancesDir: string;
  readonly volumesDir: string;
  readonly folders: InstanceFolders;
  readonly warn: (line: string) => void;
  readonly guard: ProcessEngineOptions['guard'];
};

/**
 * Adopts what the last agent of this cluster and host left running under the same `stateDir`. At most
 * one such engine may be open at a time. Neither it nor its instances keep the event loop alive.
 */
export async function createProcessEngine(
  scope: EngineScope,
  options: ProcessEngineOptions,
): Promise<Engine> {
  if (process.platform !== 'linux') {
    const why = `the embedded engine reads /proc, which ${process.platform} does not have`;
    throw new EngineError('unavailable', `${why}; use --engine docker`, { permanent: true });
  }
  const folder = join(options.stateDir, `${scope.cluster}-${scope.host}`);
  const home: Home = {
    scope,
    boot: readBootId(),
    instancesDir: join(folder, 'instances'),
    volumesDir: join(folder, 'volumes'),
    folders: createInstanceFolders(options.filesDir ?? join(options.stateDir, 'files'), scope),
    warn: options.warn ?? (() => {}),
    guard: options.guard,
  };
  try {
    await mkdir(home.instancesDir, { recursive: true, mode: 0o700 });
    await mkdir(home.volumesDir, { recursive: true, mode: 0o700 });
    const recovered = await recover(home);
    const tokens = recovered.map(({ record }) => tokenOf(record.labels));
    await home.folders.keepOnly(new Set(tokens));
    return new ProcessEngine(home, recovered);
  } catch (cause) {
    const why = `its state folder ${folder} cannot be used (${String(cause)})`;
    const message = `the embedded engine cannot open: ${why}; make it writable for the agent`;
    throw new EngineError('unavailable', message, { cause });
  }
}

class ProcessEngine implements Engine {
  readonly kind = 'process';
  readonly guardReach = { kind: 'processes' } as const;
  readonly version = `process (Linux ${release()})`;
  readonly #home: Home;
  readonly #feed = createEventFeed();
  readonly #instances = new Map<string, Instance>();
  /** Taken from the beginning of a start to the end of the removal. */
  readonly #tokens = new Set<string>();
  readonly #closed = new AbortController();
  readonly #timers: readonly NodeJS.Timeout[];
  readonly #rotation: Rotation;
  readonly #stillness: Stillness;

  constructor(home: Home, recovered: readonly Recovered[]) {
    this.#home = home;
    this.#rotation = createRotation(this.#instances, home.warn);
    this.#stillness = createStillness(this.#instances, home.boot, this.#feed);
    for (const { folder, record } of recovered) {
      this.#tokens.add(tokenOf(record.labels));
      this.#watch(createInstance(folder, record, { adopted: true }));
    }
    this.#timers = [
      setInterval(() => this.#lookAtAdopted(), ADOPTED_POLL_MS).unref(),
      setInterval(() => this.#rotation.begin(), LOG_POLL_MS).unref(),
      setInterval(() => this.#stillness.look(), STILLNESS_POLL_MS).unref(),
    ];
  }

  /** It is a part of the agent. */
  async ping(): Promise<void> {}

  async list(signal: AbortSignal): Promise<readonly EngineInstance[]> {
    this.#refuseIfOver(signal);
    this.#lookAtAdopted();
    return [...this.#instances.values()].map((instance) =>
      viewOf(instance, this.#home.scope, this.#home.boot),
    );
  }

  async inspect(id: string, signal: AbortSignal): Promise<EngineInstance> {
    const instance = this.#find(id, signal);
    this.#lookAtAdopted();
    return viewOf(instance, this.#home.scope, this.#home.boot);
  }

  async start(request: InstanceRequest, signal: AbortSignal): Promise<EngineInstance> {
    this.#refuseIfOver(signal);
    const guardSocket = this.#home.guard?.socket;
    const launch = planLaunch(request, { ...this.#home, guardSocket, agent: process.env });
    const token = tokenOf(request.labels);
    if (this.#tokens.has(token)) {
      const message = `${token} exists on this host already; remove it or start another attempt`;
      throw new EngineError('conflict', message);
    }
    this.#tokens.add(token);
    const folder = join(this.#home.instancesDir, token);
    try {
      return await this.#make(request, launch, folder, signal);
    } catch (error) {
      await rm(folder, { recursive: true, force: true }).catch(() => {});
      await this.#home.folders.remove(token).catch(() => {});
      this.#tokens.delete(token);
      if (error instanceof EngineError) throw error;
      const message = `${token} did not start: ${String(error)}; see that the state folder is writable`;
      throw new EngineError('failed', message, { cause: error });
    }
  }

  async stop(id: string, graceMs: number, signal: AbortSignal): Promise<void> {
    const instance = this.#find(id, signal);
    if (!isRunning(instance)) return;
    if (graceMs === 0) return this.#killAndWait(instance, signal);
    this.#signal(instance, 'SIGTERM');
    this.#signal(instance, 'SIGCONT'); // a frozen one could not listen
    if (await endsWithin(instance, graceMs, signal)) return;
    await this.#killAndWait(instance, signal);
  }

  async kill(id: string, name: string, signal: AbortSignal): Promise<void> {
    const instance = this.#find(id, signal);
    const known = Object.keys(constants.signals).find((candidate) => candidate === name);
    if (known === undefined) {
      const message = `"${name}" is not a signal; use a name such as SIGHUP`;
      throw new EngineError('bad-spec', message, { permanent: true });
    }
    if (isRunning(instance) && this.#signal(instance, known as NodeJS.Signals)) return;
    throw hasEnded(instance.token, `got no ${name}`);
  }

  async freeze(id: string, signal: AbortSignal): Promise<void> {
    this.#still(this.#find(id, signal), 'SIGSTOP');
  }

  async thaw(id: string, signal: AbortSignal): Promise<void> {
    this.#still(this.#find(id, signal), 'SIGCONT');
  }

  async remove(id: string, signal: AbortSignal): Promise<void> {
    this.#refuseIfOver(signal);
    const instance = this.#instances.get(id);
    if (instance === undefined) return;
    if (isRunning(instance)) await this.#killAndWait(instance, signal);
    killRest(instance.token, this.#home.scope); // what has left its group: the token may come again
    await instance.saved;
    await removeFolder(instance.folder, instance.token, this.#home.folders);
    if (!this.#instances.delete(id)) return; // another call was faster
    this.#tokens.delete(instance.token);
    this.#feed.publish({ kind: 'removed', id });
  }

  async logs(
    id: string,
    { follow, tail }: LogOptions,
    signal: AbortSignal,
  ): Promise<AsyncIterable<readonly LogLine[]>> {
    const instance = this.#find(id, signal);
    const ended = (): boolean => !isRunning(instance) || this.#closed.signal.aborted;
    const options = { follow, ended, ...(tail === undefined ? {} : { tail }) };
    return readLog(instance.folder, options, signal);
  }

  async exec(
    id: string,
    request: ExecRequest,
    input: AsyncIterable<ExecInput>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ExecOutput>> {
    const { token, record, checks } = this.#find(id, signal);
    if (record.exitCode !== undefined) throw hasEnded(token, 'ran nothing');
    const { pid } = record.process;
    return execBeside({ pid, token }, request, input, AbortSignal.any([signal, checks.signal]));
  }

  async feed(id: string, input: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void> {
    const instance = this.#find(id, signal);
    await feedInto(instance, input, signal, () => this.#signal(instance, 'SIGKILL'));
  }

  events(signal: AbortSignal): AsyncIterable<EngineEvent> {
    return this.#feed.subscribe(signal);
  }

  /** Leaves every instance running, for the next engine to adopt. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort();
    for (const timer of this.#timers) clearInterval(timer);
    this.#feed.close();
    for (const { checks, input } of this.#instances.values()) {
      checks.abort();
      input?.destroy();
    }
    await Promise.all([...this.#instances.values()].map(async ({ saved }) => saved));
    await this.#rotation.end();
    // Where nothing of ours is left nothing is left of us; a folder that is not empty stays.
    const { instancesDir, volumesDir } = this.#home;
    for (const path of [instancesDir, volumesDir, dirname(instancesDir)])
      await rmdir(path).catch(() => undefined);
  }

  async #make(
    { labels, spec, files = [] }: InstanceRequest,
    launch: Launch,
    folder: string,
    signal: AbortSignal,
  ): Promise<EngineInstance> {
    const { ports, check, volumeFolders } = launch;
    const startedAt = new Date().toISOString();
    const { heartbeat } = spec;
    const kept = { format: 1, labels, startedAt, ports } as const;
    const base = heartbeat === undefined ? kept : { ...kept, heartbeat };
    const intent: InstanceRecord =
      check === undefined ? { ...base, health: 'none' } : { ...base, health: 'starting', check };
    for (const path of [folder, ...volumeFolders]) await mkdir(path, { recursive: true });
    await writeRecord(folder, intent);
    if (files.length > 0) await writeTree(await this.#home.folders.make(tokenOf(labels)), files);
    this.#refuseIfOver(signal);
    const spawned = await spawn(labels.component, launch, folder, this.#home.boot);
    const record = { ...intent, process: spawned.identity };
    try {
      await writeRecord(folder, record); // invariant 1
      // It waits at its gate, and is killed if the guard does not let it in.
      if (spec.singleton === 'strict') await this.#home.guard?.admit(wardOf(record));
      this.#refuseIfOver(signal);
    } catch (error) {
      signalGroup(spawned.identity, 'SIGKILL', this.#home.boot);
      await spawned.exited;
      throw error;
    }
    return this.#announce(createInstance(folder, record, { ...spawned, adopted: false }), spawned);
  }

  #announce(instance: Instance, spawned: Spawned): EngineInstance {
    const view = viewOf(instance, this.#home.scope, this.#home.boot);
    this.#feed.publish({ kind: 'started', instance: view }); // invariant 2
    this.#watch(instance);
    void spawned.exited.then((exitCode) => this.#end(instance, exitCode));
    return view;
  }

  #watch(instance: Instance): void {
    const { record } = instance;
    this.#instances.set(idOf(record), instance);
    const { check, health } = record;
    if (!isRunning(instance)) {
      instance.ended.resolve();
    } else if (check !== undefined && health !== 'none') {
      const report = (changed: Health): void => this.#setHealth(instance, changed);
      const ageMs = Math.max(0, Date.now() - Date.parse(record.startedAt));
      const isFrozen = (): boolean => activityOf(record.process, this.#home.boot) === 'paused';
      const run = (signal: AbortSignal): Promise<Outcome> => checkOnce(check, isFrozen, signal);
      const watch = { terms: check, health, ageMs, check: run, report };
      void watchHealth(watch, instance.checks.signal);
    }
  }

  #setHealth(instance: Instance, health: Health): void {
    instance.record = { ...instance.record, health };
    this.#save(instance);
    this.#feed.publish({ kind: 'health', id: idOf(instance.record), health });
  }

  #end(instance: Instance, exitCode: number): void {
    if (this.#closed.signal.aborted || !isRunning(instance)) return;
    instance.checks.abort();
    instance.record = { ...instance.record, exitCode };
    this.#feed.publish({ kind: 'exited', id: idOf(instance.record), exitCode, oomKilled: false });
    this.#save(instance);
    instance.ended.resolve();
  }

  #lookAtAdopted(): void {
    for (const instance of this.#instances.values()) {
      if (!instance.adopted || !isRunning(instance)) continue;
      if (activityOf(instance.record.process, this.#home.boot) !== 'gone') continue;
      killLeft(instance.record.process); // invariant 4; they may have overwritten their environment
      killRest(instance.token, this.#home.scope);
      this.#end(instance, EXIT_CODE_UNKNOWN);
    }
  }

  #still(instance: Instance, name: 'SIGSTOP' | 'SIGCONT'): void {
    if (!isRunning(instance) || !this.#signal(instance, name))
      throw hasEnded(instance.token, `got no ${name}`);
    this.#stillness.note(instance, name === 'SIGSTOP');
  }

  #signal(instance: Instance, name: NodeJS.Signals): boolean {
    return signalGroup(instance.record.process, name, this.#home.boot);
  }

  async #killAndWait(instance: Instance, signal: AbortSignal): Promise<void> {
    this.#signal(instance, 'SIGKILL');
    if (await endsWithin(instance, KILLED_MS, signal)) return;
    const { pid } = instance.record.process;
    const why = `the kernel did not end process ${pid} within ${KILLED_MS / 1_000} s of SIGKILL`;
    const next = `it may hang in a device or a network file system: see /proc/${pid}/stack`;
    throw new EngineError('failed', `${instance.token} was not stopped: ${why}; ${next}`);
  }

  #save(instance: Instance): void {
    const { record, folder, token } = instance;
    instance.saved = instance.saved
      .then(async () => writeRecord(folder, record))
      .catch((error: unknown) => this.#home.warn(`no record of ${token}: ${String(error)}`));
  }

  #find(id: string, signal: AbortSignal): Instance {
    this.#refuseIfOver(signal);
    const instance = this.#instances.get(id);
    if (instance !== undefined) return instance;
    const message = `there is no instance ${id} on this host; it may have been removed`;
    throw new EngineError('not-found', message, { permanent: true });
  }

  #refuseIfOver(signal: AbortSignal): void {
    if (signal.aborted) throw abortedError(signal.reason);
    if (!this.#closed.signal.aborted) return;
    throw new EngineError('unavailable', 'the engine was closed; its agent is about to end');
  }
}
