/** How long the engine itself takes from being asked to the process running: what no agent can beat. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEngine } from '../../node/engine/select.ts';
import type { LocalEngine } from '../../node/local/instances.ts';
import { createObserver } from './observer.ts';
import { sleeper } from './stage.ts';

const START_MS = 30_000;

/** The same spec, driver and observer as in the rounds, with no agent. */
export async function startsAlone(
  engine: LocalEngine,
  rounds: number,
  signal: AbortSignal,
): Promise<readonly number[]> {
  const mark = crypto.randomUUID();
  const stateDir = mkdtempSync(join(tmpdir(), 'mr-engine-'));
  const scope = {
    cluster: `bench-${mark.slice(0, 8)}`,
    host: 'alone',
    publishAddress: '127.0.0.1',
  };
  const where = engine.kind === 'docker' ? { dockerSocket: engine.socket } : {};
  const driver = await openEngine(engine.kind, scope, { stateDir, ...where });
  const observer = createObserver(mark);
  const spec = sleeper({ mark }, 'alone', 1);
  const values: number[] = [];
  try {
    // The first one reads programs from disk: thrown away.
    for (let attempt = 0; attempt <= rounds; attempt++) {
      const labels = { component: 'bench.alone', slot: 1, attempt, revision: 'r', term: 1 };
      const bound = AbortSignal.any([signal, AbortSignal.timeout(START_MS)]);
      observer.running();
      const from = performance.now();
      const [seen, { id }] = await Promise.all([
        observer.started(() => true, bound),
        driver.start({ labels, spec }, bound),
      ]);
      if (attempt > 0) values.push(seen.at - from);
      await driver.remove(id, bound);
    }
  } finally {
    await driver[Symbol.asyncDispose]();
    rmSync(stateDir, { recursive: true, force: true });
  }
  return values;
}
