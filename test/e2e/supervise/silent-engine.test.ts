/** A Docker Engine that takes connections and answers nothing: `status` says so, and for how long. */
import { expect, it } from 'vitest';
import { until } from '../../../node/local/cluster.ts';
import { HANGING, StandIn } from '../../node/engine/docker/stand-in.ts';
import { loneAgent } from '../input/agentd.ts';

const TOLD_MS = 30_000;

it('is told in the status of its host, until it answers again', async () => {
  let hangs = false;
  await using docker = await StandIn.open(
    () => '1.41',
    (request) => {
      if (hangs) request.url = HANGING;
    },
  );
  const { client } = await loneAgent(['--engine', 'docker'], {
    MILLRACE_DOCKER_SOCKET: docker.socketPath,
  });
  await client.clusterInit(AbortSignal.timeout(TOLD_MS));
  const silentMs = async (): Promise<number | undefined> => {
    const { data } = await client.status(AbortSignal.timeout(TOLD_MS));
    return data.cluster.hosts[0]?.engineSilentMs;
  };
  expect(await silentMs()).toBeUndefined();
  hangs = true;
  const first = await until('the agent to say so', TOLD_MS, silentMs);
  expect(first).toBeGreaterThanOrEqual(5000);
  hangs = false;
  await until('the agent to hear it again', TOLD_MS, async () =>
    (await silentMs()) === undefined ? true : undefined,
  );
  const { data } = await client.status(AbortSignal.timeout(TOLD_MS));
  const told = data.events.filter(({ kind }) => kind === 'engine').map(({ text }) => text);
  expect(told.map((text) => text.includes('answers again'))).toEqual([false, true]);
});
