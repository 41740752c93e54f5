import { expect, it } from 'vitest';
import { epoch, hostId } from '../../../protocol/base/ids.ts';
import { millis } from '../../../protocol/base/time.ts';
import {
  type Acceptor,
  onRosterAccept,
  onRosterAccepted,
  onRosterPrepare,
  onRosterPromise,
  propose,
  type Proposal,
} from '../../../protocol/roster/acceptor.ts';
import { majority, quorum, type Roster, votersOf } from '../../../protocol/roster/roster.ts';
import type { RosterBallot } from '../../../protocol/wire/message.ts';
import { order, sent, theOnly, turnOf } from '../turns.ts';

const hosts = (letters: string) => letters.split('').map(hostId);
const roster = (n: number, voters: string, next?: string): Roster => ({
  epoch: epoch(n),
  voters: hosts(voters),
  ...(next === undefined ? {} : { next: hosts(next) }),
  termMs: { normal: millis(3000), strict: millis(10_000) },
});
const by = (n: number, host: string): RosterBallot => ({ n, host: hostId(host) });
const BASE = roster(4, 'abc');
const WANTED = roster(5, 'abc', 'abd');
const OTHER = roster(5, 'abc', 'abe');

it.each([
  ['a', undefined, 'a', true],
  ['abc', undefined, 'a', false],
  ['abc', undefined, 'ab', true],
  ['abcd', undefined, 'ab', false],
  ['a', 'abc', 'a', false],
  ['a', 'abc', 'bc', false],
  ['a', 'abc', 'ab', true],
  ['abc', 'cde', 'abc', false],
  ['abc', 'cde', 'acd', true],
] as const)('voters %s, next %s: %s are a quorum: %s', (voters, next, yes, is) => {
  const of = roster(1, voters, next);
  expect(quorum(of, (voter) => yes.includes(voter))).toBe(is);
});

it('any two quorums of a roster, and of the rosters before and after it, have a voter in common', () => {
  const chain = [roster(1, 'a'), roster(2, 'a', 'abc'), roster(3, 'abc'), roster(4, 'abc', 'bcd')];
  const everyone = hosts('abcd');
  const subsets = Array.from({ length: 16 }, (_, bits) =>
    everyone.filter((_host, i) => (bits >> i) % 2 === 1),
  );
  const disjoint: string[] = [];
  chain.forEach((of, i) => {
    for (const other of [of, chain[i + 1] ?? of]) {
      for (const one of subsets) {
        for (const two of subsets) {
          const both = quorum(of, (h) => one.includes(h)) && quorum(other, (h) => two.includes(h));
          if (both && !one.some((host) => two.includes(host)))
            disjoint.push(`${one.join('')} and ${two.join('')} at epoch ${of.epoch}`);
        }
      }
    }
  });
  expect(disjoint).toEqual([]);
});

it('nobody is no majority of nobody: a host that has joined nothing decides nothing', () => {
  expect(majority([], () => true)).toBe(false);
  expect(votersOf(roster(1, 'ab', 'bc'))).toEqual(['a', 'b', 'c']);
});

const prepared = (acceptor: Acceptor | undefined, ballot: RosterBallot) => {
  const turn = turnOf('b', 0);
  const next = onRosterPrepare(acceptor, turn, hostId('a'), {
    kind: 'rosterPrepare',
    base: BASE,
    ballot,
  });
  return { next, answer: theOnly(turn, 'rosterPromise'), order: order(turn.out) };
};
const accepted = (acceptor: Acceptor | undefined, ballot: RosterBallot, value = WANTED) => {
  const turn = turnOf('b', 0);
  const next = onRosterAccept(acceptor, turn, hostId('a'), {
    kind: 'rosterAccept',
    base: BASE,
    ballot,
    roster: value,
  });
  return { next, answer: theOnly(turn, 'rosterAccepted'), order: order(turn.out) };
};

it.each([
  [by(2, 'a'), false, 'below the promise'],
  [by(3, 'a'), false, 'the same number of a lower host'],
  [by(3, 'b'), true, 'the promise itself'],
  [by(3, 'c'), true, 'the same number of a higher host'],
  [by(4, 'a'), true, 'a higher number'],
] as const)('after a promise of (3, b), ballot %j: %s, %s', (ballot, ok, _why) => {
  const { next } = prepared(undefined, by(3, 'b'));
  expect(prepared(next, ballot).answer.ok).toBe(ok);
  expect(accepted(next, ballot).answer.ok).toBe(ok);
});

it('is on disk before it is said (C1)', () => {
  expect(prepared(undefined, by(1, 'a')).order).toEqual([
    'persist acceptor',
    'send a rosterPromise',
  ]);
  expect(accepted(undefined, by(1, 'a')).order).toEqual([
    'persist acceptor',
    'send a rosterAccepted',
  ]);
  const { next } = prepared(undefined, by(9, 'a'));
  expect(accepted(next, by(1, 'a')).order).toEqual(['send a rosterAccepted']);
});

it('a promise tells what was accepted before, and an epoch begins with a clean slate', () => {
  const { next } = accepted(undefined, by(1, 'a'));
  expect(prepared(next, by(2, 'c')).answer.accepted).toEqual({
    ballot: by(1, 'a'),
    roster: WANTED,
  });
  const stale = next === undefined ? undefined : { ...next, epoch: epoch(4) };
  expect(prepared(stale, by(1, 'a')).answer).toMatchObject({ ok: true });
  expect(prepared(stale, by(1, 'a')).answer.accepted).toBeUndefined();
});

/** A proposal at which these voters have promised, each with what it had accepted. */
function attempt(promises: Readonly<Record<string, readonly [RosterBallot, Roster] | undefined>>) {
  const proposal = propose(turnOf('a', 0), BASE, WANTED, 6);
  const turn = turnOf('a', 1);
  for (const [voter, before] of Object.entries(promises)) {
    onRosterPromise(proposal, turn, hostId(voter), {
      kind: 'rosterPromise',
      epoch: epoch(5),
      ballot: proposal.ballot,
      ok: true,
      promised: proposal.ballot,
      ...(before === undefined ? {} : { accepted: { ballot: before[0], roster: before[1] } }),
    });
  }
  return { proposal, accepts: sent(turn, 'rosterAccept') };
}

it('proposes what was accepted under the highest ballot, else what it wants (C2)', () => {
  expect(attempt({ a: undefined }).accepts).toEqual([]);
  expect(attempt({ a: undefined, b: undefined }).accepts[0]?.message.roster).toEqual(WANTED);
  const older = [by(1, 'c'), WANTED] as const;
  const newer = [by(2, 'a'), OTHER] as const;
  expect(attempt({ a: older, b: newer }).accepts[0]?.message.roster).toEqual(OTHER);
  expect(attempt({ a: newer, b: older }).accepts[0]?.message.roster).toEqual(OTHER);
});

it('begins above every ballot it has heard of', () => {
  expect(attempt({}).proposal.ballot).toEqual(by(7, 'a'));
});

it('is chosen by a quorum that accepted this very ballot (C3)', () => {
  const { proposal } = attempt({ a: undefined, b: undefined });
  const answer = (voter: string, ballot: RosterBallot, ok = true, at = 5) =>
    onRosterAccepted(proposal, hostId(voter), {
      kind: 'rosterAccepted',
      epoch: epoch(at),
      ballot,
      ok,
      promised: ballot,
    });
  expect(answer('a', proposal.ballot)).toBeUndefined();
  expect(answer('a', proposal.ballot)).toBeUndefined(); // the same voter again
  expect(answer('b', by(6, 'a'))).toBeUndefined(); // of an earlier attempt
  expect(answer('b', proposal.ballot, false)).toBeUndefined();
  expect(answer('b', proposal.ballot, true, 4)).toBeUndefined(); // of another epoch
  expect(answer('c', proposal.ballot)).toEqual(WANTED);
});

/** Single-decree Paxos on three acceptors, exhaustively: two proposers, every order of their steps. */
it('never chooses two rosters, whatever the order of two attempts (C3)', () => {
  let chosenOnce = 0;
  for (const steps of interleavings(
    ['1', '1', '1', '1', '1', '1'],
    ['2', '2', '2', '2', '2', '2'],
  )) {
    const chosen = playAttempts(steps);
    expect(new Set(chosen).size).toBeLessThanOrEqual(1);
    if (chosen.length > 0) chosenOnce += 1;
  }
  expect(chosenOnce).toBeGreaterThan(500);
});

/** Each step of a proposer reaches one more voter, prepares first, then accepts. */
function playAttempts(steps: readonly string[]): readonly string[] {
  const acceptors = new Map<string, Acceptor | undefined>();
  const attempts: Record<string, { proposal: Proposal; step: number; order: string }> = {
    '1': { proposal: propose(turnOf('a', 0), BASE, WANTED, 0), step: 0, order: 'abc' },
    '2': { proposal: propose(turnOf('b', 0), BASE, OTHER, 0), step: 0, order: 'cba' },
  };
  const chosen: string[] = [];
  for (const name of steps) {
    const mine = attempts[name];
    if (mine === undefined) continue;
    const { proposal } = mine;
    const voter = mine.order[mine.step % 3] ?? '';
    const turn = turnOf(voter, 0);
    const from = proposal.ballot.host;
    const { base, ballot, proposed } = proposal;
    if (mine.step < 3) {
      const message = { kind: 'rosterPrepare', base, ballot } as const;
      acceptors.set(voter, onRosterPrepare(acceptors.get(voter), turn, from, message));
      onRosterPromise(proposal, turnOf('x', 0), hostId(voter), theOnly(turn, 'rosterPromise'));
    } else if (proposed !== undefined) {
      const message = { kind: 'rosterAccept', base, ballot, roster: proposed } as const;
      acceptors.set(voter, onRosterAccept(acceptors.get(voter), turn, from, message));
      const answer = theOnly(turn, 'rosterAccepted');
      const done = onRosterAccepted(proposal, hostId(voter), answer);
      if (done !== undefined) chosen.push(JSON.stringify(done));
    }
    mine.step += 1;
  }
  return chosen;
}

function interleavings(
  one: readonly string[],
  two: readonly string[],
): readonly (readonly string[])[] {
  const [first, ...restOne] = one;
  const [second, ...restTwo] = two;
  if (first === undefined) return [two];
  if (second === undefined) return [one];
  return [
    ...interleavings(restOne, two).map((rest) => [first, ...rest]),
    ...interleavings(one, restTwo).map((rest) => [second, ...rest]),
  ];
}
