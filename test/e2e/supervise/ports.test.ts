/** Ports without a number: each instance has its own in the cluster, and keeps it wherever it runs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { LAN } from '../../../protocol/config.ts';
import type { InstanceView } from '../../../protocol/view/view.ts';
import { type LocalAgent, until } from '../../../node/local/cluster.ts';
import { killInstance, runningInstances } from '../../../node/local/instances.ts';
import { agentctl, type RealCluster, threeAgents, viewOf } from '../agents/cluster.ts';

const ENGINE = { kind: 'process' } as const;
const MOVE_MS = 60_000;
const CALL_MS = 5000;

/** Answers with its own name where it was told to listen. */
const SERVER = `
const { MILLRACE_COMPONENT: name, MILLRACE_SLOT: slot } = process.env;
require('http').createServer((_, answer) => answer.end(name + '.' + slot))
  .listen(process.env.MILLRACE_PORT_80, process.env.MILLRACE_PUBLISH_ADDRESS);
`;

type Published = {
  readonly published?: number;
  readonly replicas: number;
  readonly version?: string;
};

async function deploy(
  { cluster, asked }: { readonly cluster: RealCluster; readonly asked: LocalAgent },
  stack: string,
  { published, replicas, version = '1' }: Published,
): Promise<void> {
  const server = join(cluster.init.folder, 'server.cjs');
  writeFileSync(server, SERVER);
  const path = join(cluster.init.folder, `${stack}.yaml`);
  const text = {
    name: stack,
    services: {
      web: {
        command: [process.execPath, server],
        environment: { VERSION: version },
        ports: [{ target: 80, mode: 'host', ...(published !== undefined && { published }) }],
        stop_grace_period: '1s',
        deploy: { replicas, update_config: { monitor: '200ms' } },
        'x-millrace': {
          heartbeat: { path: '/', every: '200ms', timeout: '1s', miss: 5, start_period: '5s' },
        },
      },
    },
  };
  // JSON is YAML.
  writeFileSync(path, JSON.stringify(text));
  const told = await agentctl(asked, ['deploy', '-f', path, '--no-wait']);
  expect(told, told.stderr).toMatchObject({ code: 0 });
}

const isWell = ({ state, health }: InstanceView): boolean =>
  state === 'running' && health === 'healthy';

/** What is well of both stacks, as this agent sees it. */
async function wellOn(agent: LocalAgent): Promise<ReadonlyMap<string, InstanceView>> {
  const view = await viewOf(agent);
  const slots = (view?.stacks ?? [])
    .flatMap(({ components }) => components)
    .flatMap(({ id, slots: all }) =>
      all.map(({ slot, instance }) => ({ name: `${id}.${slot}`, instance })),
    );
  return new Map(
    slots.flatMap(({ name, instance }) =>
      instance !== undefined && isWell(instance) ? [[name, instance]] : [],
    ),
  );
}
const numbersOf = (well: ReadonlyMap<string, InstanceView>): Record<string, number | undefined> =>
  Object.fromEntries([...well].map(([name, { ports }]) => [name, ports[0]?.published]));

const toBe = (
  agent: LocalAgent,
  what: string,
  are: (well: ReadonlyMap<string, InstanceView>) => boolean,
): Promise<ReadonlyMap<string, InstanceView>> =>
  until(what, MOVE_MS, async () => {
    const well = await wellOn(agent);
    return are(well) ? well : undefined;
  });

/** What each says of itself at the address that `ps` shows. */
async function answersOf(
  well: ReadonlyMap<string, InstanceView>,
): Promise<readonly (readonly [string, string])[]> {
  const asked = [...well].map(
    async ([
      name,
      {
        ports: [port],
      },
    ]) => {
      const url = `http://${port?.address}:${port?.published}/`;
      const answer = await fetch(url, { signal: AbortSignal.timeout(CALL_MS) });
      return [name, await answer.text()] as const;
    },
  );
  return Promise.all(asked);
}

test('two stacks share no number, and each slot keeps its own through an end, a change and a move', async () => {
  const cluster = await threeAgents();
  const [asked, , last] = cluster.agents;
  if (asked === undefined || last === undefined) throw new Error('three run');
  const at = { cluster, asked };
  await deploy(at, 'numbers', { replicas: 4 });
  await deploy(at, 'figures', { replicas: 3 });
  const first = await toBe(asked, 'seven to be well', ({ size }) => size === 7);
  const given = numbersOf(first);
  expect(new Set(Object.values(given)).size).toBe(7);
  for (const number of Object.values(given))
    expect(number !== undefined && number >= LAN.portFirst && number <= LAN.portLast).toBe(true);
  expect((await answersOf(first)).filter(([name, said]) => name !== said)).toEqual([]);
  const shown = await agentctl(asked, ['ps']);
  for (const number of Object.values(given)) expect(shown.stdout).toContain(`:${number}->80`);

  const victim = first.get('numbers.web.2');
  const running = (await runningInstances(ENGINE, { cluster: cluster.id })).find(
    ({ component, slot }) => component === 'numbers.web' && slot === 2,
  );
  if (running === undefined) throw new Error('it runs');
  await killInstance(ENGINE, running);
  const again = await toBe(
    asked,
    'another attempt of it to be well',
    (well) => (well.get('numbers.web.2')?.attempt ?? 0) > (victim?.attempt ?? 0) && well.size === 7,
  );
  expect(numbersOf(again)).toEqual(given);

  await deploy(at, 'numbers', { replicas: 4, version: '2' });
  const changed = await toBe(
    asked,
    'all of the new spec to be well',
    (well) =>
      well.size === 7 &&
      [...well].every(([name, { revision }]) =>
        name.startsWith('figures') ? true : revision !== first.get(name)?.revision,
      ),
  );
  expect(numbersOf(changed)).toEqual(given);

  const gone = cluster.hostOf(last);
  const drained = await agentctl(asked, ['host', 'drain', last.name, '--wait', '--timeout', '60s']);
  expect(drained, drained.stderr).toMatchObject({ code: 0 });
  const moved = await toBe(
    asked,
    'all to be well elsewhere',
    (well) => well.size === 7 && [...well.values()].every(({ host }) => host !== gone),
  );
  expect([...changed.values()].some(({ host }) => host === gone)).toBe(true);
  expect(numbersOf(moved)).toEqual(given);
  expect((await answersOf(moved)).filter(([name, said]) => name !== said)).toEqual([]);
});

test('who fixes the number of a slot has it, and the slot another', async () => {
  const cluster = await threeAgents();
  const [asked] = cluster.agents;
  if (asked === undefined) throw new Error('three run');
  const at = { cluster, asked };
  await deploy(at, 'chosen', { replicas: 3 });
  const before = numbersOf(await toBe(asked, 'three to be well', ({ size }) => size === 3));
  const wanted = before['chosen.web.1'];
  if (wanted === undefined) throw new Error('it has a number');
  await deploy(at, 'fixed', { replicas: 3, published: wanted });
  const after = await toBe(
    asked,
    'six to be well, one of them elsewhere',
    (well) => well.size === 6 && numbersOf(well)['chosen.web.1'] !== wanted,
  );
  const { 'chosen.web.1': other, ...rest } = numbersOf(after);
  expect(rest).toEqual({
    'chosen.web.2': before['chosen.web.2'],
    'chosen.web.3': before['chosen.web.3'],
    'fixed.web.1': wanted,
    'fixed.web.2': wanted,
    'fixed.web.3': wanted,
  });
  expect(Object.values(before)).not.toContain(other);
  const why = await agentctl(asked, ['why', 'chosen.web.1']);
  expect(why.stdout.replaceAll(/\s+/g, ' ')).toMatch(
    new RegExp(`gives up port ${wanted}/tcp, since fixed\\.web has it fixed: it gets ${other}`),
  );
});
