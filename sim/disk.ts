/**
 * A host's disk. A write is one transaction: it is durable when its fsync has returned; if the agent
 * or the host dies before, it has reached the disk as a whole, or not at all.
 */
import type { Result } from '../protocol/base/result.ts';
import type { Config } from '../protocol/config.ts';
import type { Restored } from '../protocol/core.ts';
import { decodeRestored } from '../protocol/core/restore.ts';
import type { DiskWrite } from '../protocol/effect.ts';
import type { DecodeError } from '../protocol/wire/schema.ts';

export type Disk = {
  readonly durable: Map<string, unknown>;
  /** The write under way. */
  pending: readonly DiskWrite[] | undefined;
  /** Slow: every fsync takes long. Error: the next one fails. Full: every one fails. */
  fault: 'slow' | 'error' | 'full' | undefined;
};

export const createDisk = (): Disk => ({
  durable: new Map(),
  pending: undefined,
  fault: undefined,
});

/** The write under way has become durable. */
export function sync(disk: Disk): readonly DiskWrite[] {
  const writes = disk.pending ?? [];
  for (const { name, value } of writes)
    if (value === undefined) disk.durable.delete(name);
    else disk.durable.set(name, value);
  disk.pending = undefined;
  return writes;
}

/** What the next agent finds, read as the real one reads it. */
export const restore = ({ durable }: Disk, config: Config): Result<Restored, DecodeError> =>
  decodeRestored(durable, config);
