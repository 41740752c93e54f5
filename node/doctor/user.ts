/** Who somebody is and who may open a file, by name where the system has one. */
import { readFileSync, statSync } from 'node:fs';
import type { FileFacts, UserFacts } from './facts.ts';

export function currentUser(): UserFacts {
  const uid = process.geteuid?.() ?? -1;
  const nameOf = namesIn('/etc/group');
  const gids = [...new Set([process.getegid?.() ?? -1, ...(process.getgroups?.() ?? [])])];
  return { name: namesIn('/etc/passwd')(uid), uid, groups: gids.map(nameOf) };
}

/** Undefined: it is not there, or in a folder that this user may not enter. */
export function fileFacts(path: string): FileFacts | undefined {
  try {
    const { uid, gid, mode } = statSync(path);
    const owner = namesIn('/etc/passwd')(uid);
    return { owner, group: namesIn('/etc/group')(gid), mode: mode & 0o777 };
  } catch {
    return undefined;
  }
}

/** `name:x:id:…`, passwd(5) and group(5). An id without a name is its own. */
function namesIn(file: string): (id: number) => string {
  const names = new Map<number, string>();
  try {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      const [name = '', , id] = line.split(':');
      if (id !== undefined && !names.has(Number(id))) names.set(Number(id), name);
    }
  } catch {
    // Then numbers have to do.
  }
  return (id) => names.get(id) ?? String(id);
}
