/** Links that fail in part: a partition, one deaf ear, loss, a cable that is in and out. */
import { expect, test } from 'vitest';
import { cut, heal, lose, oneWay } from '../../node/local/lab/faults.ts';
import { type Lab, until } from '../../node/local/lab/lab.ts';
import {
  allAgree,
  beliefOf,
  deploy,
  formedLab,
  IS_FULL,
  leaderOf,
  namesOf,
  runOnce,
  slots,
  STEP_MS,
  viewOf,
  votersOf,
  webOf,
} from './machines.ts';

const WEB = slots('demo.web', 5);
const LOSS = 0.2;
const LOSS_MS = 60_000;
const FLAPS = 5;

/** Neither side hears the other. */
async function separate(lab: Lab, side: readonly string[], other: readonly string[]) {
  const pairs = side.flatMap((a) => other.map((b) => [a, b] as const));
  for (const [a, b] of pairs) await Promise.all([oneWay(lab, a, b), oneWay(lab, b, a)]);
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

test.runIf(IS_FULL)(
  'a fifth of all packets is lost at one host: it is not taken for dead, and nothing moves',
  async () => {
    const lab = await formedLab();
    const names = namesOf(lab);
    const [asked = ''] = names;
    expect(await deploy(lab, asked, webOf(5))).toMatchObject({ code: 0 });
    const before = await runOnce(lab, names, WEB);
    const [lossy = ''] = names.toReversed();
    await lose(lab, lossy, LOSS);
    const end = performance.now() + LOSS_MS;
    await until('the time of loss to be over', 2 * LOSS_MS, async () => {
      expect(await beliefOf(lab, asked, lossy)).not.toBe('dead');
      return performance.now() > end ? true : undefined;
    });
    await heal(lab, lossy);
    await allAgree(lab, names);
    expect(await runOnce(lab, names, WEB)).toEqual(before);
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
