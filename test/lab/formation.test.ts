/** Machines that were just switched on become one cluster, and nobody else's. */
import { expect, test } from 'vitest';
import { kill, power } from '../../node/local/lab/faults.ts';
import type { Lab } from '../../node/local/lab/lab.ts';
import { formatToken, parseToken } from '../../node/token.ts';
import {
  agentAnswers,
  agentctl,
  allAgree,
  blankLab,
  initCluster,
  namesOf,
  said,
  viewOf,
} from './machines.ts';

/** The aim, and what a quiet machine of two processors needs for five machines is half of it. */
const AGREE_MS = 10_000;

test('five machines switched on at once find each other without any address', async () => {
  const lab = await blankLab();
  const names = namesOf(lab);
  const [first = '', ...others] = names;
  await Promise.all(names.map((name) => kill(lab, name)));
  await Promise.all(names.map((name) => power(lab, name)));
  await Promise.all(names.map((name) => agentAnswers(lab, name)));

  const token = await initCluster(lab, first);
  await Promise.all(others.map((name) => said(lab, name, 'cluster', 'join', token)));
  await allAgree(lab, names, AGREE_MS);
  const views = await Promise.all(names.map((name) => viewOf(lab, name)));
  expect(new Set(views.map((view) => view?.cluster)).size).toBe(1);
});

test('two clusters on one wire stay two, and a token of one opens nothing of the other', async () => {
  const lab = await blankLab();
  const [a1 = '', a2 = '', b1 = '', b2 = '', stranger = ''] = namesOf(lab);
  const ours = await initCluster(lab, a1);
  const theirs = await initCluster(lab, b1);
  await Promise.all([
    said(lab, a2, 'cluster', 'join', ours),
    said(lab, b2, 'cluster', 'join', theirs),
  ]);
  await Promise.all([allAgree(lab, [a1, a2]), allAgree(lab, [b1, b2])]);

  const forged = tokenOf(ours, theirs);
  const refused = await agentctl(lab, stranger, 'cluster', 'join', forged);
  expect(refused.code).not.toBe(0);
  await allAgree(lab, [a1, a2]);
  for (const name of [a1, a2]) expect(await hostsOf(lab, name)).toEqual([a1, a2]);
  for (const name of [b1, b2]) expect(await hostsOf(lab, name)).toEqual([b1, b2]);
});

/** Names the one cluster and knows the secret of the other. */
function tokenOf(named: string, known: string): string {
  const [cluster, other] = [parseToken(named)?.cluster, parseToken(known)];
  if (cluster === undefined || other === undefined) throw new Error('these are no tokens');
  return formatToken({ cluster, secret: other.secret });
}

const hostsOf = async (lab: Lab, name: string): Promise<readonly string[] | undefined> =>
  (await viewOf(lab, name))?.hosts.map((host) => host.name).toSorted();
