import { expect, it } from 'vitest';
import { epoch, hostId, type Key, stackKey, term } from '../../../protocol/base/ids.ts';
import { millis } from '../../../protocol/base/time.ts';
import {
  createDeploys,
  type Deploys,
  keysWanted,
  onCommand,
  onCommitted,
  onDeploy,
  onDeployResult,
  type Scene,
  tendDeploys,
} from '../../../protocol/command/deploys.ts';
import type { StackSpec } from '../../../protocol/component/spec.ts';
import { STACK_CHARS_MAX } from '../../../protocol/limits.ts';
import type { Revision, Stack } from '../../../protocol/record/record.ts';
import { createWriter, type Writer } from '../../../protocol/record/writer.ts';
import type { Roster } from '../../../protocol/roster/roster.ts';
import type { Turn } from '../../../protocol/turn.ts';
import type { Deploy } from '../../../protocol/wire/message.ts';
import { spec as component } from '../reconcile/stage.ts';
import { sent, turnOf } from '../turns.ts';

const KEY = stackKey('shop');
/** As which the record that servingWriter has found was written. */
const SINCE = { term: term(3), seq: 7 };
const ABC: Roster = {
  epoch: epoch(1),
  voters: ['a', 'b', 'c'].map(hostId),
  termMs: { normal: millis(3000), strict: millis(10_000) },
};
const spec = (note = ''): StackSpec => ({ name: 'shop', components: [], ...(note && { note }) });
const deploy = (deployId = 'd1', note = ''): Deploy => ({
  kind: 'deploy',
  deployId,
  stack: 'shop',
  spec: spec(note),
});
const destroy: Deploy = { kind: 'deploy', deployId: 'd2', stack: 'shop' };

/** A writer that serves, with the record of an earlier deploy or none. */
function servingWriter(value?: Stack, deployIds: readonly string[] = []): Writer {
  const writer = createWriter(KEY, term(5), turnOf('p', 0), ABC);
  writer.phase = 'serving';
  writer.deployIds = deployIds;
  if (value !== undefined) writer.record = { key: KEY, revision: { term: term(4), seq: 2 }, value };
  return writer;
}

type Given = {
  readonly writer?: Writer;
  readonly leader?: string;
  readonly quorum?: boolean;
  readonly roster?: Roster;
};

const scene = ({ writer, leader, quorum = true, roster = ABC }: Given): Scene => ({
  roster,
  quorum,
  writerOf: (key: Key) => (key === KEY ? writer : undefined),
  leaderOf: () => (leader === undefined ? undefined : hostId(leader)),
});

/** What the user hears, if anything, up to `ms`. */
function replies(turns: readonly Turn[]) {
  return turns.flatMap(({ out }) =>
    out.flatMap((effect) => (effect.kind === 'reply' ? [effect.result] : [])),
  );
}

function command(deploys: Deploys, given: Given, what: Deploy = deploy()): Turn {
  const turn = turnOf('p', 0);
  onCommand(deploys, turn, scene(given), 'c1', what);
  return turn;
}

function tend(deploys: Deploys, given: Given, at: number): Turn {
  const turn = turnOf('p', at);
  tendDeploys(deploys, turn, scene(given));
  return turn;
}

it.each([
  ['no-quorum', { quorum: false }, deploy(), 'in a minority, before anything is tried'],
  ['too-large', {}, deploy('d1', 'x'.repeat(STACK_CHARS_MAX)), 'a spec that no frame could carry'],
  ['no-such-stack', { writer: servingWriter() }, destroy, 'nothing to destroy'],
] as const)('refused as %s at once: %#, %s', (code, given, what, _why) => {
  const turn = command(createDeploys(), given, what);
  expect(replies([turn])).toMatchObject([{ kind: 'refused', code }]);
  expect(sent(turn, 'write')).toEqual([]);
});

it('in a change of roster it waits for a quorum, and is refused if there is none in time', () => {
  const growing: Given = {
    leader: 'b',
    quorum: false,
    roster: { ...ABC, voters: [hostId('a')], next: ABC.voters },
  };
  const heard = createDeploys();
  expect(command(heard, growing).out).toEqual([]);
  expect(sent(tend(heard, { ...growing, quorum: true }, 300), 'deploy')).toHaveLength(1);
  const unheard = createDeploys();
  const turns = [command(unheard, growing), tend(unheard, growing, 300)];
  turns.push(tend(unheard, growing, 10_000));
  expect(turns.flatMap((turn) => sent(turn, 'deploy'))).toEqual([]);
  expect(replies(turns)).toMatchObject([{ kind: 'refused' }]);
});

it('a second command with the same deploy id waits for the first', () => {
  const deploys = createDeploys();
  command(deploys, {});
  expect(replies([command(deploys, {})])).toEqual([]);
  expect(replies([tend(deploys, {}, 10_000)])).toMatchObject([
    { kind: 'refused' },
    { kind: 'refused' },
  ]);
});

it('a deploy that ended as unknown is not called refused when it is asked for again (D1)', () => {
  const deploys = createDeploys();
  command(deploys, { leader: 'b' });
  expect(replies([tend(deploys, { leader: 'b' }, 10_000)])).toMatchObject([{ kind: 'unknown' }]);
  expect(replies([command(deploys, { quorum: false })])).toMatchObject([{ kind: 'unknown' }]);
  expect(replies([command(deploys, {}), tend(deploys, {}, 20_000)])).toMatchObject([
    { kind: 'unknown' },
  ]);
});

it('without a leader the stack is campaigned for, and in the end refused: nothing had left (D1, R0)', () => {
  const deploys = createDeploys();
  command(deploys, {});
  expect(keysWanted(deploys)).toEqual([KEY]);
  expect(replies([tend(deploys, {}, 9_999)])).toEqual([]);
  expect(replies([tend(deploys, {}, 10_000)])).toMatchObject([{ kind: 'refused' }]);
  expect(keysWanted(deploys)).toEqual([]);
});

it('asked of a leader that stays silent, it ends as unknown: it may have been committed (D1)', () => {
  const deploys = createDeploys();
  expect(sent(command(deploys, { leader: 'a' }), 'deploy').map(({ to }) => to)).toEqual(['a']);
  expect(sent(tend(deploys, { leader: 'a' }, 300), 'deploy')).toHaveLength(1);
  expect(replies([tend(deploys, { leader: 'a' }, 10_000)])).toMatchObject([{ kind: 'unknown' }]);
});

it('a host that says it does not lead ends nothing: another may, and the first answer may be lost', () => {
  const deploys = createDeploys();
  command(deploys, { leader: 'a' });
  const turn = turnOf('p', 5);
  onDeployResult(deploys, turn, 'd1', { kind: 'refused', code: 'not-leader', why: '' });
  expect(replies([turn])).toEqual([]);
  expect(replies([tend(deploys, {}, 10_000)])).toMatchObject([{ kind: 'unknown' }]);
});

it('written here and not committed in time, it ends as unknown (D1)', () => {
  const deploys = createDeploys();
  const turn = command(deploys, { writer: servingWriter() });
  expect(sent(turn, 'write')).toHaveLength(3);
  expect(replies([turn])).toEqual([]);
  expect(replies([tend(deploys, {}, 10_000)])).toMatchObject([{ kind: 'unknown' }]);
});

it('committed is said when exactly the written revision is (D2)', () => {
  const deploys = createDeploys();
  command(deploys, { writer: servingWriter() });
  const value: Stack = { kind: 'stack', spec: spec(), life: 0, since: SINCE };
  const told = (t: number, seq: number) => {
    const turn = turnOf('p', 5);
    onCommitted(deploys, turn, { key: KEY, revision: { term: term(t), seq }, value });
    return replies([turn]);
  };
  expect(told(5, 0)).toEqual([]);
  expect(told(7, 0)).toEqual([]); // a later leader's: whether it holds ours must be asked anew
  expect(told(5, 1)).toMatchObject([{ kind: 'committed', changed: true }]);
  expect(told(5, 1)).toEqual([]);
});

it.each([
  [
    { kind: 'stack', spec: spec(), life: 0, since: SINCE },
    [],
    deploy('d9'),
    false,
    'the same spec again',
  ],
  [
    { kind: 'stack', spec: spec(), life: 0, since: SINCE },
    ['d1'],
    deploy('d1', 'new'),
    true,
    'a known deploy id',
  ],
  [
    { kind: 'stack', life: 1, since: SINCE },
    ['d2'],
    destroy,
    true,
    'a known destroy, after it was done',
  ],
] as const)('answered without a write: %#', (value, ids, what, changed, _why) => {
  const turn = command(createDeploys(), { writer: servingWriter(value, ids) }, what);
  expect(replies([turn])).toMatchObject([{ kind: 'committed', changed }]);
  expect(sent(turn, 'write')).toEqual([]);
});

const FOUND: Stack = { kind: 'stack', spec: spec(), life: 0, since: SINCE };
const GONE: Stack = { kind: 'stack', life: 1, since: SINCE };
const at = (t: number, seq: number): Revision => ({ term: term(t), seq });

// The record was written as 3.7 and has been committed again by later leaders, at last as 4.2.
it.each([
  [FOUND, at(4, 2), true, 'its present revision'],
  [FOUND, at(3, 7), true, 'as it was written: later leaders have changed nothing'],
  [FOUND, at(4, 0), true, 'in between'],
  [FOUND, at(3, 6), false, 'before it was written'],
  [FOUND, at(4, 3), false, 'a revision that does not exist'],
  [FOUND, 'none', false, 'there is one'],
  [GONE, at(4, 2), true, 'the tombstone itself'],
  [GONE, at(3, 6), false, 'it was destroyed since'],
  [GONE, 'none', true, 'it is gone'],
  [undefined, at(3, 7), false, 'there never was one'],
  [undefined, 'none', true, 'there never was one'],
] as const)('what a deploy expects: %#', (found, expected, isThere, _why) => {
  const turn = command(
    createDeploys(),
    { writer: servingWriter(found) },
    { ...deploy('d1', 'new'), expect: expected },
  );
  expectWritten(turn, isThere);
});

function expectWritten(turn: Turn, isWritten: boolean): void {
  expect(sent(turn, 'write')).toHaveLength(isWritten ? 3 : 0);
  expect(replies([turn])).toMatchObject(isWritten ? [] : [{ kind: 'refused', code: 'stale' }]);
}

it('what a destroy expects is looked at too, where there is something to destroy', () => {
  const asked = (found: Stack | undefined): Turn =>
    command(createDeploys(), { writer: servingWriter(found) }, { ...destroy, expect: at(3, 6) });
  expectWritten(asked(FOUND), false);
  expect(replies([asked(GONE)])).toMatchObject([{ kind: 'refused', code: 'no-such-stack' }]);
});

it('an expectation in vain is not saved by the same spec, but by a known id it is', () => {
  const asked = (ids: readonly string[]): Turn =>
    command(
      createDeploys(),
      { writer: servingWriter(FOUND, ids) },
      { ...deploy('d1'), expect: at(3, 6) },
    );
  expectWritten(asked([]), false);
  expect(replies([asked(['d1'])])).toMatchObject([{ kind: 'committed', changed: true }]);
});

it('a destroy raises the life of the stack, so that older assignments are void (R8)', () => {
  const writer = servingWriter({ kind: 'stack', spec: spec(), life: 3, since: SINCE });
  const turn = command(createDeploys(), { writer }, destroy);
  expect(sent(turn, 'write')[0]?.message.value).toEqual({
    kind: 'stack',
    life: 4,
    since: { term: 5, seq: 1 },
  });
});

it('a tombstone says who depended on whom, and nothing where nobody did (O3)', () => {
  const db = component({ name: 'db' });
  const on = { on: 'db', condition: 'healthy', required: true, restart: false } as const;
  const web = component({ dependsOn: [on], stopGraceMs: millis(3000) });
  const after = (...components: StackSpec['components']): unknown => {
    const there: Stack = { kind: 'stack', spec: { ...spec(), components }, life: 3, since: SINCE };
    const turn = command(createDeploys(), { writer: servingWriter(there) }, destroy);
    return sent(turn, 'write')[0]?.message.value;
  };
  expect(after(db, web)).toMatchObject({
    life: 4,
    dependents: [{ name: 'web', on: ['db'], graceMs: 3000 }],
  });
  expect(after(db)).not.toHaveProperty('dependents');
});

it('a deploy after a destroy keeps the new life', () => {
  const writer = servingWriter({ kind: 'stack', life: 4, since: SINCE });
  const turn = command(createDeploys(), { writer });
  expect(sent(turn, 'write')[0]?.message.value).toMatchObject({
    life: 4,
    spec: { name: 'shop' },
    since: { term: 5, seq: 1 },
  });
});

it('waits while another write is under way, and goes on as soon as it is done', () => {
  const deploys = createDeploys();
  const writer = servingWriter();
  writer.phase = 'writing';
  expect(sent(command(deploys, { writer }), 'write')).toEqual([]);
  writer.phase = 'serving';
  expect(sent(tend(deploys, { writer }, 10), 'write')).toHaveLength(3);
});

it('answers another agent as it answers its user', () => {
  const deploys = createDeploys();
  const turn = turnOf('p', 0);
  onDeploy(deploys, turn, scene({}), hostId('q'), deploy());
  expect(sent(turn, 'deployResult')).toMatchObject([
    { to: 'q', message: { outcome: { kind: 'refused', code: 'not-leader' } } },
  ]);
  onDeploy(deploys, turn, scene({ writer: servingWriter() }), hostId('q'), deploy());
  const done = turnOf('p', 1);
  const value: Stack = { kind: 'stack', spec: spec(), life: 0, since: SINCE };
  onCommitted(deploys, done, { key: KEY, revision: { term: term(5), seq: 1 }, value });
  expect(sent(done, 'deployResult')).toMatchObject([
    { to: 'q', message: { deployId: 'd1', outcome: { kind: 'committed' } } },
  ]);
});
