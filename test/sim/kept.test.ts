/**
 * What a core keeps because nothing of it has changed is as it would be if it were found anew: what it
 * knows, how long it holds its keys, and what it has decided.
 */
import { isDeepStrictEqual } from 'node:util';
import { expect, it } from 'vitest';
import type { Instant } from '../../protocol/base/time.ts';
import { componentOfKey } from '../../protocol/base/ids.ts';
import { assign, isMoot } from '../../protocol/core/assign.ts';
import { know } from '../../protocol/core/know.ts';
import { writerOf } from '../../protocol/core/leading.ts';
import { type Core, turnOf } from '../../protocol/core/state.ts';
import { heldUntil } from '../../protocol/lease/hold.ts';
import { movesLeft } from '../../protocol/placement/brake.ts';
import { isServing } from '../../protocol/record/writer.ts';
import { localNow } from '../../sim/host.ts';
import { simulate } from '../../sim/run.ts';
import { optionsUnder } from '../../sim/scenario/plan.ts';

type Looked = { knowledge: number; holds: number; decisions: number };

function lookAtKnowledge(core: Core, looked: Looked): string | undefined {
  if (core.knowledge === undefined) return undefined;
  looked.knowledge += 1;
  const anew = know({ ...core, knowledge: undefined });
  return isDeepStrictEqual(know({ ...core }), anew) ? undefined : 'knowledge';
}

function lookAtHolds(core: Core, now: Instant, looked: Looked): string | undefined {
  const { leases, council } = core;
  if (leases === undefined) return undefined;
  const { holder, links } = leases;
  const turn = turnOf(core, now);
  for (const [key, hold] of holder.holds) {
    looked.holds += 1;
    const holds = new Map([[key, { ...hold, counted: undefined }]]);
    const anew = heldUntil({ ...holder, holds }, links, turn, council.roster, key);
    if (heldUntil(holder, links, turn, council.roster, key) !== anew) return `hold of ${key}`;
  }
  return undefined;
}

/** What is not decided anew would be decided as it was, and nothing would be said of it. */
function lookAtDecisions(core: Core, now: Instant, looked: Looked): string | undefined {
  if (core.leases === undefined) return undefined;
  const turn = turnOf(core, now);
  for (const [key, decided] of core.decided) {
    const component = componentOfKey(key);
    const writer = writerOf(core, core.leases, turn, key);
    if (component === undefined || writer === undefined || !isServing(writer)) continue;
    if (decided.record !== writer.record || decided.movesMax !== movesLeft(core.brake, now))
      continue;
    if (decided.dueAt !== undefined && now >= decided.dueAt) continue;
    if (decided.isTimely || !isMoot(core, decided, know(core), component)) continue;
    looked.decisions += 1;
    const copy = { ...core, brake: { ...core.brake }, explained: new Map(core.explained) };
    const watches = new Map([...core.watches].map(([id, watch]) => [id, structuredClone(watch)]));
    const { value, dueAt } = assign({ ...copy, watches }, turn, writer, component);
    if (value !== undefined || turn.out.length > 0) return `decision on ${component}`;
    if (dueAt !== decided.dueAt) return `when to decide on ${component} again`;
  }
  return undefined;
}

/** Every so many steps. */
const LOOK_EVERY = 7;

it.each([1, 4, 23, 51])('holds in seed %i', (seed) => {
  const looked: Looked = { knowledge: 0, holds: 0, decisions: 0 };
  let steps = 0;
  let wrong: string | undefined;
  simulate(optionsUnder('swarm', seed), {
    untilMs: 40_000,
    onBegun({ world }, host) {
      steps += 1;
      const { agent } = host;
      if (agent === undefined || steps % LOOK_EVERY > 0 || wrong !== undefined) return;
      const now = localNow(agent, world.queue.now);
      wrong ??= lookAtKnowledge(agent.core, looked);
      wrong ??= lookAtHolds(agent.core, now, looked);
      wrong ??= lookAtDecisions(agent.core, now, looked);
    },
  });
  expect(wrong).toBeUndefined();
  for (const count of Object.values(looked)) expect(count).toBeGreaterThan(20);
});
