/**
 * The port behind which containers or processes run. Two drivers, `docker/` and `process/`, pass the
 * one suite in `test/compliance/engine`.
 *
 * An engine lists and touches only what carries this cluster's **and** this host's labels, by exact
 * id. It keeps no desired state and restarts nothing by itself: it does what it is told and reports
 * what happened. Every call takes an `AbortSignal` and rejects with an `EngineError`.
 */
import type { Readable } from 'node:stream';
import type { Addresses } from '../../protocol/component/addresses.ts';
import type { FileSpec } from '../../protocol/component/file.ts';
import type { ComponentSpec, Heartbeat } from '../../protocol/component/spec.ts';
import type { Recipe } from '../build/recipe.ts';
import type { CgroupVersion } from '../guard/gates.ts';

/** Who we are to the engine: nothing without both labels is ours. */
export type EngineScope = {
  readonly cluster: string;
  readonly host: string;
  /** Where published ports are bound unless the port says otherwise, e.g. `0.0.0.0`. */
  readonly publishAddress: string;
  /**
   * Where this host's memory is, one agent at a time: what another host of this cluster has made from
   * there was made before that memory was lost, and is ended. Absent: nothing is.
   */
  readonly home?: string;
};

/** Written on every instance, read back by `list`; survives the agent. */
export type InstanceLabels = {
  /** `STACK.COMPONENT`. */
  readonly component: string;
  readonly slot: number;
  /** Counts the instances of this slot on this host: a failure means a new instance. */
  readonly attempt: number;
  /** Digest of the spec it was made from. */
  readonly revision: string;
  /** The term under which its assignment was decided. */
  readonly term: number;
  /** What it is told of those it depends on; absent: it depends on none. */
  readonly addresses?: Addresses;
};

/** What an instance is to find at `target`. */
export type InstanceFile = Pick<FileSpec, 'target' | 'uid' | 'gid' | 'mode'> & {
  readonly bytes: Uint8Array;
};

export type InstanceRequest = {
  readonly labels: InstanceLabels;
  readonly spec: ComponentSpec;
  /** Those of its spec, opened. Absent: none. */
  readonly files?: readonly InstanceFile[];
};

/** One instance as the engine reports it. */
export type EngineInstance = {
  /** The engine's own id: a container id, or `PID-STARTTIME` of the process. */
  readonly id: string;
  readonly name: string;
  readonly labels: InstanceLabels;
  readonly state: 'created' | 'running' | 'paused' | 'exited';
  /** `none`: the spec has no healthcheck. Drivers do not ask for heartbeats: `heartbeat/` does. */
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  /** Of its spec, as it was kept beside it. */
  readonly heartbeat?: Heartbeat;
  /** On which it listens: this host's, or one of its own. Absent: on none that this host has a way to. */
  readonly network?: { readonly kind: 'host' } | { readonly kind: 'own'; readonly address: string };
  /** Of the instance's main process while it runs. */
  readonly pid?: number;
  /** RFC 3339, as the engine reports it; equal before and after an agent restart. */
  readonly startedAt?: string;
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
  /**
   * While it runs: what is not as it was made, in words of at most `DRIFT_CHARS_MAX`. Absent: nothing, as
   * far as can be seen.
   */
  readonly drift?: string;
  readonly ports: readonly {
    readonly target: number;
    readonly address: string;
    readonly published: number;
    /** Absent: TCP. */
    readonly protocol?: 'udp';
  }[];
};

export const DRIFT_CHARS_MAX = 200;

/** What happened to one of ours, in the order the engine saw it. */
export type EngineEvent =
  | { readonly kind: 'started'; readonly instance: EngineInstance }
  | {
      readonly kind: 'exited';
      readonly id: string;
      readonly exitCode: number;
      readonly oomKilled: boolean;
      /** That was sent to it through the engine before, whoever asked, e.g. `SIGTERM`. */
      readonly signal?: string;
    }
  | {
      readonly kind: 'health';
      readonly id: string;
      readonly health: 'starting' | 'healthy' | 'unhealthy';
    }
  /** Its processes stand still, or go on. */
  | { readonly kind: 'frozen' | 'thawed'; readonly id: string }
  /** Someone else has changed it while it runs, or has put it right; `drift` as in `EngineInstance`. */
  | { readonly kind: 'drifted'; readonly id: string; readonly drift?: string }
  | { readonly kind: 'removed'; readonly id: string }
  /** The stream was interrupted or re-opened: relist now, events may have been missed. */
  | { readonly kind: 'resync'; readonly reason: string };

/** One line of what an instance has printed. */
export type LogLine = {
  /** RFC 3339 in UTC, of equal length from one engine; absent: this engine keeps no times. */
  readonly at?: string;
  /** The embedded engine keeps both in one file: all of it is `stdout`. */
  readonly output: 'stdout' | 'stderr';
  readonly text: string;
};

export type LogOptions = {
  /** Goes on as more is printed, until the instance has ended. */
  readonly follow: boolean;
  /** Only the last so many lines; absent: all that is kept. */
  readonly tail?: number;
  /** RFC 3339: nothing before it, from an engine that keeps times. */
  readonly since?: string;
};

/** A terminal's, in characters. */
export type TerminalSize = { readonly columns: number; readonly rows: number };

export type ExecRequest = {
  /** The program and its arguments; no shell reads them. */
  readonly command: readonly string[];
  /** Whether it has a standard input; else that is empty. */
  readonly stdin: boolean;
  /** It runs on a terminal of this size, and all it prints is `stdout`; absent: on none. */
  readonly terminal?: TerminalSize;
};

/** What goes to a command. */
export type ExecInput =
  | { readonly kind: 'stdin'; readonly bytes: Uint8Array }
  | { readonly kind: 'resize'; readonly size: TerminalSize };

/** What comes from it, `exited` last. 126 and 127: it could not be run, it was not found. */
export type ExecOutput =
  | { readonly kind: 'stdout' | 'stderr'; readonly bytes: Uint8Array }
  | { readonly kind: 'exited'; readonly exitCode: number };

/** `code` is stable; `permanent` says that trying the same again cannot help. */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code:
    | 'unavailable'
    | 'not-found'
    | 'conflict'
    | 'no-image'
    | 'bad-spec'
    | 'failed'
    | 'aborted';
  readonly permanent: boolean;
  constructor(
    code: EngineError['code'],
    message: string,
    options: { readonly permanent?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.permanent = options.permanent ?? false;
  }
}

/** What a guard needs a hand on to freeze and kill what an engine runs. */
export type GuardReach =
  | { readonly kind: 'processes' }
  | { readonly kind: 'cgroups'; readonly version: CgroupVersion }
  /** No guard has a hand on it: why, and what to do. */
  | { readonly kind: 'none'; readonly why: string };

/** What an engine that runs images can do about those that are built here. */
export interface Images {
  has(image: string, signal: AbortSignal): Promise<boolean>;
  /**
   * Builds `image` from a tar and calls it so. `told`: each line that the builder says. Rejects with
   * `no-image` and the last of them where a command failed, permanent where the Dockerfile is none.
   */
  build(
    image: string,
    from: { readonly recipe: Recipe; readonly context: Readable },
    told: (line: string) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** The names of those that this host has built and no container is made of, running or not. */
  unused(signal: AbortSignal): Promise<readonly string[]>;
  /** Takes the name away, and with its last name the image. Leaves what is used. Idempotent. */
  remove(image: string, signal: AbortSignal): Promise<void>;
}

export interface Engine extends AsyncDisposable {
  readonly kind: 'docker' | 'process';
  readonly guardReach: GuardReach;
  /** Absent: it runs no images. */
  readonly images?: Images;
  /** Name and version for people, e.g. `docker 20.10.24 (API 1.41)`. */
  readonly version: string;
  /** Whether it is there and answers; rejects where not. Costs it nothing. */
  ping(signal: AbortSignal): Promise<void>;
  /** Every instance of ours, also those that have exited and were not removed. */
  list(signal: AbortSignal): Promise<readonly EngineInstance[]>;
  inspect(id: string, signal: AbortSignal): Promise<EngineInstance>;
  /** Creates and starts a new instance. Resolves when it runs; on failure leaves nothing behind. */
  start(request: InstanceRequest, signal: AbortSignal): Promise<EngineInstance>;
  /** Asks it to end (SIGTERM), then SIGKILL after `graceMs`. Resolves when it has ended. */
  stop(id: string, graceMs: number, signal: AbortSignal): Promise<void>;
  /** Sends `name` (default SIGKILL) and resolves once sent. */
  kill(id: string, name: string, signal: AbortSignal): Promise<void>;
  /** Stops all its processes where they are; `stop`, `kill` and `remove` still end it. Idempotent. */
  freeze(id: string, signal: AbortSignal): Promise<void>;
  /** Lets them go on. Idempotent. */
  thaw(id: string, signal: AbortSignal): Promise<void>;
  /** Removes an ended instance and what belongs to it alone; a running one is killed first. Idempotent. */
  remove(id: string, signal: AbortSignal): Promise<void>;
  /**
   * Whole lines of both outputs, in the order they came, as many at once as are there. Read no faster
   * than they are taken; ends quietly when `signal` aborts.
   */
  logs(
    id: string,
    options: LogOptions,
    signal: AbortSignal,
  ): Promise<AsyncIterable<readonly LogLine[]>>;
  /**
   * Runs one more command in a running instance, as its user, with its environment. The end of `input`
   * is the end of its standard input. Read no faster than it is taken. When `signal` aborts or the
   * instance ends, the command is killed. `conflict`: the instance does not run.
   */
  exec(
    id: string,
    request: ExecRequest,
    input: AsyncIterable<ExecInput>,
    signal: AbortSignal,
  ): Promise<AsyncIterable<ExecOutput>>;
  /**
   * Gives an instance that was started with a standard input (`run/label.ts`) what is to come in, once; the
   * end of `input` is its end. Resolves when all is given, or nobody reads it any more. Where `input` breaks
   * off or `signal` aborts the instance is killed. `conflict`: it has no such input.
   */
  feed(id: string, input: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<void>;
  /** Everything from now on, until `signal` aborts. Re-opens itself after interruptions (`resync`). */
  events(signal: AbortSignal): AsyncIterable<EngineEvent>;
}
