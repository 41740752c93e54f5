/** What the checkers of records say of a schedule that breaks a rule, and of one that does not. */
import { expect, it } from 'vitest';
import {
  componentId,
  componentKey,
  type HostId,
  stackKey,
  term,
} from '../../../protocol/base/ids.ts';
import type { Committed, RecordValue, Revision, Stack } from '../../../protocol/record/record.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import { noteExpected } from '../../../sim/checkers/expectations.ts';
import { noteAck, noteRefused } from '../../../sim/checkers/records.ts';
import { spec } from '../../protocol/reconcile/stage.ts';
import { coreOf, keep, leave, newStage, send, type Stage, take } from './stage.ts';

const SHOP = stackKey('shop');
const WEB = componentKey(componentId('shop', 'web'));
const at = (n: number, seq: number): Revision => ({ term: term(n), seq });
const stack = (life: number): Stack => ({ kind: 'stack', life, since: at(1, 1) });
const web = (n: number, seq: number): RecordValue => ({
  kind: 'component',
  component: componentId('shop', 'web'),
  life: 0,
  stackRevision: at(n, seq),
  spec: spec({}),
  slots: [{ slot: 1, host: 'h1' as HostId }],
});

/** The leader sends it to the other voters, and keeps it itself. */
function write(
  stage: Stage,
  key: typeof SHOP,
  revision: Revision,
  value: RecordValue,
  op: string,
): void {
  const deployIds = [op];
  const message: Message = { kind: 'write', epoch: 5 as never, key, revision, value, deployIds };
  leave(stage, 'h1', send('h2', message));
  store(stage, 'h1', key, revision, value, op);
}
function store(
  stage: Stage,
  name: string,
  key: typeof SHOP,
  revision: Revision,
  value: RecordValue,
  op: string,
): void {
  const register = { promised: revision.term, revision, value, deployIds: [op] };
  keep(stage, name, [{ name: `record/${key}`, value: register }]);
}
function commit(
  stage: Stage,
  name: string,
  key: typeof SHOP,
  revision: Revision,
  value: RecordValue,
): void {
  const record: Committed = { key, revision, value };
  keep(stage, name, [{ name: `committed/${key}`, value: record }]);
}
/** Written, stored by a quorum, and known to be. */
function settle(
  stage: Stage,
  key: typeof SHOP,
  revision: Revision,
  value: RecordValue,
  op: string,
): void {
  write(stage, key, revision, value, op);
  store(stage, 'h2', key, revision, value, op);
  commit(stage, 'h1', key, revision, value);
}
/** The host knows it, in memory. */
function know(stage: Stage, name: string, revision: Revision): void {
  coreOf(stage, name).committed.byKey.set(SHOP, { key: SHOP, revision, value: stack(0) });
  coreOf(stage, name).committed.version += 1;
  take(stage, name, undefined);
}

const WRONG: readonly (readonly [string, (stage: Stage) => void])[] = [
  [
    'a revision has two values',
    (stage) => {
      write(stage, SHOP, at(5, 1), stack(0), 'a');
      store(stage, 'h2', SHOP, at(5, 1), stack(1), 'a');
    },
  ],
  [
    'a minority keeps what is called committed',
    (stage) => {
      write(stage, SHOP, at(5, 1), stack(0), 'a');
      commit(stage, 'h1', SHOP, at(5, 1), stack(0));
    },
  ],
  [
    'what was acknowledged is gone',
    (stage) => {
      settle(stage, SHOP, at(5, 1), stack(0), 'a');
      noteAck(stage.panel.records, SHOP, 'a', at(5, 1));
      settle(stage, SHOP, at(6, 0), stack(1), 'b');
    },
  ],
  [
    'what was never committed is acknowledged',
    (stage) => {
      write(stage, SHOP, at(5, 1), stack(0), 'a');
      noteAck(stage.panel.records, SHOP, 'a', at(5, 1));
    },
  ],
  [
    'what was refused is written',
    (stage) => {
      noteRefused(stage.panel.records, SHOP, 'a', { written: false });
      write(stage, SHOP, at(5, 1), stack(0), 'a');
    },
  ],
  [
    'what was committed is applied again',
    (stage) => {
      settle(stage, SHOP, at(5, 1), stack(0), 'a');
      settle(stage, SHOP, at(6, 0), stack(0), 'a');
      write(stage, SHOP, at(6, 1), stack(0), 'a');
    },
  ],
  [
    'a deploy that expects a revision is committed after another',
    (stage) => {
      settle(stage, SHOP, at(5, 1), stack(0), 'a');
      noteExpected(stage.panel.records, 'b', at(5, 1));
      noteExpected(stage.panel.records, 'c', at(5, 1));
      settle(stage, SHOP, at(5, 2), stack(0), 'b');
      settle(stage, SHOP, at(5, 3), stack(0), 'c');
    },
  ],
  [
    'a deploy that expects no stack is committed where there is one',
    (stage) => {
      noteExpected(stage.panel.records, 'b', 'none');
      settle(stage, SHOP, at(5, 1), { ...stack(0), spec: { name: 'shop', components: [] } }, 'a');
      settle(stage, SHOP, at(5, 2), stack(0), 'b');
    },
  ],
  [
    'a leader decides before it has taken over what was committed',
    (stage) => {
      settle(stage, SHOP, at(5, 1), stack(0), 'a');
      write(stage, SHOP, at(6, 1), stack(1), 'b');
    },
  ],
  [
    'a leader writes on before its last write is committed',
    (stage) => {
      write(stage, SHOP, at(5, 1), stack(0), 'a');
      write(stage, SHOP, at(5, 2), stack(1), 'b');
    },
  ],
  [
    'an assignment goes back to an older stack',
    (stage) => {
      settle(stage, WEB, at(5, 1), web(3, 4), '');
      write(stage, WEB, at(5, 2), web(3, 3), '');
    },
  ],
  [
    'a reader goes back',
    (stage) => {
      know(stage, 'h1', at(5, 2));
      know(stage, 'h1', at(5, 1));
    },
  ],
  [
    'a reader forgets',
    (stage) => {
      know(stage, 'h1', at(5, 2));
      coreOf(stage, 'h1').committed.byKey.delete(SHOP);
      coreOf(stage, 'h1').committed.version += 1;
      take(stage, 'h1', undefined);
    },
  ],
];

it.each(WRONG)('S11: %s', (_what, happen) => {
  const stage = newStage();
  happen(stage);
  expect(stage.seen.map((text) => text.split(' ')[0])).toContain('S11');
});

const RIGHT: readonly (readonly [string, (stage: Stage) => void])[] = [
  [
    'a record is written, acknowledged, taken over and written on',
    (stage) => {
      settle(stage, SHOP, at(5, 1), stack(0), 'a');
      noteAck(stage.panel.records, SHOP, 'a', at(5, 1));
      settle(stage, SHOP, at(6, 0), stack(0), 'a');
      noteAck(stage.panel.records, SHOP, 'a', at(6, 0));
      settle(stage, SHOP, at(6, 1), stack(1), 'b');
    },
  ],
  [
    'a write of a minority is outbid, and refused for good',
    (stage) => {
      write(stage, SHOP, at(5, 1), stack(0), 'a');
      settle(stage, SHOP, at(6, 1), stack(1), 'b');
      noteRefused(stage.panel.records, SHOP, 'a', { written: true });
    },
  ],
  [
    'a deploy finds what it expects, committed again by a later leader',
    (stage) => {
      settle(stage, SHOP, at(5, 1), stack(0), 'a');
      settle(stage, SHOP, at(6, 0), stack(0), 'a');
      noteExpected(stage.panel.records, 'b', at(5, 1));
      settle(stage, SHOP, at(6, 1), stack(0), 'b');
      settle(stage, SHOP, at(7, 0), stack(0), 'b');
    },
  ],
  [
    'an assignment follows its stack',
    (stage) => {
      settle(stage, WEB, at(5, 1), web(3, 3), '');
      settle(stage, WEB, at(5, 2), web(3, 4), '');
    },
  ],
  [
    'a reader goes on',
    (stage) => {
      know(stage, 'h1', at(5, 1));
      know(stage, 'h1', at(5, 2));
    },
  ],
];

it.each(RIGHT)('nothing, when %s', (_what, happen) => {
  const stage = newStage();
  happen(stage);
  expect(stage.seen).toEqual([]);
});
