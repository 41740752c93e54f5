/**
 * What strict instances write while they run, a line each time: the machine's uptime in seconds, their
 * term and who they are. Two that overlap have written in each other's time.
 */
import { existsSync, readFileSync } from 'node:fs';

export type Line = { readonly at: number; readonly term: number; readonly who: string };

export function linesOf(file: string): readonly Line[] {
  return existsSync(file) ? linesIn(readFileSync(file, 'utf8')) : [];
}

export function linesIn(text: string): readonly Line[] {
  const written = text.split('\n').slice(0, -1);
  return written.map((line) => {
    const [at, term, who = ''] = line.split(' ');
    return { at: Number(at), term: Number(term), who };
  });
}

/** Each instance from its first line to its last, in the order in which they began. */
export function livesOf(lines: readonly Line[]) {
  const lives = new Map<string, { term: number; from: number; to: number }>();
  for (const { at, term, who } of lines) {
    const life = lives.get(who) ?? { term, from: at, to: at };
    lives.set(who, { term, from: Math.min(life.from, at), to: Math.max(life.to, at) });
  }
  return [...lives.values()].toSorted((a, b) => a.from - b.from);
}

/** Those that began while the one before still wrote. */
export const overlapsIn = (lives: ReturnType<typeof livesOf>) =>
  lives.filter((life, i) => life.from <= (lives[i - 1]?.to ?? -1));
