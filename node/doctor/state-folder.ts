/** The folder that holds what this host must remember: whose it is, how much room, how fast its disk. */
import { constants } from 'node:fs';
import { access, open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { StateFacts } from './facts.ts';
import { fileFacts } from './user.ts';

const BLOCK = new Uint8Array(4096);
/** statfs(2): tmpfs and ramfs. */
const IN_MEMORY = new Set([0x0102_1994, 0x8584_58f6]);

/** Never rejects. Writes one small file, and takes it away again. */
export async function examineState(path: string): Promise<StateFacts> {
  const file = fileFacts(path);
  if (file === undefined) return { path, writable: false };
  try {
    const { bavail, bsize, type } = await statfs(path);
    const room = { path, file, freeBytes: bavail * bsize, inMemory: IN_MEMORY.has(type) };
    const writable = await access(path, constants.W_OK | constants.X_OK).then(
      () => true,
      () => false,
    );
    return writable ? { ...room, writable, ...(await timed(path)) } : { ...room, writable };
  } catch (error) {
    return { path, file, writable: false, failed: reason(error) };
  }
}

async function timed(folder: string): Promise<Pick<StateFacts, 'fsyncMs' | 'failed'>> {
  const path = join(folder, `doctor-${process.pid}.tmp`);
  try {
    const file = await open(path, 'w', 0o600);
    try {
      const begun = performance.now();
      await file.write(BLOCK);
      await file.datasync();
      return { fsyncMs: performance.now() - begun };
    } finally {
      await file.close();
    }
  } catch (error) {
    return { failed: reason(error) };
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
}

const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));
