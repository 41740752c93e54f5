/** Answers that arrive late, or after the agent that asked has started again. */
import { expect, it } from 'vitest';
import { ROSTER_KEY } from '../../../protocol/base/ids.ts';
import { instant } from '../../../protocol/base/time.ts';
import { holderTermMs, LAN } from '../../../protocol/config.ts';
import { heldKeys } from '../../../protocol/view/held.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import {
  answered,
  type Cluster,
  coreOf,
  crash,
  deploy,
  give,
  grown,
  hostOf,
  run,
  soon,
  stack,
  start,
} from './cluster.ts';

/** Keeps what is sent `to` this host, except by itself, for as long as nothing replaces `lost`. */
function holdBack(cluster: Cluster, to: string): readonly { from: string; message: Message }[] {
  const kept: { from: string; message: Message }[] = [];
  cluster.lost = (from, target, message) => {
    if (target !== to || from === to) return false;
    kept.push({ from, message });
    return true;
  };
  return kept;
}

function hand(cluster: Cluster, to: string, from: string, message: Message): void {
  const sender = hostOf(cluster, from).id;
  give(cluster, hostOf(cluster, to), { kind: 'messageReceived', from: sender, message });
}

const leaderOf = (cluster: Cluster): string =>
  ['a', 'b', 'c'].find((name) => coreOf(cluster, name).writers.has(ROSTER_KEY)) ?? '';

it('a lease counts from when its keepalive left, however late the answer is (H1)', () => {
  const cluster = grown('abc');
  const leader = leaderOf(cluster);
  const late = holdBack(cluster, leader);
  const first = () => late.find(({ message }) => message.kind === 'keepaliveAck');
  soon(cluster, 1000, () => first() !== undefined);
  const answeredAt = cluster.now;
  run(cluster, 1500);
  const { from, message } = first() ?? { from: '', message: undefined };
  if (message !== undefined) hand(cluster, leader, from, message);
  const [held] = heldKeys(coreOf(cluster, leader), instant(cluster.now));
  expect(held?.key).toBe(ROSTER_KEY);
  expect(held?.validUntil).toBeLessThanOrEqual(answeredAt + holderTermMs(LAN.termMs, LAN));
});

it('what answers an earlier start of an agent says nothing to its next (L-b)', () => {
  const cluster = grown('abc');
  crash(cluster, 'a');
  start(cluster, 'a');
  const late = holdBack(cluster, 'a');
  run(cluster, 100);
  const answers = late.filter(({ message }) => message.kind === 'keepaliveAck');
  expect(answers.length).toBeGreaterThan(0);
  crash(cluster, 'a');
  cluster.lost = (_from, to) => to === 'a';
  start(cluster, 'a');
  run(cluster, 10);
  for (const { from, message } of answers) hand(cluster, 'a', from, message);
  deploy(cluster, 'a', 'x', stack('shop', 'web'));
  expect(answered(cluster, 'x')).toBe('a answers x: refused no-quorum');
});
