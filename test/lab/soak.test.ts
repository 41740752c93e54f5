/**
 * Random faults, each drawn from a seed that is printed, on at most two hosts at a time. When all is healed
 * every invariant is read from the hosts themselves. Of h1 only links and containers are broken: its agent
 * lives through all of it, and its heap is measured before and after.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { cut, freeze, heal, kill, lose, oneWay, power, slow } from '../../node/local/lab/faults.ts';
import { execIn, type Lab, until } from '../../node/local/lab/lab.ts';
import { below, createPrng, pick, type Prng, within } from '../../protocol/base/prng.ts';
import { linesIn, livesOf, overlapsIn } from '../e2e/strict/lives.ts';
import {
  agentctl,
  allAgree,
  containersOn,
  deploy,
  formedLab,
  IS_FULL,
  namesOf,
  runOnce,
  said,
  slots,
  wipe,
} from './machines.ts';

const SOAK_MS = Number(process.env['MILLRACE_SOAK_MINUTES'] ?? 30) * 60_000;
const SEED = Number(process.env['MILLRACE_SOAK_SEED'] ?? Math.floor(Math.random() * 1e6));
/** After the last fault: backoffs of up to a minute, hosts that were unsteady and wait for their turn. */
const CALM_MS = 300_000;
/** How often the heap is read: what is not collected yet is in it too, so the least of some counts. */
const HEAP_LOOK_MS = 30_000;
/** Of the second half's least to the first half's: tables and logs fill up to their bounds. */
const HEAP_GROWTH_MAX = 1.3;
const REPLICAS = 6;
const JOB = 'soak.job.1';
const EXPECTED = [JOB, ...slots('soak.web', REPLICAS)];

const stackOf = (version: number): string => `name: soak
services:
  web:
    image: millrace/busybox:test
    command: [sleep, '1000000']
    environment: { VERSION: '${version}' }
    stop_grace_period: 1s
    healthcheck: { test: [CMD, 'true'], interval: 2s, timeout: 2s, retries: 3 }
    deploy: { replicas: ${REPLICAS} }
    x-millrace: { on_heal: keep_oldest }
  job:
    image: millrace/busybox:test
    command:
      - sh
      - -c
      - 'while :; do read up rest </proc/uptime; echo "$$up $$MILLRACE_TERM $$HOSTNAME" >>/lives/lines; sleep 0.1; done'
    volumes: ['/root/lives:/lives']
    x-millrace: { singleton: strict }
`;

type Ground = { readonly lab: Lab; readonly names: readonly string[]; readonly prng: Prng };
/** Begins it on a host, and tells how to end it; nothing where it is over at once. */
type Deed = {
  readonly begin: (ground: Ground, host: string) => Promise<(() => Promise<void>) | undefined>;
  /** The agent of that host goes on. */
  readonly sparesAgent: boolean;
};

const lasting = (begin: Begin, end: Begin, sparesAgent: boolean): Deed => ({
  begin: async ({ lab }, host) => {
    await begin(lab, host);
    return () => end(lab, host);
  },
  sparesAgent,
});
type Begin = (lab: Lab, host: string) => Promise<void>;

const once = (script: string, sparesAgent: boolean): Deed => ({
  begin: async ({ lab }, host) => {
    await execIn(lab, host, ['sh', '-c', script]);
    return undefined;
  },
  sparesAgent,
});

const DEEDS: Readonly<Record<string, Deed>> = {
  cut: lasting(cut, heal, true),
  kill: lasting(kill, power, false),
  freeze: {
    begin: async ({ lab }, host) => {
      // Freezing a machine reaches the guard and not what it guards (docs/lab.md): nothing to prove.
      const there = await containersOn(lab, [host]);
      if (there.some(({ instance }) => instance === JOB)) return undefined;
      await freeze(lab, host);
      return () => heal(lab, host);
    },
    sparesAgent: false,
  },
  slow: lasting(slow, heal, true),
  loss: lasting((lab, host) => lose(lab, host, 0.3), heal, true),
  'one-way': {
    begin: async ({ lab, names, prng }, host) => {
      const deaf = pick(
        prng,
        names.filter((name) => name !== host),
      );
      await oneWay(lab, host, deaf);
      return () => heal(lab, deaf);
    },
    sparesAgent: true,
  },
  agent: once('systemctl kill --signal=KILL agentd', false),
  restart: once('systemctl restart agentd', false),
  guard: once('systemctl kill --signal=KILL agentd-guard', true),
  engine: once('systemctl restart docker', true),
  containers: once('docker ps -q --filter label=used-by=millrace | xargs -r docker kill', true),
};

const say = (line: string): void => console.error(line);

/** One round: something befalls one host or two, a user deploys now and then, and it ends. */
async function round(ground: Ground, version: number): Promise<void> {
  const { lab, names, prng } = ground;
  const [spared = '', ...others] = names;
  const hosts = shuffled(prng, below(prng, 3) === 0 ? names : others).slice(0, 1 + below(prng, 2));
  const ends: (() => Promise<void>)[] = [];
  for (const host of hosts) {
    const kinds = Object.keys(DEEDS).filter(
      (kind) => host !== spared || DEEDS[kind]?.sparesAgent === true,
    );
    const kind = pick(prng, kinds);
    say(`${new Date().toISOString().slice(11, 19)}  ${kind} ${host}`);
    const well = names.filter((name) => !hosts.includes(name));
    const end = await DEEDS[kind]?.begin({ ...ground, names: well }, host);
    if (end !== undefined) ends.push(end);
  }
  if (below(prng, 3) === 0) {
    const [asked = ''] = names.filter((name) => !hosts.includes(name));
    const { code } = await deploy(lab, asked, stackOf(version), '--timeout', '5s');
    say(`          deploy by ${asked}: ${code}`);
    expect([0, 3, 6, 7]).toContain(code);
  }
  await pause(within(prng, 1_000, 8_000));
  for (const end of ends) await end();
  await pause(within(prng, 0, 6_000));
}

function shuffled<T>(prng: Prng, list: readonly T[]): readonly T[] {
  return list
    .map((each) => ({ each, key: below(prng, 2 ** 30) }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ each }) => each);
}

type Heap = { readonly pid: string; readonly mib: number };

async function heapOf(lab: Lab, name: string): Promise<Heap> {
  const text = (await agentctl(lab, name, 'doctor', 'net')).stdout.replaceAll(/\s+/g, ' ');
  const [, pid = '', mib] = /pid (\d+),.* ([\d.]+) MiB of it heap/.exec(text) ?? [];
  return { pid, mib: Number(mib) };
}

/** Storms until the time is up; what the heap of the one that is spared came to meanwhile. */
async function storm(ground: Ground, ms: number): Promise<readonly Heap[]> {
  const { lab, names } = ground;
  const heaps: Heap[] = [];
  const begun = performance.now();
  for (let version = 1; performance.now() - begun < ms; version++) {
    if (performance.now() - begun >= heaps.length * HEAP_LOOK_MS)
      heaps.push(await heapOf(lab, names[0] ?? ''));
    await round(ground, version);
  }
  return heaps;
}

function expectFlat(heaps: readonly Heap[]): void {
  say(`heap, MiB: ${heaps.map(({ mib }) => mib).join(' ')}`);
  expect(new Set(heaps.map(({ pid }) => pid)).size).toBe(1);
  const middle = Math.floor(heaps.length / 2);
  const least = (some: readonly Heap[]): number => Math.min(...some.map(({ mib }) => mib));
  expect(least(heaps.slice(middle))).toBeLessThan(least(heaps.slice(0, middle)) * HEAP_GROWTH_MAX);
}

async function linesOn(lab: Lab, name: string, ...words: readonly string[]) {
  const { stdout } = await execIn(lab, name, ['docker', ...words]);
  return stdout.split('\n').filter((line) => line !== '');
}

/** Of one machine, by its own engine: nothing is left but what runs, and that is well. */
async function expectTidy(lab: Lab, name: string): Promise<void> {
  const running = (await containersOn(lab, [name])).map(({ id }) => id).toSorted();
  await until(`nothing that has ended to be left on ${name}`, CALM_MS, async () => {
    const all = await linesOn(lab, name, 'ps', '-aq', '--no-trunc');
    return all.toSorted().join() === running.join() ? true : undefined;
  });
  for (const id of running) {
    const health = '{{if .State.Health}}{{.State.Health.Status}}{{else}}healthy{{end}}';
    expect(await linesOn(lab, name, 'inspect', '--format', health, id)).toEqual(['healthy']);
  }
  // One of a stack is there as long as a container is on it, and is swept some time after the last.
  const networks = ['bridge', 'host', 'none', ...(running.length > 0 ? ['soak_default'] : [])];
  await until(`the networks of ${name} to be ${networks.join(' ')}`, CALM_MS, async () => {
    const there = await linesOn(lab, name, 'network', 'ls', '--format', '{{.Name}}');
    return there.toSorted().join() === networks.join() ? true : undefined;
  });
  expect(await linesOn(lab, name, 'volume', 'ls', '-q')).toEqual([]);
}

test.runIf(IS_FULL)(
  'a soak of random faults: then all runs once, is well, and nothing is left behind',
  async () => {
    say(`seed ${SEED}: MILLRACE_SOAK_SEED=${SEED} draws the same faults`);
    const lab = await formedLab();
    const names = namesOf(lab);
    const [first = ''] = names;
    // Hosts that were unsteady are given slots last for a while: nothing for other tests to begin with.
    onTestFinished(() => wipe(lab));
    await Promise.all(
      names.map((name) => execIn(lab, name, ['sh', '-c', 'rm -rf /root/lives; mkdir /root/lives'])),
    );
    expect(await deploy(lab, first, stackOf(0))).toMatchObject({ code: 0 });
    await runOnce(lab, names, EXPECTED);
    const before = await heapOf(lab, first);
    const during = await storm({ lab, names, prng: createPrng(SEED) }, SOAK_MS);

    await allAgree(lab, names, CALM_MS);
    expect(await deploy(lab, first, stackOf(-1), '--timeout', '5m')).toMatchObject({ code: 0 });
    await runOnce(lab, names, EXPECTED, CALM_MS);
    expect((await agentctl(lab, first, 'wait', '--for', 'converged')).code).toBe(0);
    for (const name of names) await expectTidy(lab, name);
    const texts = await Promise.all(
      names.map(async (name) => (await execIn(lab, name, ['cat', '/root/lives/lines'])).stdout),
    );
    const lives = livesOf(linesIn(texts.join('')).toSorted((a, b) => a.at - b.at));
    say(`the strict singleton had ${lives.length} lives`);
    expect(overlapsIn(lives)).toEqual([]);

    expectFlat([before, ...during, await heapOf(lab, first)]);
    await said(lab, first, 'destroy', 'soak', '--yes');
    await runOnce(lab, names, []);
    for (const name of names) await expectTidy(lab, name);
  },
  SOAK_MS + 4 * CALM_MS,
);
