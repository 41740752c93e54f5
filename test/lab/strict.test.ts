/** A strict singleton while its host is cut off and while its power fails, by one clock for all machines. */
import { expect, test } from 'vitest';
import { cut, heal, kill, power } from '../../node/local/lab/faults.ts';
import { execIn, type Lab, until } from '../../node/local/lab/lab.ts';
import { linesIn, livesOf, overlapsIn } from '../e2e/strict/lives.ts';
import {
  allAgree,
  containersOn,
  deploy,
  formedLab,
  namesOf,
  runOnce,
  STEP_MS,
} from './machines.ts';

const JOB = 'once.job.1';
/** Writes the uptime of the one kernel, its term and its own name, ten times a second. */
const ONCE = `name: once
services:
  job:
    image: millrace/busybox:test
    command:
      - sh
      - -c
      - 'while :; do read up rest </proc/uptime; echo "$$up $$MILLRACE_TERM $$HOSTNAME" >>/lives/lines; sleep 0.1; done'
    volumes: ['/root/lives:/lives']
    x-millrace: { singleton: strict }
`;

const inAll = (lab: Lab, script: string): Promise<readonly string[]> =>
  Promise.all(
    namesOf(lab).map(async (name) => (await execIn(lab, name, ['sh', '-c', script])).stdout),
  );

test('a strict singleton moves from a host that is cut off or dies, and never runs twice', async () => {
  const lab = await formedLab();
  const names = namesOf(lab);
  await inAll(lab, 'rm -rf /root/lives; mkdir -p /root/lives');
  expect(await deploy(lab, names[0] ?? '', ONCE)).toMatchObject({ code: 0 });
  for (const [lose, mend] of [
    [cut, heal],
    [kill, power],
  ] as const) {
    const [at] = await runOnce(lab, names, [JOB]);
    const lost = at?.machine ?? '';
    const left = names.filter((name) => name !== lost);
    await lose(lab, lost);
    await until('another host to run it', STEP_MS, async () =>
      (await containersOn(lab, left)).length === 1 ? true : undefined,
    );
    await mend(lab, lost);
    await allAgree(lab, names);
    await runOnce(lab, names, [JOB]);
  }
  const texts = await inAll(lab, 'cat /root/lives/lines 2>/dev/null');
  const lines = linesIn(texts.join('')).toSorted((a, b) => a.at - b.at);
  const lives = livesOf(lines);
  expect(lives.length).toBeGreaterThanOrEqual(3);
  expect(overlapsIn(lives)).toEqual([]);
});
