/** The course of a simulation in words, one line per step that did something. */
import type { Effect } from '../protocol/effect.ts';
import type { Input } from '../protocol/input.ts';
import type { Message } from '../protocol/wire/message.ts';
import type { Host } from './host.ts';

/** So frequent, and so alike, that they would hide the rest. */
const COMMON: ReadonlySet<Message['kind']> = new Set<Message['kind']>([
  'beat',
  'heartbeat',
  'keepalive',
  'keepaliveAck',
  'pull',
  'delta',
  'inventoryDelta',
]);

export type Narrate = (atMs: number, host: Host, input: Input, effects: readonly Effect[]) => void;

export const narrator =
  (say: (line: string) => void): Narrate =>
  (atMs, host, input, effects) => {
    const cause = showInput(input);
    const parts = effects.flatMap(showEffect);
    if (cause === undefined && parts.length === 0) return;
    say(
      `${atMs.toFixed(1).padStart(9)} ${host.id} ${cause ?? ''}${parts.map((part) => `\n              ${part}`).join('')}`,
    );
  };

function showInput(input: Input): string | undefined {
  if (input.kind === 'woken') return undefined;
  if (input.kind !== 'messageReceived' && input.kind !== 'gossipReceived') return brief(input);
  return COMMON.has(input.message.kind) ? undefined : `from ${input.from} ${brief(input.message)}`;
}

function showEffect(effect: Effect): readonly string[] {
  if (effect.kind === 'journal') return [`# ${effect.topic}: ${effect.text}`];
  if (effect.kind === 'leaseChanged' && effect.event === 'renewed') return [];
  if (effect.kind === 'publish') return COMMON.has(effect.message.kind) ? [] : [brief(effect)];
  if (effect.kind !== 'send') return [brief(effect)];
  return COMMON.has(effect.message.kind) ? [] : [`to ${effect.to} ${brief(effect.message)}`];
}

const BRIEF_MAX = 300;
function brief(value: object): string {
  const text = JSON.stringify(value).replaceAll('"', '');
  return text.length > BRIEF_MAX ? `${text.slice(0, BRIEF_MAX)}…` : text;
}
