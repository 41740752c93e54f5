/** What a system costs on each host while nothing happens. */
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { meterProcess } from '../meters.ts';
import { type Scene, settled } from './rounds.ts';

export type IdleCost = {
  readonly cpuPercent: readonly number[];
  readonly rssMb: readonly number[];
  /** Of the whole host, as its network card counts, in and out. */
  readonly kbPerS: readonly number[];
};

const REPLICAS = 20;
const WARM_MS = 15_000;
const SAMPLE_MS = 1_000;

export async function idleCost(scene: Scene, measureMs: number): Promise<IdleCost> {
  const { system, lan, signal } = scene;
  await system.deploy(REPLICAS);
  await settled(scene, REPLICAS);
  await pause(WARM_MS, undefined, { signal });
  const hosts = lan.sites.map((site) => {
    const pid = system.pidOn(site);
    return { pid, meter: meterProcess(pid), from: cardOf(pid) };
  });
  const from = performance.now();
  while (performance.now() - from < measureMs) {
    await pause(SAMPLE_MS, undefined, { signal });
    for (const { meter } of hosts) meter.sample();
  }
  const seconds = (performance.now() - from) / 1000;
  const costs = hosts.map(({ pid, meter, from: before }) => ({
    ...meter.read(),
    kbPerS: (cardOf(pid) - before) / 1000 / seconds,
  }));
  await system.destroy();
  await settled(scene, 0);
  return {
    cpuPercent: costs.map(({ cpuPercent }) => cpuPercent),
    rssMb: costs.map(({ rssMb }) => rssMb),
    kbPerS: costs.map(({ kbPerS }) => kbPerS),
  };
}

/** Bytes in and out of `eth0` in the network namespace of this process. */
function cardOf(pid: number): number {
  const line = readFileSync(`/proc/${pid}/net/dev`, 'latin1')
    .split('\n')
    .find((each) => each.trim().startsWith('eth0:'));
  const fields = line?.split(':')[1]?.trim().split(/\s+/).map(Number) ?? [];
  return (fields[0] ?? 0) + (fields[8] ?? 0);
}
