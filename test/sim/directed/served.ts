/** Four of one service that says whether it is well. */
import { millis } from '../../../protocol/base/time.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';

export const WANTED = 4;
export const WEB: ComponentSpec = {
  name: 'web',
  mode: 'replicated',
  replicas: WANTED,
  process: { command: ['serve'] },
  environment: { V: 'a' },
  ports: [],
  volumes: [],
  healthcheck: {
    test: { kind: 'shell', line: 'true' },
    intervalMs: millis(500),
    timeoutMs: millis(500),
    retries: 3,
    startPeriodMs: millis(0),
  },
  restart: { kind: 'always' },
  dependsOn: [],
  stopGraceMs: millis(1000),
};
