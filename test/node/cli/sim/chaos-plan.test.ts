/** Plans of faults for a real cluster: what is read, what is refused, and whom a line means. */
import { describe, expect, it } from 'vitest';
import { meantIn, readChaosPlan } from '../../../../node/cli/sim/chaos-plan.ts';
import { renderProblem } from '../../../../node/compose/problems.ts';
import { epoch } from '../../../../protocol/base/ids.ts';
import type { ClusterView } from '../../../../protocol/view/view.ts';
import { waysBetween } from '../../../../sim/scenario/act.ts';
import { cluster, component, host, idOf } from '../views.ts';

const VIEW: ClusterView = cluster({
  hosts: [host('h1'), host('h2', { voter: true }), host('h3')],
  stacks: [{ name: 'shop', revision: '4.1', components: [component('shop.web', ['h1', 'h3'])] }],
  leaders: [],
  roster: { epoch: epoch(1), voters: [idOf('h2')] },
});

const read = (text: string, maxMs = 60_000) =>
  readChaosPlan(text, { path: 'plan.yaml', view: VIEW, maxMs });
const waysIn = (line: string, view = VIEW): readonly string[] => {
  const result = read(`timeline:\n  - { at: 0s, ${line}, for: 1s }\n`);
  if (!result.ok) throw new Error(result.problems.map(renderProblem).join('\n'));
  const [fault] = result.plan.timeline;
  if (fault === undefined) throw new Error('one line was written');
  const hosts = VIEW.hosts.map(({ id }) => id);
  const name = (index: number): string => VIEW.hosts[index]?.name ?? '';
  return waysBetween(fault.act.between, meantIn(view, hosts)).map(
    ([a, b]) => `${name(a)}>${name(b)}`,
  );
};

it('reads a plan as the simulator does', () => {
  const result = read(`
name: a bad minute
for: 30s
timeline:
  - { at: 5s, cut: { from: h1, to: h2, one_way: true }, for: 4s }
  - { at: 2s, lossy: all, loss: 20%, only: beat }
`);
  expect(result).toMatchObject({
    ok: true,
    plan: {
      forMs: 30_000,
      timeline: [
        { atMs: 2000, act: { kind: 'lossy', permille: 200, only: 'beat' } },
        { atMs: 5000, act: { kind: 'cut', forMs: 4000 } },
      ],
    },
  });
});

it.each<[string, RegExp]>([
  ['timeline: [{ at: 1s, crash: h1 }]', /`crash` is nothing that agents can do/],
  ['timeline: [{ at: 1s, cut: h9 }]', /nobody is called "h9": it is h1, h2, h3, all/],
  ['timeline: [{ at: 1s, cut: leader of shop.db }]', /nothing called "shop.db" has a leader/],
  ['for: 2m\ntimeline: []', /goes on for 120 s, at most 60 s.* --max 120s/s],
  ['hosts: 5\ntimeline: []', /unknown key "hosts"/],
  ['expect: []\ntimeline: []', /unknown key "expect"/],
  ['timeline: [{ at: 1m, cut: h1 }]', /the run is over after 60000 ms/],
  ['for: 10s', /timeline/],
])('refuses %j', (text, told) => {
  const result = read(text);
  if (result.ok) throw new Error('it was read');
  expect(result.problems.map(renderProblem).join('\n')).toMatch(told);
});

it.each<[string, boolean]>([
  ['{ at: 10m, cut: h1 }', false],
  ['{ at: 10m, cut: h1, for: 61m }', false],
  ['{ at: 10m, cut: h1, for: 60m }', true],
  ['{ at: 61m, cut: h1 }', true],
  ['{ at: 10m, reset: h1 }', true],
])('of a plan of two hours it reads %s: %s', (line, isRead) => {
  const result = read(`timeline: [${line}]`, 7_200_000);
  expect(result.ok || result.problems.map(renderProblem).join()).toEqual(
    isRead || expect.stringMatching(/`cut` goes on for \d+ s, at most 3600 s are possible/),
  );
});

describe('whom a line means', () => {
  it.each<[string, readonly string[]]>([
    ['cut: h1', ['h1>h2', 'h2>h1', 'h1>h3', 'h3>h1']],
    ['cut: { from: h1, to: h3, one_way: true }', ['h1>h3']],
    ['cut: { from: voters, to: all but voters, one_way: true }', ['h2>h1', 'h2>h3']],
    ['cut: { from: hosts of shop.web, to: h2, one_way: true }', ['h1>h2', 'h3>h2']],
    ['cut: { from: host of shop.web.2, to: h2, one_way: true }', ['h3>h2']],
    ['cut: { from: [h1, h1], to: h2, one_way: true }', ['h1>h2']],
    ['cut: leader of shop.web', []],
    ['cut: { from: all but all }', []],
    ['lossy: all, loss: 10%', ['h1>h2', 'h2>h1', 'h1>h3', 'h3>h1', 'h2>h3', 'h3>h2']],
    [
      'lossy: { from: all, to: all }, loss: 10%',
      ['h1>h2', 'h2>h1', 'h1>h3', 'h3>h1', 'h2>h3', 'h3>h2'],
    ],
    [
      'lossy: { from: all, to: all, one_way: true }, loss: 10%',
      ['h1>h2', 'h1>h3', 'h2>h1', 'h2>h3', 'h3>h1', 'h3>h2'],
    ],
  ])('%s', (line, ways) => {
    expect(waysIn(line)).toEqual(ways);
  });

  it('whoever leads when its time has come', () => {
    const led = {
      ...VIEW,
      leaders: [{ key: 'component/shop.web', host: idOf('h3'), term: 4 as never }],
    };
    expect(waysIn('cut: { from: leader of shop.web, to: h1, one_way: true }', led)).toEqual([
      'h3>h1',
    ]);
  });
});
