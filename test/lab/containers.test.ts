/** Containers and engines that fail, on machines that are well. One formation serves all of it. */
import { expect, test } from 'vitest';
import { execIn, type Lab, until } from '../../node/local/lab/lab.ts';
import {
  beliefOf,
  containersOn,
  deploy,
  formedLab,
  IS_FULL,
  namesOf,
  runOnce,
  said,
  slots,
  STEP_MS,
  webOf,
} from './machines.ts';

const WEB = slots('demo.web', 5);
/** Beyond what makes a host suspect: one that is taken for dead was taken for it by then. */
const DOUBT_MS = 5_000;

/** Fills its memory once the file is there. */
const HUNGRY = `name: hungry
services:
  eater:
    image: millrace/busybox:test
    command: [sh, -c, 'until [ -e /tmp/eat ]; do sleep 0.1; done; exec tail /dev/zero']
`;
/** Not healthy once the file is there. */
const SICKLY = `name: sickly
services:
  app:
    image: millrace/busybox:test
    command: [sleep, '1000000']
    stop_grace_period: 1s
    healthcheck: { test: [CMD, test, '!', -e, /tmp/ill], interval: 1s, timeout: 1s, retries: 2 }
`;
const loopOf = (command: string): string => `name: loop
services:
  again:
    image: millrace/busybox:test
    command: ${command}
    stop_grace_period: 1s
`;
/** Five restarts take half a minute, with their waits; the sixth failure is the loop. */
const LOOP_MS = 120_000;
/** Nothing listens there: refused at once. */
const ABSENT_IMAGE = '127.0.0.1:9/ghost:1';
const ABSENT = `name: absent
services:
  ghost:
    image: ${ABSENT_IMAGE}
    command: [sleep, '1000000']
`;

test('containers are killed, fall ill, run out of memory, have no image; engines restart and hang', async () => {
  const lab = await formedLab();
  const names = namesOf(lab);
  const [first = ''] = names;
  expect(await deploy(lab, first, webOf(5))).toMatchObject({ code: 0 });
  await runOnce(lab, names, WEB);

  await killedContainerIsReplaced(lab, names);
  await unhealthyContainerIsReplaced(lab, names);
  await outOfMemoryIsTold(lab, names);
  if (IS_FULL) await crashLoopIsTold(lab, names);
  await missingImageIsTold(lab, first);
  await restartedEngineRunsTheSame(lab, names);
  // Half a minute passes before the agent asks its engine of its own accord.
  if (IS_FULL) await hungEngineIsNoDeadHost(lab, names);
  await said(lab, first, 'destroy', 'demo', '--yes');
  await runOnce(lab, names, []);
});

async function killedContainerIsReplaced(lab: Lab, names: readonly string[]): Promise<void> {
  const [victim] = await containersOn(lab, names);
  if (victim === undefined) throw new Error('five containers run');
  await docker(lab, victim.machine, 'kill', '--signal', 'KILL', victim.id);
  const again = await until('the killed container to be replaced', STEP_MS, async () => {
    const found = await containersOn(lab, [victim.machine]);
    return found.find(({ instance, id }) => instance === victim.instance && id !== victim.id);
  });
  expect(again.machine).toBe(victim.machine);
  await runOnce(lab, names, WEB);
}

/** Waits for the one instance of a stack that runs beside the web. */
async function runningBeside(lab: Lab, names: readonly string[], instance: string) {
  const found = await runOnce(lab, names, [...WEB, instance]);
  const [one] = found.filter((container) => container.instance === instance);
  if (one === undefined) throw new Error('it runs');
  return one;
}

async function unhealthyContainerIsReplaced(lab: Lab, names: readonly string[]): Promise<void> {
  const [first = ''] = names;
  expect(await deploy(lab, first, SICKLY)).toMatchObject({ code: 0 });
  const ill = await runningBeside(lab, names, 'sickly.app.1');
  await docker(lab, ill.machine, 'exec', ill.id, 'touch', '/tmp/ill');
  const well = await until('what is ill to be replaced', STEP_MS, async () => {
    const found = await containersOn(lab, names);
    return found.find(({ instance, id }) => instance === ill.instance && id !== ill.id);
  });
  expect(well.machine).toBe(ill.machine);
  expect(await said(lab, first, 'why', 'sickly.app.1')).toContain('unhealthy');
  await said(lab, first, 'wait', '--for', 'healthy', '--timeout', '30s');
  await said(lab, first, 'destroy', 'sickly', '--yes');
  await runOnce(lab, names, WEB);
}

async function crashLoopIsTold(lab: Lab, names: readonly string[]): Promise<void> {
  const [first = ''] = names;
  const failing = await deploy(lab, first, loopOf("[sh, -c, 'exit 3']"), '--timeout', '5s');
  expect(failing.code).toBe(3);
  const status = await until('status to tell of the loop', LOOP_MS, async () => {
    const text = await said(lab, first, 'status');
    return text.includes('crash loop') ? text : undefined;
  });
  expect(status).toContain('crash loop: slot 1, exit 3');
  // Another spec begins anew.
  expect(await deploy(lab, first, loopOf("[sleep, '1000000']"))).toMatchObject({ code: 0 });
  await runningBeside(lab, names, 'loop.again.1');
  await said(lab, first, 'destroy', 'loop', '--yes');
  await runOnce(lab, names, WEB);
}

async function outOfMemoryIsTold(lab: Lab, names: readonly string[]): Promise<void> {
  const [first = ''] = names;
  expect(await deploy(lab, first, HUNGRY)).toMatchObject({ code: 0 });
  const eater = await runningBeside(lab, names, 'hungry.eater.1');
  const limit = ['--memory', '32m', '--memory-swap', '32m'];
  await docker(lab, eater.machine, 'update', ...limit, eater.id);
  await docker(lab, eater.machine, 'exec', eater.id, 'touch', '/tmp/eat');
  await until('why to tell of the memory', STEP_MS, async () =>
    /exit 137 \(out of memory\)/.test(await said(lab, first, 'why', 'hungry.eater.1'))
      ? true
      : undefined,
  );
  await said(lab, first, 'destroy', 'hungry', '--yes');
  await runOnce(lab, names, WEB);
}

async function missingImageIsTold(lab: Lab, first: string): Promise<void> {
  const answer = await deploy(lab, first, ABSENT, '--timeout', '5s');
  expect(answer.code).toBe(3); // accepted; it goes on trying
  await until('why to tell of the image', STEP_MS, async () =>
    (await said(lab, first, 'why', 'absent.ghost')).includes(ABSENT_IMAGE) ? true : undefined,
  );
  await said(lab, first, 'destroy', 'absent', '--yes');
}

async function restartedEngineRunsTheSame(lab: Lab, names: readonly string[]): Promise<void> {
  const [, second = ''] = names;
  await execIn(lab, second, ['systemctl', 'restart', 'docker']);
  await runOnce(lab, names, WEB);
}

async function hungEngineIsNoDeadHost(lab: Lab, names: readonly string[]): Promise<void> {
  const [first = '', , third = ''] = names;
  const before = await containersOn(lab, names);
  await execIn(lab, third, ['pkill', '-STOP', '-x', 'dockerd']);
  try {
    await until('another host to show that its engine hangs', STEP_MS, async () =>
      /engine silent for \d+s/.test(await said(lab, first, 'status')) ? true : undefined,
    );
    const doubtUntil = performance.now() + DOUBT_MS;
    await until('the doubts of its peers to be over', STEP_MS, async () => {
      expect(await beliefOf(lab, first, third)).toBe('alive');
      return performance.now() > doubtUntil ? true : undefined;
    });
  } finally {
    await execIn(lab, third, ['pkill', '-CONT', '-x', 'dockerd']);
  }
  expect(await runOnce(lab, names, WEB)).toEqual(before);
}

async function docker(lab: Lab, machine: string, ...words: readonly string[]): Promise<void> {
  const { code, stderr } = await execIn(lab, machine, ['docker', ...words]);
  if (code !== 0) throw new Error(`${machine}: docker ${words.join(' ')}: ${stderr}`);
}
