/** What the service manager hears of an agent, on a real socket. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { AgentStopBody } from '../../../node/http/api.ts';
import { type LocalAgent, signalAgent, until } from '../../../node/local/cluster.ts';
import { loneAgent, makeFolder } from '../input/agentd.ts';
import { type Datagrams, receiveDatagrams } from './datagrams.ts';

const SAID_MS = 20_000;
/** In µs, as systemd says it; fed four times as often. */
const WATCHDOG = 2_000_000;

/** Everything up to and with `wanted`, which has to come. */
async function heard(manager: Datagrams, wanted: string): Promise<readonly string[]> {
  const all: string[] = [];
  return until(`the word ${wanted}`, SAID_MS, async () => {
    all.push(...manager.take());
    return all.includes(wanted) ? all : undefined;
  });
}

it('tells that it serves, what it is, that it goes on, and that it ends', async () => {
  const path = join(makeFolder(), 'notify');
  using manager = receiveDatagrams(path);
  const agent = await loneAgent([], { NOTIFY_SOCKET: path, WATCHDOG_USEC: String(WATCHDOG) });

  // Before it belongs to a cluster.
  expect(await heard(manager, 'READY=1')).toEqual([
    'STATUS=belongs to no cluster: npx agentctl cluster init, or join',
    'READY=1',
  ]);
  await heard(manager, 'WATCHDOG=1');

  await agent.client.clusterInit(AbortSignal.timeout(SAID_MS));
  const { cluster } = await agent.client.cluster(AbortSignal.timeout(SAID_MS));
  await heard(manager, `STATUS=agent of the cluster ${cluster}`);
  manager.take();
  for (let i = 0; i < 3; i++) await heard(manager, 'WATCHDOG=1');

  signalAgent(agent, 'SIGTERM');
  expect((await heard(manager, 'STOPPING=1')).at(-1)).toBe('STOPPING=1');
  expect(await exitCodeOf(agent)).toBe(0);
});

/** As `RestartPreventExitStatus=` of the unit. */
const STOPPED = 3;

type StopRow = readonly [AgentStopBody, number, string];
it.each([
  [{}, STOPPED, 'ends so that the service manager does not start it anew, when a user stops it'],
  [{ returns: true }, 0, 'ends so that it is started anew, when another agent takes its place'],
] as readonly StopRow[])('asked %j it exits with %i: %s', async (asked, code) => {
  const path = join(makeFolder(), 'notify');
  using manager = receiveDatagrams(path);
  const agent = await loneAgent([], { NOTIFY_SOCKET: path });
  await heard(manager, 'READY=1');
  await agent.client.agentStop(asked, AbortSignal.timeout(SAID_MS));
  expect(await exitCodeOf(agent)).toBe(code);
});

const exitCodeOf = ({ process: child }: LocalAgent): Promise<number> =>
  until('the agent to end', SAID_MS, async () => child?.exitCode ?? undefined);
