/** A broken expectation stays that of the scenario: what a user wrote is not shrunk away. */
import { describe, expect, it } from 'vitest';
import { componentId } from '../../../protocol/base/ids.ts';
import type { StackSpec } from '../../../protocol/component/spec.ts';
import { createJudge, type Expectation } from '../../../sim/scenario/expect.ts';
import { play } from '../../../sim/scenario/play.ts';
import type { Scenario } from '../../../sim/scenario/scenario.ts';
import type { Scene } from '../../../sim/run.ts';
import { shrink } from '../../../sim/shrink/shrink.ts';
import { deploy } from '../deed.ts';

function stackOf(replicas: number): StackSpec {
  const deed = deploy(0, 0, 'shop', 'op');
  if (deed.kind !== 'command' || deed.errand.given.kind !== 'deploy') throw new Error('no stack');
  const { spec } = deed.errand.given;
  return { ...spec, components: spec.components.map((one) => ({ ...one, replicas })) };
}
const seat = { component: componentId('shop', 'web') };

/** Two run, as the second stack wants it. */
const oneRuns: Expectation = {
  text: 'from 8s to 11s: at most 1 running of shop.web',
  when: { kind: 'throughout', fromMs: 8000, untilMs: 11_000 },
  claim: { kind: 'running', bound: 'at most', count: 1, seat },
};
const scenario: Scenario = {
  name: 'growing',
  hostCount: 3,
  voterCount: 3,
  forMs: 20_000,
  faultsFromMs: 1000,
  faults: ['pauses', 'exits'],
  setting: {},
  stacks: [stackOf(1)],
  timeline: [
    { atMs: 5000, act: { kind: 'exit', seat, how: 'exit' } },
    { atMs: 6000, act: { kind: 'deploy', spec: stackOf(2) } },
  ],
  expect: [oneRuns],
  limits: {},
};

/** A judge for each run: what one has seen is nothing to the next. */
function look(): (scene: Scene) => string | undefined {
  let judge = createJudge(scenario.expect);
  let lookedAtMs = 0;
  return (scene) => {
    if (scene.atMs < lookedAtMs) judge = createJudge(scenario.expect);
    lookedAtMs = scene.atMs;
    return judge.look(scene);
  };
}

describe('of a scenario whose expectation is broken', () => {
  const { outcome } = play(scenario, 1, { recording: true });
  const { tape, verdict } = outcome;
  if (tape === undefined) throw new Error('nothing was recorded');
  const shrunk = shrink(tape, { look: look(), goesOn: () => true });

  it('what it says is kept, where and when it says it', () => {
    const planned = tape.deeds.filter(({ isPlanned }) => isPlanned === true);
    expect(planned).toMatchObject([{ at: 5e6 }, { at: 6e6 }]);
    expect(shrunk?.tape.deeds.filter(({ isPlanned }) => isPlanned === true)).toEqual(planned);
    expect(shrunk?.tape.options).toMatchObject({ hostCount: 3, voterCount: 3, stormMs: 20_000 });
    expect(shrunk?.tape.options.workload).toEqual(tape.options.workload);
  });

  it('what was drawn goes', () => {
    const commands = tape.deeds.filter(({ kind }) => kind === 'command').length;
    expect(tape.deeds.length).toBeGreaterThan(commands + 5);
    expect(shrunk?.tape.deeds.length).toBe(commands + 1);
    expect(shrunk?.tape.draws).toEqual({});
  });

  it('the same sentence is missed in the same way', () => {
    const blank = (text: string): string => text.replaceAll(/h\d/g, 'h');
    if (verdict.kind === 'passed' || shrunk?.outcome.verdict.kind !== 'unsafe')
      throw new Error('nothing is broken');
    expect(blank(shrunk.outcome.verdict.text)).toBe(blank(verdict.text));
    expect(verdict.text).toMatch(/^from 8s to 11s: .*: 2 run/);
  });
});
