/** Inputs that wait together: each is received, and what follows from them is settled once. */
import { expect, it } from 'vitest';
import { instant } from '../../../protocol/base/time.ts';
import { nextDeadline, step } from '../../../protocol/core.ts';
import type { Input } from '../../../protocol/input.ts';
import { coreOf, found, grown, hostOf, newCluster, run, stack, start } from './cluster.ts';

const deployed: Input = {
  kind: 'commandGiven',
  commandId: 'c1',
  command: { kind: 'deploy', deployId: 'd1', spec: stack('shop', 'web:3') },
};

it('what follows waits for the last, and no longer than a millisecond if none comes', () => {
  const cluster = grown('abc');
  run(cluster, 5000);
  const core = coreOf(cluster, 'a');
  const { now } = cluster;
  const first = step(core, deployed, instant(now), true);
  expect(first.filter(({ kind }) => kind === 'send')).toEqual([]);
  expect(nextDeadline(core)).toBe(now + 1);
  const then = step(core, { kind: 'woken' }, instant(now + 1));
  expect(then.some(({ kind }) => kind === 'send')).toBe(true);
});

it('what is asked at once is answered at once', () => {
  const cluster = grown('abc');
  run(cluster, 5000);
  const probe: Input = {
    kind: 'messageReceived',
    from: hostOf(cluster, 'b').id,
    message: { kind: 'probe', nonce: 7 },
  };
  const effects = step(coreOf(cluster, 'a'), probe, instant(cluster.now), true);
  expect(effects).toMatchObject([{ kind: 'send', message: { kind: 'probeAck', nonce: 7 } }]);
});

it('whoever votes from now on counts for the next input already', () => {
  const cluster = newCluster('abc');
  let chosen: Input | undefined;
  cluster.lost = (from, to, message) => {
    if (to !== 'b' || message.kind !== 'rosterChosen') return false;
    chosen ??= { kind: 'messageReceived', from, message };
    return true;
  };
  found(cluster, 'a');
  start(cluster, 'b');
  start(cluster, 'c');
  run(cluster, 10_000);
  if (chosen === undefined) throw new Error('nobody was made a voter');
  const core = coreOf(cluster, 'b');
  const { epoch } = core.council.roster;
  step(core, chosen, instant(cluster.now), true);
  expect(core.council.roster.epoch).toBeGreaterThan(epoch);
  expect(core.settleBy).toBeGreaterThan(cluster.now);
});
