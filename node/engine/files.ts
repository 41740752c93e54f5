/**
 * The files of instances on this host. Each instance has a folder of its own, from before its start to
 * its removal, below one that nobody but the agent may enter. That one belongs in memory (`/run`): what
 * is in it is made anew for every instance, and is of no use once the machine has gone down.
 */
import { chmod, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { EngineError, type EngineScope, type InstanceFile } from './engine.ts';

export interface InstanceFolders {
  readonly folderOf: (token: string) => string;
  /** The folder of an instance, made anew and empty. */
  make(token: string): Promise<string>;
  remove(token: string): Promise<void>;
  /** Removes those of all others. Nothing must be about to start. */
  keepOnly(tokens: ReadonlySet<string>): Promise<void>;
}

/** `root`: of this agent alone. */
export function createInstanceFolders(root: string, scope: EngineScope): InstanceFolders {
  const home = join(root, `${scope.cluster}-${scope.host}`);
  const folderOf = (token: string): string => join(home, token);
  const remove = (token: string): Promise<void> =>
    rm(folderOf(token), { recursive: true, force: true });
  return {
    folderOf,
    remove,
    async make(token) {
      try {
        await remove(token);
        await mkdir(home, { recursive: true, mode: 0o700 });
        await mkdir(folderOf(token), { mode: 0o700 });
      } catch (cause) {
        const why = `${folderOf(token)} cannot be made (${String(cause)})`;
        throw new EngineError('failed', `no place for the files of ${token}: ${why}`, { cause });
      }
      return folderOf(token);
    },
    async keepOnly(tokens) {
      const there = await readdir(home).catch(() => []);
      await Promise.all(there.filter((token) => !tokens.has(token)).map(remove));
    },
  };
}

/** Below `folder`, each where its instance is to find it. They belong to whom the agent runs as. */
export async function writeTree(folder: string, files: readonly InstanceFile[]): Promise<void> {
  for (const { target, mode, bytes } of files) {
    const path = join(folder, target);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, bytes, { mode: 0o600, flag: 'wx' });
    // Not what the mask of the agent leaves of it.
    await chmod(path, mode);
  }
}
