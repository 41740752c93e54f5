/** Turns for tests of one machine at a time: a host, a moment, and what it sent. */
import { boot, hostId } from '../../protocol/base/ids.ts';
import { createPrng } from '../../protocol/base/prng.ts';
import { instant } from '../../protocol/base/time.ts';
import { LAN } from '../../protocol/config.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Turn } from '../../protocol/turn.ts';
import type { Message } from '../../protocol/wire/message.ts';

/** A fresh turn of `host` at `ms`; the prng is the same every time. */
export function turnOf(host: string, ms: number, bootNumber = 1): Turn {
  return {
    now: instant(ms),
    config: LAN,
    self: hostId(host),
    boot: boot(bootNumber),
    prng: createPrng(7),
    out: [],
  };
}

type Kind = Message['kind'];
type Sent<K extends Kind> = {
  readonly to: string;
  readonly message: Extract<Message, { kind: K }>;
};

/** Messages of one kind, in the order they were sent. */
export function sent<K extends Kind>(turn: Turn, kind: K): readonly Sent<K>[] {
  return turn.out.flatMap((effect) =>
    effect.kind === 'send' && effect.message.kind === kind
      ? [{ to: effect.to, message: effect.message as Sent<K>['message'] }]
      : [],
  );
}

/** The only message of this kind. */
export function theOnly<K extends Kind>(turn: Turn, kind: K): Sent<K>['message'] {
  const [only, ...more] = sent(turn, kind);
  if (only === undefined || more.length > 0) throw new Error(`${more.length + 1} of ${kind}`);
  return only.message;
}

/** Effects in order, as words: `persist host`, `send a prepareAck`. */
export function order(out: readonly Effect[]): readonly string[] {
  return out.map((effect) => {
    if (effect.kind === 'persist')
      return `persist ${effect.writes.map(({ name }) => name).join(' ')}`;
    if (effect.kind === 'send') return `send ${effect.to} ${effect.message.kind}`;
    return effect.kind;
  });
}
