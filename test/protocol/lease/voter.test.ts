import { expect, it } from 'vitest';
import { ballot, boot, epoch, hostId, key } from '../../../protocol/base/ids.ts';
import { instant, millis } from '../../../protocol/base/time.ts';
import type { Durable } from '../../../protocol/lease/durable.ts';
import {
  createVoter,
  expireSessions,
  liftFloor,
  onAccept,
  onKeepalive,
  onPrepare,
  onRelease,
  onRevoke,
  type Voter,
  voterDeadline,
  wipeVoter,
} from '../../../protocol/lease/voter.ts';
import type { Grant } from '../../../protocol/wire/message.ts';
import { order, theOnly, turnOf } from '../turns.ts';

const T = millis(3000);
const WEB = key('component/shop.web');

function voterAt(ceiling = 0, readyAt = 0): Voter {
  const durable: Durable = { boot: boot(4), ceiling: ballot(ceiling), maxTermMs: T, synced: true };
  return createVoter(durable, ballot(ceiling), instant(readyAt), turnOf('v', 0));
}

type Ask = {
  readonly from?: string;
  readonly sid?: number;
  readonly at?: number;
  readonly n?: number;
};

function keepalive(voter: Voter, { from = 'p', sid = 1, at = 0 }: Ask, grant?: Grant) {
  const turn = turnOf('v', at);
  onKeepalive(voter, turn, hostId(from), {
    kind: 'keepalive',
    epoch: epoch(1),
    class: 'normal',
    termMs: T,
    seq: 1,
    sid: boot(sid),
    ...(grant === undefined ? {} : { grant }),
  });
  return theOnly(turn, 'keepaliveAck');
}

function prepare(voter: Voter, { from = 'p', sid = 1, at = 0, n = 1 }: Ask, confirmed = true) {
  const turn = turnOf('v', at);
  const items = [{ key: WEB, ballot: ballot(n) }];
  const message = { kind: 'prepare', epoch: epoch(1), sid: boot(sid), items } as const;
  onPrepare(voter, turn, hostId(from), message, confirmed);
  return { ...theOnly(turn, 'prepareAck').items[0], order: order(turn.out) };
}

function accept(voter: Voter, { from = 'p', sid = 1, at = 0, n = 1 }: Ask, grant: Grant) {
  const turn = turnOf('v', at);
  const items = [{ key: WEB, ballot: ballot(n) }];
  onAccept(voter, turn, hostId(from), {
    kind: 'accept',
    epoch: epoch(1),
    sid: boot(sid),
    grant,
    items,
  });
  return { ...theOnly(turn, 'acceptAck').items[0], order: order(turn.out) };
}

const release = (voter: Voter, from: string, n: number) =>
  onRelease(voter, hostId(from), {
    kind: 'release',
    sid: boot(1),
    items: [{ key: WEB, ballot: ballot(n) }],
    ends: false,
  });

/** A voter at which `p` holds the key with ballot 5 in a session that ends at 3000. */
function boundVoter(): { voter: Voter; p: Grant; q: Grant } {
  const voter = voterAt();
  const p = keepalive(voter, { from: 'p' }).grant;
  const q = keepalive(voter, { from: 'q', at: 2500 }).grant;
  prepare(voter, { from: 'p', n: 5 });
  accept(voter, { from: 'p', n: 5 }, p);
  return { voter, p, q };
}

it.each([
  ['p', 1, 5, 'self', 'its own ballot again'],
  ['p', 1, 6, 'self', 'a raised ballot of the owner'],
  ['p', 2, 5, 'nack', 'another start of the owner does not own its promise (L-b)'],
  ['q', 1, 5, 'nack', 'an equal ballot of another host'],
  ['q', 1, 4, 'nack', 'a lower ballot'],
  ['q', 1, 6, 'held', 'a higher ballot while the binding lives'],
] as const)('prepare by %s (start %i) with ballot %i: %s, %s', (from, sid, n, status, _why) => {
  const { voter } = boundVoter();
  expect(prepare(voter, { from, sid, n, at: 2999 })).toMatchObject({ status });
});

it('promises a higher ballot even when it says held, so the owner must raise its own (V1)', () => {
  const { voter, p } = boundVoter();
  prepare(voter, { from: 'q', n: 9 });
  expect(accept(voter, { from: 'p', n: 5 }, p)).toMatchObject({ ok: false, hint: 9 });
});

it.each([
  ['q', 9, 2999, false, 'a live binding of another is never overwritten (L-a)'],
  ['q', 9, 3000, true, 'the session of the owner has ended'],
  ['p', 9, 2999, true, 'the owner may replace its own'],
  ['q', 4, 3000, false, 'a ballot below the promise'],
  ['p', 5, 3000, false, 'its own session has ended'],
] as const)('accept by %s of ballot %i at %i: %s, %s', (from, n, at, ok, _why) => {
  const { voter, p, q } = boundVoter();
  expect(accept(voter, { from, n, at }, from === 'p' ? p : q)).toMatchObject({ ok });
});

it('accepts only under the grant and the start of the session (L-b)', () => {
  const { voter, q } = boundVoter();
  expect(accept(voter, { from: 'p', n: 8 }, q)).toMatchObject({ ok: false });
  expect(accept(voter, { from: 'q', sid: 2, n: 8, at: 3000 }, q)).toMatchObject({ ok: false });
});

it.each([
  ['q', 5, [], 'another host'],
  ['p', 4, [], 'another ballot'],
  ['p', 5, [WEB], 'its own ballot exactly'],
] as const)('release by %s of ballot %i frees %j: %s (V2)', (from, n, freed, _why) => {
  expect(release(boundVoter().voter, from, n).map((each) => each.key)).toEqual(freed);
});

it('keeps a binding of the old start until its session ends, held to others, self to its host (L-f)', () => {
  const { voter, q } = boundVoter();
  keepalive(voter, { from: 'p', sid: 2, at: 2000 });
  expect(prepare(voter, { from: 'p', sid: 2, n: 6, at: 2000 })).toMatchObject({ status: 'self' });
  expect(prepare(voter, { from: 'q', n: 7, at: 2999 })).toMatchObject({ status: 'held' });
  expect(accept(voter, { from: 'q', n: 7, at: 2999 }, q)).toMatchObject({ ok: false });
  expect(prepare(voter, { from: 'q', n: 8, at: 3000 })).toMatchObject({ status: 'open' });
});

it('extends a session by its own grant or none, not by an earlier one (V4)', () => {
  const voter = voterAt();
  const first = keepalive(voter, { at: 0 });
  expect(keepalive(voter, { at: 1000 }, first.grant)).toMatchObject({ fresh: true });
  expect(voterDeadline(voter)).toBe(4000);
  const second = keepalive(voter, { at: 4000 }); // lapsed: a new session
  expect(second.grant).not.toEqual(first.grant);
  expect(keepalive(voter, { at: 5000 }, first.grant)).toMatchObject({ fresh: false });
  expect(voterDeadline(voter)).toBe(7000);
});

it('lets what is bound run out when its owner names no grant: it hears no answers (V4)', () => {
  const { voter, p } = boundVoter();
  expect(keepalive(voter, { at: 1000 })).toMatchObject({ fresh: false, grant: p });
  expect(prepare(voter, { from: 'q', n: 6, at: 2999 })).toMatchObject({ status: 'held' });
  expect(prepare(voter, { from: 'q', n: 7, at: 3000 })).toMatchObject({ status: 'open' });
});

it('a keepalive that names a lapsed grant opens a session that is not fresh: its send may be old', () => {
  const voter = voterAt();
  const { grant } = keepalive(voter, { at: 0 });
  expect(keepalive(voter, { at: 3000 }, grant)).toMatchObject({ fresh: false });
});

it('tells an older start of the newer one and grants it nothing', () => {
  const voter = voterAt();
  keepalive(voter, { sid: 7 });
  const ack = keepalive(voter, { sid: 6, at: 10 });
  expect(ack).toMatchObject({ yourBoot: 7, fresh: false, bindings: [] });
});

it.each([
  [4999, true, 'silent', 'before it can be sure that its old grants have ended (S6)'],
  [5000, true, 'open', 'after that'],
  [5000, false, 'silent', 'not before the other voters know its start'],
] as const)('a restarted voter at %i, confirmed %s, says %s: %s', (at, confirmed, status, _why) => {
  expect(prepare(voterAt(1000, 5000), { n: 2000, at }, confirmed)).toMatchObject({ status });
});

it('a restarted voter promises nothing below its ceiling on disk (S5)', () => {
  const voter = voterAt(1000);
  expect(prepare(voter, { n: 999 })).toMatchObject({ status: 'nack', hint: 1000 });
});

it('writes the ceiling before it answers with a ballot above it', () => {
  const voter = voterAt();
  expect(prepare(voter, { n: 1 }).order).toEqual(['persist host', 'send p prepareAck']);
  expect(prepare(voter, { n: 2 }).order).toEqual(['send p prepareAck']);
  const { grant } = keepalive(voter, {});
  expect(accept(voter, { n: 5000 }, grant).order).toEqual(['persist host', 'send p acceptAck']);
});

it('writes the longest term before it grants it (L-c)', () => {
  const voter = voterAt();
  voter.durable.maxTermMs = millis(0);
  const turn = turnOf('v', 0);
  const message = { epoch: epoch(1), class: 'normal', termMs: T, seq: 1, sid: boot(1) } as const;
  onKeepalive(voter, turn, hostId('p'), { kind: 'keepalive', ...message });
  expect(order(turn.out)).toEqual(['persist host', 'send p keepaliveAck']);
});

it('frees the keys of a session that has ended, once', () => {
  const { voter } = boundVoter();
  expect(expireSessions(voter, instant(2999))).toEqual([]);
  expect(expireSessions(voter, instant(3000))).toEqual([{ key: WEB }]);
  expect(expireSessions(voter, instant(3000))).toEqual([]);
});

it('a new voter starts above every ballot the old voters promised (roster rule 4)', () => {
  const voter = voterAt();
  prepare(voter, { n: 3 });
  liftFloor(voter, turnOf('v', 0), ballot(500));
  expect(prepare(voter, { from: 'q', n: 499 })).toMatchObject({ status: 'nack' });
  expect(prepare(voter, { from: 'q', n: 501 })).toMatchObject({ status: 'open' });
});

it('a removed voter forgets what it granted, not what it promised (V1, roster rule 6)', () => {
  const { voter } = boundVoter();
  wipeVoter(voter);
  const { ceiling } = voter.durable;
  expect(prepare(voter, { from: 'q', n: ceiling })).toMatchObject({
    status: 'nack',
    hint: ceiling,
  });
  expect(prepare(voter, { from: 'q', n: ceiling + 1 })).toMatchObject({ status: 'open' });
});

function revoke(voter: Voter, at: number, n: number) {
  const turn = turnOf('v', at);
  const items = [{ key: WEB, ballot: ballot(n) }];
  onRevoke(voter, turn, { kind: 'revoke', epoch: epoch(1), items, prefer: hostId('q') });
  return order(turn.out);
}

/** `p` holds the key under ballot 5, in a session granted at 0. */
function bound(): { readonly voter: Voter; readonly grant: Grant } {
  const voter = voterAt();
  const { grant } = keepalive(voter, {});
  accept(voter, { n: 5 }, grant);
  return { voter, grant };
}

it('a revoked binding keeps its end, and gets no other from a keepalive (V5)', () => {
  const { voter, grant } = bound();
  revoke(voter, 1000, 5);
  expect(keepalive(voter, { at: 2000 }, grant)).toMatchObject({
    fresh: true,
    revoked: [{ key: WEB, ballot: 5 }],
  });
  expect(prepare(voter, { from: 'q', at: T - 1, n: 7 }).status).toBe('held');
  expect(voterDeadline(voter)).toBe(T);
  expect(prepare(voter, { from: 'q', at: T, n: 8 }).status).toBe('open');
  expect(expireSessions(voter, instant(T))).toEqual([{ key: WEB, prefer: 'q' }]);
});

it('a revoked binding is not bound again under its ballot, and is under a higher one (L-e)', () => {
  const { voter, grant } = bound();
  expect(revoke(voter, 1000, 5)).toEqual([]); // the ceiling on disk covers it
  expect(accept(voter, { at: 1001, n: 5 }, grant).ok).toBe(false);
  expect(prepare(voter, { at: 1002, n: 6 }).status).toBe('nack');
  expect(prepare(voter, { at: 1003, n: 7 }).status).toBe('self');
  expect(accept(voter, { at: 1004, n: 7 }, grant).ok).toBe(true);
  expect(keepalive(voter, { at: 1005 }, grant).revoked).toEqual([]);
});

it.each([
  [4, [], 'a ballot raised since stays'],
  [5, [{ key: WEB, ballot: 5 }], 'the ballot that was named'],
  [9, [{ key: WEB, ballot: 5 }], 'and any below it'],
])('told to revoke ballot %i of a key bound under 5: %j, %s', (n, revoked, _why) => {
  const { voter, grant } = bound();
  revoke(voter, 1000, n);
  expect(keepalive(voter, { at: 1001 }, grant).revoked).toEqual(revoked);
});

it('when its owner lets go of a revoked key the one who took it is to be told', () => {
  const { voter } = bound();
  revoke(voter, 1000, 5);
  expect(release(voter, 'p', 5)).toEqual([{ key: WEB, prefer: 'q' }]);
});

it.each([
  [1, [{ key: WEB }], 'its own session, with all that is bound in it'],
  [0, [], 'not the session of its next life'],
])('the good-bye of life %i of a host frees %j: %s', (sid, freed, _why) => {
  const { voter } = bound();
  const bye = { kind: 'release', sid: boot(sid), items: [], ends: true } as const;
  expect(onRelease(voter, hostId('p'), bye)).toEqual(freed);
  expect(voter.sessions.normal.has(hostId('p'))).toBe(freed.length === 0);
});
