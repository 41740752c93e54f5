/** Where the agent keeps its things, and where `agentctl` looks for its socket. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

export type Paths = {
  /** The state folder: store, key, `agent.json`, the embedded engine's instances. */
  readonly state: string;
  readonly socket: string;
  readonly config: string;
};

export type PathsInput = {
  readonly root: boolean;
  readonly home: string;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** Of root where a system-wide agent runs; systemd makes the folders. */
export const SYSTEM_PATHS: Paths = {
  state: '/var/lib/millrace',
  socket: '/run/millrace/agent.sock',
  config: '/etc/millrace/agent.yaml',
};

/** Root: the system's folders. Others: XDG; without a runtime folder the socket lies in the state. */
export function defaultPaths(input: PathsInput = currentUser()): Paths {
  if (input.root) return SYSTEM_PATHS;
  const { env, home } = input;
  const state = join(absolute(env['XDG_STATE_HOME']) ?? join(home, '.local/state'), 'millrace');
  const runtime = absolute(env['XDG_RUNTIME_DIR']);
  return {
    state,
    socket: join(runtime === undefined ? state : join(runtime, 'millrace'), 'agent.sock'),
    config: join(absolute(env['XDG_CONFIG_HOME']) ?? join(home, '.config'), 'millrace/agent.yaml'),
  };
}

/** The socket to ask: MILLRACE_SOCKET, else the system's agent if it has one, else our own. */
export function findSocket(
  input: PathsInput = currentUser(),
  exists: (path: string) => boolean = existsSync,
): string {
  const isNamed = (input.env['MILLRACE_SOCKET'] ?? '') !== '';
  return !isNamed && exists(SYSTEM_PATHS.socket) ? SYSTEM_PATHS.socket : ownSocket(input);
}

/** Where an agent listens: MILLRACE_SOCKET, else the default. Never at the system's, if it is not that. */
export function ownSocket(input: PathsInput = currentUser()): string {
  const named = input.env['MILLRACE_SOCKET'];
  return named !== undefined && named !== '' ? named : defaultPaths(input).socket;
}

/** The state folder: MILLRACE_STATE, else the default. */
export function findState(input: PathsInput = currentUser()): string {
  const named = input.env['MILLRACE_STATE'];
  return named !== undefined && named !== '' ? named : defaultPaths(input).state;
}

function currentUser(): PathsInput {
  return { root: process.getuid?.() === 0, home: homedir(), env: process.env };
}

/** The XDG rule: a relative path in such a variable is to be ignored. */
function absolute(path: string | undefined): string | undefined {
  return path?.startsWith('/') === true ? path : undefined;
}
