/** One run of a scenario: what became of it, and what a user would have noticed. */
import { type Outcome, type RunOptions, simulate } from '../run.ts';
import type { Tape } from '../tape.ts';
import { planned } from './act.ts';
import { createJudge, type Judge } from './expect.ts';
import { createGauge, gaugeAt, type Measures, measuresOf, noteDeed } from './measure.ts';
import { optionsOf, type Scenario } from './scenario.ts';

export type Play = { readonly outcome: Outcome; readonly measures: readonly Measures[] };

/** What an expectation breaks, beside the rules of the protocol. */
export const EXPECTATION = 'expectation';

export function play(
  scenario: Scenario,
  seed: number,
  how: Pick<RunOptions, 'everyWord' | 'isUnjudged' | 'recording'>,
): Play {
  const judge = createJudge(scenario.expect);
  const gauge = createGauge(scenario.stacks);
  const outcome = simulate(optionsOf(scenario, seed), {
    ...how,
    timeline: scenario.timeline.map((timed, at) => planned(timed, `timeline-${at + 1}`)),
    onDeed: (deed) => noteDeed(gauge, deed),
    look(scene) {
      if (scene.atMs <= scenario.forMs) gaugeAt(gauge, scene);
      return judge.look(scene);
    },
  });
  return { outcome: judged(outcome, judge), measures: measuresOf(gauge) };
}

/** Again from its tape: its deeds are there, its expectations are not. */
export function replay(
  { expect }: Pick<Scenario, 'expect'>,
  tape: Tape,
  how: Pick<RunOptions, 'narrate'>,
): Outcome {
  const judge = createJudge(expect);
  return judged(simulate(tape.options, { ...how, tape, look: judge.look }), judge);
}

function judged(outcome: Outcome, { end }: Judge): Outcome {
  const text = outcome.verdict.kind === 'passed' ? end() : undefined;
  if (text === undefined) return outcome;
  return { ...outcome, verdict: { kind: 'unsafe', rule: EXPECTATION, text } };
}
