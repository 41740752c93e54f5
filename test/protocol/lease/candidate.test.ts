import { expect, it } from 'vitest';
import { hostId, type HostId, key, type Key } from '../../../protocol/base/ids.ts';
import { rendezvous } from '../../../protocol/base/order.ts';
import {
  type Candidacies,
  candidaciesDeadline,
  type Field,
  noteFailed,
  noteOpen,
  standBack,
  survey,
  takeDue,
} from '../../../protocol/lease/candidate.ts';
import { turnOf } from '../turns.ts';

const WEB = key('component/shop.web');
const HOSTS = ['a', 'b', 'c'].map(hostId);
const RANKED = rendezvous(WEB, HOSTS);
const [FIRST, , LAST] = RANKED as [HostId, HostId, HostId];

type Known = { readonly leader?: HostId; readonly held?: boolean; readonly urgent?: boolean };
const field = (
  { leader, held = false, urgent = false }: Known,
  wanted: readonly Key[] = [WEB],
): Field => ({
  wanted: new Set(wanted),
  urgent: new Set(urgent ? [WEB] : []),
  isHeld: () => held,
  leaderOf: () => leader,
  alive: HOSTS,
  mayLeadStrict: true,
});

/** When `host` would try, having looked at `ms`. */
function look(
  candidacies: Candidacies,
  host: HostId,
  ms: number,
  known: Known = {},
): number | undefined {
  survey(candidacies, turnOf(host, ms), field(known));
  return candidaciesDeadline(candidacies);
}

it('tries in the order of its rank: the first within 100 ms, the last 300 ms later', () => {
  expect(look(new Map(), FIRST, 1000)).toBeLessThanOrEqual(1100);
  const last = look(new Map(), LAST, 1000) ?? 0;
  expect(last).toBeGreaterThanOrEqual(1300);
  expect(last).toBeLessThanOrEqual(1400);
});

it('tries at once where a user waits', () => {
  expect(look(new Map(), LAST, 1000, { urgent: true })).toBe(1000);
});

it.each([
  [{ leader: FIRST }, 'an alive host says it leads'],
  [{ held: true }, 'we lead'],
])('does not try while %j: %s', (known: Known, _why) => {
  const candidacies: Candidacies = new Map();
  look(candidacies, LAST, 0);
  expect(look(candidacies, LAST, 10, known)).toBeUndefined();
});

it('tries again as soon as the leader is no longer alive', () => {
  const candidacies: Candidacies = new Map();
  look(candidacies, FIRST, 0, { leader: LAST });
  expect(look(candidacies, FIRST, 5000)).toBeLessThanOrEqual(5100);
});

it('a failure behind it does not make it try against a leader', () => {
  const candidacies: Candidacies = new Map();
  look(candidacies, FIRST, 0);
  takeDue(candidacies, turnOf(FIRST, 100));
  noteFailed(candidacies, turnOf(FIRST, 110), [WEB]);
  expect(look(candidacies, FIRST, 120, { leader: LAST })).toBeUndefined();
});

it('a voter that says open outweighs one who claims to lead, for one try', () => {
  const candidacies: Candidacies = new Map();
  look(candidacies, FIRST, 0, { leader: LAST });
  noteOpen(candidacies, turnOf(FIRST, 50), field({ leader: LAST }), { keys: [WEB] });
  expect(look(candidacies, FIRST, 60, { leader: LAST })).toBeLessThanOrEqual(150);
  expect(takeDue(candidacies, turnOf(FIRST, 200))).toEqual([WEB]);
  noteFailed(candidacies, turnOf(FIRST, 210), [WEB]);
  expect(look(candidacies, FIRST, 220, { leader: LAST })).toBeUndefined();
});

it.each([
  [FIRST, 50, 50, 'the one who is to lead it tries at once'],
  [LAST, 1050, 1150, 'the others leave it to that one for a second'],
  [undefined, 50, 150, 'without such a one everybody tries in its rank'],
])('told that the key is free for %s: tries from %i to %i ms, %s', (prefer, low, high, _why) => {
  const candidacies: Candidacies = new Map();
  look(candidacies, FIRST, 0, { leader: LAST });
  const open = { keys: [WEB], ...(prefer === undefined ? {} : { prefer }) };
  noteOpen(candidacies, turnOf(FIRST, 50), field({ leader: LAST }), open);
  const tryAt = look(candidacies, FIRST, 50, { leader: LAST });
  expect(tryAt).toBeGreaterThanOrEqual(low);
  expect(tryAt).toBeLessThanOrEqual(high);
});

it('who has given a key away tries for it again only if nobody else leads it', () => {
  const candidacies: Candidacies = new Map();
  standBack(candidacies, turnOf(FIRST, 0), [WEB]);
  noteOpen(candidacies, turnOf(FIRST, 5), field({}), { keys: [WEB], prefer: LAST });
  expect(look(candidacies, FIRST, 10)).toBe(1000);
  expect(look(candidacies, FIRST, 20, { leader: LAST })).toBeUndefined();
});

it('tries once, then waits for the outcome', () => {
  const candidacies: Candidacies = new Map();
  look(candidacies, FIRST, 0);
  expect(takeDue(candidacies, turnOf(FIRST, 200))).toEqual([WEB]);
  expect(takeDue(candidacies, turnOf(FIRST, 201))).toEqual([]);
  expect(look(candidacies, FIRST, 300)).toBeUndefined();
});

it('waits longer after each failure, up to four seconds', () => {
  const candidacies: Candidacies = new Map();
  look(candidacies, FIRST, 0);
  const waits = Array.from({ length: 8 }, (_, i) => {
    const ms = 10_000 * (i + 1);
    takeDue(candidacies, turnOf(FIRST, ms));
    noteFailed(candidacies, turnOf(FIRST, ms), [WEB]);
    survey(candidacies, turnOf(FIRST, ms), field({}));
    return (candidaciesDeadline(candidacies) ?? 0) - ms;
  });
  const bounds = [20, 200, 400, 800, 1600, 2000, 2000, 2000];
  bounds.forEach((low, i) => {
    expect(waits[i]).toBeGreaterThanOrEqual(low);
    expect(waits[i]).toBeLessThanOrEqual(2 * low);
  });
});

it('open heard while a ballot is under way makes the wait after its failure short', () => {
  const candidacies: Candidacies = new Map();
  look(candidacies, FIRST, 0);
  for (const ms of [10_000, 20_000, 30_000]) {
    takeDue(candidacies, turnOf(FIRST, ms));
    noteFailed(candidacies, turnOf(FIRST, ms), [WEB]);
  }
  takeDue(candidacies, turnOf(FIRST, 40_000));
  noteOpen(candidacies, turnOf(FIRST, 40_010), field({}), { keys: [WEB] });
  noteFailed(candidacies, turnOf(FIRST, 40_020), [WEB]);
  expect(candidaciesDeadline(candidacies)).toBeLessThanOrEqual(40_060);
});

it.each([
  [700, 'which comes sooner for that'],
  [1, 'which was due before'],
])('open heard %i ms before a try makes the wait after its failure short: %s', (ms, _what) => {
  const candidacies: Candidacies = new Map();
  look(candidacies, FIRST, 0);
  for (const at of [10_000, 20_000, 30_000, 40_000]) {
    takeDue(candidacies, turnOf(FIRST, at));
    noteFailed(candidacies, turnOf(FIRST, at), [WEB]);
  }
  const openAt = (candidaciesDeadline(candidacies) ?? 0) - ms;
  noteOpen(candidacies, turnOf(FIRST, openAt), field({}), { keys: [WEB] });
  expect(takeDue(candidacies, turnOf(FIRST, 45_000))).toEqual([WEB]);
  noteFailed(candidacies, turnOf(FIRST, 45_010), [WEB]);
  expect(candidaciesDeadline(candidacies)).toBeLessThanOrEqual(45_050);
});

it('forgets what nobody wants led', () => {
  const candidacies: Candidacies = new Map();
  look(candidacies, FIRST, 0);
  survey(candidacies, turnOf(FIRST, 10), field({}, []));
  expect(candidacies.size).toBe(0);
});
