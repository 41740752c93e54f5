/** Paths of folders that lie on the hosts themselves. */
import { posix } from 'node:path';
import type { Complaint } from './problems.ts';

/** What is wrong with a path that has to mean the same on every host; undefined: it does. */
export function hostPathComplaint(path: string): Complaint | undefined {
  if (posix.isAbsolute(path)) return undefined;
  const next = 'write the absolute path of a folder that each host has, or use a named volume';
  if (/^~(?:\/|$)/.test(path)) {
    const why = "it is the home folder of whoever deploys, and no other host's";
    return { message: `the path "${path}" begins with ~`, why, next, unsupported: true };
  }
  const why = 'on every host it would be another folder';
  return { message: `the path "${path}" is relative`, why, next, unsupported: true };
}
