/**
 * What every `Engine` must do, whatever runs behind it. A driver's test calls `describeEngine` with a
 * way to open the engine and with workloads that this engine can run.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe } from 'vitest';
import { itAdopts, itKeepsToItsScope, itWatchesHealth } from './adoption.ts';
import { Ground, type OpenEngine, PATIENCE_MS, type Workloads } from './ground.ts';
import { itExecutes } from './execution.ts';
import { itTakesInput } from './input.ts';
import { itEnds, itFreezes, itRemoves, itStarts, itStops } from './life.ts';
import { thisMachine } from './machine.ts';
import { itTellsOfOthers } from './others.ts';
import { itAborts, itLogs, itRefuses } from './refusal.ts';

export type { OpenEngine, Workloads } from './ground.ts';

const GROUPS = {
  start: itStarts,
  end: itEnds,
  stop: itStops,
  freeze: itFreezes,
  remove: itRemoves,
  others: itTellsOfOthers,
  health: itWatchesHealth,
  adoption: itAdopts,
  scope: itKeepsToItsScope,
  logs: itLogs,
  exec: itExecutes,
  input: itTakesInput,
  refusal: itRefuses,
  abort: itAborts,
};

export function describeEngine(
  name: string,
  open: OpenEngine,
  workloads: Workloads,
  machine = thisMachine,
): void {
  describe(`engine ${name}`, { timeout: 2 * PATIENCE_MS }, () => {
    let ground = new Ground(open);
    let folder = '';
    beforeEach(async () => {
      ground = new Ground(open);
      folder = await mkdtemp(join(tmpdir(), 'engine-'));
    });
    afterEach(async () => {
      await ground[Symbol.asyncDispose]();
      await rm(folder, { recursive: true, force: true });
    }, 2 * PATIENCE_MS);

    const subject = { ground: () => ground, folder: () => folder, workloads, machine };
    describe.each(Object.entries(GROUPS))('%s', (_, declareTests) => {
      declareTests(subject);
    });
  });
}
