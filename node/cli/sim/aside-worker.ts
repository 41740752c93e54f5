/** The thread behind `aside`: does one job, tells of it on the way, and hands over what came of it. */
import { parentPort, workerData } from 'node:worker_threads';
import { createJudge, type Expectation } from '../../../sim/scenario/expect.ts';
import { type Progress, shrink, type Shrunk } from '../../../sim/shrink/shrink.ts';
import type { Tape } from '../../../sim/tape.ts';

/** What each kind of job needs, tells and returns. Plain data. */
export type Jobs = {
  readonly shrink: {
    readonly asked: {
      readonly tape: Tape;
      readonly expect: readonly Expectation[];
      /** Milliseconds; then it ends with what it has. */
      readonly time: number;
    };
    readonly told: Progress;
    readonly result: Shrunk | undefined;
  };
};

export type Said<Kind extends keyof Jobs> =
  | { readonly kind: 'progress'; readonly told: Jobs[Kind]['told'] }
  | { readonly kind: 'done'; readonly result: Jobs[Kind]['result'] };

type Job = {
  readonly [Kind in keyof Jobs]: { readonly kind: Kind; readonly asked: Jobs[Kind]['asked'] };
}[keyof Jobs];

const { kind, asked } = workerData as Job;
switch (kind) {
  case 'shrink':
    say<'shrink'>({ kind: 'done', result: shrunk(asked) });
}

function say<Kind extends keyof Jobs>(said: Said<Kind>): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
  parentPort?.postMessage(said);
}

function shrunk({ tape, expect, time }: Jobs['shrink']['asked']): Shrunk | undefined {
  const until = performance.now() + time;
  return shrink(tape, {
    look: freshLook(expect),
    goesOn(told) {
      say<'shrink'>({ kind: 'progress', told });
      return performance.now() < until;
    },
  });
}

/** A judge remembers what it saw, so each run has its own. */
function freshLook(expect: readonly Expectation[]): ReturnType<typeof createJudge>['look'] {
  let judge = createJudge(expect);
  let lookedAtMs = 0;
  return (scene) => {
    if (scene.atMs < lookedAtMs) judge = createJudge(expect);
    lookedAtMs = scene.atMs;
    return judge.look(scene);
  };
}
