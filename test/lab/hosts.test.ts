/** Whole machines that are lost, one, two and three of five, and the whole lab at once. */
import { expect, test } from 'vitest';
import { cut, freeze, heal, kill, power, slow } from '../../node/local/lab/faults.ts';
import { containerOf, execIn, type Lab, until } from '../../node/local/lab/lab.ts';
import {
  agentctl,
  allAgree,
  beliefOf,
  containersOn,
  deploy,
  formedLab,
  IS_FULL,
  leaderOf,
  namesOf,
  newLab,
  runOnce,
  said,
  slots,
  STEP_MS,
  viewOf,
  votersOf,
  webOf,
} from './machines.ts';

const WEB = slots('demo.web', 5);
const REFUSED = 6;
const SLOW_MS = 30_000;
/** Longer than the others take to give all of its work away, and than any lease of it. */
const FROZEN_MS = 60_000;

const without = (names: readonly string[], gone: readonly string[]): readonly string[] =>
  names.filter((name) => !gone.includes(name));

/**
 * Five hosts with an instance each. Whole, the tests lose the same hosts again and again, and whoever is
 * lost for the second time in ten minutes is given slots last.
 */
async function runningLab(): Promise<{ lab: Lab; names: readonly string[] }> {
  const lab = await (IS_FULL ? newLab() : formedLab());
  const names = namesOf(lab);
  const [first = ''] = names;
  expect(await deploy(lab, first, webOf(5))).toMatchObject({ code: 0 });
  const found = await runOnce(lab, names, WEB);
  expect(new Set(found.map(({ machine }) => machine)).size).toBe(5);
  return { lab, names };
}

/** The machine is lost, the others run all of it, and once it is back everything runs once. */
async function expectRecovery(
  { lab, names }: { lab: Lab; names: readonly string[] },
  lost: string,
  fault: { readonly lose: typeof cut; readonly mend: typeof heal },
): Promise<void> {
  const left = without(names, [lost]);
  const [asked = ''] = left;
  await fault.lose(lab, lost);
  await runOnce(lab, left, WEB);
  await until(`${lost} to be dead`, STEP_MS, async () =>
    (await beliefOf(lab, asked, lost)) === 'dead' ? true : undefined,
  );
  await fault.mend(lab, lost);
  await allAgree(lab, names);
  await runOnce(lab, names, WEB);
}

const KILLED = { lose: kill, mend: power };
const CUT_OFF = { lose: cut, mend: heal };
const FROZEN = { lose: freeze, mend: heal };

test('a host is killed, frozen, cut off: others run what it ran until it is back', async () => {
  const running = await runningLab();
  const { lab, names } = running;
  for (const fault of IS_FULL ? [KILLED, CUT_OFF, FROZEN] : [KILLED]) {
    const leader = await leaderOf(lab, names[0] ?? '', 'demo.web');
    const [lost = ''] = without(names, [leader]);
    await expectRecovery(running, lost, fault);
  }
});

test.runIf(IS_FULL)(
  'a host that was frozen for a minute: nothing of it is doubled, and events tell of it',
  async () => {
    const { lab, names } = await runningLab();
    const leader = await leaderOf(lab, names[0] ?? '', 'demo.web');
    const left = without(names, [leader]);
    const [asked = ''] = left;
    await freeze(lab, leader);
    await runOnce(lab, left, WEB);
    const frozenUntil = performance.now() + FROZEN_MS;
    await until('the minute to be over', 2 * FROZEN_MS, async () => {
      expect(await said(lab, asked, 'status')).toMatch(new RegExp(`^${leader} +dead`, 'm'));
      return performance.now() > frozenUntil ? true : undefined;
    });
    await heal(lab, leader);
    await allAgree(lab, names);
    await runOnce(lab, names, WEB);
    const events = await said(lab, asked, 'events', '--since', '5m');
    expect(events).toMatch(/dead: silent for/);
    expect(events).toMatch(/alive: /);
  },
);

test('the same of the host that leads the component', async () => {
  const running = await runningLab();
  const { lab, names } = running;
  for (const fault of IS_FULL ? [FROZEN, KILLED, CUT_OFF] : [CUT_OFF]) {
    const leader = await leaderOf(lab, names[0] ?? '', 'demo.web');
    await expectRecovery(running, leader, fault);
    const [asked = ''] = without(names, [leader]);
    expect(await leaderOf(lab, asked, 'demo.web')).not.toBe(leader);
  }
});

/** A machine with a tenth of a processor may be taken for dead: its agent hardly gets to speak. */
test.runIf(IS_FULL)(
  'a host is slowed: the others are not doubted, decide, and run all of it',
  async () => {
    const { lab, names } = await runningLab();
    const leader = await leaderOf(lab, names[0] ?? '', 'demo.web');
    for (const slowed of [without(names, [leader])[0] ?? '', leader]) {
      const well = without(names, [slowed]);
      const [asked = ''] = well;
      await slow(lab, slowed);
      const end = performance.now() + SLOW_MS;
      await until('the slow time to be over', 2 * SLOW_MS, async () => {
        const view = await viewOf(lab, asked);
        const dead = view?.hosts.filter(({ state }) => state === 'dead').map(({ name }) => name);
        expect(without(dead ?? [], [slowed])).toEqual([]);
        return performance.now() > end ? true : undefined;
      });
      // What the slow one has to do for it may take longer than the deploy waits.
      expect([0, 3]).toContain((await deploy(lab, asked, webOf(5, '{}', SLOW_MS))).code);
      await heal(lab, slowed);
      await allAgree(lab, names);
      await runOnce(lab, names, WEB);
      expect((await agentctl(lab, asked, 'wait', '--for', 'converged')).code).toBe(0);
    }
  },
);

test.runIf(IS_FULL)('two of five, one of them a voter: the other three run all of it', async () => {
  const { lab, names } = await runningLab();
  const { voters, others } = await votersOf(lab, names[0] ?? '');
  const lost = [voters[0] ?? '', others[0] ?? ''];
  await Promise.all(lost.map((name) => kill(lab, name)));
  expect(await runOnce(lab, without(names, lost), WEB)).toHaveLength(WEB.length);
  await Promise.all(lost.map((name) => power(lab, name)));
  await allAgree(lab, names);
  await runOnce(lab, names, WEB);
});

/** Each start of it leaves a line in its volume. */
const DATA = `name: data
services:
  db:
    image: millrace/busybox:test
    command: [sh, -c, 'echo started >>/data/starts; exec sleep 1000000']
    stop_grace_period: 1s
    volumes: ['kept:/data']
volumes: { kept: }
`;
const DB = slots('data.db', 1);

test.runIf(IS_FULL)(
  'a machine reboots: its volume is waited for, the rest runs elsewhere meanwhile',
  async () => {
    const { lab, names } = await runningLab();
    expect(await deploy(lab, names[0] ?? '', DATA)).toMatchObject({ code: 0 });
    const all = [...WEB, ...DB];
    const before = await runOnce(lab, names, all);
    const home = before.find(({ instance }) => instance === DB[0])?.machine ?? '';
    const left = without(names, [home]);
    const [asked = ''] = left;
    await execIn(lab, home, ['systemctl', '--no-block', 'reboot']);
    await runOnce(lab, left, WEB);
    expect(await said(lab, asked, 'status')).toMatch(
      new RegExp(`^${home} .*reboots, to be back within`, 'm'),
    );
    await until(`${home} to be off`, STEP_MS, async () =>
      (await containerOf(lab, home).inspect()).State.Running ? undefined : true,
    );
    await power(lab, home);
    await allAgree(lab, names);
    const db = (await runOnce(lab, names, all)).find(({ instance }) => instance === DB[0]);
    expect(db?.machine).toBe(home);
    const starts = await execIn(lab, home, ['docker', 'exec', db?.id ?? '', 'cat', '/data/starts']);
    expect(starts.stdout).toBe('started\nstarted\n');
  },
);

test('three of five, two of them voters: restarts go on, decisions are refused', async () => {
  const { lab, names } = await runningLab();
  const { voters, others } = await votersOf(lab, names[0] ?? '');
  const lost = [...voters.slice(0, 2), others[0] ?? ''];
  const left = without(names, lost);
  const [asked = ''] = left;
  await Promise.all(lost.map((name) => kill(lab, name)));
  await until('the loss to be noticed', STEP_MS, async () =>
    (await viewOf(lab, asked))?.quorum === false ? true : undefined,
  );

  const before = await containersOn(lab, left);
  for (const { machine, id } of before) await execIn(lab, machine, ['docker', 'kill', id]);
  const again = await runOnce(
    lab,
    left,
    before.map(({ instance }) => instance),
  );
  for (const { id } of before) expect(again.map((one) => one.id)).not.toContain(id);
  const refused = await deploy(lab, asked, webOf(5, '{}', 2));
  expect(refused).toMatchObject({ code: REFUSED });

  await Promise.all(lost.map((name) => power(lab, name)));
  await allAgree(lab, names);
  await runOnce(lab, names, WEB);
  expect(await deploy(lab, asked, webOf(5, '{}', 3))).toMatchObject({ code: 0 });
});

test('all five lose their power: everything comes back once, and no deploy is lost', async () => {
  const { lab, names } = await runningLab();
  const [first = ''] = names;
  expect(await deploy(lab, first, webOf(3, '{}', 7))).toMatchObject({ code: 0 });
  await runOnce(lab, names, slots('demo.web', 3));
  const revision = await revisionOf(lab, first);
  await Promise.all(names.map((name) => kill(lab, name)));
  await Promise.all(names.map((name) => power(lab, name)));
  await allAgree(lab, names);
  const found = await runOnce(lab, names, slots('demo.web', 3));
  for (const { machine, id } of found) {
    const { stdout } = await execIn(lab, machine, ['docker', 'inspect', id]);
    expect(stdout).toContain('"VERSION=7"');
  }
  expect(await revisionOf(lab, first)).toBe(revision);
  expect((await agentctl(lab, first, 'wait', '--for', 'converged')).code).toBe(0);
  await said(lab, first, 'destroy', 'demo', '--yes');
  await runOnce(lab, names, []);
});

/** Of the component's spec, which no change of leader touches. */
async function revisionOf(lab: Lab, asked: string): Promise<string | undefined> {
  return (await viewOf(lab, asked))?.stacks[0]?.components[0]?.revision;
}
