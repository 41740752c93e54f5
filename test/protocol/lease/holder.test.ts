import { expect, it } from 'vitest';
import { ballot, boot, epoch, hostId, key } from '../../../protocol/base/ids.ts';
import { below, createPrng } from '../../../protocol/base/prng.ts';
import { instant, millis, NEVER } from '../../../protocol/base/time.ts';
import { holderTermMs, LAN } from '../../../protocol/config.ts';
import type { Durable } from '../../../protocol/lease/durable.ts';
import { createHolder, heldUntil, type Holder, isHeld } from '../../../protocol/lease/hold.ts';
import {
  acquire,
  askAgain,
  changeRoster,
  onAcceptAck,
  onPrepareAck,
  release,
  returnLeaks,
  tend,
} from '../../../protocol/lease/holder.ts';
import {
  createLinks,
  type Links,
  onKeepaliveAck,
  quorumUntil,
  sendKeepalives,
  setVoters,
} from '../../../protocol/lease/links.ts';
import type { Roster } from '../../../protocol/roster/roster.ts';
import { sent, turnOf } from '../turns.ts';

const T = millis(3000);
const TH = holderTermMs(T, LAN);
const WEB = key('component/shop.web');
const roster = (voters: string, next?: string): Roster => ({
  epoch: epoch(next === undefined ? 1 : 2),
  voters: voters.split('').map(hostId),
  ...(next === undefined ? {} : { next: next.split('').map(hostId) }),
  termMs: { normal: T, strict: millis(10_000) },
});
const ABC = roster('abc');

type Stage = { readonly holder: Holder; readonly links: Links; readonly roster: Roster };

function stageOf(of: Roster = ABC, floor = 0): Stage {
  const durable: Durable = { boot: boot(1), ceiling: ballot(floor), maxTermMs: T, synced: true };
  const links = createLinks();
  setVoters(links, of);
  return { holder: createHolder(durable, ballot(floor)), links, roster: of };
}

const grantOf = (count: number) => ({ boot: boot(1), count, nonce: 0 });

/** Sends keepalives at `at`; these voters answer, under their grant number `count`. */
function renew({ links, roster: of }: Stage, voters: string, at: number, count = 1): void {
  const turn = turnOf('p', at);
  for (const { sessions } of links.byVoter.values()) sessions.normal.sentAt = NEVER;
  sendKeepalives(links, turn, of);
  for (const { to, message } of sent(turn, 'keepalive')) {
    if (!voters.includes(to)) continue;
    onKeepaliveAck(links, hostId(to), {
      kind: 'keepaliveAck',
      epoch: of.epoch,
      class: message.class,
      seq: message.seq,
      sid: boot(1),
      grant: grantOf(count),
      fresh: true,
      yourBoot: boot(1),
      synced: true,
      maxTermMs: T,
      revoked: [],
      bindings: [],
    });
  }
}

function promise(stage: Stage, voters: string, at: number, n: number, status = 'open'): void {
  const item = { key: WEB, ballot: ballot(n), status: status as 'open', hint: ballot(n) };
  const message = { kind: 'prepareAck', epoch: stage.roster.epoch, sid: boot(1) } as const;
  for (const voter of voters)
    onPrepareAck(stage.holder, stage.links, turnOf('p', at), stage.roster, hostId(voter), {
      ...message,
      items: [item],
    });
}

function confirm(stage: Stage, voters: string, n: number, count = 1, ok = true): void {
  for (const voter of voters)
    onAcceptAck(stage.holder, stage.links, stage.roster, hostId(voter), {
      kind: 'acceptAck',
      epoch: stage.roster.epoch,
      sid: boot(1),
      grant: grantOf(count),
      items: [{ key: WEB, ballot: ballot(n), ok, hint: ballot(ok ? n : n + 1) }],
    });
}

const until = ({ holder, links, roster: of }: Stage, at: number): number =>
  heldUntil(holder, links, turnOf('p', at), of, WEB);
const acquireAt = ({ holder, links, roster: of }: Stage, at: number): void =>
  acquire(holder, links, turnOf('p', at), of, [WEB]);

/** Leads under ballot 1 by the votes of `voters`, counted from a keepalive sent at 0. */
function leader(voters = 'abc'): Stage {
  const stage = stageOf();
  renew(stage, 'abc', 0);
  acquireAt(stage, 0);
  promise(stage, 'abc', 1, 1);
  confirm(stage, voters, 1);
  return stage;
}

it.each([
  ['', NEVER, 'no voter has accepted'],
  ['a', NEVER, 'one of three is no quorum'],
  ['aaa', NEVER, 'the same voter three times is one (H2)'],
  ['ab', TH, 'two of three, from the send time on'],
  ['abc', TH, 'all three'],
])('accepted by "%s": held until %i, %s', (voters, end, _why) => {
  expect(until(leader(voters), 2)).toBe(end);
});

/** As it would be if it had never been counted before. */
function anew({ holder, links, roster: of }: Stage): number {
  const holds = new Map(
    [...holder.holds].map(([name, hold]) => [name, { ...hold, counted: undefined }]),
  );
  return heldUntil({ ...holder, holds }, links, turnOf('p', 0), of, WEB);
}

it('counts how long it holds a key anew whenever anything of it has changed (H7)', () => {
  const prng = createPrng(7);
  const seen = new Set<number>();
  for (let walk = 0; walk < 200; walk++) {
    let stage = leader(['ab', 'abc'][below(prng, 2)]);
    for (let at = 100; at < 6000; at += below(prng, 900)) {
      const voters = ['', 'a', 'ab', 'bc', 'abc'][below(prng, 5)] ?? '';
      const deed = below(prng, 5);
      if (deed === 0) confirm(stage, voters, 1, 1 + below(prng, 2));
      else if (deed === 1) stage = voted(stage, roster(['abc', 'ab'][below(prng, 2)] ?? ''), at);
      else renew(stage, voters, at, 1 + (below(prng, 8) === 0 ? 1 : 0));
      expect(until(stage, at)).toBe(anew(stage));
      seen.add(until(stage, at));
    }
  }
  expect(seen.size).toBeGreaterThan(100);
});

function voted({ holder, links, roster: from }: Stage, to: Roster, at: number): Stage {
  setVoters(links, to);
  changeRoster(holder, links, turnOf('p', at), { from, to });
  return { holder, links, roster: to };
}

it('asks a voter again that held the key for another, once it says that the key is free', () => {
  const stage = stageOf();
  renew(stage, 'abc', 0);
  acquireAt(stage, 0);
  promise(stage, 'a', 1, 1);
  promise(stage, 'b', 1, 1, 'held'); // c is away: this ballot would wait for it in vain
  const asked = (): readonly string[] => {
    const turn = turnOf('p', 2);
    askAgain(stage.holder, turn, stage.roster, hostId('b'), [WEB]);
    return sent(turn, 'prepare').map(({ to, message }) => `${to} ${message.items[0]?.ballot}`);
  };
  expect(asked()).toEqual(['b 1']);
  expect(asked()).toEqual([]);
  promise(stage, 'b', 3, 1);
  expect(stage.holder.holds.get(WEB)?.phase).toBe('accept');
});

it('asks a voter that has promised more no more, whatever is free there', () => {
  const stage = stageOf();
  renew(stage, 'abc', 0);
  acquireAt(stage, 0);
  promise(stage, 'a', 1, 1);
  promise(stage, 'b', 1, 1, 'nack');
  const turn = turnOf('p', 2);
  askAgain(stage.holder, turn, stage.roster, hostId('b'), [WEB]);
  tend(stage.holder, stage.links, turnOf('p', 400), stage.roster);
  expect(sent(turn, 'prepare')).toEqual([]);
  const again = turnOf('p', 800);
  tend(stage.holder, stage.links, again, stage.roster);
  expect(sent(again, 'prepare').map(({ to }) => to)).toEqual(['c']);
});

it('a promise counted twice is one promise (H2)', () => {
  const stage = stageOf();
  renew(stage, 'abc', 0);
  acquireAt(stage, 0);
  promise(stage, 'aa', 1, 1);
  expect(stage.holder.holds.get(WEB)?.phase).toBe('prepare');
});

it('counts from the send of a keepalive, whenever its answer arrives (H1)', () => {
  const { links, roster: of, holder } = leader();
  const turn = turnOf('p', 800);
  sendKeepalives(links, turn, of);
  for (const { to, message } of sent(turn, 'keepalive'))
    onKeepaliveAck(links, hostId(to), {
      kind: 'keepaliveAck',
      epoch: of.epoch,
      class: message.class,
      seq: message.seq,
      sid: boot(1),
      grant: grantOf(1),
      fresh: true,
      yourBoot: boot(1),
      synced: true,
      maxTermMs: T,
      revoked: [],
      bindings: [],
    });
  expect(heldUntil(holder, links, turnOf('p', 2000), of, WEB)).toBe(800 + TH);
});

it('is held until the majority-th newest acknowledged keepalive runs out', () => {
  const stage = leader();
  renew(stage, 'a', 1000);
  expect(until(stage, 1001)).toBe(TH);
  renew(stage, 'b', 2000);
  expect(until(stage, 2001)).toBe(1000 + TH);
});

it('a voter whose session began anew counts no more until it accepts again (H1)', () => {
  const stage = leader('ab');
  renew(stage, 'ab', 1000);
  renew(stage, 'b', 1500, 2); // b let our session lapse: its binding is gone
  expect(until(stage, 1501)).toBe(NEVER);
  confirm(stage, 'b', 1, 2);
  expect(until(stage, 1501)).toBe(1000 + TH);
});

it('needs a majority of both sets while the roster changes', () => {
  const by: Record<string, number> = { a: 10, b: 20, c: 30, d: 5 };
  const at = (of: Roster): number => quorumUntil(of, (voter) => instant(by[voter] ?? 0));
  expect(at(roster('a'))).toBe(10);
  expect(at(roster('abc'))).toBe(20);
  expect(at(roster('abcd'))).toBe(10);
  expect(at(roster('c', 'abd'))).toBe(10);
  expect(at(roster('d', 'abc'))).toBe(5);
});

it('a raised ballot moves the term only when a quorum accepted it, and leaves no gap (H3, H5)', () => {
  const stage = leader();
  const hold = () => stage.holder.holds.get(WEB);
  acquireAt(stage, 100);
  expect([hold()?.ballot, hold()?.term]).toEqual([2, 1]);
  expect(until(stage, 101)).toBe(TH);
  promise(stage, 'ab', 102, 2, 'self');
  confirm(stage, 'aa', 2); // one voter, though it says so twice (H2)
  expect(hold()?.term).toBe(1);
  confirm(stage, 'b', 2);
  expect(hold()?.term).toBe(2);
  expect(until(stage, 103)).toBe(TH);
});

it('what answers an older ballot changes nothing', () => {
  const stage = stageOf();
  renew(stage, 'abc', 0);
  acquireAt(stage, 0);
  acquireAt(stage, 1); // not held: given up and begun anew
  promise(stage, 'abc', 2, 1);
  confirm(stage, 'abc', 1);
  expect(stage.holder.holds.get(WEB)).toMatchObject({ ballot: 2, phase: 'prepare' });
});

it('begins above the ceiling on disk and writes it before it asks (L-b)', () => {
  const stage = stageOf(ABC, 1000);
  const turn = turnOf('p', 0);
  acquire(stage.holder, stage.links, turn, ABC, [WEB]);
  expect(turn.out[0]).toMatchObject({ kind: 'persist', writes: [{ value: { ceiling: 2001 } }] });
  expect(sent(turn, 'prepare').map(({ to, message }) => [to, message.items[0]?.ballot])).toEqual([
    ['a', 1001],
    ['b', 1001],
    ['c', 1001],
  ]);
});

it('stops counting before it tells anyone (H4)', () => {
  const stage = leader();
  const turn = turnOf('p', 10);
  release(stage.holder, turn, ABC, [WEB]);
  expect(isHeld(stage.holder, stage.links, turn, ABC, WEB)).toBe(false);
  expect(sent(turn, 'release').map(({ to }) => to)).toEqual(['a', 'b', 'c']);
});

it('releases both the ballot under way and the one that holds', () => {
  const stage = leader();
  acquireAt(stage, 100);
  const turn = turnOf('p', 110);
  release(stage.holder, turn, ABC, [WEB]);
  expect(sent(turn, 'release')[0]?.message.items.map(({ ballot: n }) => n)).toEqual([2, 1]);
});

it.each([
  [1499, [], 'still in time'],
  [1500, [WEB], 'not won within T/2 (L-a)'],
])('a ballot under way at %i: abandoned %j, %s', (at, abandoned, _why) => {
  const stage = stageOf();
  renew(stage, 'abc', 0);
  acquireAt(stage, 0);
  const { holder, links } = stage;
  expect(tend(holder, links, turnOf('p', at), ABC).abandoned).toEqual(abandoned);
});

it('gives a ballot up as soon as too many refuse it', () => {
  const stage = stageOf();
  renew(stage, 'abc', 0);
  acquireAt(stage, 0);
  promise(stage, 'a', 1, 1, 'held');
  expect(tend(stage.holder, stage.links, turnOf('p', 2), ABC).abandoned).toEqual([]);
  promise(stage, 'b', 1, 1, 'nack');
  expect(tend(stage.holder, stage.links, turnOf('p', 2), ABC).abandoned).toEqual([WEB]);
});

it('a silent voter neither promises nor refuses: the ballot waits for it', () => {
  const stage = stageOf();
  renew(stage, 'abc', 0);
  acquireAt(stage, 0);
  promise(stage, 'abc', 1, 1, 'silent');
  expect(tend(stage.holder, stage.links, turnOf('p', 2), ABC).abandoned).toEqual([]);
});

it('raises its ballot when a voter has promised a higher one, and leads on meanwhile', () => {
  const stage = leader('ab');
  confirm(stage, 'c', 1, 1, false);
  const turn = turnOf('p', 400);
  expect(tend(stage.holder, stage.links, turn, ABC)).toEqual({ abandoned: [], lapsed: [] });
  expect(sent(turn, 'prepare')[0]?.message.items).toEqual([{ key: WEB, ballot: 3 }]);
  expect(until(stage, 401)).toBe(TH);
});

it('reports a lease that has run out once, and lets go of it', () => {
  const stage = leader();
  const { holder, links } = stage;
  expect(tend(holder, links, turnOf('p', TH - 1), ABC).lapsed).toEqual([]);
  expect(tend(holder, links, turnOf('p', TH), ABC).lapsed).toEqual([{ key: WEB, term: 1 }]);
  expect(tend(holder, links, turnOf('p', TH), ABC).lapsed).toEqual([]);
});

it('counts what was acknowledged under the old roster until it lapses, never longer', () => {
  const stage = leader();
  const joint = roster('abc', 'cde');
  setVoters(stage.links, joint);
  const { holder, links } = stage;
  changeRoster(holder, links, turnOf('p', 500), { from: ABC, to: joint });
  const now = { holder, links, roster: joint };
  expect(until(now, 501)).toBe(TH);
  renew(now, 'abc', 1000); // the old voters alone renew nothing
  expect(until(now, 1001)).toBe(TH);
  renew(now, 'cd', 1200);
  promise(now, 'abcd', 1201, 2, 'self');
  confirm(now, 'abcd', 2);
  // a and b are counted from 1000, c and d from 1200: the later majority of old, the whole of new.
  expect(until(now, 1202)).toBe(1000 + TH);
});

it('returns bindings it does not count on, and keeps the others', () => {
  const stage = leader();
  const turn = turnOf('p', 10);
  const api = key('component/shop.api');
  const bindings = [
    { key: WEB, ballot: ballot(1) },
    { key: api, ballot: ballot(7) },
  ];
  returnLeaks(stage.holder, turn, hostId('a'), bindings);
  expect(sent(turn, 'release').map(({ message }) => message.items)).toEqual([
    [{ key: api, ballot: 7 }],
  ]);
});

it('says more keys than one message may carry in several (limits.ts)', () => {
  const stage = stageOf(roster('a'));
  const turn = turnOf('p', 0);
  const keys = Array.from({ length: 2_500 }, (_, i) => key(`stack/s${i}`));
  acquire(stage.holder, stage.links, turn, stage.roster, keys);
  release(stage.holder, turn, stage.roster, keys);
  for (const kind of ['prepare', 'release'] as const)
    expect(sent(turn, kind).map(({ message }) => message.items.length)).toEqual([1000, 1000, 500]);
});
