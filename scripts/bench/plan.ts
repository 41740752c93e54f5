/**
 * `npm run bench -- plan`: what deciding costs where there is much of it. Placement alone, of as many
 * instances as two hundred hosts hold; and real agents that are given five hundred components.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { componentId, hostId } from '../../protocol/base/ids.ts';
import { seconds } from '../../protocol/base/time.ts';
import type { ComponentSpec } from '../../protocol/component/spec.ts';
import { place, type PlacementHost } from '../../protocol/placement/place.ts';
import { NOTHING_RESERVED } from '../../protocol/placement/room.ts';
import type { Slot } from '../../protocol/record/record.ts';
import { createBusyMeter, loadText, machine, type Series, table } from './figures.ts';
import type { BenchOptions } from './options.ts';
import { closeStage, openStage, sleeper, type Stage } from './stage.ts';

const HOSTS = 200;
const COMPONENTS = 500;
const INSTANCES = 10_000;
const ROUNDS = 5;
/** A stack is one record. */
const PER_STACK = 125;
const PATIENCE_MS = 300_000;

export async function benchPlan(options: BenchOptions): Promise<object> {
  const { agents, engine, tell } = options;
  const load = loadText();
  const busy = createBusyMeter();
  tell(`${INSTANCES} instances of ${COMPONENTS} components on ${HOSTS} hosts, ${ROUNDS} rounds`);
  const placed = Array.from({ length: ROUNDS }, placeAll);
  tell(`${COMPONENTS} components on ${agents} agents`);
  const stage = await openStage({ ...options, logLevel: 'warn' });
  try {
    const deployed = await deployAll(stage);
    const all = seriesOf(placed, deployed);
    tell('');
    tell(table(all));
    tell(`\nmachine ${Math.round(busy())} % busy, load before ${load}, after ${loadText()}`);
    return {
      schema: 'millrace/bench-plan/1',
      machine: machine(),
      engine: engine.kind,
      agents,
      load_before: load,
      load_after: loadText(),
      series: all,
    };
  } finally {
    await closeStage(stage);
  }
}

type Placed = { readonly firstMs: number; readonly againMs: number; readonly lostMs: number };

/** First all of it; then the same once more, as after any news; then with one host lost. */
function placeAll(): Placed {
  const loads = new Map<string, number>();
  const lost = hostId('h7');
  const hosts = (isLost: boolean): readonly PlacementHost[] =>
    Array.from({ length: HOSTS }, (_, i) => hostOf(`h${i}`, loads.get(`h${i}`) ?? 0)).map((host) =>
      isLost && host.id === lost ? { ...host, alive: false } : host,
    );
  const slots = new Map<number, readonly Slot[]>();
  const all = (isLost: boolean): number => {
    const began = performance.now();
    for (let i = 0; i < COMPONENTS; i++) {
      const current = slots.get(i) ?? [];
      const next = placeOne(i, current, hosts(isLost));
      for (const { host } of current) loads.set(host, (loads.get(host) ?? 0) - 1);
      for (const { host } of next) loads.set(host, (loads.get(host) ?? 0) + 1);
      slots.set(i, next);
    }
    return performance.now() - began;
  };
  return { firstMs: all(false), againMs: all(false), lostMs: all(true) };
}

const placeOne = (
  index: number,
  current: readonly Slot[],
  hosts: readonly PlacementHost[],
): readonly Slot[] =>
  place({
    component: componentId('bench', `c${index}`),
    spec: SPEC,
    current,
    hosts,
    leader: hostId('h0'),
    runs: () => false,
    isStuck: () => false,
    progress: () => 'none',
    reported: () => undefined,
  }).slots;

const SPEC: ComponentSpec = {
  name: 'c',
  mode: 'replicated',
  replicas: INSTANCES / COMPONENTS,
  image: 'bench:1',
  environment: {},
  ports: [],
  volumes: [],
  restart: { kind: 'always' },
  dependsOn: [],
  stopGraceMs: seconds(1),
  placement: {
    constraints: [{ kind: 'os', operator: '==', value: 'linux' }],
    reserves: { milliCpus: 10 },
    spread: [{ kind: 'label', label: 'zone' }],
  },
};

function hostOf(id: string, slotCount: number): PlacementHost {
  const zone = `z${id.length}`;
  return {
    id: hostId(id),
    name: id,
    alive: true,
    slotCount,
    portsTaken: [],
    neighbors: [],
    reserved: { ...NOTHING_RESERVED, milliCpus: 10 * slotCount },
    facts: {
      kind: 'host',
      name: id,
      agent: '1',
      engine: 'bench',
      runs: 'images',
      publishAddress: '0.0.0.0',
      cpuCount: 16,
      memoryBytes: 2 ** 36,
      os: 'linux',
      arch: 'amd64',
      labels: { zone },
    },
  };
}

type Deployed = {
  readonly committedMs: number;
  readonly runningMs: number;
  readonly cpuS: readonly number[];
  readonly rssMb: readonly number[];
};

async function deployAll(stage: Stage): Promise<Deployed> {
  const { cluster, observer, signal } = stage;
  const [first] = cluster.agents;
  if (first === undefined) throw new Error('a benchmark has at least one agent');
  const pids = cluster.agents.map(({ process }) => process?.pid ?? 0);
  const before = pids.map(cpuS);
  const began = performance.now();
  for (let stack = 0; stack < COMPONENTS / PER_STACK; stack++)
    await persist(signal, began, () =>
      first.client.deploy({ stack: stackOf(stage, stack), deploy_id: randomUUID() }, signal),
    );
  const committedMs = performance.now() - began;
  while (observer.running().length < COMPONENTS) {
    if (performance.now() - began > PATIENCE_MS)
      throw new Error(`${observer.running().length} of ${COMPONENTS} run`);
    await pause(100, undefined, { signal });
  }
  const runningMs = performance.now() - began;
  return {
    committedMs,
    runningMs,
    cpuS: pids.map((pid, at) => cpuS(pid) - (before[at] ?? 0)),
    rssMb: pids.map(rssMb),
  };
}

const stackOf = (stage: Stage, stack: number) => ({
  name: `s${stack}`,
  components: Array.from({ length: PER_STACK }, (_, i) => sleeper(stage, `c${i}`, 1)),
});

/** A cluster that has its hands full refuses, and is asked again. */
async function persist(
  signal: AbortSignal,
  began: number,
  ask: () => Promise<unknown>,
): Promise<void> {
  for (;;)
    try {
      await ask();
      return;
    } catch (error) {
      if (signal.aborted || performance.now() - began > PATIENCE_MS) throw error;
      await pause(100, undefined, { signal });
    }
}

const TICKS_PER_S = 100;
function cpuS(pid: number): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const [user, system] = fields.split(' ').slice(11, 13).map(Number);
  return ((user ?? 0) + (system ?? 0)) / TICKS_PER_S;
}

function rssMb(pid: number): number {
  const [, kib] = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (Number(kib) * 1024) / 1e6;
}

const seriesOf = (placed: readonly Placed[], deployed: Deployed): readonly Series[] => [
  { name: 'placed for the first time', unit: 'ms', values: placed.map(({ firstMs }) => firstMs) },
  { name: 'looked at again, all stays', unit: 'ms', values: placed.map(({ againMs }) => againMs) },
  { name: 'one host lost', unit: 'ms', values: placed.map(({ lostMs }) => lostMs) },
  { name: 'deploys committed', unit: 'ms', values: [deployed.committedMs] },
  { name: 'all run', unit: 'ms', values: [deployed.runningMs] },
  { name: '  CPU of an agent until then', unit: 's', values: deployed.cpuS },
  { name: '  memory of an agent, highest', unit: 'MB', values: deployed.rssMb },
];
