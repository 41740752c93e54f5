/**
 * `npm run bench -- recovery | idle | hosts | plan`: real agents on this machine, watched from outside. `--help`
 * lists the options, docs/performance.md says what is compared.
 */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { dockerSockets } from '../node/engine/docker/sockets.ts';
import { openEngine } from '../node/engine/select.ts';
import type { LocalEngine } from '../node/local/instances.ts';
import { benchHosts, HOSTS_PARTS } from './bench/hosts.ts';
import { benchIdle } from './bench/idle.ts';
import { type BenchOptions, UsageError } from './bench/options.ts';
import { benchPlan } from './bench/plan.ts';
import { benchRecovery } from './bench/recovery.ts';

const HELP = `npm run bench -- recovery     a component killed, a host lost, a leader's host lost: until it runs again
npm run bench -- idle         what an agent costs while nothing happens: CPU, memory, network
npm run bench -- hosts        five hosts beside Docker's swarm mode; as root, with dockerd installed
npm run bench -- plan         10,000 instances placed on 200 hosts; 500 components deployed to real agents

  --engine process|docker     default: process
  --agents N                  default: 5
  --agentd FILE               another program than the sources, such as dist/agentd.js
  --rounds N                  of each failure; default: 20
  --only PART,PART            of recovery: killed, lost, led
                              of hosts: deploy, killed, cut, led, idle, serf; default: all
  --instances N               of idle; default: 20
  --seconds N                 of idle; default: 60
  --json FILE                 every value, as JSON; - is standard output
`;
const BENCHES = {
  recovery: benchRecovery,
  idle: benchIdle,
  hosts: benchHosts,
  plan: benchPlan,
} as const;
const OPTIONS = {
  engine: { type: 'string', default: 'process' },
  agents: { type: 'string', default: '5' },
  agentd: { type: 'string' },
  rounds: { type: 'string', default: '20' },
  only: { type: 'string' },
  instances: { type: 'string', default: '20' },
  seconds: { type: 'string', default: '60' },
  json: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const;
const PARTS = {
  recovery: ['killed', 'lost', 'led'],
  idle: [],
  hosts: HOSTS_PARTS,
  plan: [],
} as const;
const EXIT = { failed: 1, usage: 2 } as const;

async function main(): Promise<void> {
  const { values, positionals } = parse();
  const [name] = positionals;
  if (values.help) return void process.stdout.write(HELP);
  if (name === undefined || !isBench(name))
    throw new UsageError(
      `there is no benchmark ${name ?? '(none named)'}`,
      `the benchmarks are ${Object.keys(BENCHES).join(', ')}`,
      'npm run bench -- --help',
    );
  const interrupted = new AbortController();
  process.once('SIGINT', () => interrupted.abort());
  process.once('SIGTERM', () => interrupted.abort());
  const only = values.only?.split(',');
  const parts: readonly string[] = PARTS[name];
  const unknown = only?.find((part) => !parts.includes(part));
  if (unknown !== undefined)
    throw new UsageError(
      `${name} has no part ${unknown}`,
      parts.length === 0 ? 'it is measured whole' : `its parts are ${parts.join(', ')}`,
      'npm run bench -- --help',
    );
  const options: BenchOptions = {
    engine: await chooseEngine(values.engine),
    agents: count('agents', values.agents, 3, 13),
    rounds: count('rounds', values.rounds, 1, 100),
    instances: 4 * Math.ceil(count('instances', values.instances, 1, 1000) / 4),
    measureMs: 1000 * count('seconds', values.seconds, 1, 3600),
    signal: interrupted.signal,
    // With JSON on standard output all else is narration.
    tell: (line) => void (values.json === '-' ? process.stderr : process.stdout).write(`${line}\n`),
    ...(only === undefined ? {} : { only }),
    ...(values.agentd === undefined ? {} : { agentd: resolve(values.agentd) }),
  };
  const json = `${JSON.stringify(await BENCHES[name](options), undefined, 1)}\n`;
  if (values.json === '-') process.stdout.write(json);
  else if (values.json !== undefined) writeFileSync(values.json, json);
}

const isBench = (name: string): name is keyof typeof BENCHES => Object.hasOwn(BENCHES, name);

function parse() {
  try {
    return parseArgs({ options: OPTIONS, allowPositionals: true });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError('the options are not understood', why, 'npm run bench -- --help');
  }
}

function count(name: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new UsageError(
    `--${name} ${text} cannot be`,
    `it is a whole number from ${min} to ${max}`,
    'npm run bench -- --help',
  );
}

/** The instances are seen in this machine's process list: it has to be its own engine. */
async function chooseEngine(kind: string): Promise<LocalEngine> {
  if (kind === 'process') return { kind };
  if (kind !== 'docker')
    throw new UsageError(
      `there is no engine ${kind}`,
      'the engines are process and docker',
      'npm run bench -- recovery --engine docker',
    );
  const scope = { cluster: 'none', host: 'none', publishAddress: '127.0.0.1' };
  for (const socket of dockerSockets({}, process.env)) {
    const options = { dockerSocket: socket, stateDir: '/nonexistent' };
    const engine = await openEngine('docker', scope, options).catch(() => undefined);
    await engine?.[Symbol.asyncDispose]();
    if (engine !== undefined) return { kind, socket };
  }
  throw new UsageError(
    'no Docker Engine answers',
    'neither MILLRACE_DOCKER_SOCKET, DOCKER_HOST nor /var/run/docker.sock leads to one',
    'start Docker, or: npm run bench -- recovery --engine process',
  );
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof UsageError ? EXIT.usage : EXIT.failed;
}
