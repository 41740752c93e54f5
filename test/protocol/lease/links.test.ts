import { expect, it } from 'vitest';
import { boot, epoch, hostId } from '../../../protocol/base/ids.ts';
import { type Instant, millis, NEVER } from '../../../protocol/base/time.ts';
import { holderTermMs, LAN } from '../../../protocol/config.ts';
import {
  bootConfirmed,
  countsUntil,
  createLinks,
  isRenewal,
  type Links,
  onKeepaliveAck,
  sendKeepalives,
  sessionWith,
  setVoters,
} from '../../../protocol/lease/links.ts';
import type { Roster } from '../../../protocol/roster/roster.ts';
import type { KeepaliveAck } from '../../../protocol/wire/message.ts';
import { sent, turnOf } from '../turns.ts';

const T = millis(3000);
const TH = holderTermMs(T, LAN);
const A = hostId('a');
const rosterOf = (voters: string): Roster => ({
  epoch: epoch(1),
  voters: voters.split('').map(hostId),
  termMs: { normal: T, strict: millis(10_000) },
});

/** The links of `p` to one voter, whose keepalives 1, 2 and 3 left at 0, 300 and 600. */
function asking(): Links {
  const links = createLinks();
  setVoters(links, rosterOf('a'));
  const seqs = [0, 300, 600].flatMap((at) => {
    const turn = turnOf('p', at);
    sendKeepalives(links, turn, rosterOf('a'));
    return sent(turn, 'keepalive').map(({ message }) => message.seq);
  });
  expect(seqs).toEqual([1, 2, 3]);
  return links;
}

type Answer = { readonly count?: number; readonly fresh?: boolean };

const ackOf = (seq: number, { count = 1, fresh = true }: Answer = {}): KeepaliveAck => ({
  kind: 'keepaliveAck',
  epoch: epoch(1),
  class: 'normal',
  seq,
  sid: boot(1),
  grant: { boot: boot(1), count, nonce: 0 },
  fresh,
  yourBoot: boot(1),
  synced: true,
  maxTermMs: T,
  revoked: [],
  bindings: [],
});

const answer = (links: Links, seq: number, said: Answer = {}): boolean =>
  onKeepaliveAck(links, A, ackOf(seq, said));

function until(links: Links): Instant {
  const session = sessionWith(links, A, 'normal');
  return session === undefined ? NEVER : countsUntil(session, T, LAN);
}

it.each([
  [[1], TH, 'the first, although two more have left since (H1)'],
  [[2], 300 + TH, 'the second alone'],
  [[3, 1], 600 + TH, 'the first after the third: a late answer takes nothing back'],
  [[2, 2], 300 + TH, 'one answer twice'],
  [[9], NEVER, 'one that was never sent'],
])('the voter answers %j: counts until %i, %s', (seqs, end, _why) => {
  const links = asking();
  for (const seq of seqs) answer(links, seq);
  expect(until(links)).toBe(end);
});

it('an answer that grants anew says nothing of when its question left (V4)', () => {
  const links = asking();
  answer(links, 1, { count: 1 });
  // The first session ran out; an old keepalive that named it has opened the second.
  answer(links, 2, { count: 2, fresh: false });
  expect(until(links)).toBe(NEVER);
  answer(links, 3, { count: 2 });
  expect(until(links)).toBe(600 + TH);
});

it.each([
  [TH - 1, true, 'something may still count'],
  [TH, false, 'nothing of it can count any more'],
])('%i ms after the last answered keepalive names the grant: %s, %s (V4)', (at, names, _why) => {
  const links = asking();
  answer(links, 1);
  const turn = turnOf('p', at);
  sendKeepalives(links, turn, rosterOf('a'));
  const grants = sent(turn, 'keepalive').map(({ message }) => message.grant !== undefined);
  expect(grants).toEqual([names]);
});

it('an answer under an earlier grant is no answer', () => {
  const links = asking();
  answer(links, 2, { count: 2 });
  expect(answer(links, 3, { count: 1 })).toBe(false);
  expect(until(links)).toBe(300 + TH);
});

it.each([
  ['a', '', true, 'a sole voter has nobody to ask'],
  ['abc', '', false, 'nobody yet'],
  ['abc', 'b', true, 'with ourselves a majority'],
  ['abcde', 'b', false, 'two of five'],
  ['abcde', 'bd', true, 'three of five'],
])('of voters %s those of "%s" know our start: confirmed %s, %s', (voters, by, confirmed, _why) => {
  const links = createLinks();
  setVoters(links, rosterOf(voters));
  for (const voter of by) {
    const link = links.byVoter.get(hostId(voter));
    if (link !== undefined) link.confirmed = true;
  }
  expect(bootConfirmed(links, A, rosterOf(voters))).toBe(confirmed);
});

it.each<[string, boolean, number, Partial<KeepaliveAck>, string]>([
  ['under the grant that counts', true, TH - 1, {}, 'a'],
  ['when nothing counts any more', false, TH, {}, 'a'],
  ['under another grant', false, 700, { grant: { boot: boot(1), count: 2, nonce: 0 } }, 'a'],
  ['of a voter that is no longer synced', false, 700, { synced: false }, 'a'],
  ['of a voter under another roster', false, 700, { epoch: epoch(2) }, 'a'],
  ['of no voter', false, 700, {}, 'b'],
])('an answer %s only prolongs what counts: %s', (_name, only, at, said, from) => {
  const links = asking();
  answer(links, 1);
  const message = { ...ackOf(2), ...said };
  expect(isRenewal(links, turnOf('p', at), rosterOf('a'), hostId(from), message)).toBe(only);
});

it('a first answer is no mere renewal', () => {
  expect(isRenewal(asking(), turnOf('p', 700), rosterOf('a'), A, ackOf(1))).toBe(false);
});
