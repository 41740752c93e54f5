/**
 * A strict singleton of three real agents with guards on a real Docker Engine: through stopped agents, an
 * engine that hangs and a guard that dies no two containers ever write in each other's time.
 */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadCompose } from '../../../node/compose/load.ts';
import {
  type LocalAgent,
  signalAgent,
  startLocalGuard,
  until,
} from '../../../node/local/cluster.ts';
import { runningInstances } from '../../../node/local/instances.ts';
import { agentsThat, crash, type RealCluster, restart } from '../agents/cluster.ts';
import { findDockerSocket, IMAGE, makeImage } from '../../compliance/engine/docker-ground.ts';
import { pidsOfEngine, WRITING } from './docker-ground.ts';
import { linesOf, livesOf, overlapsIn } from './lives.ts';

const socket = (await findDockerSocket()) ?? '';
const canRun = socket !== '' && process.getuid?.() === 0;
const PATIENCE_MS = 60_000;
/** Longer than any strict lease lives. */
const LAPSED_MS = 11_000;

type Ground = { readonly cluster: RealCluster; readonly file: string };

async function hostOfInstance({ cluster }: Ground): Promise<LocalAgent> {
  return until('the instance to run', PATIENCE_MS, async () => {
    const [found] = await runningInstances({ kind: 'docker', socket }, { cluster: cluster.id });
    return cluster.agents.find((agent) => cluster.hostOf(agent) === found?.owner.host);
  });
}

/** Who has written last, once there is a line after this many. */
async function writerAfter({ file }: Ground, length: number): Promise<string> {
  return until('somebody to write', PATIENCE_MS, () => {
    const lines = linesOf(file);
    return Promise.resolve(lines.length > length + 3 ? lines.at(-1)?.who : undefined);
  });
}
const writer = (ground: Ground): Promise<string> =>
  writerAfter(ground, linesOf(ground.file).length);

/** Waits for another one than this; its own lines do not count. */
const successorOf = ({ file }: Ground, former: string): Promise<true> =>
  until('a successor to write', PATIENCE_MS, () =>
    Promise.resolve(linesOf(file).at(-1)?.who !== former || undefined),
  );

type Fault = readonly [
  name: string,
  strike: (ground: Ground, host: LocalAgent, former: string) => Promise<void>,
];

const FAULTS: readonly Fault[] = [
  [
    'the agent hangs beyond V: the guard ends it, another host takes over meanwhile',
    async (ground, host, former) => {
      signalAgent(host, 'SIGSTOP');
      await successorOf(ground, former);
      signalAgent(host, 'SIGCONT');
    },
  ],
  [
    'agent and engine hang beyond V',
    async (ground, host, former) => {
      const engine = pidsOfEngine(socket) ?? [];
      signalAgent(host, 'SIGSTOP');
      for (const pid of engine) process.kill(pid, 'SIGSTOP');
      try {
        await pause(LAPSED_MS);
        const { length } = linesOf(ground.file);
        await pause(1000);
        expect(linesOf(ground.file).length).toBe(length);
      } finally {
        for (const pid of engine) process.kill(pid, 'SIGCONT');
      }
      await successorOf(ground, former);
      signalAgent(host, 'SIGCONT');
    },
  ],
  [
    'the guard dies: the agent ends it',
    async (ground, host, former) => {
      host.guard?.kill('SIGKILL');
      await successorOf(ground, former);
      startLocalGuard(ground.cluster, host);
    },
  ],
  [
    'the agent dies and comes back',
    async (ground, host, former) => {
      await crash(host);
      await restart(ground.cluster, host);
      await successorOf(ground, former);
    },
  ],
];

describe.skipIf(!canRun)('a strict singleton on Docker', () => {
  beforeAll(() => makeImage(socket), 120_000);

  it('never runs twice', { timeout: 6 * PATIENCE_MS }, async () => {
    const engine = { kind: 'docker', socket } as const;
    const cluster = await agentsThat({ count: 3, voterCount: 3, guards: true, engine });
    const { folder } = cluster.init;
    const ground = { cluster, file: join(folder, 'written') };
    const compose = JSON.stringify({
      name: 'demo',
      services: {
        one: {
          image: IMAGE,
          command: ['node', '-e', WRITING],
          volumes: [`${folder}:/out`],
          'x-millrace': { singleton: 'strict' },
        },
      },
    });
    const loaded = loadCompose(compose, { path: 'compose.yaml', dir: tmpdir(), env: {} });
    if (!loaded.ok) throw new Error(loaded.problems.map(({ message }) => message).join('; '));
    await cluster.agents[0]?.client.deploy(
      { stack: loaded.stack, deploy_id: randomUUID() },
      AbortSignal.timeout(PATIENCE_MS),
    );
    for (const [name, strike] of FAULTS) {
      const former = await writer(ground);
      await strike(ground, await hostOfInstance(ground), former);
      expect(await writer(ground), name).not.toBe(former);
    }
    const lives = livesOf(linesOf(ground.file));
    expect(overlapsIn(lives), JSON.stringify(lives)).toEqual([]);
    const terms = lives.map(({ term }) => term);
    expect(terms).toEqual(terms.toSorted((a, b) => a - b));
    expect(lives.length).toBeGreaterThan(FAULTS.length);
  });
});
