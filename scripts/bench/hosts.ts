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
import type { System } from './hosts/system.ts';
import { createObserver } from './observer.ts';
import { type BenchOptions, UsageError } from './options.ts';
import { linesAfter } from './phases.ts';

export const HOSTS_PARTS = ['deploy', 'killed', 'cut', 'led', 'idle', 'serf'] as const;
type Part = (typeof HOSTS_PARTS)[number];

/** Raw values, by what was measured, then by system. */
type Values = Record<string, Record<string, readonly number[]>>;
type Run = {
  readonly options: BenchOptions;
  readonly lan: Lan;
  readonly hosts: readonly Host[];
  readonly values: Values;
};

const HOSTS = 5;
const FEW = 5;
const MANY = 50;

export async function benchHosts(options: BenchOptions): Promise<object> {
  const { tell } = options;
  requireEngine();
  const busy = createBusyMeter();
  const load = loadText();
  const folder = mkdtempSync(join(tmpdir(), 'mr-lan-'));
  const lan = openLan(folder, HOSTS);
  const hosts: Host[] = [];
  const values: Values = {};
  const run: Run = { options, lan, hosts, values };
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
  const known: number[] = [];
  try {
    const watch = watchLogs(system, known);
    await measure(run, system, mark, watch);
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
    note(values, name, system.name, await work());
  };
  await take('deploy', `${FEW} instances asked for → all run`, () =>
    deployRounds(scene, FEW, rounds),
  );
  await take('deploy', `${MANY} instances asked for → all run`, () =>
    deployRounds(scene, MANY, rounds),
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

/** When the last of the other agents wrote that it takes the host for dead. */
function watchLogs({ logs, idOf }: Millrace, known: number[]): NonNullable<Scene['aroundCut']> {
  return async (site: Site) => {
    const id = await idOf(site);
    const others = [...logs].filter(([name]) => name !== site.name);
    const marks = others.map(([, file]) => [file, statSync(file).size] as const);
    const cutAt = Date.now();
    return () => {
      const said = marks.map(([file, from]) =>
        linesAfter(file, from).find(
          ({ topic, msg, about }) =>
            topic === 'health' && msg?.startsWith('dead') === true && about?.includes(id) === true,
        ),
      );
      if (said.every((line) => line !== undefined))
        known.push(Math.max(...said.map(({ time }) => Date.parse(time) - cutAt)));
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
