import { expect, it } from 'vitest';
import { epoch, hostId, stackKey, term } from '../../../protocol/base/ids.ts';
import { millis } from '../../../protocol/base/time.ts';
import type { Committed, Stack } from '../../../protocol/record/record.ts';
import {
  createWriter,
  type Ground,
  isServing,
  onReadAck,
  onWriteAck,
  reread,
  resend,
  write,
  type Writer,
  writerDeadline,
} from '../../../protocol/record/writer.ts';
import type { Roster } from '../../../protocol/roster/roster.ts';
import { sent, turnOf } from '../turns.ts';

const KEY = stackKey('shop');
const ABC: Roster = {
  epoch: epoch(1),
  voters: ['a', 'b', 'c'].map(hostId),
  termMs: { normal: millis(3000), strict: millis(10_000) },
};
const JOINT: Roster = { ...ABC, epoch: epoch(2), next: ['c', 'd', 'e'].map(hostId) };
const life = (n: number): Stack => ({
  kind: 'stack',
  life: n,
  since: { term: term(1), seq: 1 },
});
const at = (t: number, seq: number) => ({ term: term(t), seq });

const begin = (t = 5): Writer => createWriter(KEY, term(t), turnOf('p', 0), ABC);

const record = (t: number, seq: number, n: number): Committed => ({
  key: KEY,
  revision: at(t, seq),
  value: life(n),
});

type Found = { readonly revision: readonly [number, number]; readonly life: number };

function read(writer: Writer, voters: string, found?: Found, ok = true, ground: Ground = {}) {
  const turn = turnOf('p', 1);
  for (const voter of voters)
    onReadAck(
      writer,
      turn,
      ABC,
      hostId(voter),
      {
        kind: 'readAck',
        epoch: epoch(1),
        key: KEY,
        term: writer.term,
        ok,
        promised: term(ok ? writer.term : 99),
        deployIds: found === undefined ? [] : [`d${found.life}`],
        ...(found === undefined
          ? {}
          : { revision: at(...found.revision), value: life(found.life) }),
      },
      ground,
    );
  return sent(turn, 'write').map(({ to, message }) => ({ to, ...message }));
}

function acknowledge(
  writer: Writer,
  voters: string,
  revision: { readonly term: ReturnType<typeof term>; readonly seq: number },
  outcome: 'stored' | 'superseded' | 'refused' = 'stored',
  roster = ABC,
) {
  const message = { kind: 'writeAck', epoch: roster.epoch, key: KEY, promised: term(0) } as const;
  return voters
    .split('')
    .map((voter) => onWriteAck(writer, roster, hostId(voter), { ...message, revision, outcome }))
    .find((committed) => committed !== undefined);
}

it('asks every voter first', () => {
  const turn = turnOf('p', 0);
  createWriter(KEY, term(5), turn, ABC);
  expect(sent(turn, 'read').map(({ to, message }) => [to, message.term])).toEqual([
    ['a', 5],
    ['b', 5],
    ['c', 5],
  ]);
});

it('serves nothing before the adopted revision is committed as (term, 0) (W1)', () => {
  const writer = begin();
  expect(read(writer, 'a', { revision: [3, 2], life: 1 })).toEqual([]);
  const writes = read(writer, 'b', { revision: [3, 1], life: 0 });
  expect(writes.map(({ to, revision, value }) => [to, revision, value])).toEqual(
    ['a', 'b', 'c'].map((to) => [to, { term: 5, seq: 0 }, life(1)]),
  );
  expect(acknowledge(writer, 'a', at(5, 0))).toBeUndefined();
  expect(isServing(writer)).toBe(false);
  expect(acknowledge(writer, 'c', at(5, 0))).toMatchObject({ value: life(1) });
  expect(isServing(writer)).toBe(true);
});

it('adopts the highest revision of those who answered, whatever the order (R3)', () => {
  for (const [first, second] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const found = { a: { revision: [4, 0], life: 7 }, b: { revision: [3, 9], life: 8 } } as const;
    const writer = begin();
    read(writer, first, found[first]);
    const [written] = read(writer, second, found[second]);
    expect(written).toMatchObject({ value: life(7), deployIds: ['d7'] });
  }
});

it.each<readonly [string, Ground, readonly [number, number] | undefined, number, string]>([
  ['nothing', { known: undefined }, [3, 1], 1, 'the answers count'],
  ['what is newer', { known: record(4, 2, 7) }, [3, 1], 7, 'the others have buried it (R8)'],
  ['what is older', { known: record(2, 2, 7) }, [3, 1], 1, 'it has been away'],
])(
  'a leader that knows %s as committed, and is answered %j, adopts life %i: %s',
  (_what, ground, found, adopted) => {
    const answer = found === undefined ? undefined : { revision: found, life: 1 };
    expect(read(begin(), 'ab', answer, true, ground)[0]?.value).toMatchObject({ life: adopted });
  },
);

it('adopts nothing that is buried (R8)', () => {
  const burials = new Map([['shop', { stack: 'shop', life: 3, revision: at(3, 1) }]]);
  const writer = begin();
  expect(read(writer, 'ab', { revision: [3, 1], life: 1 }, true, { burials })).toEqual([]);
  expect(isServing(writer)).toBe(true);
  const other = begin();
  expect(read(other, 'ab', { revision: [3, 2], life: 1 }, true, { burials })).toHaveLength(3);
});

it('one voter that answers twice is one voter', () => {
  expect(read(begin(), 'aa', { revision: [3, 2], life: 1 })).toEqual([]);
});

it('a record that was never written needs no second commit', () => {
  const writer = begin();
  expect(read(writer, 'ab')).toEqual([]);
  expect(isServing(writer)).toBe(true);
});

it.each([
  ['a', 'stored', at(5, 1), false, 'one of three'],
  ['aa', 'stored', at(5, 1), false, 'the same voter twice'],
  ['ab', 'stored', at(5, 0), false, 'another revision (W2)'],
  ['ab', 'superseded', at(5, 1), false, 'it was not stored'],
  ['ab', 'stored', at(5, 1), true, 'a quorum stored exactly that'],
] as const)(
  'acknowledged by %s as %s %j: committed %s, %s',
  (voters, outcome, revision, done, _why) => {
    const writer = begin();
    read(writer, 'ab');
    write(writer, turnOf('p', 2), ABC, life(1), 'd1');
    expect(acknowledge(writer, voters, revision, outcome) !== undefined).toBe(done);
  },
);

it('a refusal ends serving until it has read again under a higher term (R6)', () => {
  const writer = begin();
  read(writer, 'ab');
  write(writer, turnOf('p', 2), ABC, life(1), 'd1');
  acknowledge(writer, 'a', at(5, 1), 'refused');
  expect(writer.phase).toBe('outbid');
  expect(acknowledge(writer, 'bc', at(5, 1))).toBeUndefined();
  const turn = turnOf('p', 3);
  reread(writer, turn, ABC, term(8));
  expect(sent(turn, 'read').map(({ message }) => message.term)).toEqual([8, 8, 8]);
});

it('a refused read is no answer', () => {
  const writer = begin();
  read(writer, 'a', undefined, false);
  expect(writer.phase).toBe('outbid');
  read(writer, 'bc');
  expect(isServing(writer)).toBe(false);
});

it('needs both majorities while the roster changes', () => {
  const writer = begin();
  read(writer, 'ab');
  write(writer, turnOf('p', 2), ABC, life(1));
  expect(acknowledge(writer, 'ab', at(5, 1), 'stored', JOINT)).toBeUndefined();
  expect(acknowledge(writer, 'd', at(5, 1), 'stored', JOINT)).toBeUndefined();
  expect(acknowledge(writer, 'e', at(5, 1), 'stored', JOINT)).toBeDefined();
});

it('counts its writes and remembers the last sixteen deploys (R7, W3)', () => {
  const writer = begin();
  read(writer, 'ab');
  for (let n = 1; n <= 20; n++) {
    expect(write(writer, turnOf('p', n), ABC, life(n), `d${n}`)).toEqual(at(5, n));
    acknowledge(writer, 'ab', at(5, n));
  }
  expect(writer.deployIds).toEqual(Array.from({ length: 16 }, (_, i) => `d${i + 5}`));
});

it('repeats what is unanswered, and nothing else', () => {
  const writer = begin();
  expect(writerDeadline(writer)).toBe(300);
  read(writer, 'ab');
  expect(writerDeadline(writer)).toBeUndefined();
});

it.each(['reading', 'recommitting'] as const)(
  'asks all again while %s, where only a change of roster has made a quorum of the answers',
  (phase) => {
    const writer = createWriter(KEY, term(5), turnOf('p', 0), JOINT);
    const found = { kind: 'readAck', epoch: epoch(2), key: KEY, term: writer.term } as const;
    const rest = { ok: true, promised: writer.term, deployIds: [] } as const;
    const of = { revision: at(3, 1), value: life(1) } as const;
    const answer = (voter: string): void =>
      onReadAck(writer, turnOf('p', 1), JOINT, hostId(voter), { ...found, ...rest, ...of }, {});
    for (const voter of phase === 'reading' ? 'ab' : 'abcd') answer(voter);
    if (phase === 'recommitting')
      expect(acknowledge(writer, 'ab', at(5, 0), 'stored', JOINT)).toBeUndefined();
    expect(writer.phase).toBe(phase);
    const turn = turnOf('p', 600);
    resend(writer, turn, ABC);
    const kind = phase === 'reading' ? 'read' : 'write';
    expect(sent(turn, kind).map(({ to }) => to)).toEqual(['a', 'b', 'c']);
  },
);
