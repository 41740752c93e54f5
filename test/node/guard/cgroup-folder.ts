/** A folder that looks like a cgroup mount: files keep what is written into them, and nothing obeys. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { CgroupVersion } from '../../../node/guard/gates.ts';

export function cgroupFolder(version: CgroupVersion) {
  const mount = mkdtempSync(join(tmpdir(), 'cg-'));
  onTestFinished(() => rmSync(mount, { recursive: true }));
  const put = (path: string, text: string): void => {
    mkdirSync(dirname(join(mount, path)), { recursive: true });
    writeFileSync(join(mount, path), text);
  };
  put(version === 'v2' ? 'cgroup.controllers' : 'freezer/cgroup.procs', '');
  return { mount, put, read: (path: string) => readFileSync(join(mount, path), 'utf8') };
}
