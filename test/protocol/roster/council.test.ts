import { expect, it } from 'vitest';
import { ballot, boot, epoch, hostId, stackKey, term } from '../../../protocol/base/ids.ts';
import { instant, millis } from '../../../protocol/base/time.ts';
import { LAN, leaseDrainMs } from '../../../protocol/config.ts';
import type { Durable } from '../../../protocol/lease/durable.ts';
import { createLinks, type Links, setVoters } from '../../../protocol/lease/links.ts';
import { createVoter } from '../../../protocol/lease/voter.ts';
import type { Registers } from '../../../protocol/record/register.ts';
import {
  adopt,
  compareEpochs,
  type Council,
  createCouncil,
  fetchState,
  govern,
  onRosterMessage,
  onSyncPage,
  onSyncPull,
  sameEpoch,
  type VoterState,
} from '../../../protocol/roster/council.ts';
import { type Roster, surelyStayed } from '../../../protocol/roster/roster.ts';
import type { SyncPull } from '../../../protocol/wire/message.ts';
import { order, sent, theOnly, turnOf } from '../turns.ts';

const hosts = (letters: string) => letters.split('').map(hostId);
const roster = (n: number, voters: string, next?: string): Roster => ({
  epoch: epoch(n),
  voters: hosts(voters),
  ...(next === undefined ? {} : { next: hosts(next) }),
  termMs: { normal: millis(3000), strict: millis(10_000) },
});
const durable = (synced = true): Durable => ({
  boot: boot(1),
  ceiling: ballot(0),
  maxTermMs: millis(0),
  synced,
});
/** Of a voter that has one record. */
const stateOf = (): VoterState => ({
  durable: durable(),
  registers: new Map([[stackKey('shop'), { promised: term(1), deployIds: [] }]]),
});
const DRAIN = leaseDrainMs(millis(3000), LAN);

type Voting = Readonly<Record<string, readonly [epoch: number, synced: boolean]>>;

function linksOf(of: Roster, voting: Voting): Links {
  const links = createLinks();
  setVoters(links, of);
  for (const [host, [at, synced]] of Object.entries(voting)) {
    const link = links.byVoter.get(hostId(host));
    if (link !== undefined) Object.assign(link, { epoch: at, synced });
  }
  return links;
}

/** What the leader `a` proposes at `ms`. */
function looks(
  council: Council,
  ms: number,
  steady: string,
  voting: Voting = {},
  alive = 'abcd',
  own = durable(),
) {
  const turn = turnOf('a', ms);
  govern(council, turn, {
    links: linksOf(council.roster, voting),
    durable: own,
    electorate: {
      hosts: hosts(steady).map((id) => ({ id, aliveMs: LAN.rosterStableMs, witness: false })),
      answers: () => true,
      stoodMs: LAN.rosterStableMs,
    },
    isAlive: (host) => alive.includes(host),
  });
  return council.proposal?.wanted;
}

it('begins a change as the joint roster of the next epoch', () => {
  const wanted = looks(createCouncil(roster(1, 'a'), undefined), 0, 'abc');
  expect(wanted).toEqual(roster(2, 'a', 'abc'));
});

it('an attempt that came to nothing is made anew only if it is still wanted', () => {
  const council = createCouncil(roster(1, 'a'), undefined);
  looks(council, 0, 'abc');
  looks(council, LAN.retryMs + 100, 'ab');
  expect(council.proposal?.ballot.n).toBe(1); // repeated, not begun anew
  expect(looks(council, 5000, 'ab')).toBeUndefined();
  looks(council, 6000, 'abc');
  expect(council.proposal?.ballot.n).toBe(2);
});

const READY: Voting = { b: [2, true], c: [2, true] };

it.each([
  [DRAIN - 1, READY, 'abcd', false, 'leases of the old roster may still live (Q4)'],
  [DRAIN, READY, 'abcd', true, 'drained, synced, adopted, alive'],
  [DRAIN, { b: [2, true] }, 'abd', true, 'a majority of new is enough where the rest is not alive'],
  [DRAIN, { b: [2, true] }, 'abcd', false, 'a new voter that is alive may still sync'],
  [DRAIN + 10_000, { b: [2, true] }, 'abcd', true, 'it does not'],
  [DRAIN, { b: [2, false], c: [2, false] }, 'abcd', false, 'the new have not synced'],
  [DRAIN, { b: [1, true], c: [1, true] }, 'abcd', false, 'the new have not adopted J'],
  [DRAIN, READY, 'a', false, 'the new are not alive'],
] as const)('joint at %i with %j, alive %s: concluded %s, %s', (ms, voting, alive, done, _why) => {
  const council = createCouncil(roster(2, 'a', 'abc'), undefined);
  looks(council, 0, 'abc', voting, alive);
  const wanted = looks(council, ms, 'abc', voting, alive);
  expect(wanted).toEqual(done ? roster(3, 'abc') : undefined);
});

it.each([
  [{ b: [2, true], c: [2, true], d: [2, true] }, true, 'what has not synced needs three of four'],
  [{ b: [2, true], c: [2, true] }, false, 'it needs all others that are ready'],
] as const)('of five, with %j: concluded %s, %s (rule 5)', (voting, done, _why) => {
  const council = createCouncil(roster(2, 'abc', 'abcde'), undefined);
  looks(council, 0, 'abcde', voting, 'abcde');
  const wanted = looks(council, DRAIN, 'abcde', voting, 'abcde');
  expect(wanted).toEqual(done ? roster(3, 'abcde') : undefined);
});

it('counts the drain only from the adoption by a majority of the old', () => {
  const council = createCouncil(roster(2, 'abc', 'abd'), undefined);
  const before: Voting = { b: [1, true], c: [1, true], d: [2, true] };
  looks(council, 0, 'abcd', before);
  const after: Voting = { b: [2, true], c: [1, true], d: [2, true] };
  expect(looks(council, 5000, 'abcd', after)).toBeUndefined();
  expect(looks(council, 5000 + DRAIN, 'abcd', after)).toEqual(roster(3, 'abd'));
});

it('drains for the longest lease that one of the old may have granted (rule 5)', () => {
  const council = createCouncil(roster(2, 'a', 'abc'), undefined);
  const longest = { ...durable(), maxTermMs: LAN.strictTermMs };
  looks(council, 0, 'abc', READY, 'abcd', longest);
  expect(looks(council, DRAIN, 'abc', READY, 'abcd', longest)).toBeUndefined();
  const drained = leaseDrainMs(LAN.strictTermMs, LAN);
  expect(looks(council, drained - 1, 'abc', READY, 'abcd', longest)).toBeUndefined();
  expect(looks(council, drained, 'abc', READY, 'abcd', longest)).toEqual(roster(3, 'abc'));
});

it('adopts a newer roster durably, and never an older or equal one (Q1)', () => {
  const council = createCouncil(roster(2, 'a', 'abc'), undefined);
  const turn = turnOf('b', 0);
  const state = stateOf();
  expect(adopt(council, state, turn, roster(1, 'a'))).toBeUndefined();
  expect(adopt(council, state, turn, roster(2, 'abc'))).toBeUndefined();
  expect(adopt(council, state, turn, roster(3, 'abc'))).toMatchObject({
    from: { epoch: 2 },
    to: { epoch: 3 },
  });
  expect(order(turn.out)).toEqual(['persist roster']);
});

it.each([
  ['c', roster(3, 'abc'), roster(4, 'abc', 'abd'), true, 'one step on'],
  ['c', roster(4, 'abc', 'abd'), roster(5, 'abd'), false, 'removed'],
  ['c', roster(3, 'abc'), roster(5, 'abd'), false, 'removed unheard'],
  ['c', roster(3, 'abc'), roster(5, 'abc'), true, 'the joint roster between had it'],
  ['d', roster(3, 'abd'), roster(6, 'abd', 'abcde'), true, 'it votes in both stable ones'],
  ['c', roster(3, 'abc'), roster(6, 'abd', 'abc'), false, 'removed, and to be added again'],
  ['c', roster(4, 'abc', 'abd'), roster(6, 'abd', 'abc'), false, 'the same from the joint one'],
  ['c', roster(3, 'abc'), roster(7, 'abc'), false, 'added again, as far as it can know'],
  ['a', roster(4, 'abc', 'abd'), roster(7, 'acd'), true, 'in the next, and in the one after it'],
  ['a', roster(4, 'abc', 'abd'), roster(9, 'acd'), false, 'of two changes it knows nothing'],
])('voter %s goes from %j to %j: surely stayed %s, %s (rule 6)', (name, from, to, stays, _why) => {
  expect(surelyStayed(from, to, hostId(name))).toBe(stays);
  const council = createCouncil(from, undefined);
  const state = stateOf();
  const turn = turnOf(name, 0);
  adopt(council, state, turn, to);
  expect(state.durable.synced).toBe(stays);
  expect(order(turn.out)).toEqual([
    stays ? 'persist roster' : 'persist roster host record/stack/shop',
  ]);
});

it.each([
  [2, ['send x rosterChosen'], 'answers an older one with ours (Q2)'],
  [3, [], 'has nothing to say to the same'],
  [4, ['persist roster'], 'follows a newer one'],
] as const)('meeting a roster of epoch %i: %j, %s', (theirs, effects, _why) => {
  const council = createCouncil(roster(3, 'abc'), undefined);
  const turn = turnOf('b', 0);
  compareEpochs(council, stateOf(), turn, hostId('x'), roster(theirs, 'abc'));
  expect(order(turn.out)).toEqual(effects);
});

it('a message of another epoch is not served, and its sender learns of ours', () => {
  const council = createCouncil(roster(3, 'abc'), undefined);
  for (const theirs of [2, 4]) {
    const turn = turnOf('b', 0);
    expect(sameEpoch(council, turn, hostId('x'), theirs)).toBe(false);
    expect(sent(turn, 'rosterChosen')[0]?.to).toBe('x');
  }
  expect(sameEpoch(council, turnOf('b', 0), hostId('x'), 3)).toBe(true);
});

it.each([
  ['b', ['persist acceptor', 'send x rosterPromise'], 'a voter'],
  ['d', [], 'not a voter: its promise counts for nothing'],
] as const)('%s, asked to prepare: %j, %s', (self, effects, _why) => {
  const council = createCouncil(roster(3, 'abc'), undefined);
  const turn = turnOf(self, 0);
  const message = { base: roster(3, 'abc'), ballot: { n: 1, host: hostId('x') } };
  onRosterMessage(council, stateOf(), turn, hostId('x'), { kind: 'rosterPrepare', ...message });
  expect(order(turn.out)).toEqual(effects);
});

/** A new voter `d` of J(abc, abd), and old voters with one register each. */
function newVoter() {
  const council = createCouncil(roster(2, 'abc', 'abd'), undefined);
  const voter = createVoter(durable(false), ballot(0), instant(0), turnOf('d', 0));
  const registers: Registers = new Map();
  const turn = turnOf('d', 0);
  fetchState(council, turn, voter.durable);
  return { council, voter, registers, asked: sent(turn, 'syncPull') };
}

function pageOf(host: string, ceiling: number, promised: number) {
  const turn = turnOf(host, 0);
  const theirs: Registers = new Map([
    [stackKey('shop'), { promised: term(promised), deployIds: [] }],
  ]);
  const old: Durable = { ...durable(), ceiling: ballot(ceiling) };
  onSyncPull(theirs, old, turn, hostId('d'), { kind: 'syncPull', epoch: epoch(2), after: '' });
  return theOnly(turn, 'syncPage');
}

it('a new voter asks all old ones and is synced by a majority of them (rule 4)', () => {
  const { council, voter, registers, asked } = newVoter();
  expect(asked.map(({ to }) => to)).toEqual(['a', 'b', 'c']);
  const hear = (host: string, page: ReturnType<typeof pageOf>) =>
    onSyncPage(council, voter, registers, turnOf('d', 1), hostId(host), page);
  hear('a', pageOf('a', 700, 3));
  hear('a', pageOf('a', 700, 3));
  expect(voter.durable.synced).toBe(false);
  hear('c', pageOf('c', 900, 8));
  expect(voter.durable.synced).toBe(true);
  expect(voter.floor).toBe(900);
  expect(registers.get(stackKey('shop'))?.promised).toBe(8);
});

it('a page of another epoch proves nothing: it may be older than the change', () => {
  const { council, voter, registers } = newVoter();
  const page = { ...pageOf('a', 1, 1), epoch: epoch(1) };
  for (const host of ['a', 'b'])
    onSyncPage(council, voter, registers, turnOf('d', 1), hostId(host), page);
  expect(voter.durable.synced).toBe(false);
});

it('fetches many records page by page, each voter to its end', () => {
  const { council, voter, registers } = newVoter();
  const theirs: Registers = new Map(
    Array.from({ length: 45 }, (_, i) => [
      stackKey(`s${String(i).padStart(2, '0')}`),
      { promised: term(i + 1), deployIds: [] },
    ]),
  );
  let asks = 0;
  for (const host of ['a', 'b']) {
    let pull: SyncPull = { kind: 'syncPull', epoch: epoch(2), after: '' };
    for (let more = true; more && asks < 20; asks++) {
      const there = turnOf(host, 0);
      onSyncPull(theirs, durable(), there, hostId('d'), pull);
      const here = turnOf('d', 1);
      onSyncPage(council, voter, registers, here, hostId(host), theOnly(there, 'syncPage'));
      const [next] = sent(here, 'syncPull');
      more = next !== undefined;
      if (next !== undefined) pull = next.message;
    }
  }
  expect(asks).toBe(6); // 20 + 20 + 5, twice
  expect(registers.size).toBe(45);
  expect(voter.durable.synced).toBe(true);
});
