/** What tests do to a simulated cluster. */
import { millis } from '../../protocol/base/time.ts';
import type { Deed } from '../../sim/tape.ts';

/** A user asks a host for a stack of one component. */
export const deploy = (at: number, host: number, stack: string, deployId: string): Deed => ({
  at,
  kind: 'command',
  host,
  errand: {
    stack,
    attempt: 1,
    given: {
      kind: 'deploy',
      deployId,
      spec: {
        name: stack,
        components: [
          {
            name: 'web',
            mode: 'replicated',
            replicas: 1,
            process: { command: ['serve'] },
            environment: {},
            ports: [],
            volumes: [],
            restart: { kind: 'always' },
            dependsOn: [],
            stopGraceMs: millis(1000),
          },
        ],
      },
    },
  },
});
