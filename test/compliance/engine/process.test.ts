/** The embedded engine, with real processes. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { createProcessEngine } from '../../../node/engine/process/process-engine.ts';
import { millis } from '../../../protocol/base/time.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { describeEngine, type Workloads } from './suite.ts';

const stateDir = mkdtempSync(join(tmpdir(), 'process-engine-'));
afterAll(() => {
  rmSync(stateDir, { recursive: true });
});

const sleep = 'while :; do sleep 1000; done';
const workloads: Workloads = {
  sleepForEver: () => shell(sleep),
  exitWith: (code) => shell(`exit ${code}`),
  ignoreSigterm: () => shell(`trap '' TERM; echo ready; ${sleep}`),
  printLines: (lines) => ({
    ...shell(`printf '%s\\n' "$@"; ${sleep}`),
    process: { command: ['/bin/sh', '-c', `printf '%s\\n' "$@"; ${sleep}`, 'sh', ...lines] },
  }),
  countForEver: () => shell('n=0; while n=$((n + 1)); do echo $n; sleep 0.05; done'),
  healthyWhile: (file) => ({
    ...shell(sleep),
    healthcheck: {
      test: { kind: 'exec', words: ['test', '-e', file] },
      intervalMs: millis(100),
      timeoutMs: millis(5_000),
      retries: 2,
      startPeriodMs: millis(60_000),
    },
  }),
  keepInVolume: () => ({
    ...shell(
      `echo x >>"$MILLRACE_VOLUME_DATA/x"; echo lines $(wc -l <"$MILLRACE_VOLUME_DATA/x"); ${sleep}`,
    ),
    volumes: [{ kind: 'named', source: 'kept', target: '/data', readOnly: false }],
  }),
  badCommand: () => ({ ...shell(''), process: { command: ['/no/such/command'] } }),
};

function shell(line: string): ComponentSpec {
  return {
    name: 'work',
    mode: 'replicated',
    replicas: 1,
    process: { command: ['/bin/sh', '-c', line] },
    environment: {},
    ports: [],
    volumes: [],
    restart: { kind: 'no' },
    dependsOn: [],
    stopGraceMs: millis(1_000),
  };
}

describeEngine('process', async (scope) => createProcessEngine(scope, { stateDir }), workloads);
