/** Links that fail in part: a partition, one deaf ear, loss, a cable that is in and out. */
import { expect, test } from 'vitest';
import { cut, heal, lose, oneWay } from '../../node/local/lab/faults.ts';
import { type Lab, until } from '../../node/local/lab/lab.ts';
import {
  allAgree,
  beliefOf,
  containersOn,
  deploy,
  formedLab,
  IS_FULL,
  leaderOf,
  namesOf,
  runOnce,
  said,
  slots,
  STEP_MS,
  viewOf,
  votersOf,
  webOf,
} from './machines.ts';

const WEB = slots('demo.web', 5);
const LOSS = 0.2;
const LOSS_MS = IS_FULL ? 600_000 : 60_000;
/** Longer than a host that is not heard is given. */
const DEAF_MS = 15_000;
const FLAPS = 5;

/** Neither side hears the other. */
async function separate(lab: Lab, side: readonly string[], other: readonly string[]) {
  const pairs = side.flatMap((a) => other.map((b) => [a, b] as const));
  for (const [a, b] of pairs) await Promise.all([oneWay(lab, a, b), oneWay(lab, b, a)]);
}

/** Looks for so long. */
async function forSome(ms: number, look: () => Promise<void>): Promise<void> {
  const end = performance.now() + ms;
  await until('the time to be over', 2 * ms, async () => {
    await look();
    return performance.now() > end ? true : undefined;
  });
}

test('three and two that do not hear each other: the majority runs all, and once after healing', async () => {
  const lab = await formedLab();
  const names = namesOf(lab);
  const { voters, others } = await votersOf(lab, names[0] ?? '');
  const few = [voters[0] ?? '', others[0] ?? ''];
  const many = names.filter((name) => !few.includes(name));
  const [asked = ''] = many;
  expect(await deploy(lab, asked, webOf(5))).toMatchObject({ code: 0 });
  await runOnce(lab, names, WEB);

  await separate(lab, few, many);
  await runOnce(lab, many, WEB);
  await until('the few to know that they are no majority', STEP_MS, async () =>
    (await viewOf(lab, few[0] ?? ''))?.quorum === false ? true : undefined,
  );
  const refused = await deploy(lab, few[0] ?? '', webOf(5, '{}', 2));
  expect(refused).toMatchObject({ code: 6 });

  await Promise.all(names.map((name) => heal(lab, name)));
  await allAgree(lab, names);
  await runOnce(lab, names, WEB);
});

test(
  'a fifth of all packets is lost at one host: it is not taken for dead, and nothing moves',
  async () => {
    const lab = await formedLab();
    const names = namesOf(lab);
    const [asked = ''] = names;
    expect(await deploy(lab, asked, webOf(5))).toMatchObject({ code: 0 });
    const before = await runOnce(lab, names, WEB);
    const [lossy = ''] = names.toReversed();
    await lose(lab, lossy, LOSS);
    await forSome(LOSS_MS, async () => {
      expect(await beliefOf(lab, asked, lossy)).not.toBe('dead');
    });
    await heal(lab, lossy);
    await allAgree(lab, names);
    expect(await runOnce(lab, names, WEB)).toEqual(before);
  },
  LOSS_MS + 4 * STEP_MS,
);

test.runIf(IS_FULL)(
  'one host does not hear one other: nobody is taken for dead, and nothing moves',
  async () => {
    const lab = await formedLab();
    const names = namesOf(lab);
    const [asked = ''] = names;
    expect(await deploy(lab, asked, webOf(5))).toMatchObject({ code: 0 });
    const before = await runOnce(lab, names, WEB);
    const leader = await leaderOf(lab, asked, 'demo.web');
    const [deaf = ''] = names.filter((name) => name !== leader);
    await oneWay(lab, leader, deaf);
    await forSome(DEAF_MS, async () => {
      for (const name of names) {
        const view = await viewOf(lab, name);
        expect(view?.hosts.filter(({ state }) => state === 'dead')).toEqual([]);
      }
    });
    expect(await containersOn(lab, names)).toEqual(before);
    await Promise.all(names.map((name) => heal(lab, name)));
    await allAgree(lab, names);
  },
);

/** Both have an instance on each host, and differ in which of two stays. */
const BOTH = `name: both
x-each: &each
  image: millrace/busybox:test
  command: [sleep, '1000000']
  stop_grace_period: 1s
  deploy: { replicas: 5 }
services:
  older: { <<: *each, x-millrace: { on_heal: keep_oldest } }
  newer: { <<: *each, x-millrace: { on_heal: keep_newest } }
`;

test.runIf(IS_FULL)(
  'of instances that run twice after a cut the one stays that on_heal names',
  async () => {
    const lab = await formedLab();
    const names = namesOf(lab);
    const both = [...slots('both.newer', 5), ...slots('both.older', 5)];
    expect(await deploy(lab, names[0] ?? '', BOTH)).toMatchObject({ code: 0 });
    const before = await runOnce(lab, names, both);
    const leaders = [await leaderOf(lab, names[0] ?? '', 'both.older')];
    const [lost = ''] = names.filter((name) => !leaders.includes(name));
    const left = names.filter((name) => name !== lost);
    const own = before.filter(({ machine }) => machine === lost);
    expect(own).toHaveLength(2);

    await cut(lab, lost);
    const others = await runOnce(lab, left, both);
    // Cut off, it goes on with what it has: both of them run twice now.
    expect(await containersOn(lab, [lost])).toEqual(own);
    await heal(lab, lost);
    await allAgree(lab, names);
    const after = await runOnce(lab, names, both);
    for (const { id, instance } of own) {
      const successor = others.find((other) => other.instance === instance)?.id;
      const kept = after.find((one) => one.instance === instance)?.id;
      expect(kept, instance).toBe(instance.startsWith('both.older') ? id : successor);
    }
    await said(lab, names[0] ?? '', 'destroy', 'both', '--yes');
    await runOnce(lab, names, []);
  },
);

test.runIf(IS_FULL)('a cable that is in and out leaves every instance running once', async () => {
  const lab = await formedLab();
  const names = namesOf(lab);
  const [asked = ''] = names;
  expect(await deploy(lab, asked, webOf(5))).toMatchObject({ code: 0 });
  await runOnce(lab, names, WEB);
  const leader = await leaderOf(lab, asked, 'demo.web');
  const [loose = ''] = names.filter((name) => name !== leader && name !== asked);
  for (let i = 0; i < FLAPS; i++) {
    await cut(lab, loose);
    await until('it to be missed', STEP_MS, async () =>
      (await beliefOf(lab, asked, loose)) === 'alive' ? undefined : true,
    );
    await heal(lab, loose);
    await until('it to be heard', STEP_MS, async () =>
      (await beliefOf(lab, asked, loose)) === 'alive' ? true : undefined,
    );
  }
  await allAgree(lab, names);
  await runOnce(lab, names, WEB);
});
