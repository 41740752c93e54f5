/** What a host has decided is told by the others when its machine is gone, and its age is right. */
import { expect, it } from 'vitest';
import { between, millis } from '../../../protocol/base/time.ts';
import { decisionsOf } from '../../../protocol/inventory/log.ts';
import type { JournalEntry } from '../../../protocol/view/view.ts';
import { ofMillis } from '../../../sim/event-queue.ts';
import { type Host, localNow } from '../../../sim/host.ts';
import { quiet } from '../../../sim/options.ts';
import { type Planned, type Scene, simulate } from '../../../sim/run.ts';

const LOST_MS = 15_000;
const LOOK_MS = 25_000;
/** Delays of messages, and clocks that go wrong by as much as they may. */
const ERROR_MS = 400;

type Told = { readonly seq: number; readonly text: string; readonly ageMs: number };

/** What the lost host had decided a second before its end, and what each other tells of it later. */
function play(comesBackAfterMs: number): { readonly decided: Told[]; readonly told: Told[][] } {
  const decided: Told[] = [];
  const told: Told[][] = [];
  let victim: Host | undefined;
  const lose: Planned = {
    at: ofMillis(LOST_MS),
    deedsIn({ world, panel }) {
      victim = [...panel.leases.keysOf].find(([, keys]) => keys.size > 1)?.[0] ?? world.hosts[0];
      const { agent } = victim ?? {};
      if (victim === undefined || agent === undefined) return [];
      const now = localNow(agent, world.queue.now);
      const toAge = ({ seq, text, at }: JournalEntry): Told => ({
        seq,
        text,
        ageMs: between(at, now) + LOOK_MS - LOST_MS,
      });
      const old = agent.core.journal.filter(({ at }) => between(at, now) > millis(1000));
      decided.push(...old.map(toAge));
      const strike = { kind: 'lose', host: victim.index, forMs: comesBackAfterMs } as const;
      return [{ at: world.queue.now, kind: 'strike', strike }];
    },
  };
  const look = ({ atMs, world }: Scene): undefined => {
    if (atMs !== LOOK_MS || victim === undefined) return;
    for (const { agent, id } of world.hosts) {
      if (agent === undefined || id === victim.id) continue;
      const now = localNow(agent, world.queue.now);
      told.push(
        decisionsOf(agent.core.inventories, victim.id)
          .filter(({ boot }) => boot === firstBoot(agent.core.inventories, victim?.id))
          .map(({ seq, text, at }) => ({ seq, text, ageMs: between(at, now) })),
      );
    }
  };
  const options = {
    ...quiet(3, 4, 30_000),
    voterCount: 3,
    ratesPermille: [10, -10, 0, 10],
  } as const;
  const workload = { kind: 'random', everyMs: 2000, stackCount: 1 } as const;
  const { verdict } = simulate({ ...options, workload }, { timeline: [lose], look });
  expect(verdict).toEqual({ kind: 'passed' });
  return { decided, told };
}

function firstBoot(
  inventories: Parameters<typeof decisionsOf>[0],
  id: Host['id'] | undefined,
): number | undefined {
  return id === undefined ? undefined : decisionsOf(inventories, id)[0]?.boot;
}

it.each([
  [60_000, 'it is still gone'],
  [3000, 'it has started again since'],
])('every other host tells what it had decided: lost for %i ms, %s', (forMs) => {
  const { decided, told } = play(forMs);
  expect(decided.length).toBeGreaterThan(5);
  expect(told).toHaveLength(3);
  for (const all of told) {
    for (const { seq, text, ageMs } of decided) {
      const found = all.find((one) => one.seq === seq);
      expect(found?.text).toBe(text);
      expect(Math.abs((found?.ageMs ?? Infinity) - ageMs)).toBeLessThan(ERROR_MS);
    }
  }
});
