/** Two classes of leases side by side: one host that leads, three voters, every message delivered at once. */
import { expect, it } from 'vitest';
import {
  ballot,
  boot,
  type ComponentId,
  componentKey,
  epoch,
  hostId,
  type Key,
  key,
  slotKey,
} from '../../../protocol/base/ids.ts';
import { instant, millis } from '../../../protocol/base/time.ts';
import { firstTerms, holderTermMs, LAN } from '../../../protocol/config.ts';
import type { Effect } from '../../../protocol/effect.ts';
import type { Field } from '../../../protocol/lease/candidate.ts';
import { classOf } from '../../../protocol/lease/class.ts';
import { heldUntil } from '../../../protocol/lease/hold.ts';
import {
  createLeases,
  type Leases,
  leasesDeadline,
  onLeaseMessage,
  releaseUnwanted,
  tendLeases,
} from '../../../protocol/lease/leases.ts';
import { linksDeadline, sendKeepalives } from '../../../protocol/lease/links.ts';
import type { Roster } from '../../../protocol/roster/roster.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import { order, sent, turnOf } from '../turns.ts';

const DB = 'shop.db' as ComponentId;
const LEADS = componentKey(DB);
const SLOT = slotKey(DB, 1);
const NAMES = ['a', 'b', 'c', 'p'];
const ROSTER: Roster = {
  epoch: epoch(1),
  voters: ['a', 'b', 'c'].map(hostId),
  termMs: firstTerms(LAN),
};
const NORMAL_TH = holderTermMs(LAN.termMs, LAN);
const STRICT_TH = holderTermMs(LAN.strictTermMs, LAN);

type Stage = { readonly hosts: Map<string, Leases>; field: Field; readonly said: Message[] };

function newStage(wanted: readonly Key[], mayLeadStrict = true): Stage {
  const durable = () => ({ boot: boot(1), ceiling: ballot(0), maxTermMs: millis(0), synced: true });
  const hosts = new Map(
    NAMES.map((name) => [name, createLeases(durable(), turnOf(name, 0), ROSTER)]),
  );
  const field = {
    wanted: new Set(wanted),
    urgent: new Set(wanted),
    isHeld: () => false,
    leaderOf: () => undefined,
    alive: [hostId('p')],
    mayLeadStrict,
  };
  return { hosts, field, said: [] };
}

const IDLE: Field = {
  wanted: new Set(),
  urgent: new Set(),
  isHeld: () => false,
  leaderOf: () => undefined,
  alive: [],
  mayLeadStrict: true,
};

const fieldOf = (stage: Stage, name: string): Field =>
  name !== 'p'
    ? IDLE
    : { ...stage.field, isHeld: (wanted) => untilOf(stage, wanted, 0) > -Infinity };

function leasesOf(stage: Stage, name: string): Leases {
  const leases = stage.hosts.get(name);
  if (leases === undefined) throw new Error(`no host ${name}`);
  return leases;
}

/** Everything that follows from these effects of `name`, within the same millisecond. */
function deliver(stage: Stage, name: string, ms: number, effects: readonly Effect[]): void {
  for (const effect of effects) {
    if (effect.kind !== 'send') continue;
    stage.said.push(effect.message);
    const { to, message } = effect;
    const turn = turnOf(to, ms);
    const leases = stage.hosts.get(to);
    if (leases === undefined) continue;
    onLeaseMessage(leases, turn, ROSTER, fieldOf(stage, to), hostId(name), message as never);
    deliver(stage, to, ms, turn.out);
  }
}

function tend(stage: Stage, name: string, ms: number): void {
  const turn = turnOf(name, ms);
  tendLeases(leasesOf(stage, name), turn, ROSTER, fieldOf(stage, name));
  deliver(stage, name, ms, turn.out);
}

/** Tends `p` often, and the voters, who want nothing, once. */
function run(stage: Stage, fromMs: number, toMs: number): void {
  if (fromMs === 0) for (const name of NAMES) tend(stage, name, fromMs);
  for (let ms = fromMs; ms <= toMs; ms += 50) {
    tend(stage, 'p', ms);
    tend(stage, 'p', ms);
  }
}

const untilOf = (stage: Stage, name: Key, ms: number): number => {
  const { holder, links } = leasesOf(stage, 'p');
  return heldUntil(holder, links, turnOf('p', ms), ROSTER, name);
};

const keepalivesOf = ({ said }: Stage): Readonly<Record<string, number>> => {
  const counts = { normal: 0, strict: 0 };
  for (const message of said) if (message.kind === 'keepalive') counts[message.class] += 1;
  return counts;
};

it.each([
  [key('sys/roster'), 'normal'],
  [key('stack/slot'), 'normal'],
  [componentKey('slot.slot' as ComponentId), 'normal'],
  [SLOT, 'strict'],
])('%s is of class %s', (name, expected) => {
  expect(classOf(name)).toBe(expected);
});

it('each key is held for Th of its own class, from the last keepalive of that class', () => {
  const stage = newStage([LEADS, SLOT]);
  // Keepalives leave at 0, when the links are new, and again at the retry, which names the grant.
  run(stage, 0, 1000);
  const { byVoter } = leasesOf(stage, 'p').links;
  const [link] = byVoter.values();
  expect(untilOf(stage, LEADS, 1000)).toBe((link?.sessions.normal.last ?? 0) + NORMAL_TH);
  expect(untilOf(stage, SLOT, 1000)).toBe((link?.sessions.strict.last ?? 0) + STRICT_TH);
  expect(STRICT_TH).toBeGreaterThan(3 * NORMAL_TH);
});

it('renews each class every quarter of its own T', () => {
  const stage = newStage([LEADS, SLOT]);
  run(stage, 0, 1000);
  stage.said.length = 0;
  run(stage, 1050, 31_000);
  // 30 s: 40 renewals at 750 ms and 12 at 2.5 s, with each of three voters.
  expect(keepalivesOf(stage)).toEqual({ normal: 120, strict: 36 });
});

it.each([
  [[LEADS], true, 0, 'who wants no strict key pays for none (M3)'],
  [[LEADS, SLOT], false, 0, 'who has not listed its instances leads none'],
  [[LEADS, SLOT, slotKey(DB, 2), slotKey(DB, 3)], true, 5, 'four cost what one does (M3)'],
])('wanting %j, listed %s: %i strict keepalives in 10 s, %s', (wanted, listed, count, _why) => {
  const stage = newStage(wanted, listed);
  run(stage, 0, 10_000);
  expect(keepalivesOf(stage)['strict']).toBe(3 * count);
  const { holder } = leasesOf(stage, 'p');
  expect([...holder.holds.keys()].sort()).toEqual(count === 0 ? [LEADS] : [...wanted].sort());
});

it('stops its strict keepalives with its last strict key', () => {
  const stage = newStage([LEADS, SLOT]);
  run(stage, 0, 1000);
  stage.field = { ...stage.field, wanted: new Set([LEADS]) };
  const turn = turnOf('p', 1050);
  releaseUnwanted(leasesOf(stage, 'p'), turn, ROSTER, stage.field.wanted);
  deliver(stage, 'p', 1050, turn.out);
  stage.said.length = 0;
  run(stage, 1050, 20_000);
  expect(keepalivesOf(stage)['strict']).toBe(0);
  const leases = leasesOf(stage, 'p');
  expect(linksDeadline(leases.links, ROSTER, LAN)).toBeGreaterThan(20_000);
  expect(leasesDeadline(leases, turnOf('p', 20_000), ROSTER)).toBeGreaterThan(20_000);
});

it('a strict key is not bound to a normal session, nor a normal key to a strict one', () => {
  const stage = newStage([LEADS, SLOT]);
  run(stage, 0, 1000);
  const { sessions } = leasesOf(stage, 'a').voter;
  const grants = {
    normal: sessions.normal.get(hostId('p'))?.grant,
    strict: sessions.strict.get(hostId('p'))?.grant,
  };
  for (const [name, other] of [
    [LEADS, 'strict'],
    [SLOT, 'normal'],
  ] as const) {
    const grant = grants[other];
    if (grant === undefined) throw new Error(`no session of class ${other}`);
    const turn = turnOf('a', 1000);
    const items = [{ key: name, ballot: ballot(5000) }];
    const message = { kind: 'accept', epoch: ROSTER.epoch, sid: boot(1), grant, items } as const;
    onLeaseMessage(leasesOf(stage, 'a'), turn, ROSTER, IDLE, hostId('p'), message);
    expect(sent(turn, 'acceptAck')[0]?.message.items[0]?.ok).toBe(false);
  }
});

it.each([
  ['strict', LAN.strictTermMs, 'the T of its class'],
  ['strict', LAN.termMs, undefined],
  ['normal', LAN.strictTermMs, undefined],
] as const)(
  'a keepalive of class %s for %i ms: granted %s (L-c)',
  (leaseClass, termMs, granted) => {
    const turn = turnOf('a', 0);
    const leases = leasesOf(newStage([]), 'a');
    onLeaseMessage(leases, turn, ROSTER, IDLE, hostId('p'), {
      kind: 'keepalive',
      epoch: ROSTER.epoch,
      class: leaseClass,
      termMs,
      seq: 1,
      sid: boot(1),
    });
    expect(order(turn.out)).toEqual(
      granted === undefined ? [] : ['persist host', 'send p keepaliveAck'],
    );
    expect(leases.durable.maxTermMs).toBe(granted === undefined ? 0 : termMs);
  },
);

it('a voter that has granted a strict lease is silent for its T after a restart (V3)', () => {
  const stage = newStage([LEADS, SLOT]);
  run(stage, 0, 1000);
  const { maxTermMs } = leasesOf(stage, 'a').durable;
  const durable = { boot: boot(2), ceiling: ballot(9000), maxTermMs, synced: true };
  expect(createLeases(durable, turnOf('a', 2000), ROSTER).voter.readyAt).toBe(
    2000 + LAN.strictTermMs,
  );
});

it('a voter that was heard last before anything strict was granted says so with its next answer', () => {
  const stage = newStage([LEADS]);
  run(stage, 0, 1000);
  const longest = () => leasesOf(stage, 'p').links.byVoter.get(hostId('a'))?.maxTermMs;
  expect(longest()).toBe(LAN.termMs);
  leasesOf(stage, 'a').durable.maxTermMs = LAN.strictTermMs;
  const turn = turnOf('p', 2000);
  for (const { sessions } of leasesOf(stage, 'p').links.byVoter.values())
    sessions.normal.sentAt = instant(0);
  sendKeepalives(leasesOf(stage, 'p').links, turn, ROSTER);
  deliver(stage, 'p', 2000, turn.out);
  expect(longest()).toBe(LAN.strictTermMs);
});
