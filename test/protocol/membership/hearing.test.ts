/** One membership, its messages and its clock fed by hand: what it sends, line by line. */
import { beforeEach, describe, expect, it } from 'vitest';
import { boot, epoch, type HostId, hostId, incarnation } from '../../../protocol/base/ids.ts';
import { createPrng } from '../../../protocol/base/prng.ts';
import { instant } from '../../../protocol/base/time.ts';
import { LAN } from '../../../protocol/config.ts';
import type { Effect } from '../../../protocol/effect.ts';
import {
  aliveHosts,
  createMembership,
  healthOf,
  type Membership,
  membershipDeadline,
  membersOf,
  noteHeard,
  onBeat,
  onConnectProbed,
  onHeartbeat,
  onPeerDisconnected,
  onProbe,
  onRumor,
  setMembers,
  wakeMembership,
} from '../../../protocol/membership/membership.ts';
import { watchersOf } from '../../../protocol/membership/watchers.ts';
import type { Turn } from '../../../protocol/turn.ts';
import type { Beat, Heartbeat, Rumor } from '../../../protocol/wire/message.ts';

const [me, x, y, z] = ['me', 'x', 'y', 'z'].map(hostId) as [HostId, HostId, HostId, HostId];
let now = 0;
let m: Membership;
let prng = createPrng(1);

beforeEach(() => {
  now = 0;
  m = createMembership();
  prng = createPrng(1);
});

/** One step: the input, what is due, and the lines of what that sent, beats and heartbeats aside. */
function step(run: (turn: Turn) => void = () => undefined): readonly string[] {
  const out: Effect[] = [];
  const turn: Turn = { now: instant(now), config: LAN, self: me, boot: boot(3), prng, out };
  run(turn);
  wakeMembership(m, turn, { inventoryVersion: 0, epoch: epoch(1), recordsHash: 0 });
  return out.map(showEffect).filter((line) => !/beat/.test(line));
}

function showEffect(effect: Effect): string {
  if (effect.kind === 'journal') return `"${effect.about.join(' ')} ${effect.text}"`;
  if (effect.kind === 'connectProbe') return `connect ${effect.host}`;
  if (effect.kind !== 'send' && effect.kind !== 'publish') return effect.kind;
  const { message } = effect;
  const text =
    message.kind === 'rumor'
      ? `${message.about} ${message.health}@${message.boot}.${message.incarnation}`
      : message.kind;
  return effect.kind === 'send' ? `${text} to ${effect.to}` : `${text} to all`;
}

/** Lets time pass, waking at every deadline as a driver does. */
function pass(ms: number): readonly string[] {
  const lines: string[] = [];
  const end = now + ms;
  for (;;) {
    const at = Math.max(now + 1, membershipDeadline(m, LAN) ?? end + 1);
    if (at > end) break;
    now = at;
    lines.push(...step().map((line) => `${now} ${line}`));
  }
  now = end;
  return lines;
}

const beat = (b = 1, i = 0): Beat => ({
  kind: 'beat',
  boot: boot(b),
  seq: now,
  incarnation: incarnation(i),
  inventoryVersion: 0,
});
const heartbeat = (host: HostId, seq: number): Heartbeat => ({
  ...beat(),
  kind: 'heartbeat',
  host,
  seq,
  epoch: epoch(1),
  recordsHash: 0,
});
const rumor = (about: HostId, health: Rumor['health'], b = 1, i = 0): Rumor => ({
  kind: 'rumor',
  by: about,
  about,
  health,
  boot: boot(b),
  incarnation: incarnation(i),
});
const hears = (...hosts: readonly HostId[]): readonly string[] =>
  hosts.flatMap((host) => step((turn) => onBeat(m, turn, host, beat())));
const isTold = (by: HostId, told: Rumor): readonly string[] =>
  step((turn) => onRumor(m, turn, by, told));
/** All of them members, heard just now. */
function know(...hosts: readonly HostId[]): void {
  step((turn) => setMembers(m, turn, [me, ...hosts]));
  hears(...hosts);
}

describe('a silent subject', () => {
  it('is probed twice, accused, and then insisted on until the verdict', () => {
    know(x, y);
    for (; now < 700; now += 100) hears(y);
    const lines = [...pass(51), ...hears(y)];
    for (let i = 0; i < 12; i++) lines.push(...pass(200), ...hears(y));
    expect(lines.filter((line) => !/^\d+ .* to y$/.test(line))).toEqual([
      '750 probe to x',
      '750 connect x',
      '950 probe to x',
      '1150 "x suspect: silent for 1.1 s"',
      '1150 x suspect@1.0 to all',
      '1150 x suspect@1.0 to x',
      '1650 connect x',
      '1650 x suspect@1.0 to x',
      '2150 connect x',
      '2150 x suspect@1.0 to x',
      '2650 connect x',
      '2650 x suspect@1.0 to x',
      '3150 connect x',
      '3150 x suspect@1.0 to x',
      '3150 x dead@1.0 to all',
      '3150 x dead@1.0 to x',
      '3150 "x dead: silent for 3.1 s"',
    ]);
  });

  it('is no longer probed once it is heard', () => {
    know(x);
    expect(pass(800)).toEqual(['750 probe to x', '750 connect x']);
    expect(hears(x)).toEqual([]);
    expect(pass(740)).toEqual([]);
  });

  it('wakes us exactly when the verdict is due, though nothing else is', () => {
    know(x, y);
    for (; now < 1100; now += 50) hears(y);
    isTold(y, rumor(x, 'suspect'));
    const lines: string[] = [];
    while (healthOf(m, x) !== 'dead') lines.push(...pass(70), ...hears(y));
    expect(lines).toContain('1600 x dead@1.0 to all');
  });

  it('tells the other watchers directly: gossip may be slow', () => {
    know(x, y);
    for (; now < 1100; now += 50) hears(y);
    expect(pass(60)).toContain('1150 x suspect@1.0 to y');
  });
});

describe('the end of a connection', () => {
  it('is reason enough to probe at once, and once', () => {
    know(x);
    now = 100;
    expect(step((turn) => onPeerDisconnected(m, turn, x))).toEqual(['probe to x', 'connect x']);
    now = 110;
    expect(step((turn) => onPeerDisconnected(m, turn, x))).toEqual([]);
    expect(pass(500)).toContain('500 x suspect@1.0 to all');
  });

  it('says nothing of a host never heard', () => {
    step((turn) => setMembers(m, turn, [x]));
    expect(step((turn) => onPeerDisconnected(m, turn, x))).toEqual([]);
  });
});

describe('a connect', () => {
  it('that nobody asked for counts for nothing', () => {
    know(x);
    now = 100;
    expect(step((turn) => onConnectProbed(m, turn, x, 'refused'))).toEqual([]);
  });

  it('refused spares the host, until it speaks and is silent again', () => {
    know(x);
    pass(760);
    expect(step((turn) => onConnectProbed(m, turn, x, 'refused'))).toEqual([
      '"x its agent is gone but its host answers: spared for 10 s"',
    ]);
    hears(x);
    pass(2000);
    expect(healthOf(m, x)).toBe('dead');
  });
});

describe('a heartbeat', () => {
  it('is proof of life once: gossip repeats it', () => {
    know(x);
    now = 400;
    step((turn) => onHeartbeat(m, turn, heartbeat(x, 5)));
    expect(membersOf(m).get(x)?.lastHeardAt).toBe(400);
    expect(membersOf(m).get(x)?.heartbeat?.seq).toBe(5);
    now = 500;
    for (const seq of [5, 4]) step((turn) => onHeartbeat(m, turn, heartbeat(x, seq)));
    expect(membersOf(m).get(x)?.lastHeardAt).toBe(400);
  });
});

describe('a rumor', () => {
  it('of a subject we watch makes us look at once', () => {
    know(x, y);
    now = 100;
    expect(isTold(y, rumor(x, 'suspect'))).toEqual([
      '"x suspect: says y"',
      'probe to x',
      'probeFor to y',
      'connect x',
    ]);
  });

  it('of life is believed from the host itself alone (S12)', () => {
    know(x, y);
    isTold(y, rumor(x, 'dead'));
    isTold(y, rumor(x, 'alive', 1, 1));
    expect(healthOf(m, x)).toBe('dead');
    isTold(x, rumor(x, 'alive', 1, 1));
    expect(healthOf(m, x)).toBe('alive');
  });

  it('of death is told to the one it is about when that is heard, once per beat', () => {
    know(x, y);
    isTold(y, rumor(x, 'dead'));
    const lines: string[] = [];
    for (now = 100; now < 650; now += 50) {
      lines.push(...hears(x).map((line) => `${now} ${line}`));
      hears(y);
    }
    expect(lines).toEqual(['100 x dead@1.0 to x', '350 x dead@1.0 to x', '600 x dead@1.0 to x']);
  });

  it('of nobody we know is ignored', () => {
    know(x);
    expect(isTold(x, rumor(z, 'dead'))).toEqual([]);
    expect(healthOf(m, z)).toBeUndefined();
  });

  it.each<readonly [Rumor['health'], number, number, readonly string[], string]>([
    [
      'suspect',
      3,
      0,
      ['me alive@3.1 to all', '"me x refuted: x said suspect"', 'me alive@3.1 to x'],
      'refuted before all',
    ],
    [
      'dead',
      3,
      7,
      ['me alive@3.8 to all', '"me x refuted: x said dead"', 'me alive@3.8 to x'],
      'and above what was said',
    ],
    ['dead', 2, 9, ['me alive@3.0 to x'], 'a former boot is answered, not refuted'],
    ['dead', 4, 0, [], 'a newer boot under our name is not ours to refute'],
    ['alive', 3, 0, [], 'that is so'],
  ])('of ourselves, %s in boot %i.%i, sends %j: %s', (health, b, i, sent) => {
    know(x);
    expect(isTold(x, rumor(me, health, b, i))).toEqual(sent);
  });

  it('of ourselves again is answered again, without another incarnation', () => {
    know(x);
    isTold(x, rumor(me, 'suspect', 3, 0));
    expect(isTold(x, rumor(me, 'suspect', 3, 0))).toEqual(['me alive@3.1 to x']);
  });
});

it('a probe is answered with our boot and incarnation', () => {
  know(x);
  isTold(x, rumor(me, 'suspect', 3, 0));
  const out: Effect[] = [];
  const turn: Turn = { now: instant(now), config: LAN, self: me, boot: boot(3), prng, out };
  onProbe(m, turn, x, { kind: 'probe', nonce: 77 });
  expect(out).toEqual([
    { kind: 'send', to: x, message: { kind: 'probeAck', nonce: 77, boot: 3, incarnation: 1 } },
  ]);
});

describe('after a stall of our own', () => {
  it('nobody is doubted for the silence we caused', () => {
    know(x, y);
    now = 5000;
    expect(hears(x)).toEqual([]);
    // It has lost much of its trust in its own ears, which comes back by one a second.
    expect(pass(3900)).toEqual([]);
    expect(pass(200)).toEqual([
      '9000 probe to x',
      '9000 probeFor to y',
      '9000 connect x',
      '9000 probe to y',
      '9000 connect y',
    ]);
  });

  it('nor when the timer is the first to notice', () => {
    know(x, y);
    now = 5000;
    expect(step()).toEqual([]);
  });

  it('a suspicion under way starts anew', () => {
    know(x, y);
    for (; now < 1200; now += 50) hears(y);
    expect(healthOf(m, x)).toBe('suspect');
    now = 9000;
    hears(y);
    expect(healthOf(m, x)).toBe('suspect');
  });
});

describe('the table', () => {
  it('counts changes of health and boot, who is heard first and who is a member, and nothing else', () => {
    know(x, y);
    let was = m.version;
    const rises = (run: () => unknown): boolean => {
      run();
      const rose = m.version > was;
      was = m.version;
      return rose;
    };
    expect(rises(() => hears(x))).toBe(false);
    expect(rises(() => step((turn) => noteHeard(m, turn, x)))).toBe(false);
    expect(rises(() => isTold(y, rumor(x, 'suspect')))).toBe(true);
    expect(aliveHosts(m)).toEqual([y]);
    expect(rises(() => isTold(x, rumor(x, 'alive', 1, 1)))).toBe(true);
    expect(aliveHosts(m)).toEqual([x, y]);
    expect(rises(() => step((turn) => onBeat(m, turn, x, beat(2))))).toBe(true);
    expect(rises(() => step((turn) => setMembers(m, turn, [me, x, y])))).toBe(false);
    expect(rises(() => step((turn) => setMembers(m, turn, [z, y])))).toBe(true);
    expect(aliveHosts(m)).toEqual([y, z]);
    expect(healthOf(m, x)).toBeUndefined();
    // Only now is it known to be one that can vanish: the brake counts those.
    expect(rises(() => step((turn) => noteHeard(m, turn, z)))).toBe(true);
    expect(rises(() => step((turn) => noteHeard(m, turn, z)))).toBe(false);
  });

  it('lets another host take the seat of a dead watcher', () => {
    const others = Array.from({ length: 9 }, (_, i) => hostId(`w${i}`));
    know(...others);
    const was = m.watchers;
    const [lost, reporter] = [was[0], others.find((id) => !was.includes(id))];
    if (lost === undefined || reporter === undefined) throw new Error('nine hosts');
    isTold(reporter, rumor(lost, 'suspect'));
    expect(m.watchers).toEqual(was);
    isTold(reporter, rumor(lost, 'dead'));
    expect(m.watchers).toHaveLength(4);
    expect(m.watchers).not.toContain(lost);
  });

  it('knows nothing of time when it is alone', () => {
    expect(membershipDeadline(m, LAN)).toBeUndefined();
    expect(step()).toEqual([]);
  });
});

it('a suspicion is confirmed by watchers of the suspect alone, whoever else repeats it', () => {
  const others = [x, ...Array.from('yzuvwst', hostId)];
  const watchers = watchersOf(x, [me, ...others], LAN.watcherCountMax);
  step((turn) => {
    setMembers(m, turn, others);
    for (const by of others) {
      if (by === x) continue;
      onRumor(m, turn, by, {
        kind: 'rumor',
        by,
        about: x,
        boot: boot(1),
        incarnation: incarnation(0),
        health: 'suspect',
      });
    }
  });
  const confirmed = watchers.filter((id) => id !== me);
  expect(confirmed.length).toBeLessThan(others.length - 1);
  expect(membersOf(m).get(x)?.suspectedBy.toSorted()).toEqual(confirmed.toSorted());
});
