import { expect, test } from 'vitest';
import { hostId, term } from '../../../protocol/base/ids.ts';
import {
  crashNote,
  haltNote,
  rolloutNote,
  troubleNote,
  waitNote,
} from '../../../protocol/view/note.ts';
import type { InstanceView, RolloutView, SlotView } from '../../../protocol/view/view.ts';

function slot(number: number, changes: Partial<InstanceView> = {}, note?: string): SlotView {
  const instance: InstanceView = {
    id: `shop.web.${number}`,
    host: hostId('h1'),
    state: 'running',
    health: 'none',
    attempt: 1,
    restarts: 0,
    crashLoop: false,
    revision: 'r1',
    term: term(1),
    ports: [],
    ...changes,
  };
  return { slot: number, host: hostId('h1'), instance, ...(note === undefined ? {} : { note }) };
}

const failed = { state: 'failed', restarts: 6, crashLoop: true, reason: 'exit 1' } as const;

type Row = readonly [slots: readonly SlotView[], note: string | undefined, reason: string];
const CRASHES: readonly Row[] = [
  [[slot(1)], undefined, 'nothing crashes'],
  [[slot(1), slot(2, failed)], 'crash loop: slot 2, exit 1', 'with its reason'],
  [
    [slot(1, { crashLoop: true, restarts: 6 })],
    'slot 1 was in a crash loop and runs again',
    'the mark outlives the crashes',
  ],
  [
    [slot(1, { crashLoop: true }), slot(2, failed)],
    'crash loop: slot 2, exit 1',
    'one that still crashes comes first',
  ],
  [
    [slot(1, { crashLoop: true, restarts: 6, health: 'starting' })],
    'crash loop: slot 1, runs, not healthy yet, after 6 failures',
    'it runs, but is not well yet',
  ],
];
test.each(CRASHES)('a crash loop, row %#', (slots, note, reason) => {
  expect(crashNote(slots), reason).toBe(note);
});

const TROUBLES: readonly Row[] = [
  [[slot(1)], undefined, 'all is well'],
  [[slot(1, { reason: 'runs an older spec' })], undefined, 'it serves, whatever it says'],
  [[slot(1, { state: 'complete', reason: 'exit 0' })], undefined, 'it did what it had to'],
  [[slot(1), slot(2, { state: 'failed', reason: 'exit 1' })], 'exit 1', 'the reason'],
  [
    [slot(1, { state: 'failed', reason: 'exit 1' }, 'its host is dead')],
    'its host is dead',
    'note',
  ],
  [[slot(1, { state: 'preparing' })], undefined, 'no reason is given'],
];
test.each(TROUBLES)('trouble, row %#', (slots, note, reason) => {
  expect(troubleNote(slots), reason).toBe(note);
});

const WAITS: readonly Row[] = [
  [[slot(1)], undefined, 'nothing is waited for'],
  [[slot(1, { state: 'preparing' })], 'starting', 'the first start'],
  [[slot(1, { state: 'starting', restarts: 1 })], 'starting, after 1 failure', 'a restart'],
  [[{ slot: 1, host: hostId('h1') }], 'starting', 'its host has not told of it yet'],
  [[slot(1, { health: 'starting' })], 'runs, not healthy yet', 'started, not checked yet'],
  [[slot(1, { health: 'unhealthy', restarts: 2 })], 'unhealthy, after 2 failures', 'ill'],
];
test.each(WAITS)('waiting, row %#', (slots, note, reason) => {
  expect(waitNote(slots), reason).toBe(note);
});

const going: RolloutView = { revision: 'r2', state: 'going', done: 1, total: 3, trial: [] };
const ROLLOUTS: readonly (readonly [RolloutView | undefined, string | undefined])[] = [
  [undefined, undefined],
  [going, 'rollout: 1 of 3 done'],
  [{ ...going, trial: [2, 3] }, 'rollout: 1 of 3 done, slot 2 and 3 on trial'],
  [{ ...going, state: 'paused', why: 'exit 1' }, 'rollout paused at 1 of 3: exit 1'],
  [
    { ...going, state: 'takenBack', refused: '9f3c1e2d77ab10c4', why: 'exit 1' },
    '9f3c1e2 is quarantined, and not tried again: exit 1',
  ],
  [
    { ...going, state: 'takenBack', refused: '9f3c1e2d77ab10c4', refusedAt: 'noon', why: 'exit 1' },
    '9f3c1e2, deployed noon, is quarantined, and not tried again: exit 1',
  ],
];
test.each(ROLLOUTS)('rollout, row %#', (rollout, note) => {
  expect(haltNote(rollout) ?? rolloutNote(rollout)).toBe(note);
});
