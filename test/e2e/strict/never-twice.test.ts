/**
 * A strict singleton on real agents with guards: its instance writes the machine's uptime, its term and
 * its pid to one file ten times a second, while agents, guards and the instance are stopped and killed.
 * No two instances ever write in each other's time.
 *
 * `MILLRACE_STRICT_ROUNDS` says how many faults there are; CI asks for thirty.
 */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { loadCompose } from '../../../node/compose/load.ts';
import {
  type LocalAgent,
  signalAgent,
  startLocalGuard,
  until,
} from '../../../node/local/cluster.ts';
import { runningInstances } from '../../../node/local/instances.ts';
import { agentsThat, crash, type RealCluster, restart } from '../agents/cluster.ts';
import { linesOf, livesOf, overlapsIn } from './lives.ts';

const ROUNDS = Number(process.env['MILLRACE_STRICT_ROUNDS'] ?? 4);
/** Prime to the number of faults: each cluster meets them all. */
const CLUSTERS = 3;
const PATIENCE_MS = 60_000;
/** Longer than any strict lease lives. */
const LAPSED_MS = 11_000;

const writing = (file: string): string =>
  `while :; do read up rest </proc/uptime; echo "$up $MILLRACE_TERM $$" >>${file}; sleep 0.1; done`;

type Ground = { readonly cluster: RealCluster; readonly file: string };

async function hostOfInstance({ cluster }: Ground): Promise<LocalAgent> {
  return until('the instance to run', PATIENCE_MS, async () => {
    const [found] = await runningInstances({ kind: 'process' }, { cluster: cluster.id });
    return cluster.agents.find((agent) => cluster.hostOf(agent) === found?.owner.host);
  });
}

/** Somebody writes again. */
async function writesOn({ file }: Ground): Promise<void> {
  const { length } = linesOf(file);
  await until('somebody to write', PATIENCE_MS, () =>
    Promise.resolve(linesOf(file).length > length + 3 ? true : undefined),
  );
}

type Fault = (ground: Ground, host: LocalAgent) => Promise<void>;

const FAULTS: readonly Fault[] = [
  // The agent hangs beyond V: its guard ends the instance, another host takes over meanwhile.
  async (ground, host) => {
    signalAgent(host, 'SIGSTOP');
    await pause(LAPSED_MS);
    await writesOn(ground);
    signalAgent(host, 'SIGCONT');
  },
  async ({ cluster }, host) => {
    host.guard?.kill('SIGKILL');
    await pause(200);
    startLocalGuard(cluster, host);
  },
  async ({ cluster }, host) => {
    await crash(host);
    await restart(cluster, host);
  },
  async (_ground, host) => {
    host.guard?.kill('SIGSTOP');
    await pause(3000);
    host.guard?.kill('SIGCONT');
  },
  // Both: the guard's hang is shorter than F.
  async (ground, host) => {
    signalAgent(host, 'SIGSTOP');
    await pause(8000);
    host.guard?.kill('SIGSTOP');
    await pause(400);
    host.guard?.kill('SIGCONT');
    await pause(LAPSED_MS - 8400);
    await writesOn(ground);
    signalAgent(host, 'SIGCONT');
  },
  async ({ cluster, file }, host) => {
    const { length } = linesOf(file);
    await crash(host);
    await until('another host to take over', PATIENCE_MS, () =>
      Promise.resolve(
        new Set(
          linesOf(file)
            .slice(length)
            .map(({ term }) => term),
        ).size > 1 || undefined,
      ),
    );
    await restart(cluster, host);
  },
  async ({ file }) => {
    const pid = linesOf(file).at(-1)?.who;
    if (pid !== undefined) process.kill(Number(pid), 'SIGKILL');
  },
];

/** A cluster of its own with one strict instance that writes. */
async function prepared(): Promise<Ground> {
  const cluster = await agentsThat({ count: 3, voterCount: 3, guards: true });
  const file = join(cluster.init.folder, 'written');
  const compose = JSON.stringify({
    name: 'demo',
    services: {
      one: {
        command: ['/bin/sh', '-c', writing(file).replaceAll('$', () => '$$')],
        'x-millrace': { singleton: 'strict' },
      },
    },
  });
  const loaded = loadCompose(compose, { path: 'compose.yaml', dir: tmpdir(), env: {} });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('; '));
  const [first] = cluster.agents;
  await first?.client.deploy(
    { stack: loaded.stack, deploy_id: randomUUID() },
    AbortSignal.timeout(PATIENCE_MS),
  );
  const ground = { cluster, file };
  await writesOn(ground);
  return ground;
}

/** Most of a round is waiting, so several clusters take turns at the rounds. */
async function struck(ground: Ground, turn: number): Promise<void> {
  for (let round = turn; round < ROUNDS; round += CLUSTERS) {
    const fault = FAULTS[round % FAULTS.length];
    await fault?.(ground, await hostOfInstance(ground));
    await writesOn(ground);
  }
}

it(
  `no two instances ever overlap, through ${ROUNDS} faults`,
  async () => {
    const grounds: Ground[] = [];
    while (grounds.length < CLUSTERS) grounds.push(await prepared());
    await Promise.all(grounds.map(struck));
    for (const { file } of grounds) {
      const lives = livesOf(linesOf(file));
      expect(overlapsIn(lives), JSON.stringify(lives)).toEqual([]);
      const terms = lives.map(({ term }) => term);
      expect(terms).toEqual(terms.toSorted((a, b) => a - b));
      expect(lives.length).toBeGreaterThanOrEqual(Math.min(Math.floor(ROUNDS / CLUSTERS), 3));
    }
  },
  ROUNDS * 60_000 + 60_000,
);
