/** The embedded engine, with real processes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { createProcessEngine } from '../../../node/engine/process/process-engine.ts';
import { processWorkloads } from './process-workloads.ts';
import { describeEngine } from './suite.ts';

const stateDir = mkdtempSync(join(tmpdir(), 'process-engine-'));
afterAll(() => {
  rmSync(stateDir, { recursive: true });
});

describeEngine(
  'process',
  async (scope) => createProcessEngine(scope, { stateDir }),
  processWorkloads,
);
