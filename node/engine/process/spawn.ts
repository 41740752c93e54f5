/** Makes the process of an instance: leader of its own session and group, with no tie to the agent. */
import { spawn as spawnChild } from 'node:child_process';
import { once } from 'node:events';
import { open, stat } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { EngineError } from '../engine.ts';
import { killOrphans, type ProcessIdentity, readStat } from './identity.ts';
import { badSpec, type Launch } from './launch.ts';
import { logPath } from './log-file.ts';

export type Spawned = {
  readonly identity: ProcessIdentity;
  /** Its exit code, 128 + the signal's number if it was killed. What is left of its group is killed. */
  readonly exited: Promise<number>;
  /** Of its standard input, which ends with this process. */
  readonly input?: Socket;
};

/** What trying again cannot mend. */
const PERMANENT_CODES = new Set([
  'ENOENT',
  'EACCES',
  'ENOTDIR',
  'ENOEXEC',
  'ELOOP',
  'EISDIR',
  'E2BIG',
  'ERR_INVALID_ARG_VALUE',
]);

/** Standard output and error are appended to the log in `folder`; standard input is empty, or a pipe from here. */
export async function spawn(
  component: string,
  launch: Launch,
  folder: string,
  boot: string,
): Promise<Spawned> {
  const [command, ...args] = launch.words;
  await requireFolder(component, launch.workingDir);
  await using log = await open(logPath(folder), 'a', 0o640);
  try {
    const child = spawnChild(command, args, {
      cwd: launch.workingDir,
      env: launch.environment,
      detached: true, // setsid: signals to the agent's group or terminal do not reach it
      stdio: [launch.hasInput ? 'pipe' : 'ignore', log.fd, log.fd],
    });
    const { pid } = child;
    if (pid === undefined) {
      const [error]: unknown[] = await once(child, 'error');
      throw error;
    }
    child.unref();
    const exited = Promise.withResolvers<number>();
    child.once('exit', (code, signal) => {
      killOrphans(pid);
      exited.resolve(code ?? 128 + constants.signals[signal ?? 'SIGKILL']);
    });
    // It may have ended by now, but it is not collected before the event loop turns.
    const startTicks = readStat(pid)?.startTicks ?? Number.NaN;
    const spawned = { identity: { pid, startTicks, boot }, exited: exited.promise };
    // A pipe to a child is a socket; one that waits for its input keeps no agent alive.
    const input = child.stdin as Socket | null;
    return input === null ? spawned : { ...spawned, input: input.unref() };
  } catch (error) {
    throw refusalFor(error, component, command);
  }
}

/** Else a missing folder and a missing command would look alike. */
async function requireFolder(component: string, path: string): Promise<void> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) return;
  const why = `its working folder ${path} is not a folder on this host`;
  throw badSpec(component, why, 'make it here, or change x-millrace.process.working_dir');
}

function refusalFor(error: unknown, component: string, command: string): EngineError {
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
  if (PERMANENT_CODES.has(code)) {
    const why = `"${command}" cannot be run (${code})`;
    return badSpec(component, why, 'check that it is installed here and on the PATH of the agent');
  }
  const message = `${component} did not start: "${command}" cannot be run now (${code}); it is tried again`;
  return new EngineError('failed', message, { cause: error });
}
