/** The thread behind `aside`: does one job, tells of it on the way, and hands over what came of it. */
import { parentPort, workerData } from 'node:worker_threads';
import {
  type Bound,
  type Exploration,
  explore,
  type Explored,
} from '../../../sim/explore/explore.ts';
import type { Progress as SearchProgress } from '../../../sim/explore/search.ts';
import { bench, type Benched, type Figure } from '../../../sim/bench/bench.ts';
import { createJudge, type Expectation } from '../../../sim/scenario/expect.ts';
import { type Progress, shrink, type Shrunk } from '../../../sim/shrink/shrink.ts';
import type { Tape } from '../../../sim/tape.ts';
import { encodeFrame } from '../../network/codec.ts';
import type { ClusterId } from '../../../protocol/base/ids.ts';

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
  readonly explore: {
    readonly asked: { readonly of: Explored; readonly bound: Bound };
    readonly told: Walked;
    readonly result: readonly Exploration[];
  };
  /** Tells each figure as it is known. */
  readonly bench: {
    readonly asked: Benched;
    readonly told: Figure;
    readonly result: undefined;
  };
};
export type Walked = SearchProgress & { readonly name: string };

export type Said<Kind extends keyof Jobs> =
  | { readonly kind: 'progress'; readonly told: Jobs[Kind]['told'] }
  | { readonly kind: 'done'; readonly result: Jobs[Kind]['result'] };

type Job = {
  readonly [Kind in keyof Jobs]: { readonly kind: Kind; readonly asked: Jobs[Kind]['asked'] };
}[keyof Jobs];

const job = workerData as Job;
switch (job.kind) {
  case 'shrink':
    say<'shrink'>({ kind: 'done', result: shrunk(job.asked) });
    break;
  case 'explore':
    say<'explore'>({ kind: 'done', result: explored(job.asked) });
    break;
  case 'bench':
    bench(job.asked, { now: () => performance.now(), sizeOf }, (told) =>
      say<'bench'>({ kind: 'progress', told }),
    );
    say<'bench'>({ kind: 'done', result: undefined });
}

function say<Kind extends keyof Jobs>(said: Said<Kind>): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
  parentPort?.postMessage(said);
}

/** In a cluster whose id is as long as that of a real one. */
function sizeOf(message: Parameters<typeof encodeFrame>[1]): number {
  return encodeFrame('0'.repeat(16) as ClusterId, message).length;
}

function explored({ of, bound }: Jobs['explore']['asked']): readonly Exploration[] {
  return explore(of, bound, (name, progress) =>
    say<'explore'>({ kind: 'progress', told: { name, ...progress } }),
  );
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
