import { beforeEach, describe, expect, it } from 'vitest';
import { boot, type HostId, hostId } from '../../../protocol/base/ids.ts';
import { createPrng } from '../../../protocol/base/prng.ts';
import { instant } from '../../../protocol/base/time.ts';
import { LAN } from '../../../protocol/config.ts';
import type { Effect } from '../../../protocol/effect.ts';
import { type Health, type Member, newMember } from '../../../protocol/membership/member.ts';
import {
  type Brake,
  brakeText,
  createBrake,
  movesLeft,
  noteMoves,
  tendBrake,
} from '../../../protocol/placement/brake.ts';

let brake: Brake;
let members: Map<HostId, Member>;
let version: number;
let lines: string[];

const PEERS = ['b', 'c', 'd', 'e', 'f'].map(hostId);

beforeEach(() => {
  brake = createBrake();
  version = 1;
  lines = [];
  members = new Map(
    PEERS.map((id) => [id, { ...newMember(instant(0)), lastHeardAt: instant(0) }] as const),
  );
  look(0);
});

function look(atMs: number, hasQuorum = true): void {
  const out: Effect[] = [];
  const turn = { now: instant(atMs), config: LAN, self: hostId('a'), boot: boot(1), out };
  tendBrake(brake, { ...turn, prng: createPrng(1) }, { version, members }, hasQuorum);
  for (const effect of out)
    if (effect.kind === 'journal') lines.push(`${effect.topic} ${effect.text}`);
}

/** These are believed so from now on, all at the same moment. */
function believe(ids: string, health: Health, atMs: number, hasQuorum = true): void {
  for (const id of ids) {
    const member = members.get(hostId(id));
    if (member !== undefined) members.set(hostId(id), { ...member, health });
  }
  version += 1;
  look(atMs, hasQuorum);
}

describe('the brake', () => {
  it.each<readonly [string, Health, Brake['phase'], string]>([
    ['bc', 'dead', 'free', 'two of five are no more than half'],
    ['bcd', 'dead', 'held', 'three of five are'],
    ['bcd', 'suspect', 'held', 'suspects count'],
    ['bcd', 'left', 'free', 'who says good-bye does not vanish'],
  ])('when %s are %s is %s: %s', (ids, health, phase) => {
    believe(ids, health, 1000);
    expect(brake.phase).toBe(phase);
  });

  it.each([
    [29_999, 'held'],
    [30_000, 'free'],
  ])('holds if the last of them vanishes %i ms after the first: %s', (laterMs, phase) => {
    believe('b', 'dead', 1000);
    believe('c', 'dead', 1000 + laterMs);
    believe('d', 'dead', 1000 + laterMs);
    expect(brake.phase).toBe(phase);
  });

  it('counts nobody that was never heard', () => {
    members.set(hostId('g'), newMember(instant(0)));
    members.set(hostId('h'), newMember(instant(0)));
    believe('gh', 'alive', 500);
    believe('bcd', 'dead', 1000);
    expect(brakeText(brake)).toMatch(/^3 of 5 peers vanished at once: this host may be/);
  });

  it('is released, and then slow, when a quorum has answered for ten seconds without a break', () => {
    believe('bcd', 'dead', 1000);
    expect(movesLeft(brake, instant(1000))).toBe(0);
    look(5000, false);
    look(5500);
    look(15_499);
    expect(movesLeft(brake, instant(15_499))).toBe(0);
    look(15_500);
    expect(movesLeft(brake, instant(15_500))).toBe(1);
    expect(lines).toEqual([
      'brake 3 of 5 peers vanished at once: this host may be the one that is cut off, so it moves nothing before a quorum of voters has answered for 10 s',
      'brake a quorum of voters has answered for 10 s: slots of dead hosts move, at most two a second',
    ]);
  });

  it('does not count the time before they vanished', () => {
    believe('bcd', 'dead', 60_000);
    look(69_999);
    expect(brake.phase).toBe('held');
    look(70_000);
    expect(brake.phase).toBe('slow');
  });

  it('holds for as long as no quorum answers', () => {
    believe('bcd', 'dead', 1000, false);
    look(300_000, false);
    expect(brake.phase).toBe('held');
  });

  it('lets one slot move each half second', () => {
    believe('bcd', 'dead', 1000);
    look(11_000);
    noteMoves(brake, instant(11_000), 1, 4);
    expect(movesLeft(brake, instant(11_499))).toBe(0);
    expect(movesLeft(brake, instant(11_500))).toBe(1);
  });

  it('is off when most of them are back', () => {
    believe('bcd', 'dead', 1000);
    believe('b', 'alive', 3000);
    expect(brake.phase).toBe('free');
    expect(lines.at(-1)).toBe('brake most peers are back: slots move as ever');
  });

  it('is off when nothing was withheld for half a minute', () => {
    believe('bcd', 'dead', 1000);
    look(11_000);
    noteMoves(brake, instant(20_000), 1, 1);
    look(49_999);
    expect(brake.phase).toBe('slow');
    look(50_000);
    expect(brake.phase).toBe('free');
    expect(brakeText(brake)).toBeUndefined();
  });

  it('holds again when most of the rest vanish', () => {
    believe('bcd', 'dead', 1000);
    look(11_000);
    look(31_500);
    believe('ef', 'dead', 32_000);
    expect(brake.phase).toBe('held');
    look(41_999);
    expect(brake.phase).toBe('held');
    look(42_000);
    expect(brake.phase).toBe('slow');
  });
});
