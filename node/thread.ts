/**
 * Threads of this program. In the sources, and beside a bundle, a thread is a file; the one executable
 * carries its threads within.
 */
import { basename, extname } from 'node:path';
import { getAsset, isSea } from 'node:sea';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** `file` as it lies in the sources; its name is the name of the part in the executable. */
export function startThread(file: URL, options: WorkerOptions): Worker {
  return new Worker(isSea() ? within(file) : file, options);
}

function within({ pathname }: URL): URL {
  const source = getAsset(`${basename(pathname, extname(pathname))}.js`);
  return new URL(`data:text/javascript;base64,${Buffer.from(source).toString('base64')}`);
}
