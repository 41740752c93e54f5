/** What the tests of the Docker driver need besides: an engine that answers, an image, a cut wire. */
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { millis, seconds } from '../../../protocol/base/time.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { createDockerEngine } from '../../../node/engine/docker/docker-engine.ts';
import { dockerSockets } from '../../../node/engine/docker/sockets.ts';
import type { Workloads } from './suite.ts';

export const IMAGE = 'millrace/node:test';
/** Volumes outlive their instances: a name of this run alone, removed at its end. */
const VOLUME = `v${randomBytes(6).toString('hex')}`;

/** The first socket on which a Docker Engine answers. */
export async function findDockerSocket(): Promise<string | undefined> {
  for (const socketPath of dockerSockets({}, process.env)) {
    const scope = { cluster: 'none', host: 'none', publishAddress: '' };
    const engine = await createDockerEngine(scope, { socketPath }).catch(() => undefined);
    await engine?.[Symbol.asyncDispose]();
    if (engine !== undefined) return socketPath;
  }
  return undefined;
}

export const plainDocker = (socketPath: string): Docker =>
  new Docker({ socketPath, host: '', protocol: 'http' });

/** An image with nothing but Node.js; what it said of it. */
export async function makeImage(socketPath: string): Promise<string> {
  const empty = await mkdtemp(join(tmpdir(), 'image-'));
  try {
    const words = ['scripts/image.ts', socketPath, IMAGE, empty, 'node'];
    return (await promisify(execFile)(process.execPath, words)).stdout.trim();
  } finally {
    await rm(empty, { recursive: true });
  }
}

export async function removeVolumes(socketPath: string): Promise<void> {
  const docker = plainDocker(socketPath);
  const { Volumes: volumes } = await docker.listVolumes({ filters: { name: [VOLUME] } });
  for (const { Name: name } of volumes) await docker.getVolume(name).remove();
}

/** A component that runs these lines of JavaScript. */
export function nodeSpec(script: string, more: Partial<ComponentSpec> = {}): ComponentSpec {
  return {
    name: 'web',
    mode: 'replicated',
    replicas: 1,
    image: IMAGE,
    command: ['node', '-e', script],
    environment: {},
    ports: [],
    volumes: [],
    restart: { kind: 'no' },
    dependsOn: [],
    stopGraceMs: seconds(1),
    ...more,
  };
}

// The first process of a container ignores every signal that it does not ask for.
const LISTEN = 'process.on("SIGTERM", () => process.exit(0));';
const SLEEP = `${LISTEN} setInterval(() => {}, 1e6);`;

const script = (text: string): readonly string[] => ['node', '-e', text];
const say = (method: 'log' | 'error', text: string): string =>
  `console.${method}(${JSON.stringify(text)});`;

/** At the engine on this socket. */
const othersAt = (socketPath: string): Workloads['others'] => {
  const of = ({ id }: { readonly id: string }) => plainDocker(socketPath).getContainer(id);
  return {
    freeze: (instance) => of(instance).pause(),
    thaw: (instance) => of(instance).unpause(),
    remove: (instance) => of(instance).remove({ force: true }),
    change: (instance) => of(instance).rename({ name: `${instance.name}-drifted` }),
    putRight: (instance) => of(instance).rename({ name: instance.name }),
  };
};

export const workloadsAt = (socketPath: string): Workloads => ({
  ...workloads,
  others: othersAt(socketPath),
});

export const workloads: Omit<Workloads, 'others'> = {
  sleepForEver: () => nodeSpec(SLEEP),
  exitWith: (code) => nodeSpec(`process.exit(${code})`),
  ignoreSigterm: () => nodeSpec('console.log("ready"); setInterval(() => {}, 1e6);'),
  printLines: (lines) => nodeSpec(`${SLEEP} console.log(${JSON.stringify(lines.join('\n'))});`),
  printBoth: (out, err) =>
    nodeSpec(`${SLEEP} console.log("${out}"); setTimeout(() => console.error("${err}"), 20);`),
  countForEver: () => nodeSpec(`${LISTEN} let n = 0; setInterval(() => console.log(++n), 200);`),
  healthyWhile: (file) =>
    nodeSpec(SLEEP, {
      volumes: [{ kind: 'bind', source: dirname(file), target: '/watched', readOnly: true }],
      healthcheck: {
        test: {
          kind: 'exec',
          words: ['node', '-e', `fs.accessSync("/watched/${basename(file)}")`],
        },
        intervalMs: millis(400),
        timeoutMs: seconds(10),
        retries: 2,
        startPeriodMs: seconds(0),
      },
    }),
  keepInVolume: () =>
    nodeSpec(
      `fs.appendFileSync("/data/lines", "x");
       console.log("lines " + fs.readFileSync("/data/lines").length); ${SLEEP}`,
      { volumes: [{ kind: 'named', source: VOLUME, target: '/data', readOnly: false }] },
    ),
  badCommand: () => nodeSpec('', { entrypoint: ['/no/such/program'] }),
  inputs: {
    copyInput: () =>
      nodeSpec('process.stdin.on("end", () => console.log("end")).pipe(process.stdout)'),
    firstOfInput: () =>
      nodeSpec('process.stdin.once("data", () => { console.log("enough"); process.exit(0); })'),
  },
  commands: {
    print: (out, err, code) =>
      script(`${say('log', out)} ${say('error', err)} process.exit(${code})`),
    copy: () => script('process.stdin.pipe(process.stdout)'),
    show: (variable) => script(`console.log(process.env.${variable})`),
    hang: () => script(`${say('log', 'ready')} setInterval(() => {}, 1e6)`),
    measure: () =>
      script(
        `const tell = () => console.log("columns " + process.stdout.columns);
         process.stdout.on("resize", tell); tell(); setInterval(() => {}, 1e6)`,
      ),
  },
};

/** A socket that leads to the engine, until it is cut. */
export class Wire implements AsyncDisposable {
  readonly path: string;
  readonly #target: string;
  readonly #sockets = new Set<Socket>();
  #server: Server | undefined;

  constructor(folder: string, target: string) {
    this.path = join(folder, 'wire.sock');
    this.#target = target;
  }

  async open(): Promise<this> {
    const server = createServer((near) => {
      const far = connect(this.#target);
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on('error', () => to.destroy()).on('close', () => to.destroy());
        from.pipe(to);
      }
    });
    const listening = Promise.withResolvers<void>();
    server.listen(this.path, () => listening.resolve());
    await listening.promise;
    this.#server = server;
    return this;
  }

  /** Ends every connection; new ones are accepted. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  /** As if the engine were stopped: there is no socket any more. */
  async close(): Promise<void> {
    const closed = Promise.withResolvers<void>();
    this.#server?.close(() => closed.resolve());
    this.cut();
    await closed.promise;
    this.#server = undefined;
    await unlink(this.path).catch(() => undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server !== undefined) await this.close();
  }
}
