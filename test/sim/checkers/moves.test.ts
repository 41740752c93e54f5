/** What the checker of the brake says of moves that are made up. */
import { expect, it } from 'vitest';
import {
  boot,
  componentId,
  componentKey,
  type HostId,
  incarnation,
  term,
} from '../../../protocol/base/ids.ts';
import { instant } from '../../../protocol/base/time.ts';
import type { Health } from '../../../protocol/membership/member.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import { onePerHost } from '../../../sim/bench/convergence.ts';
import { coreOf, newStage, send, type Stage, take } from './stage.ts';

const WEB = componentId('site', 'web');

/** h1 believes this of them from now on. */
function believe(stage: Stage, ids: readonly string[], health: Health): void {
  const { membership } = coreOf(stage, 'h1');
  for (const id of ids as HostId[]) {
    const known = membership.members.get(id);
    if (known === undefined) throw new Error(`${id} is no member`);
    const belief = { health, boot: boot(2), incarnation: incarnation(0) };
    membership.members.set(id, { ...known, ...belief, lastHeardAt: instant(stage.nowMs) });
  }
  membership.version += 1;
  take(stage, 'h1', undefined);
}

function assign(stage: Stage, seq: number, hosts: readonly string[]): void {
  const [spec] = onePerHost().components;
  if (spec === undefined) throw new Error('a component');
  const revision = { term: term(5), seq };
  const slots = hosts.map((host, i) => ({ slot: i + 1, host: host as HostId }));
  const value = {
    kind: 'component',
    component: WEB,
    life: 0,
    stackRevision: revision,
    spec,
    slots,
  } as const;
  const push: Message = { kind: 'push', record: { key: componentKey(WEB), revision, value } };
  take(stage, 'h1', undefined, send('h2', push));
}

/** All are alive, two of three peers vanish, and after that each move comes so much later. */
function story(gone: readonly string[], movesAfterMs: readonly number[]): readonly string[] {
  const stage = newStage();
  believe(stage, ['h2', 'h3', 'h4'], 'alive');
  const slots = ['h2', 'h2', 'h3', 'h3'];
  assign(stage, 0, slots);
  stage.nowMs += 1000;
  believe(stage, gone, 'dead');
  movesAfterMs.forEach((ms, i) => {
    stage.nowMs += ms;
    slots[i] = 'h1';
    assign(stage, i + 1, slots);
  });
  return stage.seen.filter((text) => text.startsWith('S16'));
}

it.each([
  [['h2', 'h3'], [10_000], 0, 'ten seconds later'],
  [['h2', 'h3'], [9000], 1, 'sooner'],
  [['h2'], [0, 0], 0, 'most are there'],
  [['h2', 'h3'], [10_000, 500, 500], 0, 'two a second'],
  [['h2', 'h3'], [10_000, 400, 400], 1, 'three a second'],
  [['h2', 'h3'], [30_500, 0, 0, 0], 0, 'it is long ago'],
])('when %j vanish and slots move after %j ms each it objects %i times: %s', (gone, ms, count) => {
  expect(story(gone, ms)).toHaveLength(count);
});

it('does not mind what moves between the living, nor what a new leader finds', () => {
  const stage = newStage();
  believe(stage, ['h2', 'h3', 'h4'], 'alive');
  believe(stage, ['h2', 'h3'], 'dead');
  assign(stage, 0, ['h4', 'h2']);
  assign(stage, 1, ['h1', 'h2']);
  expect(stage.seen.filter((text) => text.startsWith('S16'))).toEqual([]);
});
