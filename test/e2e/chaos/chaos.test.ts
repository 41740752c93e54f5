/** `agentctl chaos` on real agents: links break as a plan says, and are whole again by themselves. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { type LocalAgent, until } from '../../../node/local/cluster.ts';
import {
  agentctl,
  agentsThat,
  everyoneAgrees,
  type RealCluster,
  viewOf,
} from '../agents/cluster.ts';

const AGENTCTL = fileURLToPath(new URL('../../../node/cli/main.ts', import.meta.url));
const PATIENCE_MS = 30_000;

function plan({ init }: RealCluster, text: string): string {
  const path = join(init.folder, 'plan.yaml');
  writeFileSync(path, text);
  return path;
}

const seesAs = (viewer: LocalAgent, host: string, state: string): Promise<true> =>
  until(`${viewer.name} to see ${host} as ${state}`, PATIENCE_MS, async () => {
    const view = await viewOf(viewer);
    return view?.hosts.find(({ name }) => name === host)?.state === state || undefined;
  });

test('a plan cuts a host off, and all is well after it', async () => {
  const cluster = await agentsThat({ count: 3, voterCount: 3, settings: 'allow_chaos: true' });
  const [h1, , h3] = cluster.agents;
  if (h1 === undefined || h3 === undefined) throw new Error('there are three agents');
  const file = plan(cluster, 'for: 9s\ntimeline:\n  - { at: 1s, cut: h3, for: 7s }\n');
  const run = agentctl(h1, ['chaos', 'run', file, '--yes']);
  await seesAs(h1, 'h3', 'dead');
  await seesAs(h3, 'h1', 'dead');
  const { code, stdout, stderr } = await run;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toBe(
    '   1.0 s  cut h3>h1 h1>h3 h3>h2 h2>h3 for 7 s\n   9.0 s  all faults are over\n',
  );
  await everyoneAgrees(cluster);

  // Nobody ends what this one began: it is killed as the fault begins.
  const lone = spawn(
    process.execPath,
    [AGENTCTL, '--socket', h1.socket, 'chaos', 'run', plan(cluster, LONG), '--yes'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  await once(lone.stdout, 'data');
  lone.kill('SIGKILL');
  await seesAs(h1, 'h3', 'dead');
  await everyoneAgrees(cluster);

  // And here somebody does.
  const brought = agentctl(h1, ['chaos', 'run', plan(cluster, ENDLESS), '--yes']);
  await seesAs(h1, 'h3', 'dead');
  const found = await agentctl(h1, ['doctor', 'net']);
  expect(found.stdout).toMatch(/h1 breaks its links on purpose, for \d+ s more at most: cut/);
  const stopped = await agentctl(h3, ['chaos', 'stop']);
  expect(stopped).toMatchObject({ code: 0, stdout: 'all faults have ended on h1 h2 h3\n' });
  // Whoever ran the plan does no more of it: its second cut is for later.
  const { code: ended, stderr: why } = await brought;
  expect(ended).toBe(6);
  expect(why).toMatch(/^error: the plan was stopped/);
  await everyoneAgrees(cluster);
});

const LONG = 'timeline:\n  - { at: 0s, cut: h3, for: 7s }\n';
const ENDLESS =
  'for: 60s\ntimeline:\n  - { at: 0s, cut: h3, for: 50s }\n  - { at: 50s, cut: h2 }\n';

test('where one host does not allow it nothing is begun', async () => {
  const cluster = await agentsThat({ count: 2, voterCount: 1 });
  const [h1] = cluster.agents;
  if (h1 === undefined) throw new Error('there are two agents');
  const { code, stdout, stderr } = await agentctl(h1, [
    'chaos',
    'run',
    plan(cluster, LONG.replace('h3', 'h2')),
    '--yes',
  ]);
  expect({ code, stdout }).toEqual({ code: 6, stdout: '' });
  expect(stderr).toMatch(/^error: faults are not allowed in this cluster: .* h1 h2\n {2}why .*\n/);
});
