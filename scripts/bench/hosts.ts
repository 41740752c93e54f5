/**
 * `npm run bench -- hosts`: five hosts with a Docker Engine each, ours and Docker's swarm mode in turn on
 * the same engines, seen by the same observer; and Serf's detection where it is installed.
 */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aligned, createBusyMeter, loadText, machine, median, worst } from './figures.ts';
import { closeEngine, type Host, openEngine } from './hosts/engines.ts';
import { idleCost } from './hosts/idle.ts';
import { closeLan, type Lan, openLan, type Site } from './hosts/lan.ts';
import { type Millrace, openMillrace } from './hosts/millrace.ts';
import { cutRounds, deployRounds, killRounds, type Scene } from './hosts/rounds.ts';
import { hasSerf, serfRounds } from './hosts/serf.ts';
import { openSwarm } from './hosts/swarm.ts';
import type { Net, System } from './hosts/system.ts';
import { createObserver } from './observer.ts';
import { type BenchOptions, UsageError } from './options.ts';
import { linesAfter, type Phases, phasesOf, phaseTable } from './phases.ts';

export const HOSTS_PARTS = ['deploy', 'killed', 'cut', 'led', 'idle', 'serf'] as const;
type Part = (typeof HOSTS_PARTS)[number];

/** Raw values, by what was measured, then by system. */
type Values = Record<string, Record<string, readonly number[]>>;
type Run = {
  readonly options: BenchOptions;
  readonly lan: Lan;
  readonly hosts: readonly Host[];
  readonly values: Values;
  readonly told: { readonly cut: Told[]; readonly led: Told[] };
};
/** What our agents' logs say of one cut: when the last of them knew, and where the time went. */
type Told = { readonly knownMs: number; readonly phases: Phases };

const HOSTS = 5;
const FEW = 5;
const MANY = 50;
const NETS: readonly (readonly [Net, string])[] = [
  ['bridge', "on the engine's bridge"],
  ['own', 'on a network of their own'],
];
/** A deployment of many takes long to clear away, and varies little. */
const DEPLOYS_MAX = 5;

export async function benchHosts(options: BenchOptions): Promise<object> {
  const { tell } = options;
  requireEngine();
  const busy = createBusyMeter();
  const load = loadText();
  const folder = mkdtempSync(join(tmpdir(), 'mr-lan-'));
  const lan = openLan(folder, HOSTS);
  const hosts: Host[] = [];
  const values: Values = {};
  const told: Run['told'] = { cut: [], led: [] };
  const run: Run = { options, lan, hosts, values, told };
  try {
    for (const site of lan.sites) hosts.push(await openEngine(site));
    tell(`${HOSTS} hosts with ${await versionOf(hosts)} each`);
    await measureSwarm(run);
    await measureMillrace(run);
    if (isAsked(options, 'serf')) await measureSerf(run);
  } finally {
    for (const host of hosts) await closeEngine(host);
    closeLan(lan);
    rmSync(folder, { recursive: true, force: true });
  }
  tell('');
  tell(tableOf(values));
  for (const [part, cuts] of Object.entries(told)) {
    if (cuts.length === 0) continue;
    tell(`\nMillrace, ${part}: what the agents' logs say\n`);
    tell(phaseTable(cuts.map(({ phases }) => phases)));
  }
  const busyPercent = Math.round(busy());
  tell(`\nmachine ${busyPercent} % busy, load before ${load}, after ${loadText()}`);
  return {
    schema: 'millrace/bench-hosts/1',
    machine: machine(),
    hosts: HOSTS,
    busy_percent: busyPercent,
    load_before: load,
    load_after: loadText(),
    values: rounded(values),
    phases: {
      cut: told.cut.map(({ phases }) => phases),
      led: told.led.map(({ phases }) => phases),
    },
  };
}

function requireEngine(): void {
  const isThere = spawnSync('dockerd', ['--version']).status === 0;
  if (isThere && process.getuid?.() === 0) return;
  throw new UsageError(
    'cannot make five hosts on this machine',
    isThere ? 'network namespaces need root' : 'dockerd is not installed',
    isThere ? 'sudo npm run bench -- hosts' : 'scripts/engine.sh install',
  );
}

const isAsked = ({ only }: BenchOptions, part: Part): boolean =>
  only === undefined || only.includes(part);

async function versionOf([first]: readonly Host[]): Promise<string> {
  const version = (await first?.docker.version()) as { readonly Version?: string } | undefined;
  return `Docker ${version?.Version ?? 'of no version'}`;
}

async function measureSwarm(run: Run): Promise<void> {
  const mark = randomUUID();
  const system = await openSwarm(run.hosts, mark);
  try {
    await measure(run, system, mark);
  } finally {
    await system.close();
  }
}

async function measureMillrace(run: Run): Promise<void> {
  const mark = randomUUID();
  const system = await openMillrace(run.hosts, mark, run.options.agentd);
  try {
    await measure(run, system, mark, watchLogs(system, run));
    const known = Object.values(run.told).flatMap((cuts) => cuts.map(({ knownMs }) => knownMs));
    if (known.length > 0) note(run.values, KNOWN, system.name, known);
  } finally {
    await system.close();
  }
}

async function measure(
  run: Run,
  system: System,
  mark: string,
  aroundCut?: Scene['aroundCut'],
): Promise<void> {
  const { options, lan, values } = run;
  const { rounds, signal, tell, measureMs } = options;
  const scene: Scene = {
    lan,
    system,
    observer: createObserver(mark),
    signal,
    tell,
    ...(aroundCut === undefined ? {} : { aroundCut }),
  };
  const take = async (
    part: Part,
    name: string,
    work: () => Promise<readonly number[]>,
  ): Promise<void> => {
    if (!isAsked(options, part)) return;
    tell(`${system.name}: ${name}`);
    const found = await work();
    note(values, name, system.name, found);
    tell(`  median ${shownAs(name)(median(found))}, worst ${shownAs(name)(worst(found))}`);
  };
  for (const [net, where] of NETS)
    for (const replicas of [FEW, MANY])
      await take('deploy', `${replicas} instances asked for, ${where} → all run`, () =>
        deployRounds(scene, { replicas, net }, Math.min(DEPLOYS_MAX, rounds)),
      );
  await take('killed', 'container killed → runs again', () => killRounds(scene, rounds));
  await take('cut', 'host cut off → runs elsewhere', () => cutRounds(scene, rounds, false));
  await take('led', "leader's host cut off → runs elsewhere", () => cutRounds(scene, rounds, true));
  if (!isAsked(options, 'idle')) return;
  tell(`${system.name}: idle for ${measureMs / 1000} s`);
  const { cpuPercent, rssMb, kbPerS } = await idleCost(scene, measureMs);
  note(values, 'idle: CPU, % of one core', system.name, cpuPercent);
  note(values, 'idle: memory (RSS), MB', system.name, rssMb);
  note(values, 'idle: network of the host, KB/s', system.name, kbPerS);
}

async function measureSerf({ options, lan, values }: Run): Promise<void> {
  const { rounds, signal, tell } = options;
  if (!hasSerf()) return tell('Serf is not installed: skipped (apt-get install serf)');
  tell(`Serf: ${KNOWN}`);
  note(values, KNOWN, 'Serf', await serfRounds(lan, rounds, signal));
}

const KNOWN = 'host cut off → every other host knows';

function watchLogs(
  { logs, idOf, leader }: Millrace,
  { told }: Run,
): NonNullable<Scene['aroundCut']> {
  return async (site: Site) => {
    const host = await idOf(site);
    const list = (await leader()) === site ? told.led : told.cut;
    const marks = new Map(
      [...logs].flatMap(([name, file]) =>
        name === site.name ? [] : [[file, statSync(file).size] as const],
      ),
    );
    const cutAt = Date.now();
    return () => {
      const knownMs = [...marks].map(([file, from]) => {
        const line = linesAfter(file, from).find(
          ({ topic, msg, about }) =>
            topic === 'health' &&
            msg?.startsWith('dead') === true &&
            about?.includes(host) === true,
        );
        return line === undefined ? Infinity : Date.parse(line.time) - cutAt;
      });
      const phases = phasesOf(marks, cutAt, { host, component: 'bench.sleeper' });
      list.push({ knownMs: Math.max(...knownMs), phases });
    };
  };
}

function note(values: Values, name: string, system: string, found: readonly number[]): void {
  (values[name] ??= {})[system] = found;
}

function tableOf(values: Values): string {
  const systems = [...new Set(Object.values(values).flatMap((each) => Object.keys(each)))].sort();
  const rows = Object.entries(values).map(([name, found]) => {
    const cells = systems.flatMap((system) => {
      const series = found[system];
      return series === undefined ? ['–', '–'] : [median(series), worst(series)].map(shownAs(name));
    });
    return [name, ...cells];
  });
  const titles = systems.flatMap((system) => [`${system}: median`, 'worst']);
  return aligned([['', ...titles], ...rows]);
}

const shownAs = (name: string) => (value: number) =>
  name.startsWith('idle') ? value.toFixed(1) : `${(value / 1000).toFixed(2)} s`;

const rounded = (values: Values): Values =>
  Object.fromEntries(
    Object.entries(values).map(([name, found]) => [
      name,
      Object.fromEntries(
        Object.entries(found).map(([system, series]) => [
          system,
          series.map((value) => Number(value.toFixed(1))),
        ]),
      ),
    ]),
  );
