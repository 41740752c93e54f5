/**
 * Which process is ours. A pid alone names a stranger as soon as the kernel uses it again, so an
 * identity is the pid, the clock tick it started at and the boot of the kernel, and it is compared
 * with `/proc` right before every signal.
 */
import { readdirSync, readFileSync } from 'node:fs';

export type ProcessIdentity = {
  readonly pid: number;
  /** Field 22 of `/proc/PID/stat`: clock ticks from the kernel's boot to the process's start. */
  readonly startTicks: number;
  /** The kernel's random id of this boot. */
  readonly boot: string;
};

export type ProcessStat = {
  readonly pid: number;
  /** One letter of the kernel: `T` stopped, `Z` ended but not collected by its parent. */
  readonly state: string;
  readonly group: number;
  readonly session: number;
  readonly startTicks: number;
};

export const readBootId = (): string =>
  readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/** Undefined: there is no such process. */
export function readStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field is the program's name in brackets; it may itself contain spaces and brackets.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [state = '', , group, session] = fields;
  return {
    pid,
    state,
    group: Number(group),
    session: Number(session),
    startTicks: Number(fields[19]),
  };
}

/** The lines of `/proc/PID/cgroup`; empty: there is no such process. */
export function cgroupsOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8');
  } catch {
    return '';
  }
}

/**
 * What a process is doing; `gone` also when it has ended and merely waits to be collected. One that was
 * frozen in the middle of a vfork shows as running: the kernel has it wait for its frozen child.
 */
export function activityOf(identity: ProcessIdentity, boot: string): 'running' | 'paused' | 'gone' {
  const stat = identity.boot === boot ? readStat(identity.pid) : undefined;
  if (stat === undefined || stat.startTicks !== identity.startTicks) return 'gone';
  if (stat.state === 'Z' || stat.state === 'X') return 'gone';
  return stat.state === 'T' ? 'paused' : 'running';
}

/** Signals the group that this process leads; false if it has ended, and then nobody is signaled. */
export function signalGroup(
  identity: ProcessIdentity,
  signal: NodeJS.Signals,
  boot: string,
): boolean {
  // Nothing may come between the look and the signal: no await here.
  return activityOf(identity, boot) !== 'gone' && sendToGroup(identity.pid, signal);
}

/**
 * Kills what is left of the group of a child that was collected **in this very turn** of the event
 * loop. While members are left, the kernel gives its number to nobody else.
 */
export function killOrphans(leader: number): void {
  if (readStat(leader) === undefined) sendToGroup(leader, 'SIGKILL');
}

/**
 * Kills what is left of the group of a process that led it a look ago and has ended; it was nobody's child
 * here. While members are left, the kernel gives its number to nobody else.
 */
export function killLeft({ pid, startTicks }: ProcessIdentity): void {
  const now = readStat(pid);
  if (now === undefined || now.startTicks === startTicks) sendToGroup(pid, 'SIGKILL');
}

/** For a child that was not collected yet, whose pid is therefore still its own. */
export function sendToGroup(leader: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(-leader, signal);
  } catch {
    return false; // ESRCH: the last of them has just ended
  }
}

/** A live process of our user with the environment it was started with. */
export type Seen = {
  readonly stat: ProcessStat;
  readonly environment: ReadonlyMap<string, string>;
};

/**
 * Every process we may look into whose environment sets `name`, oldest first. Takes some milliseconds:
 * not for the hot path. A process that has overwritten its environment (postgres, nginx) is missing.
 */
export function processesWith(name: string): readonly Seen[] {
  const found: Seen[] = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const environment = readEnvironment(entry);
    if (!environment.has(name)) continue;
    const stat = readStat(Number(entry));
    if (stat !== undefined && stat.state !== 'Z') found.push({ stat, environment });
  }
  return found.toSorted((a, b) => a.stat.startTicks - b.stat.startTicks);
}

function readEnvironment(pid: string): ReadonlyMap<string, string> {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return new Map(); // ended, or of another user
  }
  const pairs = text.split('\0').filter((pair) => pair.includes('='));
  return new Map(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
}
