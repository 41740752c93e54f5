/** A scenario without anything in it, to be added to: three hosts, two components. */
import { millis } from '../../../protocol/base/time.ts';
import type { ComponentSpec, StackSpec } from '../../../protocol/component/spec.ts';
import type { Scenario } from '../../../sim/scenario/scenario.ts';

const component = (name: string, replicas: number): ComponentSpec => ({
  name,
  mode: 'replicated',
  replicas,
  process: { command: ['serve'] },
  environment: {},
  ports: [],
  volumes: [],
  restart: { kind: 'always' },
  dependsOn: [],
  stopGraceMs: millis(1000),
});

export const site = (webs = 2): StackSpec => ({
  name: 'site',
  components: [component('web', webs), component('db', 1)],
});

export const SCENARIO: Scenario = {
  name: 'site',
  hostCount: 3,
  voterCount: 3,
  forMs: 30_000,
  faultsFromMs: 15_000,
  faults: 'none',
  setting: {},
  stacks: [site()],
  timeline: [],
  expect: [],
  limits: {},
};
