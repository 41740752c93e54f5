/**
 * Faults at this agent's own transport: what is said to other hosts, or comes from them, is lost or held.
 * Whatever was begun ends by itself after its time, whoever began it and whatever became of them.
 *
 * A frame meets the faults of its way where it is sent, gossip where it arrives: who publishes does not
 * choose who hears it. So both ends of a way are told of its faults.
 */
import type { HostId } from '../../protocol/base/ids.ts';
import type { Message } from '../../protocol/wire/message.ts';

export type Way = 'in' | 'out';

export type Breakage =
  /** Nothing passes. */
  | { readonly kind: 'cut' }
  /** What is sent is held, and arrives all at once in the end. */
  | { readonly kind: 'clog' }
  /** So many of a thousand messages (of one kind, or all) are lost. */
  | { readonly kind: 'lossy'; readonly permille: number; readonly only?: Message['kind'] };

/** `host`: at the other end. */
export type Fault = { readonly host: HostId; readonly way: Way; readonly breakage: Breakage };

/** However long a fault was asked for, this is the end of it. */
export const FAULT_MS_MAX = 3_600_000;
/** Held of each way; older ones are lost then. */
const HELD_MAX = 2000;

export interface Interference {
  /** Lets it go on now, later, or never. */
  pass(way: Way, host: HostId, kind: Message['kind'], go: () => void): void;
  /** Whether nothing can come about that needs both ways, such as a connection. */
  isSevered(host: HostId): boolean;
  /** For `forMs`, at most `FAULT_MS_MAX`. */
  begin(faults: readonly Fault[], forMs: number): void;
  /** All faults, now. */
  end(): void;
  /** Another one after every `end`: whoever began before it is to begin nothing more. */
  period(): number;
  /** What is broken at present, and for how long at most. */
  running(): Running;
}

export type Running = { readonly faults: readonly Fault[]; readonly leftMs: number };

export type InterferenceInit = {
  /** In [0, 1). */
  readonly random: () => number;
  /** Calls back after so many ms. */
  readonly later: (ms: number, run: () => void) => void;
  /** Monotonic, in ms. */
  readonly now: () => number;
};

export function createInterference({ random, later, now }: InterferenceInit): Interference {
  /** With when they end. */
  const faults = new Map<Fault, number>();
  // Drawn, so that an agent that starts anew is not taken for its former self.
  let period = Math.floor(random() * 2 ** 32);
  const held = new Map<string, (() => void)[]>();

  const on = (way: Way, host: HostId): readonly Fault[] =>
    faults.size === 0
      ? []
      : [...faults.keys()].filter((fault) => fault.way === way && fault.host === host);

  function heal(ended: Iterable<Fault>): void {
    for (const fault of ended) faults.delete(fault);
    for (const [link, waiting] of held) {
      const [way, host] = link.split(' ') as [Way, HostId];
      if (on(way, host).some(({ breakage }) => breakage.kind === 'clog')) continue;
      held.delete(link);
      for (const go of waiting) go();
    }
  }

  function hold(link: string, go: () => void): void {
    const waiting = held.get(link) ?? [];
    held.set(link, waiting);
    waiting.push(go);
    if (waiting.length > HELD_MAX) waiting.shift();
  }

  return {
    pass(way, host, kind, go) {
      let isHeld = false;
      for (const { breakage } of on(way, host)) {
        if (breakage.kind === 'cut') return;
        if (breakage.kind === 'clog') isHeld = true;
        else if (
          (breakage.only ?? kind) === kind &&
          Math.floor(random() * 1000) < breakage.permille
        )
          return;
      }
      if (isHeld) hold(`${way} ${host}`, go);
      else go();
    },
    isSevered: (host) =>
      [...on('in', host), ...on('out', host)].some(({ breakage }) => breakage.kind !== 'lossy'),
    begin(given, forMs) {
      const begun = given.map((fault) => ({ ...fault }));
      const lengthMs = Math.min(forMs, FAULT_MS_MAX);
      for (const fault of begun) faults.set(fault, now() + lengthMs);
      later(lengthMs, () => heal(begun));
    },
    end() {
      period++;
      heal([...faults.keys()]);
    },
    period: () => period,
    running: () => ({
      faults: [...faults.keys()],
      leftMs: Math.max(0, ...[...faults.values()].map((until) => until - now())),
    }),
  };
}
