/**
 * A user's question that went out twice may arrive twice, however late: a leader's refusal of one copy
 * does not bind the other. Found by the simulator: a destroy was refused for want of a stack, and five
 * seconds later its other copy destroyed the stack that had come meanwhile (rules.md R7).
 */
import { expect, it } from 'vitest';
import { boot, epoch, hostId } from '../../../protocol/base/ids.ts';
import { createPrng } from '../../../protocol/base/prng.ts';
import { instant } from '../../../protocol/base/time.ts';
import {
  createDeploys,
  onCommand,
  onDeployResult,
  type Scene,
  tendDeploys,
} from '../../../protocol/command/deploys.ts';
import { firstTerms, LAN } from '../../../protocol/config.ts';
import type { Turn } from '../../../protocol/turn.ts';

const leader = hostId('h2');
const scene: Scene = {
  roster: { epoch: epoch(1), voters: [leader], termMs: firstTerms(LAN) },
  quorum: true,
  writerOf: () => undefined,
  leaderOf: () => leader,
};
const turnAt = (ms: number): Turn => ({
  now: instant(ms),
  config: LAN,
  self: hostId('h1'),
  boot: boot(1),
  prng: createPrng(1),
  out: [],
});

it.each([
  { asked: 1, told: 'refused', why: 'nothing else of it is under way' },
  { asked: 2, told: 'unknown', why: 'the other question may yet be answered with a write' },
])('asked $asked times and refused once, the user is told $told: $why', ({ asked, told }) => {
  const deploys = createDeploys();
  const destroy = { kind: 'deploy', deployId: 'op1', stack: 'shop' } as const;
  onCommand(deploys, turnAt(0), scene, 'c1', destroy);
  for (let n = 1; n < asked; n++) tendDeploys(deploys, turnAt(n * LAN.retryMs), scene);
  const turn = turnAt(asked * LAN.retryMs);
  onDeployResult(deploys, turn, 'op1', { kind: 'refused', code: 'no-such-stack', why: 'none' });
  const answers = turn.out.map((effect) => effect.kind === 'reply' && effect.result.kind);
  expect(answers).toEqual([told]);
});
