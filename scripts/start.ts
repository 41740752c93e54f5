/**
 * `npm start`: a cluster of three agents on this machine with the example shop. On a terminal it stays
 * up with the live status; without one it takes the tour and ends.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { StackSpec } from '../protocol/component/spec.ts';
import { loadCompose } from '../node/compose/load.ts';
import { renderProblem } from '../node/compose/problems.ts';
import { dockerSockets } from '../node/engine/docker/sockets.ts';
import { isListening } from '../node/http/listening.ts';
import {
  clearLocalFolder,
  formLocalCluster,
  type LocalCluster,
  planLocalCluster,
  removeLocalCluster,
  startLocalAgent,
  until,
} from '../node/local/cluster.ts';
import type { LocalEngine } from '../node/local/instances.ts';
import { importImage } from './image.ts';
import { breakAndHeal, deployShop, timed, type Tour } from './tour.ts';

const AGENTS = 3;
const SHOP = fileURLToPath(new URL('../examples/shop/compose.yaml', import.meta.url));
const AGENTCTL = fileURLToPath(new URL('../node/cli/main.ts', import.meta.url));
const SHOP_IMAGE = 'millrace/shop:example';
/** Holds the pid of the `npm start` that a local cluster belongs to. */
const OWNER_FILE = 'owner';
const VOTERS_MS = 30_000;

/** Three parts, like every error of ours. */
class Refusal extends Error {
  constructor(what: string, why: string, next: string) {
    super(`error: ${what}\n  why   ${why}\n  next  ${next}`);
  }
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { engine: { type: 'string', default: 'auto' } } });
  const engine = await chooseEngine(values.engine);
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  process.once('SIGTERM', () => interrupted.abort());
  const folder = join(tmpdir(), `millrace-local-${process.getuid?.() ?? 0}`);
  refuseSecond(folder);
  await clearLocalFolder(folder, engine);
  const stack = loadShop();
  await requirePorts(stack);
  const cluster = await planLocalCluster({ folder, count: AGENTS, engine, guards: true });
  writeFileSync(join(folder, OWNER_FILE), `${process.pid}\n`);
  try {
    await show(cluster, stack, interrupted.signal);
  } catch (error) {
    if (!interrupted.signal.aborted) throw keepLogs(error, cluster);
    say('\nCtrl-C: taking everything down');
  } finally {
    await removeLocalCluster(cluster);
  }
}

async function show(cluster: LocalCluster, stack: StackSpec, signal: AbortSignal): Promise<void> {
  const { engine } = cluster.init;
  const where =
    engine.kind === 'docker' ? `Docker (${engine.socket})` : 'the embedded process engine';
  say(`Millrace on this machine: ${AGENTS} agents, ${where}`);
  if (engine.kind === 'docker')
    await timed(say, `image ${SHOP_IMAGE}, made from this Node and the shop's code`, async () => {
      await importImage(engine.socket, SHOP_IMAGE, {
        appDir: dirname(SHOP),
        command: ['node', 'server.ts'],
      });
    });
  await timed(say, `${AGENTS} agents started`, async () => {
    for (const agent of cluster.agents) await startLocalAgent(cluster, agent);
  });
  let id = '';
  await timed(say, 'they found each other and form one cluster', async () => {
    const formed = await formLocalCluster(cluster, signal);
    id = formed.body.cluster;
    return formed.multicast
      ? `by mDNS, ${formed.body.service_type}`
      : 'by address: no multicast here';
  });
  await timed(say, 'three of them vote', () => threeVoters(cluster, signal));
  const tour: Tour = { cluster, id, stack, signal, say };
  await deployShop(tour);
  if (process.stdin.isTTY && process.stdout.isTTY) return stay(cluster, stack, signal);
  await breakAndHeal(tour);
  say('done: everything healed, nothing is left');
}

async function threeVoters(cluster: LocalCluster, signal: AbortSignal): Promise<string> {
  const [first] = cluster.agents;
  const voters = await until('three voters', VOTERS_MS, async () => {
    const roster = (await first?.client.status(signal))?.data.cluster.roster;
    return roster !== undefined && roster.next === undefined && roster.voters.length === 3
      ? roster.voters
      : undefined;
  });
  return voters.join(' ');
}

/** On a terminal: the live status until Ctrl-C. */
async function stay(cluster: LocalCluster, stack: StackSpec, signal: AbortSignal): Promise<void> {
  const [first] = cluster.agents;
  const web = stack.components.find(({ name }) => name === 'web')?.ports[0]?.published;
  say('');
  say(`  the shop      http://127.0.1.1:${web}/ or .2, .3: wherever web runs`);
  say(`  in another terminal: export MILLRACE_SOCKET=${first?.socket}`);
  say('  then try: npx agentctl status      npx agentctl kill web      npx agentctl why web');
  say('  Ctrl-C takes everything down\n');
  const status = spawn(
    process.execPath,
    [AGENTCTL, '--socket', first?.socket ?? '', 'status', '-w'],
    {
      stdio: 'inherit',
      signal,
      killSignal: 'SIGINT',
    },
  );
  await new Promise<void>((resolve, reject) => {
    status.once('exit', () => resolve());
    status.once('error', (error) => (signal.aborted ? resolve() : reject(error)));
  });
  say('\ntaking everything down');
}

async function chooseEngine(choice: string): Promise<LocalEngine> {
  if (choice !== 'auto' && choice !== 'docker' && choice !== 'process')
    throw new Refusal(
      `there is no engine ${choice}`,
      'it is auto, docker or process',
      'npm start -- --engine auto',
    );
  if (choice === 'process') return { kind: 'process' };
  for (const socket of dockerSockets({}, process.env))
    if (await isListening(socket)) return { kind: 'docker', socket };
  if (choice === 'auto') return { kind: 'process' };
  throw new Refusal(
    'no Docker Engine answers',
    'neither MILLRACE_DOCKER_SOCKET, DOCKER_HOST nor /var/run/docker.sock leads to one',
    'start Docker, or: npm start -- --engine process',
  );
}

/** Two local clusters would fight for the same ports; what a dead one left behind is cleared. */
function refuseSecond(folder: string): void {
  const owner = join(folder, OWNER_FILE);
  if (!existsSync(owner)) return;
  const pid = readFileSync(owner, 'utf8').trim();
  if (!existsSync(`/proc/${pid}/cmdline`)) return;
  if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(basename(import.meta.filename)))
    return;
  throw new Refusal(
    'a local cluster runs already',
    `process ${pid} keeps it up`,
    `end it with Ctrl-C where it was started, or: kill ${pid}`,
  );
}

function loadShop(): StackSpec {
  const loaded = loadCompose(readFileSync(SHOP, 'utf8'), {
    path: SHOP,
    dir: dirname(SHOP),
    env: process.env,
  });
  if (loaded.ok) return loaded.stack;
  throw new Refusal(
    'the example cannot be read',
    loaded.problems.map(renderProblem).join('; '),
    'git checkout examples',
  );
}

/** Taken ports are found before anything is started. */
async function requirePorts(stack: StackSpec): Promise<void> {
  for (const { name, ports } of stack.components)
    for (const { published } of ports)
      if (published !== undefined) await requirePort(name, published);
}

async function requirePort(name: string, published: number): Promise<void> {
  for (let i = 1; i <= AGENTS; i++)
    if (!(await isFree(published, `127.0.1.${i}`)))
      throw new Refusal(
        `port ${published} of ${name} is taken on 127.0.1.${i}`,
        'something else listens there',
        `SHOP_PORT_${name.toUpperCase()}=${published + 1000} npm start`,
      );
}

async function isFree(port: number, address: string): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, address, () => server.close(() => resolve(true)));
  });
}

/** The folder is about to go: what the agents said last goes into the error. */
function keepLogs(error: unknown, cluster: LocalCluster): Error {
  const tails = cluster.agents.map(({ name, logFile }) => {
    const lines = readFileSync(logFile, { encoding: 'utf8', flag: 'a+' }).trimEnd().split('\n');
    return `--- ${name}, last lines of its log\n${lines.slice(-15).join('\n')}`;
  });
  const what = error instanceof Error ? error.message : String(error);
  return new Error(`${tails.join('\n')}\nerror: ${what}`, { cause: error });
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
