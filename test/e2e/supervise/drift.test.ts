/** What a user does to containers behind the agent's back, on a real Docker Engine: repaired, and told. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  findDockerSocket,
  IMAGE,
  makeImage,
  plainDocker,
} from '../../compliance/engine/docker-ground.ts';
import { agentctl, agentsThat } from '../agents/cluster.ts';

const socket = (await findDockerSocket()) ?? '';
const docker = plainDocker(socket);
const PATIENCE_MS = 60_000;
const SLEEP = 'process.on("SIGTERM", () => process.exit(0)); setInterval(() => {}, 1e6);';
const NETWORK = 'drifting_default';

/** The one container that runs; undefined: none, or more than one. */
async function running(): Promise<string | undefined> {
  const filters = { label: ['io.millrace.component=drifting.web'], status: ['running'] };
  const [first, ...more] = await docker.listContainers({ filters });
  return more.length === 0 ? first?.Id : undefined;
}

describe.skipIf(socket === '')('a container that others change', () => {
  beforeAll(() => makeImage(socket), 120_000);

  it('is as it was made again, and `why` says what was done', async () => {
    const cluster = await agentsThat({
      count: 1,
      voterCount: 1,
      engine: { kind: 'docker', socket },
    });
    const [agent] = cluster.agents;
    if (agent === undefined) throw new Error('there is one');
    const file = join(cluster.init.folder, 'compose.yaml');
    const web = { image: IMAGE, command: ['node', '-e', SLEEP], stop_grace_period: '5s' };
    writeFileSync(file, JSON.stringify({ name: 'drifting', services: { web } }));
    const deployed = await agentctl(agent, ['deploy', '-f', file, '--timeout', '60s']);
    expect(deployed, deployed.stderr).toMatchObject({ code: 0 });
    const why = async (): Promise<string> =>
      (await agentctl(agent, ['why', 'drifting.web', '--json'])).stdout;

    const isNew = (before: string) => async () => {
      const now = await running();
      return now !== undefined && now !== before;
    };
    const current = async (): Promise<string> => {
      await expect.poll(running, { timeout: PATIENCE_MS }).toBeDefined();
      return (await running()) ?? '';
    };
    const deeds: readonly (readonly [(id: string) => Promise<unknown>, string])[] = [
      [
        (id) => docker.getNetwork(NETWORK).disconnect({ Container: id }),
        `someone else has changed it: it has left the network ${NETWORK}`,
      ],
      [
        (id) => docker.getContainer(id).update({ CpuShares: 100 }),
        'someone else has changed it: its share of processors is 100, not any',
      ],
      [(id) => docker.getContainer(id).stop(), '; someone had its engine send SIG'],
      [
        (id) => docker.getContainer(id).remove({ force: true }),
        '; someone had its engine send SIGKILL',
      ],
    ];
    for (const [deed, words] of deeds) {
      const before = await current();
      await deed(before);
      await expect.poll(isNew(before), { timeout: PATIENCE_MS }).toBe(true);
      await expect.poll(why, { timeout: PATIENCE_MS }).toContain(words);
    }
    const { NetworkSettings } = await docker.getContainer(await current()).inspect();
    expect(Object.keys(NetworkSettings.Networks)).toEqual([NETWORK]);

    const id = await current();
    await docker.getContainer(id).pause();
    const isPaused = async () => (await docker.getContainer(id).inspect()).State.Paused;
    await expect.poll(isPaused, { timeout: PATIENCE_MS }).toBe(false);
    expect(await running()).toBe(id);
    expect(await why()).toContain('frozen by someone else, and told to go on');
  });
});
