import { expect, it } from 'vitest';
import { hostId } from '../../../protocol/base/ids.ts';
import { millis, seconds } from '../../../protocol/base/time.ts';
import { LAN } from '../../../protocol/config.ts';
import { type Electorate, type Elector, wantedVoters } from '../../../protocol/roster/autopilot.ts';

const STEADY = LAN.rosterStableMs;

type Case = {
  readonly voters: string;
  /** Alive for so long that they may vote. */
  readonly steady: string;
  /** Alive for a shorter time. */
  readonly fresh?: readonly [hosts: string, ms: number];
  readonly dead?: readonly [hosts: string, ms: number];
  /** Believed neither alive nor dead. */
  readonly doubted?: string;
  readonly witnesses?: string;
  /** Default: all voters that are steady. */
  readonly answering?: string;
  readonly leaving?: string;
  readonly stoodMs?: number;
};

function electorateOf(given: Case): Electorate {
  const { fresh = ['', 0], dead = ['', 0], doubted = '', witnesses = '', leaving = '' } = given;
  const each = (letters: string, known: Omit<Elector, 'id' | 'witness'>): readonly Elector[] =>
    letters.split('').map((letter) => ({
      id: hostId(letter),
      witness: witnesses.includes(letter),
      leaving: leaving.includes(letter),
      ...known,
    }));
  return {
    hosts: [
      ...each(given.steady, { aliveMs: STEADY }),
      ...each(fresh[0], { aliveMs: millis(fresh[1]) }),
      ...each(dead[0], { deadMs: millis(dead[1]) }),
      ...each(doubted, {}),
    ],
    answers: (voter) => (given.answering ?? given.steady).includes(voter),
    stoodMs: millis(given.stoodMs ?? STEADY),
  };
}

const DEAD = LAN.voterDeadMs;

const TABLE: readonly (readonly [Case, wanted: string | undefined, why: string])[] = [
  // The first growth.
  [{ voters: 'a', steady: 'a' }, undefined, 'one host, one voter'],
  [{ voters: 'a', steady: 'ab' }, undefined, 'two hosts, one voter: two could outvote nobody'],
  [{ voters: 'a', steady: 'abc' }, 'abc', 'three hosts, three voters'],
  [{ voters: 'a', steady: 'abc', stoodMs: 0 }, 'abc', 'at once: no stability is asked for'],
  [{ voters: 'a', steady: '', fresh: ['abc', 2000] }, 'abc', 'two seconds are enough'],
  [{ voters: 'a', steady: 'ab', fresh: ['c', 1999] }, undefined, 'the third has just come up'],
  [{ voters: 'a', steady: 'bcd', doubted: 'a' }, undefined, 'the voter itself is not steady'],
  [{ voters: 'a', steady: 'a', doubted: 'bc' }, undefined, 'two were never heard'],
  // Growth to five.
  [{ voters: 'abc', steady: 'abcdef' }, undefined, 'six hosts, three voters'],
  [{ voters: 'abc', steady: 'abcdefg' }, 'abcde', 'seven hosts, five voters'],
  [{ voters: 'abcde', steady: 'abcdefghijk' }, undefined, 'never more than five'],
  [{ voters: 'abc', steady: 'abcdefg', stoodMs: STEADY - 1 }, undefined, 'changed a moment ago'],
  [{ voters: 'abc', steady: 'abcd', fresh: ['efg', STEADY - 1] }, undefined, 'only one is steady'],
  [{ voters: 'abc', steady: 'abcde', doubted: 'fg' }, 'abcde', 'the doubted are hosts, not dead'],
  [{ voters: 'abc', steady: 'abcde', dead: ['fg', DEAD] }, undefined, 'five are left of seven'],
  [
    { voters: 'abc', steady: 'abcdefg', answering: 'ab' },
    undefined,
    'a quorum would need a newcomer (A2)',
  ],
  // A witness.
  [{ voters: 'a', steady: 'abw', witnesses: 'w' }, 'abw', 'two hosts and a witness are three'],
  [{ voters: 'a', steady: 'abcw', witnesses: 'w' }, 'abc', 'it is not needed'],
  [{ voters: 'abw', steady: 'abcw', witnesses: 'w' }, undefined, 'but stays where it votes'],
  [{ voters: 'abc', steady: 'abcdefw', witnesses: 'w' }, 'abcde', 'counts as a host'],
  // A dead voter.
  [{ voters: 'abc', steady: 'abd', dead: ['c', DEAD] }, 'abd', 'replaced'],
  [{ voters: 'abc', steady: 'abd', dead: ['c', DEAD - 1] }, undefined, 'it may come back'],
  [{ voters: 'abc', steady: 'abd', doubted: 'c' }, undefined, 'it is not even dead'],
  [{ voters: 'abc', steady: 'ab', dead: ['c', DEAD] }, undefined, 'nobody else is there'],
  [
    { voters: 'abc', steady: 'ab', fresh: ['d', STEADY - 1], dead: ['c', DEAD] },
    undefined,
    'the other has just come up',
  ],
  [
    { voters: 'abc', steady: 'abd', dead: ['c', DEAD], stoodMs: STEADY - 1 },
    undefined,
    'changed a moment ago',
  ],
  [{ voters: 'abc', steady: 'abd' }, 'abd', 'who is no member any more is dead'],
  [
    { voters: 'abc', steady: 'abd', dead: ['c', DEAD], answering: 'a' },
    undefined,
    'no majority could decide it (A3)',
  ],
  [
    { voters: 'abc', steady: 'ad', dead: ['bc', DEAD] },
    undefined,
    'a majority is dead: nothing can be decided',
  ],
  [{ voters: 'abcde', steady: 'abcfg', dead: ['de', DEAD] }, 'abcef', 'one at a time'],
  [
    { voters: 'abcde', steady: 'abc', dead: ['de', DEAD] },
    undefined,
    'the number never falls (A1)',
  ],
  [
    { voters: 'abc', steady: 'abw', witnesses: 'w', dead: ['c', DEAD] },
    'abw',
    'by a witness, if nobody else is there',
  ],
  [{ voters: 'abc', steady: 'abdefghi', dead: ['c', DEAD] }, 'abd', 'replaced first, then more'],
  // One that leaves.
  [{ voters: 'abc', steady: 'abcd', leaving: 'c' }, 'abd', 'replaced while it is alive'],
  [{ voters: 'abc', steady: 'abcd', leaving: 'c', stoodMs: 0 }, 'abd', 'at once'],
  [
    { voters: 'abc', steady: 'abc', fresh: ['d', 2000], leaving: 'c' },
    'abd',
    'by one that has been up for two seconds',
  ],
  [{ voters: 'abc', steady: 'abc', fresh: ['d', 1999], leaving: 'c' }, undefined, 'not before'],
  [{ voters: 'abc', steady: 'abc', leaving: 'c' }, undefined, 'nobody else is there'],
  [{ voters: 'abc', steady: 'abcd', leaving: 'cd' }, undefined, 'not by one that leaves too'],
  [
    { voters: 'abc', steady: 'abcd', leaving: 'c', answering: 'ac' },
    undefined,
    'a quorum would need the newcomer (A2)',
  ],
  [{ voters: 'a', steady: 'ab', leaving: 'a' }, 'b', 'the only voter gives its vote to the other'],
  [{ voters: 'a', steady: 'abc', leaving: 'c' }, undefined, 'it grows without those that leave'],
  [{ voters: 'abc', steady: 'abcdefg', leaving: 'g' }, undefined, 'six hosts stay'],
];

it.each(TABLE)('%j: %s, %s', (given, wanted, _why) => {
  const voters = given.voters.split('').map(hostId);
  const wish = wantedVoters(voters, electorateOf(given), LAN);
  expect(wish?.voters.length).toBe(wanted?.length);
  const kept = (names: string | undefined) => voters.filter((voter) => names?.includes(voter));
  const witnesses = (names: readonly string[]) =>
    names.filter((name) => given.witnesses?.includes(name));
  expect(voters.filter((voter) => wish?.voters.includes(voter))).toEqual(kept(wanted));
  expect(witnesses(wish?.voters ?? [])).toEqual(witnesses(wanted?.split('') ?? []));
  expect(wish?.voters.toSorted()).toEqual(wish?.voters);
});

it('every leader finds the same newcomers, whatever order it knows the members in', () => {
  const voters = 'abc'.split('').map(hostId);
  const electorate = electorateOf({ voters: 'abc', steady: 'abcdefghi' });
  const reversed = { ...electorate, hosts: electorate.hosts.toReversed() };
  const wish = wantedVoters(voters, electorate, LAN);
  expect(wantedVoters(voters, reversed, LAN)).toEqual(wish);
  expect(new Set(wish?.voters).size).toBe(5);
});

it('says why, in words', () => {
  const given = { voters: 'abc', steady: 'abd', dead: ['c', seconds(300)] } as const;
  const voters = 'abc'.split('').map(hostId);
  expect(wantedVoters(voters, electorateOf(given), LAN)?.why).toBe('c is dead: d votes instead');
});
