/** `npm run bench -- idle`: what an agent costs while nothing happens. */
import { setTimeout as pause } from 'node:timers/promises';
import { createBusyMeter, loadText, machine, type Series, table } from './figures.ts';
import { type Cost, meterAgent } from './meters.ts';
import type { BenchOptions } from './options.ts';
import { closeStage, deploy, openStage, sleeper, type Stage } from './stage.ts';

/** Four components of as many slots: leases, and slots on every host. */
const COMPONENTS = ['a', 'b', 'c', 'd'];
/** What starting, joining and deploying left to do has been done. */
const WARM_MS = 15_000;
const SAMPLE_MS = 1_000;

export async function benchIdle(options: BenchOptions): Promise<object> {
  const { agents, engine, instances, measureMs, tell } = options;
  const stage = await openStage({ ...options, logLevel: 'info' });
  try {
    await deploy(stage, { name: 'idle', components: components(stage, instances) });
    tell(`${agents} agents, ${instances} instances; ${WARM_MS / 1000} s to calm down`);
    await pause(WARM_MS, undefined, { signal: options.signal });
    tell(`measuring for ${measureMs / 1000} s`);
    const load = loadText();
    const busy = createBusyMeter();
    const costs = await measure(stage, measureMs);
    const busyPercent = Math.round(busy());
    const all = seriesOf(costs);
    tell('');
    tell(table(all));
    tell('\none value per agent; bytes as IP packets carry them, in and out together');
    tell(`machine ${busyPercent} % busy, load before ${load}, after ${loadText()}`);
    return {
      schema: 'millrace/bench-idle/1',
      machine: machine(),
      engine: engine.kind,
      agentd: options.agentd === undefined ? 'sources' : 'bundle',
      agents,
      instances,
      seconds: measureMs / 1000,
      busy_percent: busyPercent,
      load_before: load,
      load_after: loadText(),
      series: all.map(({ values, ...rest }) => ({
        ...rest,
        values: values.map((value) => Number(value.toFixed(3))),
      })),
    };
  } finally {
    await closeStage(stage);
  }
}

const components = (stage: Stage, instances: number) =>
  COMPONENTS.map((name) => sleeper(stage, name, instances / COMPONENTS.length));

async function measure(stage: Stage, measureMs: number): Promise<readonly Cost[]> {
  const meters = stage.cluster.agents.map((agent) => meterAgent(agent.process?.pid ?? 0));
  const end = performance.now() + measureMs;
  while (performance.now() < end) {
    await pause(SAMPLE_MS, undefined, { signal: stage.signal });
    for (const meter of meters) meter.sample();
  }
  return meters.map((meter) => meter.read());
}

const seriesOf = (costs: readonly Cost[]): readonly Series[] => [
  {
    name: 'CPU, of one core',
    unit: '%',
    values: costs.map(({ cpuPercent }) => cpuPercent),
    aim: { median: 1 },
  },
  {
    name: 'memory (RSS), highest seen',
    unit: 'MB',
    values: costs.map(({ rssMb }) => rssMb),
    aim: { median: 120 },
  },
  {
    name: 'network with TCP/IP headers',
    unit: 'KB/s',
    values: costs.map(({ wireKbPerS }) => wireKbPerS),
    aim: { median: 15 },
  },
  { name: '  payload', unit: 'KB/s', values: costs.map(({ payloadKbPerS }) => payloadKbPerS) },
  { name: '  packets', unit: '/s', values: costs.map(({ packetsPerS }) => packetsPerS) },
];
