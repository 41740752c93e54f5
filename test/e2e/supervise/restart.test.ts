/** A user's restart takes one instance at a time, and goes on to those that follow what was restarted. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { agentctl, threeAgents } from '../agents/cluster.ts';
import { diaryOf } from './diary.ts';

const life = (id: string): readonly string[] =>
  ['ends', 'ended', 'begins', 'well'].map((what) => `${id} ${what}`);

test('restart waits until each instance is well, and then restarts those that follow', async () => {
  const cluster = await threeAgents();
  const [first, second] = cluster.agents;
  if (first === undefined || second === undefined) throw new Error('there are three');
  const file = join(cluster.init.folder, 'compose.yaml');
  const diary = diaryOf(cluster, { endMs: 100 });
  const follows = { condition: 'service_healthy', restart: true };
  const services = {
    db: diary.service({ deploy: { replicas: 2 } }),
    api: diary.service({ depends_on: { db: follows } }),
    web: diary.service({ depends_on: { api: follows } }),
    apart: diary.service({ depends_on: { db: { condition: 'service_healthy' } } }),
  };
  writeFileSync(file, JSON.stringify({ name: 'shop', services }));
  const deployed = await agentctl(first, ['deploy', '-f', file]);
  expect(deployed, deployed.stderr).toMatchObject({ code: 0 });
  const before = diary.lines().length;

  const told = await agentctl(second, ['restart', 'db']);
  expect(told, told.stderr).toMatchObject({ code: 0 });
  const ids = ['shop.db.1', 'shop.db.2', 'shop.api.1', 'shop.web.1'];
  expect(diary.lines().slice(before)).toEqual(ids.flatMap(life));
  expect(told.stdout.split('\n').map((line) => line.split(' ', 1)[0])).toEqual([...ids, '']);
  expect(told.stderr).toContain('shop.web depends on shop.api with restart: true');

  const alone = await agentctl(second, ['restart', 'web.1', '--json']);
  expect(JSON.parse(alone.stdout)).toMatchObject({ instance: 'shop.web.1' });
  expect(diary.lines().slice(before + 4 * ids.length)).toEqual(life('shop.web.1'));
});
