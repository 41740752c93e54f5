import { describe, expect, test } from 'vitest';
import { boot, epoch, hostId, incarnation, key, term } from '../../protocol/base/ids.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Message } from '../../protocol/wire/message.ts';
import { createPerformer } from '../../node/perform.ts';

const TO = hostId('b');
const MEMBER = { boot: boot(1), incarnation: incarnation(0) };
const BEAT: Message = { kind: 'beat', seq: 1, inventoryVersion: 0, ...MEMBER };
const PROBE: Message = { kind: 'probe', nonce: 1 };
const PROBE_ACK: Message = { kind: 'probeAck', nonce: 1, ...MEMBER };
const READ: Message = { kind: 'read', epoch: epoch(1), key: key('sys/roster'), term: term(1) };
const RUMOR: Message = { kind: 'rumor', about: TO, health: 'dead', by: TO, ...MEMBER };

const line = (text: string): Effect => ({ kind: 'journal', topic: 't', about: [], text });
const write = (name: string): Effect => ({ kind: 'persist', writes: [{ name, value: 1 }] });
const send = (message: Message): Effect => ({ kind: 'send', to: TO, message });

/** A performer whose disk answers when the test says so; `begun` in the order of beginning. */
function stage() {
  const begun: string[] = [];
  const failures: unknown[] = [];
  const disk: PromiseWithResolvers<void>[] = [];
  const performer = createPerformer({
    begin: (effect) => begun.push(nameOf(effect)),
    persist(writes) {
      begun.push(`write ${writes.map(({ name }) => name).join(' ')}`);
      const answer = Promise.withResolvers<void>();
      disk.push(answer);
      return answer.promise;
    },
    diskFailed: (error) => failures.push(error),
  });
  return {
    begun,
    failures,
    performer,
    /** The oldest write under way ends. */
    diskEnds: async (error?: Error): Promise<void> => {
      const oldest = disk.shift();
      if (error === undefined) oldest?.resolve();
      else oldest?.reject(error);
      await new Promise(setImmediate);
    },
  };
}

const nameOf = (effect: Effect): string =>
  effect.kind === 'journal'
    ? effect.text
    : effect.kind === 'send'
      ? effect.message.kind
      : effect.kind;

describe('effects', () => {
  test('without a write begin at once, in order', () => {
    const { begun, performer } = stage();
    performer.perform([line('a'), send(READ), line('b')]);
    performer.perform([line('c')]);
    expect(begun).toEqual(['a', 'read', 'b', 'c']);
  });

  test('before a write begin at once, those behind it once it is durable', async () => {
    const { begun, performer, diskEnds } = stage();
    performer.perform([line('before'), write('x'), send(READ), line('behind')]);
    expect(begun).toEqual(['before', 'write x']);
    await diskEnds();
    expect(begun).toEqual(['before', 'write x', 'read', 'behind']);
  });

  test('of later steps wait behind the write of an earlier one', async () => {
    const { begun, performer, diskEnds } = stage();
    performer.perform([write('x')]);
    performer.perform([line('later')]);
    performer.perform([line('latest')]);
    expect(begun).toEqual(['write x']);
    await diskEnds();
    expect(begun).toEqual(['write x', 'later', 'latest']);
  });

  test('between two writes begin between them: one write is under way at a time', async () => {
    const { begun, performer, diskEnds } = stage();
    performer.perform([write('x'), line('between'), write('y'), line('behind')]);
    expect(begun).toEqual(['write x']);
    await diskEnds();
    expect(begun).toEqual(['write x', 'between', 'write y']);
    await diskEnds();
    expect(begun.at(-1)).toBe('behind');
  });

  test('all that wait for it are written together, before what stands behind the last of them', async () => {
    const { begun, performer, diskEnds } = stage();
    performer.perform([write('x')]);
    performer.perform([line('a'), write('y'), line('b')]);
    performer.perform([write('z'), send(READ)]);
    await diskEnds();
    expect(begun).toEqual(['write x', 'a', 'write y z']);
    performer.perform([write('later')]);
    await diskEnds();
    expect(begun).toEqual(['write x', 'a', 'write y z', 'b', 'read', 'write later']);
  });
});

describe('while a write is under way', () => {
  test.each<[string, Message, boolean]>([
    ['beat', BEAT, true],
    ['probe', PROBE, true],
    ['probeAck', PROBE_ACK, true],
    ['probeFor', { kind: 'probeFor', nonce: 1, about: TO }, true],
    ['probeForAck', { kind: 'probeForAck', nonce: 1, about: TO }, true],
    ['knock', { kind: 'knock', about: TO, boot: boot(1), outcome: 'refused' }, true],
    ['rumor', RUMOR, false],
    ['read', READ, false],
  ])('a %s, overtaking it or not', async (kind, message, overtakes) => {
    const { begun, performer, diskEnds } = stage();
    performer.perform([write('first')]);
    await diskEnds();
    begun.length = 0;
    performer.perform([write('x')]);
    performer.perform([line('later'), send(message)]);
    expect(begun).toEqual(overtakes ? ['write x', kind] : ['write x']);
    await diskEnds();
    expect(begun).toEqual(overtakes ? ['write x', kind, 'later'] : ['write x', 'later', kind]);
  });

  test('a published message waits, whatever it says', () => {
    const { begun, performer } = stage();
    performer.perform([write('x'), { kind: 'publish', message: BEAT }]);
    expect(begun).toEqual(['write x']);
  });
});

describe('a failed write', () => {
  test('is told once, and nothing behind it or later is ever begun', async () => {
    const { begun, failures, performer, diskEnds } = stage();
    performer.perform([line('before'), write('x'), line('behind'), write('y')]);
    performer.perform([line('later')]);
    const error = new Error('no space left on device');
    await diskEnds(error);
    performer.perform([line('after'), write('z'), send(BEAT)]);
    expect(failures).toEqual([error]);
    expect(begun).toEqual(['before', 'write x']);
  });
});

describe('drained', () => {
  test('waits for every write, and for what it lets begin', async () => {
    const { begun, performer, diskEnds } = stage();
    performer.perform([write('x'), write('y'), line('last')]);
    let drained = false;
    const waiting = performer.drained().then(() => (drained = true));
    await diskEnds();
    expect(drained).toBe(false);
    await diskEnds();
    await waiting;
    expect(begun).toEqual(['write x', 'write y', 'last']);
  });

  test('is at once where nothing waits, and after a failure', async () => {
    const { begun, performer, diskEnds } = stage();
    await expect(performer.drained()).resolves.toBeUndefined();
    performer.perform([write('x'), write('y')]);
    await diskEnds(new Error('broken'));
    await expect(performer.drained()).resolves.toBeUndefined();
    expect(begun).toEqual(['write x']);
  });
});

test('nothing overtakes the first write of a start: only then does its boot count (L-b)', async () => {
  const { begun, performer, diskEnds } = stage();
  performer.perform([write('host'), send(BEAT)]);
  performer.perform([send(PROBE)]);
  expect(begun).toEqual(['write host']);
  await diskEnds();
  expect(begun).toEqual(['write host', 'beat', 'probe']);
});
