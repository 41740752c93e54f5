/** What the checkers of voters and rosters say of a schedule that breaks a rule, and of one that does not. */
import { expect, it } from 'vitest';
import { ballot, epoch, type HostId } from '../../../protocol/base/ids.ts';
import { millis } from '../../../protocol/base/time.ts';
import { firstTerms } from '../../../protocol/config.ts';
import type { Roster } from '../../../protocol/roster/roster.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import { CONFIG } from '../../../sim/options.ts';
import { acceptAck, changed, K, keepaliveAck, prepareAck } from './letters.ts';
import {
  coreOf,
  heard,
  keep,
  lead,
  leave,
  newStage,
  restart,
  send,
  type Stage,
  take,
} from './stage.ts';

const roster = (at: number, voters: readonly string[], next?: readonly string[]): Roster => ({
  epoch: epoch(at),
  voters: voters as readonly HostId[],
  ...(next === undefined ? {} : { next: next as readonly HostId[] }),
  termMs: firstTerms(CONFIG),
});
/** The host takes over a roster. */
function follow(stage: Stage, name: string, to: Roster): void {
  coreOf(stage, name).council.roster = to;
  take(stage, name, undefined);
}
/** It is accepted on the disks of these. */
function choose(stage: Stage, to: Roster, ...names: readonly string[]): void {
  const vote = { n: 1, host: 'h1' as HostId };
  const value = { epoch: to.epoch, promised: vote, accepted: { ballot: vote, roster: to } };
  for (const name of names) keep(stage, name, [{ name: 'acceptor', value }]);
}
const J = roster(6, ['h1', 'h2', 'h3'], ['h1', 'h2', 'h4']);
const NEW = roster(7, ['h1', 'h2', 'h4']);

function page(at: number): Message {
  return {
    kind: 'syncPage',
    epoch: epoch(at),
    after: '',
    records: [],
    last: true,
    ceiling: ballot(0),
    maxTermMs: millis(0),
  };
}

const WRONG: readonly (readonly [string, string, (stage: Stage) => void])[] = [
  [
    'S6',
    'a voter calls a key free too soon after a grant of its last life',
    (stage) => {
      leave(stage, 'h1', send('h4', keepaliveAck(2)));
      stage.nowMs += CONFIG.termMs - 10;
      restart(stage, 'h1');
      for (const from of ['h2', 'h3']) take(stage, 'h1', heard(from, keepaliveAck(3)));
      take(stage, 'h1', undefined, send('h4', prepareAck(7)));
    },
  ],
  [
    'S6',
    'a voter calls a key free before others know of its restart',
    (stage) => {
      take(stage, 'h1', heard('h2', keepaliveAck(2, 9)));
      take(stage, 'h1', undefined, send('h4', prepareAck(7)));
    },
  ],
  [
    'S6',
    'one that does not vote answers',
    (stage) => take(stage, 'h4', undefined, send('h1', acceptAck(7))),
  ],
  [
    'S6',
    'a new voter answers before it has fetched',
    (stage) => {
      follow(stage, 'h4', J);
      take(stage, 'h4', heard('h1', page(6)));
      take(stage, 'h4', undefined, send('h1', acceptAck(7)));
    },
  ],
  [
    'S6',
    'a new voter answers after it has fetched of another epoch',
    (stage) => {
      follow(stage, 'h4', J);
      for (const from of ['h1', 'h2']) take(stage, 'h4', heard(from, page(5)));
      take(stage, 'h4', undefined, send('h1', acceptAck(7)));
    },
  ],
  [
    'S6',
    'a new voter calls itself synced below a term that was led',
    (stage) => {
      leave(stage, 'h2', send('h1', acceptAck(2000)));
      leave(stage, 'h1', changed(stage, 'won', 2000));
      follow(stage, 'h1', J);
      follow(stage, 'h4', J);
      const value = { boot: 2, ceiling: 1999, maxTermMs: 3000, synced: true };
      keep(stage, 'h4', [{ name: 'host', value }]);
    },
  ],
  [
    'S7',
    'two rosters of one epoch',
    (stage) => {
      choose(stage, J, 'h1', 'h2');
      keep(stage, 'h1', [{ name: 'roster', value: J }]);
      keep(stage, 'h2', [{ name: 'roster', value: roster(6, ['h1', 'h2', 'h3']) }]);
    },
  ],
  [
    'S7',
    'a roster that only a minority has accepted',
    (stage) => {
      choose(stage, J, 'h1', 'h4');
      leave(stage, 'h1', send('h2', { kind: 'rosterChosen', roster: J }));
    },
  ],
  [
    'S7',
    'a change is concluded while one leads by the rule of before it',
    (stage) => {
      lead(stage, 'h3', K, 7, 2000);
      follow(stage, 'h1', J);
      follow(stage, 'h1', NEW);
    },
  ],
  [
    'S7',
    'a change is concluded while one still counts what was acknowledged before it',
    (stage) => {
      lead(stage, 'h3', K, 7, 2000);
      follow(stage, 'h1', J);
      follow(stage, 'h3', J);
      follow(stage, 'h1', NEW);
    },
  ],
];

it.each(WRONG)('%s: %s', (rule, _what, happen) => {
  const stage = newStage();
  expect(stage.seen).toEqual([]);
  happen(stage);
  expect(stage.seen.map((text) => text.split(' ')[0])).toContain(rule);
});

const RIGHT: readonly (readonly [string, (stage: Stage) => void])[] = [
  [
    'a voter calls a key free again after a rest',
    (stage) => {
      leave(stage, 'h1', send('h4', keepaliveAck(2)));
      stage.nowMs += CONFIG.termMs;
      restart(stage, 'h1');
      for (const from of ['h2', 'h3']) take(stage, 'h1', heard(from, keepaliveAck(3)));
      take(stage, 'h1', undefined, send('h4', prepareAck(7)));
    },
  ],
  [
    'a new voter fetches, keeps, and answers',
    (stage) => {
      follow(stage, 'h1', J);
      follow(stage, 'h4', J);
      for (const from of ['h1', 'h2']) take(stage, 'h4', heard(from, page(6)));
      const value = { boot: 2, ceiling: 2000, maxTermMs: 3000, synced: true };
      keep(stage, 'h4', [{ name: 'host', value }]);
      take(stage, 'h4', undefined, send('h1', acceptAck(7)));
    },
  ],
  [
    'a change is chosen, drained and concluded',
    (stage) => {
      choose(stage, J, 'h1', 'h2');
      lead(stage, 'h3', K, 7, 2000);
      follow(stage, 'h1', J);
      keep(stage, 'h1', [{ name: 'roster', value: J }]);
      stage.nowMs += 2001;
      choose(stage, NEW, 'h1', 'h2', 'h4');
      follow(stage, 'h1', NEW);
      keep(stage, 'h1', [{ name: 'roster', value: NEW }]);
    },
  ],
];

it.each(RIGHT)('nothing, when %s', (_what, happen) => {
  const stage = newStage();
  happen(stage);
  expect(stage.seen).toEqual([]);
});
