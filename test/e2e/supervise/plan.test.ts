/** What `plan` says of real agents' placement, and whether what it says comes true. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { agentctl, everyoneRuns, threeAgents, viewOf } from '../agents/cluster.ts';

const sleep = (more: object): object => ({ command: ['sleep', '1000000'], ...more });

test('plan tells where what follows others goes, and with 6 what fits nowhere', async () => {
  const cluster = await threeAgents();
  const [first, second] = cluster.agents;
  if (first === undefined || second === undefined) throw new Error('there are three');
  const ids = new Map(cluster.agents.map((agent) => [agent.name, cluster.hostOf(agent)]));
  const file = join(cluster.init.folder, 'compose.yaml');
  const on = (name: string) => ({ placement: { constraints: [`node.hostname == ${name}`] } });

  const plan = async (services: object) => {
    writeFileSync(file, JSON.stringify({ name: 'shop', services }));
    return agentctl(second, ['plan', '-f', file]);
  };

  const db = sleep({ deploy: on('h2') });
  const web = { 'x-millrace': { affinity: ['db'] } };
  const mail = { 'x-millrace': { anti_affinity: ['db'] } };
  const fits = { db, web: sleep(web), mail: sleep({ ...mail, deploy: { replicas: 2 } }) };
  const fresh = await plan(fits);
  expect(fresh, fresh.stderr).toMatchObject({ code: 0 });
  expect(fresh.stdout).toContain('shop.web.1 goes to h2');
  expect(fresh.stdout).toMatch(/shop\.mail\.1 goes to h[13]/);
  expect(fresh.stdout).toMatch(/shop\.mail\.2 goes to h[13]/);
  expect(await agentctl(first, ['deploy', '-f', file])).toMatchObject({ code: 0 });
  await everyoneRuns(cluster, 4);
  expect((await plan(fits)).stdout).toContain('nothing that runs would change');

  const apart = await plan({ ...fits, web: sleep({ deploy: on('h3') }) });
  expect(apart.code).toBe(0);
  expect(apart.stdout).toContain('~ shop.web   1 running instance goes elsewhere');
  expect(apart.stdout).toContain('shop.web.1 moves from h2');
  // When a deploy is over what moves has moved, though nothing of what runs is replaced by another revision.
  expect(await agentctl(first, ['deploy', '-f', file])).toMatchObject({ code: 0 });
  const components = (await viewOf(first))?.stacks.flatMap((stack) => stack.components);
  const web1 = components?.find(({ id }) => id === 'shop.web')?.slots[0];
  expect(web1).toMatchObject({ host: ids.get('h3'), instance: { state: 'running' } });

  const torn = {
    db,
    web: sleep({ ...web, deploy: on('h1') }),
    mail: sleep({ ...mail, deploy: { replicas: 2, ...on('h2') } }),
  };
  const nowhere = await plan(torn);
  expect(nowhere.code).toBe(6);
  for (const line of [
    '~ shop.web   1 running instance ends: it fits nowhere',
    'h1: shop.db does not run there',
    'h2: shop.db runs there',
    'h3: node.hostname == h2 does not hold there',
    '2 changes',
  ])
    expect(nowhere.stdout).toContain(line);
  expect(nowhere.stderr).toContain('3 slots fit nowhere: shop.web.1, shop.mail.1, shop.mail.2');

  // So it comes.
  expect(await agentctl(first, ['deploy', '-f', file, '--no-wait'])).toMatchObject({ code: 0 });
  await everyoneRuns(cluster, 1);
  const done = await agentctl(first, ['deploy', '-f', file, '--timeout', '2s']);
  expect(done.code).toBe(3);
  expect(done.stderr).toContain('shop.db does not run there (h1)');
});
