/** A guard as a process of its own, an agent's link to it, and a Docker Engine that can be made to hang. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AGENTD, NODE_FLAGS } from '../../../node/agentd.ts';
import { createLeaseClock } from '../../../node/clock.ts';
import type { EngineScope } from '../../../node/engine/engine.ts';
import { createDockerEngine } from '../../../node/engine/docker/docker-engine.ts';
import { uptimeMs } from '../../../node/guard/lines.ts';
import { createGuardLink } from '../../../node/guard/link.ts';
import { createLogger } from '../../../node/log.ts';
import { until } from '../../../node/local/cluster.ts';
import { type Key, term } from '../../../protocol/base/ids.ts';
import { instant } from '../../../protocol/base/time.ts';
import type { Input } from '../../../protocol/input.ts';
import { nodeSpec } from '../../compliance/engine/docker-ground.ts';

export const PATIENCE_MS = 30_000;

/** Writes a line of `lives.ts` to `/out/written` 20 times a second. */
export const WRITING = `setInterval(() => fs.appendFileSync('/out/written',
  os.uptime() + ' ' + process.env.MILLRACE_TERM + ' ' + os.hostname() + '\\n'), 50)`;

export const writerSpec = (folder: string) =>
  nodeSpec(WRITING, {
    singleton: 'strict',
    volumes: [{ kind: 'bind', source: folder, target: '/out', readOnly: false }],
  });

export const startGuard = (socket: string): ChildProcess =>
  spawn(process.execPath, [...NODE_FLAGS, AGENTD, 'guard', socket], { stdio: 'ignore' });

/** As an agent of this scope is to its guard and its engine. */
export async function joinGuard(scope: EngineScope, socketPath: string, guardSocket: string) {
  const clock = createLeaseClock();
  const heard: Input[] = [];
  const link = createGuardLink(guardSocket, clock, createLogger({ level: 'silent' }));
  const engine = await createDockerEngine(scope, { socketPath, guard: link });
  link.open((input) => heard.push(input), engine.guardReach);
  const hears = (kind: Input['kind'], times = 1): Promise<true> =>
    until(`${kind}, ${times} times`, PATIENCE_MS, () =>
      Promise.resolve(heard.filter((input) => input.kind === kind).length >= times || undefined),
    );
  await hears('guardJoined');
  return {
    engine,
    link,
    hears,
    /** Vouches for the slot for so long from now; the end as uptime in seconds. */
    async hold(key: Key, first: number, ms: number): Promise<number> {
      const already = heard.filter(({ kind }) => kind === 'guardAcknowledged').length;
      const endsAt = (uptimeMs() + ms) / 1000;
      link.warrant(key, { first: term(first), until: instant(clock.now() + ms) });
      await hears('guardAcknowledged', already + 1);
      return endsAt;
    },
  };
}

/** dockerd and the containerd that it has started; undefined: the engine is not this test's to stop. */
export function pidsOfEngine(socketPath: string): readonly number[] | undefined {
  const folder = dirname(socketPath);
  // Only engines of scripts/engine.sh say which bridge they have.
  if (!existsSync(join(folder, 'bridge'))) return undefined;
  const dockerd = Number(readFileSync(join(folder, 'docker.pid'), 'utf8'));
  const children = readFileSync(`/proc/${dockerd}/task/${dockerd}/children`, 'utf8');
  return [dockerd, ...children.split(' ').filter(Boolean).map(Number)];
}

export const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}`);
