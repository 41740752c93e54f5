import { describe, expect, it } from 'vitest';
import { hostId } from '../../../protocol/base/ids.ts';
import { instant, millis, NEVER } from '../../../protocol/base/time.ts';
import { LAN } from '../../../protocol/config.ts';
import {
  afterConnect,
  afterHeard,
  type Grace,
  type Graces,
  NO_GRACE,
} from '../../../protocol/membership/grace.ts';
import { type Member, newMember } from '../../../protocol/membership/member.ts';
import { suspicionMinMs, suspicionMs, verdictAt } from '../../../protocol/membership/suspicion.ts';

describe('the length of a suspicion', () => {
  it.each([
    // hosts, watchers, accusers, ms
    [2, 1, 0, 500, 'nobody else can confirm: the shortest at once'],
    [2, 1, 1, 500, 'nobody else can confirm: the shortest at once'],
    [3, 2, 0, 2000, 'only a rumor so far'],
    [3, 2, 1, 2000, 'the first accuser confirms nothing'],
    [3, 2, 2, 500, 'the one other watcher confirms'],
    [4, 3, 2, 1054, 'one of two'],
    [4, 3, 3, 500, 'two of two'],
    [5, 4, 2, 1250, 'one of three'],
    [5, 4, 3, 812, 'two of three'],
    [5, 4, 4, 500, 'three of three'],
    [5, 4, 9, 500, 'never below the shortest'],
    [9, 8, 4, 500, 'three are enough however many watch'],
    [100, 4, 1, 4000, 'longer in a larger cluster'],
    [100, 4, 4, 1000, 'longer in a larger cluster'],
  ])(
    'of %i hosts, with %i watchers of whom %i accuse, is %i ms: %s',
    (hostCount, watcherCount, accusers, ms) => {
      expect(suspicionMs({ hostCount, watcherCount }, accusers, LAN)).toBe(ms);
    },
  );

  it('follows the formula of Lifeguard to the millisecond or two', () => {
    for (let k = 1; k <= 3; k++)
      for (let c = 0; c <= k; c++) {
        const exact = 2000 - 1500 * (Math.log(c + 1) / Math.log(k + 1));
        const circle = { hostCount: 5, watcherCount: k + 1 };
        expect(Math.abs(suspicionMs(circle, c + 1, LAN) - exact)).toBeLessThan(2);
      }
  });

  it('grows with log10 of the hosts, never falls, and is never below it', () => {
    let last = 0;
    for (let n = 1; n <= 1000; n++) {
      const ms = suspicionMinMs(n, LAN);
      const exact = 500 * Math.max(1, Math.log10(n));
      expect(ms).toBeGreaterThanOrEqual(Math.floor(exact));
      expect(ms).toBeLessThanOrEqual(exact * 1.18);
      expect(ms).toBeGreaterThanOrEqual(last);
      last = ms;
    }
  });
});

describe('the verdict', () => {
  const circle = { hostCount: 3, watcherCount: 2 };
  const suspect = (accusers: number, lastHeardAt: number): Member => ({
    ...newMember(instant(10_000)),
    health: 'suspect',
    lastHeardAt: instant(lastHeardAt),
    suspectedBy: [hostId('a'), hostId('b')].slice(0, accusers),
  });
  const spared: Grace = {
    ...NO_GRACE,
    since: instant(9_500),
    spared: true,
    answeredAt: instant(18_100),
  };
  const open = (answeredAt: number): Grace => ({
    ...NO_GRACE,
    connected: true,
    answeredAt: instant(answeredAt),
  });
  /** Seen by so many watchers. */
  const seenBy = (count: number, grace: Grace): Graces =>
    new Map(Array.from({ length: count }, (_, i) => [hostId(`w${i}`), grace]));

  it.each([
    [true, NO_GRACE, 2, 8850, 10_500, 'a watcher counts the suspicion alone'],
    [true, NO_GRACE, 1, 8850, 12_000, 'longer while nobody confirms'],
    [
      true,
      NO_GRACE,
      2,
      10_400,
      11_550,
      'a watcher that heard it meanwhile waits as for a fresh doubt',
    ],
    [true, spared, 2, 8850, 19_500, 'an agent crash is spared for the grace'],
    [
      true,
      { ...spared, answeredAt: instant(12_000) },
      2,
      8850,
      13_500,
      'and no longer than its kernel is known to answer',
    ],
    [true, open(10_400), 2, 8850, 11_250, 'an open port without a word is given a stall more'],
    [true, open(10_900), 2, 9_500, 11_900, 'from our own doubt on, if others doubted it before'],
    [true, open(9_100), 2, 8850, 10_600, 'if it is open still'],
    [true, { ...open(10_400), connected: false }, 2, 8850, 10_500, 'and not if it was once'],
    [true, { ...spared, spared: false }, 2, 8850, 10_500, 'a grace that is over spares nothing'],
    [false, NO_GRACE, 2, 8850, 22_000, 'others leave it to the watchers as long as those may take'],
    [false, NO_GRACE, 2, 21_900, 23_050, 'and not while they hear it themselves'],
  ])(
    'for watched %s, %o, %i accusers, heard at %i comes at %i: %s',
    (watched, grace, accusers, heardAt, at) => {
      const watch = { watched, graces: seenBy(1, grace) };
      expect(verdictAt(suspect(accusers, heardAt), watch, circle, LAN)).toBe(at);
    },
  );

  it.each([
    [3, 2, 1, true, 'in a small cluster'],
    [4, 3, 1, false, 'one watcher may be the only one that gets there'],
    [4, 3, 2, true, 'two agree'],
    [5, 4, 1, false, 'one watcher may be the only one that gets there'],
    [9, 1, 1, true, 'nobody else watches it'],
  ])(
    'of one of %i hosts with %i watchers, %i of whom are answered: spared is %s, %s',
    (hostCount, watcherCount, seen, isSpared) => {
      const many = { hostCount, watcherCount };
      const at = (graces: Graces) =>
        verdictAt(suspect(4, 8850), { watched: true, graces }, many, LAN);
      const plain = at(new Map());
      expect(at(seenBy(seen, spared)) > plain).toBe(isSpared);
      expect(at(seenBy(seen, open(10_400))) > plain).toBe(isSpared);
    },
  );

  it('comes for a host never heard as well', () => {
    const member = { ...suspect(2, 0), lastHeardAt: NEVER };
    expect(verdictAt(member, { watched: true, graces: new Map() }, circle, LAN)).toBe(10_500);
  });
});

describe('the grace of an agent crash', () => {
  type Happening = readonly [number, 'refused' | 'silent' | 'connected' | 'heard'];
  const story = (events: readonly Happening[]): Grace =>
    events.reduce<Grace>(
      (grace, [at, event]) =>
        event === 'heard' ? afterHeard(grace) : afterConnect(grace, event, instant(at), LAN),
      NO_GRACE,
    );
  const graceMs = millis(LAN.agentGraceMs);

  it.each<readonly [readonly Happening[], boolean, string]>([
    [[[0, 'refused']], true, 'one refusal begins it'],
    [[[0, 'silent']], false, 'silence does not'],
    [[[0, 'connected']], false, 'an open port does not'],
    [
      [
        [0, 'refused'],
        [500, 'silent'],
      ],
      true,
      'one miss may be chance',
    ],
    [
      [
        [0, 'refused'],
        [500, 'silent'],
        [1000, 'silent'],
      ],
      false,
      'two in a row end it',
    ],
    [
      [
        [0, 'refused'],
        [500, 'connected'],
        [1000, 'connected'],
      ],
      true,
      'an agent that has returned is given time to speak',
    ],
    [
      [
        [0, 'refused'],
        [500, 'connected'],
        [1000, 'silent'],
        [1500, 'silent'],
      ],
      false,
      'a host lost while its agent returned is lost',
    ],
    [
      [
        [0, 'refused'],
        [500, 'silent'],
        [1000, 'connected'],
        [1500, 'silent'],
      ],
      true,
      'an answer of either kind begins the row anew',
    ],
    [
      [
        [0, 'refused'],
        [500, 'silent'],
        [1000, 'refused'],
        [1500, 'silent'],
      ],
      true,
      'only in a row',
    ],
    [
      [
        [0, 'refused'],
        [500, 'heard'],
      ],
      false,
      'who speaks needs none',
    ],
    [
      [
        [0, 'refused'],
        [5, 'heard'],
        [500, 'refused'],
      ],
      true,
      'late mail does not use it up',
    ],
    [
      [
        [0, 'refused'],
        [5, 'heard'],
        [graceMs, 'refused'],
      ],
      false,
      'once a minute',
    ],
    [
      [
        [0, 'refused'],
        [5, 'heard'],
        [59_999, 'refused'],
      ],
      false,
      'once a minute',
    ],
    [
      [
        [0, 'refused'],
        [5, 'heard'],
        [60_000, 'refused'],
      ],
      true,
      'a minute later again',
    ],
  ])('after %j is %s: %s', (events, spared) => {
    expect(story(events).spared).toBe(spared);
  });
});
