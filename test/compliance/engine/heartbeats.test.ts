/** The embedded engine with heartbeats: they are health like any other, and change nothing else. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { millis } from '../../../protocol/base/time.ts';
import { withHeartbeats } from '../../../node/engine/heartbeat/heartbeats.ts';
import { createProcessEngine } from '../../../node/engine/process/process-engine.ts';
import { processWorkloads, shell } from './process-workloads.ts';
import { describeEngine } from './suite.ts';

const stateDir = mkdtempSync(join(tmpdir(), 'heartbeats-'));
afterAll(() => {
  rmSync(stateDir, { recursive: true });
});

const SERVER = `require('http').createServer((_, answer) => {
  answer.writeHead(fs.existsSync(process.argv[1]) ? 200 : 503).end();
}).listen(process.argv[2], '127.0.0.1')`;

/** A port each, of this process alone. */
let ports = 20_000 + (process.pid % 500) * 20;

describeEngine(
  'process with heartbeats',
  async (scope) => withHeartbeats(await createProcessEngine(scope, { stateDir })),
  {
    ...processWorkloads,
    healthyWhile(file) {
      const port = ports++;
      return {
        ...shell(''),
        process: { command: [process.execPath, '-e', SERVER, file, String(port)] },
        heartbeat: {
          target: { kind: 'http', port, path: '/' },
          intervalMs: millis(100),
          timeoutMs: millis(5_000),
          retries: 2,
          startPeriodMs: millis(60_000),
        },
      };
    },
  },
);
