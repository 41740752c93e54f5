/** What is on the disk, never more than a bound, whatever the path leads to. */
import { closeSync, openSync, readSync } from 'node:fs';
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import type { Complaint } from '../problems.ts';
import { FILE_BYTES_MAX, TOO_LARGE } from './scan.ts';

export const UNREADABLE = 'the file cannot be read';

/** `absent`: there is nothing at the path. */
export type Unreadable = Complaint & { readonly absent: boolean };

export function readText(path: string): Result<string, Unreadable> {
  const read = readBytes(path, FILE_BYTES_MAX);
  if (!read.ok) return read;
  if (read.value.length > FILE_BYTES_MAX) return fail({ ...TOO_LARGE, absent: false });
  return ok(read.value.toString('utf8'));
}

/** More than `most` bytes: there are more, and what is read is of no use. */
export function readBytes(path: string, most: number): Result<Buffer, Unreadable> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    return fail(unreadable(cause));
  }
  try {
    const buffer = Buffer.alloc(most + 1);
    // Also what tells no size, such as a pipe.
    for (let length = 0; ;) {
      const read = readSync(file, buffer, length, buffer.length - length, null);
      length += read;
      if (read === 0 || length > most) return ok(buffer.subarray(0, length));
    }
  } catch (cause) {
    return fail(unreadable(cause));
  } finally {
    closeSync(file);
  }
}

function unreadable(cause: unknown): Unreadable {
  const { code = '', message = String(cause) } = cause as { code?: string; message?: string };
  const absent = code === 'ENOENT' || code === 'ENOTDIR';
  const why = code === 'EISDIR' ? 'it is a folder' : absent ? 'there is no such file' : message;
  return { message: UNREADABLE, why, absent };
}
