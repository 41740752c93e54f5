/**
 * The guard's hand on containers: to each strict one a gate, a cgroup of its own below which the engine
 * is told to put it (`--cgroup-parent`). The guard makes the gate and writes its files; no engine and no
 * agent has a part in it, so that it holds though they hang.
 *
 *     made ──▶ closed ──open──▶ open ──close──▶ closed ──kill──▶ emptied, closed for good
 *                ▲                                 │
 *                └──────────── open ◀──────────────┘
 *
 *  1. A gate is made closed before its container may be started: what an engine starts late stands still
 *     before the first instruction of its program.
 *  2. Closing freezes everything below, also what is started in the container later; whoever pauses or
 *     resumes the container itself changes nothing.
 *
 * Source: Documentation/admin-guide/cgroup-v2.rst (cgroup.freeze, cgroup.kill) and
 * cgroup-v1/freezer-subsystem.rst of Linux. Where a host has v1, whose freezer lets nothing die that it
 * holds, what was killed is let go for the moment in which it dies.
 */
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

export type CgroupVersion = 'v1' | 'v2';
export type GateName = {
  /** Who makes the engine's cgroups: systemd has its own way to name them. */
  readonly driver: 'cgroupfs' | 'systemd';
  /** Sixteen hexadecimal digits, never used twice. */
  readonly name: string;
};

export interface Gate {
  /** Below the cgroup mount; no other gate has it. */
  readonly folder: string;
  /** Makes it where it is missing; what is below stands still shortly after. Throws if it cannot. */
  close(): void;
  open(): void;
  /** Leaves it closed. What could not die yet is seen by `isEmpty`. */
  kill(): void;
  isStill(): boolean;
  isEmpty(): boolean;
  /** Whether the process of this pid is below. */
  holds(pid: number): boolean;
  /** Takes it away if nothing is below. */
  remove(): void;
}

export interface Gates {
  readonly version: CgroupVersion;
  at(gate: GateName): Gate;
  /** What an earlier guard of this socket has made. */
  left(): readonly Gate[];
}

export const CGROUP_MOUNT = '/sys/fs/cgroup';
/** How long v1 may let go of what it kills, looked at in steps of 1 ms. */
const DYING_MS = 20;

const digest = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length);

/** The gate of a container that is called `container` on its engine. */
export const gateName = (driver: GateName['driver'], container: string): GateName => ({
  driver,
  name: digest(container, 16),
});

/** Machines that are containers of one kernel share its cgroups; each has a pid namespace of its own. */
const thisMachine = (): string => readlinkSync('/proc/self/ns/pid');

/** Below the cgroup mount; the guard's socket keeps the guards of one machine apart. */
function folderOf(socket: string, { driver, name }: GateName): string {
  const tag = digest(`${thisMachine()} ${socket}`, 12);
  return driver === 'cgroupfs'
    ? `millrace/${tag}/${name}`
    : `millrace.slice/millrace-${tag}.slice/millrace-${tag}-${name}.slice`;
}

/** What the engine is told as the container's cgroup parent. */
export function cgroupParent(socket: string, gate: GateName): string {
  const folder = folderOf(socket, gate);
  return gate.driver === 'cgroupfs' ? `/${folder}` : folder.slice(folder.lastIndexOf('/') + 1);
}

/** Throws, with the reason, where no gate can be made on this machine. */
export function openGates(socket: string, mount: string): Gates {
  const { version, root } = hierarchyOf(mount);
  const inFolder = (folder: string): Gate => createGate({ version, mount, root, folder });
  const trial = inFolder(folderOf(socket, { driver: 'cgroupfs', name: 'trial' }));
  trial.close();
  trial.remove();
  return {
    version,
    at: (gate) => inFolder(folderOf(socket, gate)),
    left: () =>
      (['cgroupfs', 'systemd'] as const).flatMap((driver) => {
        const parent = dirname(folderOf(socket, { driver, name: 'any' }));
        return foldersIn(join(root, parent)).map((name) => inFolder(join(parent, name)));
      }),
  };
}

function hierarchyOf(mount: string): { readonly version: CgroupVersion; readonly root: string } {
  if (existsSync(join(mount, 'cgroup.controllers'))) return { version: 'v2', root: mount };
  const root = join(mount, 'freezer');
  if (existsSync(join(root, 'cgroup.procs'))) return { version: 'v1', root };
  throw new Error(`neither cgroup v2 nor the freezer of v1 is mounted at ${mount}`);
}

type Place = {
  readonly version: CgroupVersion;
  readonly mount: string;
  /** Of the hierarchy that freezes. */
  readonly root: string;
  readonly folder: string;
};

function createGate({ version, mount, root, folder }: Place): Gate {
  const path = join(root, folder);
  const write = (file: string, value: string): void => writeFileSync(join(path, file), value);
  const pids = (): readonly number[] => pidsBelow(path);
  function still(isStill: boolean): void {
    mkdirSync(path, { recursive: true });
    if (version === 'v2') write('cgroup.freeze', isStill ? '1' : '0');
    else write('freezer.state', isStill ? 'FROZEN' : 'THAWED');
  }

  function killFrozen(): void {
    pids().forEach(killOne);
    if (version === 'v2') return;
    still(false);
    // An engine may have paused the container itself.
    for (const name of foldersIn(path)) thawQuietly(join(path, name));
    for (let ms = 0; ms < DYING_MS && pids().length > 0; ms++) {
      pids().forEach(killOne); // what has come since
      sleepMs(1);
    }
    still(true);
  }

  return {
    folder,
    close: () => still(true),
    open: () => still(false),
    kill() {
      still(true);
      // Since Linux 5.14. It also gets what is forking at this moment.
      if (existsSync(join(path, 'cgroup.kill'))) write('cgroup.kill', '1');
      else killFrozen();
    },
    isStill: () =>
      version === 'v2'
        ? /^frozen 1$/m.test(textOf(join(path, 'cgroup.events')))
        : textOf(join(path, 'freezer.state')).trim() === 'FROZEN',
    isEmpty() {
      // One file of v2 says it of all that is below.
      const events = textOf(join(path, 'cgroup.events'));
      return events === '' ? pids().length === 0 : /^populated 0$/m.test(events);
    },
    holds: (pid) => pids().includes(pid),
    remove() {
      // Engines make it in every hierarchy of v1.
      const hierarchies = version === 'v2' ? [root] : foldersIn(mount).map((at) => join(mount, at));
      for (const at of hierarchies) {
        rmdirIfEmpty(join(at, folder));
        // Slices are systemd's own to remove.
        if (folder.startsWith('millrace/')) rmdirIfEmpty(join(at, dirname(folder)));
      }
    },
  };
}

function pidsBelow(path: string): readonly number[] {
  const own = textOf(join(path, 'cgroup.procs')).split('\n').map(Number);
  // 0: of a namespace that we cannot see into; to a signal it would mean ourselves.
  return [
    ...own.filter((pid) => pid > 0),
    ...foldersIn(path).flatMap((name) => pidsBelow(join(path, name))),
  ];
}

/** Empty where there is no such folder: the engine has just removed it. */
function foldersIn(path: string): readonly string[] {
  try {
    const found = readdirSync(path, { withFileTypes: true });
    return found.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  } catch {
    return [];
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function thawQuietly(path: string): void {
  try {
    writeFileSync(join(path, 'freezer.state'), 'THAWED');
  } catch {
    // The engine has just removed it.
  }
}

function rmdirIfEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch {
    // Something is in it, or it is gone.
  }
}

export function killOne(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

/** Nothing else may happen meanwhile. */
const sleepMs = (ms: number): void =>
  void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
