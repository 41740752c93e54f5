/**
 * Keeps connections up: libp2p itself never dials again. A target is a peer id or a static
 * address; each that is not satisfied has either a dial or a timer under way, never both.
 *
 *     noticed ──▶ waiting ──timer──▶ dialing ──ok──▶ satisfied ──lost──▶ waiting
 *                    ▲                  │
 *                    └──── failed ──────┘  doubling, jittered
 */
import { type Backoff, backoffMs } from './backoff.ts';

export type Redial = {
  /** Dialed without end. Replaces the set before it. */
  readonly want: (targets: Iterable<string>) => void;
  /** A reason to try soon: an address was found, a connection was lost. */
  readonly notice: (target: string) => void;
  readonly close: () => void;
};

export type RedialInit = {
  /** Resolves once it is connected. Bounded in time by itself. */
  readonly dial: (target: string, signal: AbortSignal) => Promise<void>;
  /** Connected already, or nothing to dial. */
  readonly idle: (target: string) => boolean;
};

/** Someone we must reach. */
const WANTED_BACKOFF: Backoff = { minMs: 200, maxMs: 5_000 };
/** Someone who only said to be of this cluster; may be of none, or hold another secret. */
const STRANGER_BACKOFF: Backoff = { minMs: 200, maxMs: 30_000 };
/** Then a stranger must be noticed anew. */
const STRANGER_FAILURES_MAX = 10;
/** Strangers beyond it are ignored. */
const TARGETS_MAX = 2_000;
/** Two hosts that find each other at the same moment need one connection, not two. */
const FIRST_DIAL_SPREAD_MS = 50;

type Target = { failures: number; timer: NodeJS.Timeout | undefined; dialing: boolean };

export function createRedial(init: RedialInit): Redial {
  const closed = new AbortController();
  const targets = new Map<string, Target>();
  let wanted: ReadonlySet<string> = new Set();

  function schedule(name: string, target: Target, delayMs: number): void {
    target.timer = setTimeout(() => void attempt(name, target), delayMs).unref();
  }

  async function attempt(name: string, target: Target): Promise<void> {
    target.timer = undefined;
    if (closed.signal.aborted || init.idle(name)) return;
    target.dialing = true;
    try {
      await init.dial(name, closed.signal);
      target.failures = 0;
    } catch {
      target.failures += 1;
    }
    target.dialing = false;
    if (closed.signal.aborted || init.idle(name)) return;
    const isWanted = wanted.has(name);
    if (!isWanted && target.failures >= STRANGER_FAILURES_MAX) {
      targets.delete(name);
      return;
    }
    const backoff = isWanted ? WANTED_BACKOFF : STRANGER_BACKOFF;
    schedule(name, target, backoffMs(Math.max(0, target.failures - 1), backoff));
  }

  function notice(name: string): void {
    if (closed.signal.aborted) return;
    const target = targets.get(name) ?? { failures: 0, timer: undefined, dialing: false };
    if (target.timer !== undefined || target.dialing || init.idle(name)) return;
    if (!targets.has(name) && targets.size >= TARGETS_MAX && !wanted.has(name)) return;
    targets.set(name, target);
    schedule(name, target, Math.random() * FIRST_DIAL_SPREAD_MS);
  }

  return {
    want(names) {
      wanted = new Set(names);
      for (const name of wanted) notice(name);
    },
    notice,
    close() {
      closed.abort();
      for (const target of targets.values()) clearTimeout(target.timer);
    },
  };
}
