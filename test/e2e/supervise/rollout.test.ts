/** Users hold a rollout, let it go on, and put a former version back, at any agent. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { LocalAgent } from '../../../node/local/cluster.ts';
import type { RolloutView } from '../../../protocol/view/view.ts';
import {
  agentctl,
  type CliResult,
  everyoneRuns,
  type RealCluster,
  threeAgents,
} from '../agents/cluster.ts';

type Rolled = { readonly version: number; readonly command?: string; readonly delay?: string };

/** Three instances of which each stands for half a second before the next one is replaced. */
function file(
  { init: { folder } }: RealCluster,
  { version, command = '"sleep", "1000000"', delay = '0s' }: Rolled,
): string {
  const path = join(folder, 'rolled.yaml');
  writeFileSync(
    path,
    `name: demo
services:
  web:
    command: [${command}]
    environment: { VERSION: "${version}" }
    stop_grace_period: 1s
    deploy:
      replicas: 3
      update_config: { monitor: 500ms, delay: ${delay}, failure_action: rollback }
      rollback_config: { parallelism: 0, monitor: 500ms }
`,
  );
  return path;
}

async function did(agent: LocalAgent, words: readonly string[], code = 0): Promise<CliResult> {
  const ran = await agentctl(agent, words);
  expect(ran.code, `${words.join(' ')}\n${ran.stdout}${ran.stderr}`).toBe(code);
  return ran;
}

type Told = {
  readonly revision: string;
  readonly rollout?: RolloutView;
  readonly revisions: readonly { readonly revision: string; readonly became?: string }[];
};
async function told(agent: LocalAgent, verb: 'status' | 'history'): Promise<Told> {
  const { stdout } = await did(agent, ['rollout', verb, 'web', '--json']);
  return (JSON.parse(stdout) as { readonly data: Told }).data;
}

it('pauses, goes on, is undone and rolls forward again, whoever is asked', async () => {
  const cluster = await threeAgents();
  const [first, second, third] = cluster.agents;
  if (first === undefined || second === undefined || third === undefined) throw new Error('three');
  await did(first, ['deploy', '-f', file(cluster, { version: 0 })]);
  await everyoneRuns(cluster, 3);
  const nothing = await did(second, ['rollout', 'pause', 'web'], 4);
  expect(nothing.stderr).toMatch(/no rollout of demo\.web is under way/);
  await did(second, ['rollout', 'undo', 'web'], 4);

  const next = file(cluster, { version: 1, delay: '5s' });
  await did(first, ['deploy', '-f', next, '--no-wait']);
  await did(second, ['rollout', 'pause', 'web']);
  const { revision, rollout } = await told(third, 'status');
  expect(rollout).toMatchObject({ state: 'paused', held: true, revision, total: 3 });
  expect(rollout?.done).toBeLessThan(3);
  expect((await did(third, ['why', 'web'])).stdout).toMatch(/paused: a user holds it/);

  await did(third, ['rollout', 'resume', 'web']);
  expect((await told(first, 'status')).rollout).toBeUndefined();
  const before = (await told(first, 'history')).revisions;
  expect(before).toMatchObject([{ became: 'done', kept: true }, { revision }]);

  await did(second, ['rollout', 'undo', 'web']);
  const after = await told(third, 'history');
  expect(after.revisions).toMatchObject([
    { revision, became: 'undone' },
    { revision: before[0]?.revision },
  ]);
  await did(second, ['rollout', 'undo', 'web'], 4);

  await did(third, ['deploy', '-f', next]);
  expect((await told(second, 'status')).revision).toBe(revision);
});

it('keeps what has failed in quarantine until it is told to try it again', async () => {
  const cluster = await threeAgents();
  const [first, second] = cluster.agents;
  if (first === undefined || second === undefined) throw new Error('three');
  await did(first, ['deploy', '-f', file(cluster, { version: 0 })]);
  await everyoneRuns(cluster, 3);
  const bad = file(cluster, { version: 1, command: '"false"' });
  expect((await did(first, ['deploy', '-f', bad], 3)).stderr).toMatch(/was taken back/);
  await everyoneRuns(cluster, 3);

  const quarantined = /, deployed \d{4}-.*, is quarantined: demo\.web\.\d/;
  expect((await did(second, ['rollout', 'status', 'web'])).stdout).toMatch(quarantined);
  expect((await did(second, ['status'])).stdout).toMatch(/is quarantined/);
  expect((await did(second, ['plan', '-f', bad])).stdout).toMatch(/in quarantine, deployed \d{4}-/);
  expect((await did(second, ['rollout', 'history', 'web'])).stdout).toMatch(/quarantined/);
  expect((await did(second, ['why', 'web'])).stdout).toMatch(/in quarantine, deployed/);
  const again = await did(second, ['rollout', 'undo', 'web'], 6);
  expect(again.stderr).toMatch(/was taken back already/);

  expect((await did(second, ['deploy', '-f', bad], 3)).stderr).toMatch(/was taken back/);
  const before = (await told(first, 'status')).rollout?.refusedAt ?? '';
  await did(second, ['rollout', 'resume', 'web'], 3);
  const after = (await told(first, 'status')).rollout?.refusedAt ?? '';
  expect(after > before).toBe(true);
  await everyoneRuns(cluster, 3);
});
