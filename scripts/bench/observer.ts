/**
 * Sees instances as the kernel's process list shows them, whichever engine made them and whatever the
 * agents say: every process that carries the mark of this benchmark in its environment.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

export type Sighting = {
  readonly pid: number;
  /** `STACK.COMPONENT`. */
  readonly component: string;
  readonly slot: number;
  /** The publish address of its host: distinct for each agent on this machine. */
  readonly address: string;
  /** When we first saw it, on the clock of `performance.now()`. */
  readonly at: number;
};

export interface Observer {
  /** What runs at this moment. */
  running(): readonly Sighting[];
  /** Watches without a pause until an instance appears that was not there before. */
  started(wanted: (found: Sighting) => boolean, signal: AbortSignal): Promise<Sighting>;
  /** Milliseconds between two looks while watching, longest first. */
  readonly gaps: readonly number[];
}

/** Set on every component of the benchmark; its value names the run. */
export const MARK_VARIABLE = 'MILLRACE_BENCH';
/** A process gets its environment only when it becomes its program: so long we look again. */
const YOUNG_MS = 10_000;
const LOOK_EVERY_MS = 1;
const GAPS_MAX = 100;

export function createObserver(mark: string): Observer {
  const known = new Map<number, Sighting>();
  /** Processes without the mark, and when they were first seen. */
  const others = new Map<number, number>();
  const gaps: number[] = [];

  function look(): readonly Sighting[] {
    const fresh: Sighting[] = [];
    const pids = new Set(
      readdirSync('/proc')
        .map(Number)
        .filter((pid) => pid > 0),
    );
    for (const table of [known, others])
      for (const pid of table.keys()) if (!pids.has(pid)) table.delete(pid);
    for (const pid of pids) {
      const since = others.get(pid);
      if (known.has(pid) || (since !== undefined && performance.now() - since > YOUNG_MS)) continue;
      const found = sightingOf(pid, mark);
      if (found === undefined) {
        if (since === undefined) others.set(pid, performance.now());
        continue;
      }
      others.delete(pid);
      known.set(pid, found);
      fresh.push(found);
    }
    return fresh;
  }

  return {
    gaps,
    running() {
      look();
      return [...known.values()].filter(({ pid }) => sightingOf(pid, mark) !== undefined);
    },
    async started(wanted, signal) {
      for (let last = performance.now(); ;) {
        signal.throwIfAborted();
        const found = look().find(wanted);
        const now = performance.now();
        gaps.push(now - last);
        last = now;
        if (gaps.length > GAPS_MAX * 2) keepLongest(gaps);
        if (found !== undefined) return found;
        await pause(LOOK_EVERY_MS);
      }
    },
  };
}

function keepLongest(gaps: number[]): void {
  gaps.sort((a, b) => b - a).splice(GAPS_MAX);
}

/** Undefined: not marked, ended (also where nobody has collected it yet), or not ours to read. */
function sightingOf(pid: number, mark: string): Sighting | undefined {
  try {
    const environ = readFileSync(`/proc/${pid}/environ`, 'latin1');
    if (!environ.includes(`${MARK_VARIABLE}=${mark}\0`)) return undefined;
    const variable = (name: string): string =>
      environ.match(new RegExp(`(?:^|\\0)${name}=([^\\0]*)`))?.[1] ?? '';
    return {
      pid,
      component: variable('MILLRACE_COMPONENT'),
      slot: Number(variable('MILLRACE_SLOT')),
      address: variable('MILLRACE_PUBLISH_ADDRESS'),
      at: performance.now(),
    };
  } catch {
    return undefined;
  }
}
