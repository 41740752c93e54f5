/**
 * When a sentence must be true, and whether it was. Sentences are in `claim.ts`.
 *
 *     WHEN = always | from T | from T to T | at T | eventually within T | eventually within T of T
 *          | in the end
 */
import { fail, ok, type Result } from '../../protocol/base/result.ts';
import type { Scene } from '../run.ts';
import { type Claim, refute } from './claim.ts';

export type When =
  /** At every look in this time, at least at one. */
  | { readonly kind: 'throughout'; readonly fromMs: number; readonly untilMs: number }
  /** At one look in this time. */
  | { readonly kind: 'within'; readonly fromMs: number; readonly untilMs: number }
  /** When all faults are over, all has come right, and the run ends. */
  | { readonly kind: 'end' };

export type Expectation = {
  /** As it was written. */
  readonly text: string;
  readonly when: When;
  readonly claim: Claim;
};

/** How times are counted: of the whole, and of the last thing done. */
export type Span = { readonly forMs: number; readonly lastMs: number };

export const WHEN_FORMS: readonly string[] = [
  'always',
  'from 10s',
  'from 10s to 20s',
  'at 40s',
  'eventually within 15s',
  'eventually within 15s of 12s',
  'in the end',
];

/** `parseTime` reads a length of time in milliseconds; undefined: it is none. */
export function parseWhen(
  text: string,
  span: Span,
  parseTime: (text: string) => number | undefined,
): Result<When, string> {
  const { forMs } = span;
  if (text === 'in the end') return ok({ kind: 'end' });
  if (text === 'always') return ok({ kind: 'throughout', fromMs: 0, untilMs: forMs });
  const [, head, ...times] =
    /^(from|at) (\S+)(?: to (\S+))?$/.exec(text) ??
    /^(eventually within) (\S+)(?: of (\S+))?$/.exec(text) ??
    [];
  const [first, second] = times.map((time) => (time === undefined ? undefined : parseTime(time)));
  const isRead = first !== undefined && (times[1] === undefined || second !== undefined);
  if (head === undefined || !isRead || (head === 'at' && second !== undefined))
    return fail(`"${text}" says no time: it is one of ${WHEN_FORMS.join(', ')}`);
  const when = whenOf(head, first, second, span);
  const lastMs = Math.max(when.fromMs, when.untilMs);
  if (lastMs > forMs)
    return fail(`"${text}" goes on until ${lastMs} ms, the run is over after ${forMs} ms`);
  return ok(when);
}

function whenOf(
  head: string,
  first: number,
  second: number | undefined,
  { forMs, lastMs }: Span,
): Exclude<When, { kind: 'end' }> {
  if (head === 'at') return { kind: 'throughout', fromMs: first, untilMs: first };
  if (head === 'from') return { kind: 'throughout', fromMs: first, untilMs: second ?? forMs };
  const fromMs = second ?? lastMs;
  return { kind: 'within', fromMs, untilMs: fromMs + first };
}

/** Watches one run. */
export type Judge = {
  /** A text: this expectation is not met. */
  readonly look: (scene: Scene) => string | undefined;
  /** The same at the end of a run in which all came right. */
  readonly end: () => string | undefined;
};

type Case = Expectation & { isClosed: boolean; looked: boolean; seen: string | undefined };

export function createJudge(expectations: readonly Expectation[]): Judge {
  const cases = expectations.map((each): Case => ({
    ...each,
    isClosed: false,
    looked: false,
    seen: undefined,
  }));
  return {
    look(scene) {
      for (const each of cases) {
        const broken = lookAt(each, scene);
        if (broken !== undefined) return broken;
      }
      return undefined;
    },
    end() {
      const broken = cases.find(({ when, seen }) => when.kind === 'end' && seen !== undefined);
      return broken === undefined ? undefined : `${broken.text}: ${broken.seen}`;
    },
  };
}

function lookAt(each: Case, scene: Scene): string | undefined {
  const { when, claim, text } = each;
  const { atMs } = scene;
  if (when.kind === 'end') {
    each.seen = scene.world.core === undefined ? undefined : refute(claim, scene);
    return undefined;
  }
  if (each.isClosed || atMs < when.fromMs) return undefined;
  if (when.kind === 'throughout') {
    // The one look of `at 40s` may come a little later.
    if (atMs > when.untilMs && each.looked) {
      each.isClosed = true;
      return undefined;
    }
    each.looked = true;
    const seen = refute(claim, scene);
    return seen === undefined ? undefined : `${text}: ${seen}`;
  }
  const seen = refute(claim, scene);
  if (seen === undefined) each.isClosed = true;
  else if (atMs >= when.untilMs) return `${text}: ${seen}`;
  return undefined;
}
