/** Which engine an agent works with: the one it is told, else Docker where a socket answers. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { unreachable } from '../../protocol/base/assert.ts';
import { dockerSockets } from './docker/sockets.ts';
import { type Engine, EngineError, type EngineScope } from './engine.ts';
import { withHeartbeats } from './heartbeat/heartbeats.ts';
import type { GuardLink } from '../guard/link.ts';
import { createProcessEngine } from './process/process-engine.ts';

export type EngineChoice = 'auto' | 'docker' | 'process';

export type EngineOptions = {
  /** Looked at before, and instead of, what the environment names. */
  readonly dockerSocket?: string;
  /** Lets strict instances begin. */
  readonly guard?: GuardLink;
  /** Where the process engine keeps what it runs. */
  readonly stateDir: string;
  /** Where the files of instances are, of this agent alone. Absent: whoever asks starts nothing. */
  readonly filesDir?: string;
  /**
   * Default: this process's own. `MILLRACE_DOCKER_SOCKET`, `DOCKER_HOST=unix://…` and `DOCKER_CONFIG`,
   * the folder of `docker login`, are read.
   */
  readonly environment?: Readonly<Record<string, string | undefined>>;
};

/**
 * With its heartbeats. Rejects only where `docker` is chosen and none answers: `auto` falls back to
 * `process`.
 */
export const openEngine = async (
  choice: EngineChoice,
  scope: EngineScope,
  options: EngineOptions,
): Promise<Engine> => withHeartbeats(await openDriver(choice, scope, options));

async function openDriver(
  choice: EngineChoice,
  scope: EngineScope,
  options: EngineOptions,
): Promise<Engine> {
  switch (choice) {
    case 'process':
      return createProcessEngine(scope, options);
    case 'docker':
      return openDocker(scope, options);
    case 'auto':
      try {
        return await openDocker(scope, options);
      } catch (error) {
        if (!(error instanceof EngineError)) throw error;
        return createProcessEngine(scope, options);
      }
    default:
      return unreachable(choice);
  }
}

async function openDocker(scope: EngineScope, options: EngineOptions): Promise<Engine> {
  // What talks to Docker takes 20 MB of memory: only where it is used.
  const { createDockerEngine } = await import('./docker/docker-engine.ts');
  const refusals: string[] = [];
  const { guard, filesDir } = options;
  const environment = options.environment ?? process.env;
  const loginsDir = environment['DOCKER_CONFIG'] || join(homedir(), '.docker');
  for (const socketPath of dockerSockets(options, environment)) {
    try {
      const found = {
        socketPath,
        loginsDir,
        ...(guard !== undefined && { guard }),
        ...(filesDir !== undefined && { filesDir }),
      };
      return await createDockerEngine(scope, found);
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      refusals.push(`${socketPath} (${error.message})`);
    }
  }
  throw new EngineError(
    'unavailable',
    `no Docker Engine answers: tried ${refusals.join(', ')}; ` +
      'start Docker, name its socket in MILLRACE_DOCKER_SOCKET, or choose --engine process',
  );
}
