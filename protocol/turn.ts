/** What every machine of the core gets for one step: the time, chance, settings and a place for effects. */
import type { Boot, HostId } from './base/ids.ts';
import type { Prng } from './base/prng.ts';
import type { Instant } from './base/time.ts';
import type { Config } from './config.ts';
import type { Effect } from './effect.ts';
import type { Message } from './wire/message.ts';

export type Turn = {
  readonly now: Instant;
  readonly config: Config;
  readonly self: HostId;
  readonly boot: Boot;
  readonly prng: Prng;
  /** Effects of this step, in order. */
  readonly out: Effect[];
};

export function send(turn: Turn, to: HostId, message: Message): void {
  turn.out.push({ kind: 'send', to, message });
}

export function publish(turn: Turn, message: Message): void {
  turn.out.push({ kind: 'publish', message });
}

export function persist(turn: Turn, name: string, value: unknown): void {
  turn.out.push({ kind: 'persist', writes: [{ name, value }] });
}

/** One line of the decision log: what, about which ids, in words. */
export function journal(turn: Turn, topic: string, about: readonly string[], text: string): void {
  turn.out.push({ kind: 'journal', topic, about, text });
}
