/** A destroyed stack is forgotten in the end, on every disk; not while anyone is away who knew it (R8). */
import { expect, it } from 'vitest';
import { hostId, ROSTER_KEY, stackKey } from '../../../protocol/base/ids.ts';
import { committedOf } from '../../../protocol/record/committed.ts';
import type { StackSpec } from '../../../protocol/component/spec.ts';
import { onePerHost } from '../../../sim/bench/convergence.ts';
import { ofMillis } from '../../../sim/event-queue.ts';
import { quiet } from '../../../sim/options.ts';
import { simulate } from '../../../sim/run.ts';
import type { Deed } from '../../../sim/tape.ts';
import type { Strike } from '../../../sim/strike.ts';
import type { World } from '../../../sim/world.ts';

const DESTROYED_MS = 10_000;
const SHOP: StackSpec = { ...onePerHost(), name: 'shop' };

const command = (
  atMs: number,
  given: Extract<Deed, { kind: 'command' }>['errand']['given'],
): Deed => ({
  at: ofMillis(atMs),
  kind: 'command',
  host: 0,
  errand: { stack: 'shop', given, attempt: 1 },
});
const deploy = (atMs: number, deployId: string): Deed =>
  command(atMs, { kind: 'deploy', deployId, spec: SHOP });
const destroy = (atMs: number, deployId: string): Deed =>
  command(atMs, { kind: 'destroy', deployId, stack: 'shop' });
const strike = (atMs: number, one: Strike): Deed => ({
  at: ofMillis(atMs),
  kind: 'strike',
  strike: one,
});

/** What anyone still has of the stack, and whether the list of members names it. */
function lookAt({ hosts }: World): { readonly kept: string[]; readonly isBuried: boolean } {
  const kept: string[] = [];
  let isBuried = false;
  for (const { id, agent, disk } of hosts) {
    const isOfShop = (name: string): boolean => /^(.*\/)?(stack|component)\/shop/.test(name);
    for (const name of disk.durable.keys()) if (isOfShop(name)) kept.push(`${id} disk ${name}`);
    for (const name of agent?.core.committed.byKey.keys() ?? [])
      if (isOfShop(name)) kept.push(`${id} ${name}`);
    for (const name of agent?.core.registers.keys() ?? [])
      if (isOfShop(name)) kept.push(`${id} register ${name}`);
    const value = agent && committedOf(agent.core.committed, ROSTER_KEY)?.value;
    isBuried ||= value?.kind === 'members' && value.buried !== undefined;
  }
  return { kept, isBuried };
}

function play(deeds: readonly Deed[], looksMs: readonly number[], untilMs = 70_000) {
  const seen: ReturnType<typeof lookAt>[] = [];
  const options = { ...quiet(5, 3, untilMs), voterCount: 3, tombstoneMs: 15_000 } as const;
  const { verdict } = simulate(
    { ...options, workload: { kind: 'given', stacks: [] } },
    {
      timeline: [deploy(3000, 'op1'), destroy(DESTROYED_MS, 'op2'), ...deeds],
      look({ atMs, world }) {
        if (looksMs.includes(atMs)) seen.push(lookAt(world));
        return undefined;
      },
    },
  );
  expect(verdict).toEqual({ kind: 'passed' });
  return seen;
}

it('is buried after a while, and some time later that is forgotten as well', () => {
  const [destroyed, buried, gone] = play([], [20_000, 32_000, 60_000]);
  expect(destroyed?.kept.length).toBeGreaterThan(6);
  expect(destroyed?.isBuried).toBe(false);
  expect(buried).toEqual({ kept: [], isBuried: true });
  expect(gone).toEqual({ kept: [], isBuried: false });
});

it('is kept while a host is away that knew it', () => {
  const away = strike(12_000, { kind: 'lose', host: 2, forMs: 30_000 });
  const [during, later] = play([away], [41_000, 52_000]);
  expect(during?.isBuried).toBe(false);
  expect(during?.kept).toContain(`h1 ${stackKey('shop')}`);
  expect(later).toEqual({ kept: [], isBuried: true });
});

it.each([
  [20_000, 'remembered'],
  [32_000, 'buried'],
  [58_000, 'forgotten'],
])('deployed again after %i ms, while it is %s, it runs on every host', (atMs) => {
  const at: string[] = [];
  const options = { ...quiet(5, 3, 70_000), voterCount: 3, tombstoneMs: 15_000 } as const;
  const { verdict } = simulate(
    { ...options, workload: { kind: 'given', stacks: [] } },
    {
      timeline: [deploy(3000, 'op1'), destroy(DESTROYED_MS, 'op2'), deploy(atMs, 'op3')],
      look({ atMs: nowMs, world }) {
        if (nowMs === 69_000)
          for (const { id, engine } of world.hosts)
            for (const { observed } of engine.instances.values())
              if (observed.state === 'running') at.push(id);
        return undefined;
      },
    },
  );
  expect(verdict).toEqual({ kind: 'passed' });
  expect(at.map(hostId).sort()).toEqual(['h1', 'h2', 'h3']);
});
