/** The fingerprint of a whole simulation: the same seed must leave the same one (M1). */
import type { Effect } from '../protocol/effect.ts';
import type { Input } from '../protocol/input.ts';
import type { Micros } from './event-queue.ts';
import type { Host } from './host.ts';

export type Course = { hash: number; steps: number; readonly everyWord: boolean };

export function note(
  course: Course,
  at: Micros,
  host: Host,
  input: Input,
  effects: readonly Effect[],
): void {
  course.steps += 1;
  let h = mix(mix(course.hash, at % 2 ** 32), host.index);
  if (course.everyWord) {
    h = mix(h, hashText(JSON.stringify(input)));
    h = mix(h, hashText(JSON.stringify(effects)));
  } else {
    h = mix(h, input.kind.length);
    for (const effect of effects) h = mix(h, effect.kind.length);
  }
  course.hash = h;
}

const mix = (hash: number, value: number): number => {
  const h = Math.imul(hash ^ value, 0x9e3779b1);
  return (h ^ (h >>> 15)) >>> 0;
};

function hashText(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h >>> 0;
}
