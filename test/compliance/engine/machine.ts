/** What a test does past the engine: to the processes and files of its host, by the clock of both. */
import { rm, writeFile } from 'node:fs/promises';
import process from 'node:process';

export type Machine = {
  /** Milliseconds, by the clock that graces go by. */
  now(): number;
  /** SIGKILL, from someone who is not the engine. */
  kill(pid: number): void;
  runs(pid: number): boolean;
  makeFile(path: string): Promise<void>;
  removeFile(path: string): Promise<void>;
};

export const thisMachine: Machine = {
  now: () => performance.now(),
  kill: (pid) => void process.kill(pid, 'SIGKILL'),
  runs(pid) {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  },
  makeFile: (path) => writeFile(path, ''),
  removeFile: (path) => rm(path),
};
