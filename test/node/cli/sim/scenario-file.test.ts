/** Scenario files: what is read of them, and what is said of those that cannot be run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { StackSpec } from '../../../../protocol/component/spec.ts';
import { loadCompose } from '../../../../node/compose/load.ts';
import { renderProblem } from '../../../../node/compose/problems.ts';
import {
  type Given,
  readScenario,
  type ScenarioRead,
} from '../../../../node/cli/sim/scenario-file.ts';
import { simulate } from '../../../../sim/run.ts';
import { optionsOf } from '../../../../sim/scenario/scenario.ts';

const SCENARIOS = join(import.meta.dirname, '../../../../examples/scenarios');
const load = (name: string): StackSpec | readonly [] => {
  const path = join(SCENARIOS, name);
  const loaded = loadCompose(readFileSync(path, 'utf8'), { path, dir: SCENARIOS, env: {} });
  return loaded.ok ? loaded.stack : [];
};
const read = (text: string, given: Given = {}): ScenarioRead =>
  readScenario(text, { path: 's.yaml', given, load });
const HEAD = 'hosts: 5\ncompose: site.yaml\n';

function scenarioIn(text: string, given: Given = {}) {
  const result = read(text, given);
  if (!result.ok) throw new Error(result.problems.map(renderProblem).join('\n'));
  return result;
}

it('reads the whole language', () => {
  const { scenario, seed, runs } = scenarioIn(`
name: everything
hosts: 5
voters: 5
compose: site.yaml
for: 2m
faults: [crashes, host_losses]
faults_from: 20s
seed: 7
runs: 20
links: { delay: 5ms, loss: 1%, duplicate: 0.5%, late: 2%, late_by: 3s }
transport: stream
gossip: mesh
discovery: mdns
clocks: { h2: +1%, h3: -0.5% }
afterwards: core
timeline:
  - { at: 30s, cut: { from: h1, to: [h2, h3], one_way: true }, for: 5s }
  - { at: 10s, crash: leader of site.web, for: 1s, every: 5s, times: 3 }
expect:
  - eventually within 15s: leader of site.web is h2
  - from 1m: [2 running of site.web, 5 voters]
limits: { availability: 99.9%, failover_p99: 5s, longest_double_run: 0s, messages_per_host: 60 }
`);
  expect({ seed, runs }).toEqual({ seed: 7, runs: 20 });
  expect(scenario).toMatchObject({
    name: 'everything',
    hostCount: 5,
    voterCount: 5,
    forMs: 120_000,
    faultsFromMs: 20_000,
    faults: ['crashes', 'hostLosses'],
    setting: {
      delayMeanMs: 5,
      lossPermille: 10,
      duplicatePermille: 5,
      tailPermille: 20,
      tailMs: 3000,
      transport: 'stream',
      gossip: 'mesh',
      discovery: 'mdns',
      ratesPermille: [0, 10, -5, 0, 0],
      calm: 'core',
    },
    limits: {
      availabilityPermille: 999,
      failoverP99Ms: 5000,
      longestDoubleMs: 0,
      messagesPerHost: 60,
    },
  });
  expect(scenario.timeline.map(({ atMs, act: { kind } }) => [atMs, kind])).toEqual([
    [10_000, 'host'],
    [15_000, 'host'],
    [20_000, 'host'],
    [30_000, 'cut'],
  ]);
  expect(scenario.expect.map(({ text, when }) => [text, when])).toEqual([
    [
      'eventually within 15s: leader of site.web is h2',
      { kind: 'within', fromMs: 30_000, untilMs: 45_000 },
    ],
    ['from 1m: 2 running of site.web', { kind: 'throughout', fromMs: 60_000, untilMs: 120_000 }],
    ['from 1m: 5 voters', { kind: 'throughout', fromMs: 60_000, untilMs: 120_000 }],
  ]);
});

it('becomes the options of a run, with its own word over the faults', () => {
  const { scenario } = scenarioIn(`${HEAD}faults: swarm\nlinks: { loss: 0 }\nfor: 20s`);
  for (const seed of [1, 2, 3])
    expect(optionsOf(scenario, seed)).toMatchObject({
      seed,
      hostCount: 5,
      voterCount: 3,
      stormMs: 20_000,
      stormFromMs: 8000,
      lossPermille: 0,
      workload: { kind: 'given', stacks: [{ name: 'site' }] },
    });
});

it('has kinds of faults alone, a hand on the engines among them', () => {
  const { scenario } = scenarioIn(`${HEAD}faults: [drift, crashes]\nfor: 30s`);
  const options = optionsOf(scenario, 1);
  expect(Object.keys(options.recurring)).toEqual(['crashes']);
  expect(options.drift).toEqual({ everyMs: expect.any(Number), lastMs: expect.any(Number) });
  const { tape } = simulate(options, { recording: true, isUnjudged: true });
  const kinds = tape?.deeds.map((deed) => (deed.kind === 'strike' ? deed.strike.kind : deed.kind));
  expect(new Set(kinds)).toEqual(new Set(['command', 'crash', 'drift']));
  const only = optionsOf(scenarioIn(`${HEAD}faults: [crashes]\nfor: 30s`).scenario, 1);
  expect(only).not.toHaveProperty('drift');
  expect(only.recurring).toEqual(options.recurring);
});

it('gives way to the command line', () => {
  const given: Given = { hosts: 2, forMs: 5000, faults: 'none' };
  const { scenario } = scenarioIn(`${HEAD}faults: swarm\nfor: 1m`, given);
  expect(scenario).toMatchObject({ hostCount: 2, voterCount: 1, forMs: 5000, faults: 'none' });
});

const VERBS = [
  'cut: h1',
  'cut: { from: [h1, h2], to: h3 }',
  'clog: { from: h1 }',
  'lossy: { from: all, to: all }, loss: 30%, only: keepalive',
  'reset: { from: h1, to: h2 }',
  'crash: voters, for: 1s',
  'upgrade: all but h1',
  'lose: host of site.db.1',
  'pause: [h1, leader of site]',
  'suspend: leader of roster',
  'lag: h1, by: 300ms, for: 5s',
  'disk: h1, fault: full',
  'exit: site.web',
  'unhealthy: site.web.2',
  'crash_loop: h1',
  'engine_hang: h1',
  'engine_restart: h1, instances: die',
  'deploy: site-2.yaml',
  'destroy: site',
];
it.each(VERBS)('knows how to %s', (line) => {
  const { scenario } = scenarioIn(`${HEAD}timeline:\n  - { at: 10s, ${line} }`);
  expect(scenario.timeline).toHaveLength(1);
});

const GUIDE = readFileSync(join(SCENARIOS, '../../docs/simulator.md'), 'utf8');

it.each(VERBS)('tells users how to %s', (line) => {
  const [verb = ''] = line.split(':');
  expect(GUIDE).toMatch(new RegExp(`^\\| \`${verb}: `, 'm'));
});

it('reads the example that it shows', () => {
  const [, example = ''] = /```yaml\n([^]*?)```/.exec(GUIDE) ?? [];
  const { scenario } = scenarioIn(example);
  expect(scenario.timeline.length * scenario.expect.length).toBeGreaterThan(0);
});

it('lets a fault without a length go on until all of them end', () => {
  const { scenario } = scenarioIn(`${HEAD}timeline:\n  - { at: 10s, crash: h1 }`);
  expect(scenario.timeline).toMatchObject([{ act: { fault: { forMs: 50_001 } } }]);
});

/** What is wrong with a line, where, and what is said. */
it.each<readonly [text: string, says: string | RegExp]>([
  ['compose: site.yaml', 's.yaml:1:1 there are no hosts; add for example hosts: 5'],
  ['hosts: 5', /s.yaml:1:1 nothing runs; name a Compose file/],
  [`${HEAD}host: 5`, 's.yaml:3:7 host: unknown key "host"; did you mean hosts?'],
  [`${HEAD}hosts: 6`, /the key is there twice/],
  [`${HEAD}voters: 2`, 's.yaml:3:9 voters: 2 of 5 hosts cannot vote; write 1, 3 or 5'],
  [
    `${HEAD}faults: [crash]`,
    /s.yaml:3:9 faults: there are no faults called "crash"; name none, swarm/,
  ],
  [`${HEAD}links: { loss: 101% }`, /3:16 links.loss: expected a share from 0% to 100%/],
  [
    `${HEAD}clocks: { h9: 1% }`,
    /3:15 clocks.h9: there is no host "h9": they are h1, h2, h3, h4, h5/,
  ],
  [`${HEAD}clocks: { h1: 2% }`, /expected a share from -1% to 1%/],
  [`${HEAD}compose: nowhere.yaml`, /./],
  [timeline('crash: h6'), /4:23 .*crash: nobody is called "h6": it is h1, h2, h3, h4, h5, all/],
  [timeline('crash: nobody'), /nobody is called "nobody": it is h1, h2, h3, h4, h5, all, voters/],
  [
    timeline('crash: h1, fore: 5s'),
    /4:33 timeline\[0\].fore: unknown key "fore"; did you mean for/,
  ],
  [timeline('crush: h1'), /timeline\[0\].crush: unknown key "crush"; did you mean crash/],
  [timeline('crash: h1, cut: h2'), /one thing that is done then/],
  [timeline('lag: h1'), /timeline\[0\].by: /],
  [timeline('disk: h1, fault: wet'), /expected one of slow, error, full, lost, got "wet"/],
  [timeline('exit: site'), /no component is called "site": there are site.web, site.db/],
  [timeline('destroy: shop'), /no stack is called "shop"; there are site/],
  [timeline('crash: h1, times: 3'), /`times` needs `every`/],
  [
    timeline('crash: h1, every: 20s, times: 9'),
    /this is at 170000 ms, the run is over after 60000/,
  ],
  [`${HEAD}timeline:\n  - { crash: h1 }`, /timeline\[0\].at: missing/],
  [`${HEAD}expect:\n  - soon: 2 running of site.web`, /4:5 .*"soon" says no time/],
  [
    `${HEAD}expect:\n  - always: all is well`,
    /4:13 .*"all is well" is no sentence .*; sentences are: /,
  ],
  [
    `${HEAD}faults: swarm\nfaults_from: 2m`,
    /4:14 faults_from: the run is over after 60000 ms, its faults begin after 120000 ms; let it/,
  ],
  [`${HEAD}expect:\n  - from 2m: 5 voters`, /the run is over after 60000 ms/],
  [`${HEAD}limits: { failover_p98: 1s }`, /unknown key "failover_p98"; did you mean failover_p99/],
])('%s', (text, says) => {
  const result = read(text);
  const told = result.ok ? [] : result.problems.map(renderProblem);
  expect(told[0]).toEqual(typeof says === 'string' ? says : expect.stringMatching(says));
});

function timeline(line: string): string {
  return `${HEAD}timeline:\n  - { at: 10s, ${line} }`;
}
