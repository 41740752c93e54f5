/** What every test of an engine stands on: engines of one fresh cluster, and a bound on every wait. */
import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import {
  EngineError,
  type Engine,
  type EngineEvent,
  type EngineInstance,
  type EngineScope,
  type InstanceLabels,
  type InstanceRequest,
  type LogLine,
} from '../../../node/engine/engine.ts';
import type { Machine } from './machine.ts';

/** The longest any one thing may take on a busy machine; only a failing test waits this long. */
export const PATIENCE_MS = 20_000;
export const patience = (): AbortSignal => AbortSignal.timeout(PATIENCE_MS);

export type OpenEngine = (scope: EngineScope) => Promise<Engine>;

/** The engines one test has opened. Disposal removes every instance they know, then closes them. */
export class Ground implements AsyncDisposable {
  readonly #open: OpenEngine;
  readonly #cluster = `t${randomBytes(6).toString('hex')}`;
  readonly #engines = new Map<string, Engine>();

  constructor(open: OpenEngine) {
    this.#open = open;
  }

  scope(host: string): EngineScope {
    return { cluster: this.#cluster, host, publishAddress: '127.0.0.1' };
  }

  /** The engine as the agent of `host` sees it; opened once until `close`. */
  async engine(host = 'h1'): Promise<Engine> {
    const known = this.#engines.get(host);
    if (known !== undefined) return known;
    const opened = await this.#open(this.scope(host));
    this.#engines.set(host, opened);
    return opened;
  }

  /** Closes the engine of `host` without a word to its instances, as the end of an agent does. */
  async close(host = 'h1'): Promise<void> {
    await this.#engines.get(host)?.[Symbol.asyncDispose]();
    this.#engines.delete(host);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const host of ['h1', 'h2']) await this.engine(host);
    for (const engine of this.#engines.values()) {
      for (const { id } of await engine.list(patience())) await engine.remove(id, patience());
      await engine[Symbol.asyncDispose]();
    }
  }
}

export function requestFor(
  spec: ComponentSpec,
  labels: Partial<InstanceLabels> = {},
): InstanceRequest {
  const own = { component: `test.${spec.name}`, slot: 1, attempt: 1, revision: 'r1', term: 1 };
  return { spec, labels: { ...own, ...labels } };
}

export const start = async (
  engine: Engine,
  spec: ComponentSpec,
  labels?: Partial<InstanceLabels>,
): Promise<EngineInstance> => engine.start(requestFor(spec, labels), patience());

/** Everything an engine reported since, and a bounded wait for what it has yet to report. */
export class Watch implements AsyncDisposable {
  readonly seen: EngineEvent[] = [];
  readonly #stop = new AbortController();
  readonly #pump: Promise<void>;
  #wake = Promise.withResolvers<void>();

  constructor(engine: Engine) {
    this.#pump = this.#read(engine.events(this.#stop.signal));
  }

  /** The first event that fits, whether it has come already or comes within the bound. */
  async find<K extends EngineEvent['kind']>(
    kind: K,
    id: string,
    fits: (event: Extract<EngineEvent, { kind: K }>) => boolean = () => true,
  ): Promise<Extract<EngineEvent, { kind: K }>> {
    const late = patience();
    for (;;) {
      for (const event of this.seen) {
        if (isKind(event, kind) && idOf(event) === id && fits(event)) return event;
      }
      const changed = this.#wake.promise;
      const gaveUp = Promise.withResolvers<void>();
      late.addEventListener('abort', () => gaveUp.resolve(), { once: true });
      await Promise.race([changed, gaveUp.promise]);
      if (late.aborted) throw new Error(`no ${kind} of ${id} in ${JSON.stringify(this.seen)}`);
    }
  }

  /** One word for each event of one instance, in the order they came. */
  storyOf(id: string): readonly string[] {
    return this.seen.filter((event) => idOf(event) === id).map(wordFor);
  }

  /** Resolves once the stream has ended by itself, after `stop`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#pump;
  }

  async #read(events: AsyncIterable<EngineEvent>): Promise<void> {
    for await (const event of events) {
      this.seen.push(event);
      this.#wake.resolve();
      this.#wake = Promise.withResolvers<void>();
    }
  }
}

function isKind<K extends EngineEvent['kind']>(
  event: EngineEvent,
  kind: K,
): event is Extract<EngineEvent, { kind: K }> {
  return event.kind === kind;
}

function idOf(event: EngineEvent): string | undefined {
  if (event.kind === 'resync') return undefined;
  return event.kind === 'started' ? event.instance.id : event.id;
}

function wordFor(event: EngineEvent): string {
  if (event.kind === 'exited') return `exited ${event.exitCode}`;
  return event.kind === 'health' ? event.health : event.kind;
}

type Logs = AsyncIterable<readonly LogLine[]>;

/** Reads whole lines until `enough` is content, the stream ends or the bound is reached. */
export async function linesUntil(
  logs: Logs,
  enough: (lines: readonly string[]) => boolean = () => false,
): Promise<readonly string[]> {
  const texts: string[] = [];
  await readUntil(logs, (lines) => {
    texts.push(lines.at(-1)?.text ?? '');
    return enough(texts);
  });
  return texts;
}

/** The same with all that is told of each line. */
export async function readUntil(
  logs: Logs,
  enough: (lines: readonly LogLine[]) => boolean = () => false,
): Promise<readonly LogLine[]> {
  const lines: LogLine[] = [];
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`only saw ${JSON.stringify(lines)}`)),
    PATIENCE_MS,
  );
  const read = async (): Promise<void> => {
    for await (const some of logs)
      for (const line of some) {
        lines.push(line);
        if (enough(lines)) return;
      }
  };
  try {
    await Promise.race([read(), late.promise]);
  } finally {
    clearTimeout(timer);
  }
  return lines;
}

/** Waits until the instance has printed `line`; what it printed up to there. */
export async function printed(
  engine: Engine,
  id: string,
  line: string,
): Promise<readonly string[]> {
  const logs = await engine.logs(id, { follow: true }, patience());
  return linesUntil(logs, (lines) => lines.includes(line));
}

export type Workloads = {
  /** Runs until it is told to end; SIGTERM ends it at once, with any exit code. */
  sleepForEver(): ComponentSpec;
  exitWith(code: number): ComponentSpec;
  /** Prints `ready` once SIGTERM can no longer end it. */
  ignoreSigterm(): ComponentSpec;
  /** Prints these lines, then sleeps for ever; SIGTERM ends it at once. */
  printLines(lines: readonly string[]): ComponentSpec;
  /** Prints one line to standard output and then one to standard error, then sleeps for ever. */
  printBoth(out: string, err: string): ComponentSpec;
  /** Prints `1`, `2`, … several times a second until it is told to end. */
  countForEver(): ComponentSpec;
  /** Sleeps for ever; healthy while `file` exists on this host. Checked at least once a second. */
  healthyWhile(file: string): ComponentSpec;
  /** Adds a line to a file in a named volume, prints `lines N`, sleeps for ever. */
  keepInVolume(): ComponentSpec;
  /** A command that does not exist. */
  badCommand(): ComponentSpec;
  readonly others: Others;
  /** Absent: this engine runs no commands beside its instances. */
  readonly commands?: Commands;
  /** Absent: its instances read nothing. */
  readonly inputs?: Inputs;
};

/** What reads its own standard input. */
export type Inputs = {
  /** Prints what comes in, and `end` after it. */
  copyInput(): ComponentSpec;
  /** Prints `enough` after the first byte that comes in, and ends. */
  firstOfInput(): ComponentSpec;
};

/** What others on its machine do to an instance, with no word to the engine under test. */
export type Others = {
  readonly freeze: Meddle;
  readonly thaw: Meddle;
  /** Absent: nothing of a running instance can be changed. */
  readonly change?: Meddle;
  readonly putRight?: Meddle;
  /** With all that the engine keeps of it; absent: it keeps that itself. */
  readonly remove?: Meddle;
};
type Meddle = (instance: EngineInstance) => Promise<void>;

/** What can be run beside an instance. */
export type Commands = {
  /** Prints these to the two outputs and ends with this code. */
  print(out: string, err: string, exitCode: number): readonly string[];
  /** Copies its input to its output until that ends. */
  copy(): readonly string[];
  /** Prints what a variable holds. */
  show(variable: string): readonly string[];
  /** Prints `ready`, and never ends. */
  hang(): readonly string[];
  /** Prints how wide its terminal is, now and whenever that changes; absent: there are no terminals. */
  measure?(): readonly string[];
};

/** What a group of the suite works with. */
export type Subject = {
  readonly ground: () => Ground;
  /** A folder of this test alone. */
  readonly folder: () => string;
  readonly workloads: Workloads;
  /** Where the engine runs. */
  readonly machine: Machine;
};

export async function expectRefusal(
  call: Promise<unknown>,
  codes: readonly EngineError['code'][],
): Promise<EngineError> {
  const outcome = await call.then(
    () => new Error('it was not refused'),
    (error: unknown) => error,
  );
  if (!(outcome instanceof EngineError)) throw outcome;
  expect(codes).toContain(outcome.code);
  return outcome;
}
