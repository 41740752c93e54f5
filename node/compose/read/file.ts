/** Text from the disk, never more than a bound, whatever the path leads to. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import type { Complaint } from '../problems.ts';
import { FILE_BYTES_MAX, TOO_LARGE } from './scan.ts';

export const UNREADABLE = 'the file cannot be read';

/** `absent`: there is nothing at the path. */
export type Unreadable = Complaint & { readonly absent: boolean };

export function readText(path: string): Result<string, Unreadable> {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (cause) {
    return fail(unreadable(cause));
  }
  try {
    // Also what tells no size, such as a pipe.
    if (fstatSync(file).size > FILE_BYTES_MAX) return fail({ ...TOO_LARGE, absent: false });
    const buffer = Buffer.alloc(FILE_BYTES_MAX + 1);
    let length = 0;
    for (;;) {
      const read = readSync(file, buffer, length, buffer.length - length, null);
      length += read;
      if (length > FILE_BYTES_MAX) return fail({ ...TOO_LARGE, absent: false });
      if (read === 0) return ok(buffer.toString('utf8', 0, length));
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
