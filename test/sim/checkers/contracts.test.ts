/** S15: an isolated host that does not keep a contract, and a leader that chooses otherwise than it says. */
import { expect, it } from 'vitest';
import {
  boot,
  componentKey,
  epoch,
  type HostId,
  hostId,
  term,
} from '../../../protocol/base/ids.ts';
import { instant, millis } from '../../../protocol/base/time.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import type { Effect } from '../../../protocol/effect.ts';
import { instanceEntry } from '../../../protocol/inventory/entry.ts';
import { type Inventory, newInventory, put } from '../../../protocol/inventory/inventory.ts';
import { onStarted } from '../../../protocol/reconcile/slots.ts';
import { seatOf } from '../../../protocol/reconcile/table.ts';
import type { Component, Slot } from '../../../protocol/record/record.ts';
import { observed, spec, WEB } from '../../protocol/reconcile/stage.ts';
import { agentOf, coreOf, newStage, type Stage, send, take } from './stage.ts';

const REVISION = { term: term(5), seq: 1 };
const valueOf = (contract: Partial<ComponentSpec>, ...slots: readonly Slot[]): Component => ({
  kind: 'component',
  component: WEB,
  life: 0,
  stackRevision: REVISION,
  spec: spec(contract),
  slots,
});
const at = (host: string, ...left: readonly string[]): Slot => ({
  slot: 1,
  host: hostId(host),
  ...(left.length === 0 ? {} : { left: left.map(hostId) }),
});
function know(stage: Stage, value: Component): void {
  const { committed } = coreOf(stage, 'h1');
  committed.byKey.set(componentKey(WEB), { key: componentKey(WEB), revision: REVISION, value });
  committed.version += 1;
}

const STOP = { onIsolation: { action: 'stop', afterMs: millis(3000) } } as const;
const FREEZE = { onIsolation: { action: 'freeze', afterMs: millis(3000) } } as const;

/** h1 runs the slot under this contract; no voter has ever answered it. */
function runningAt(contract: Partial<ComponentSpec>): Stage {
  const stage = newStage();
  know(stage, valueOf(contract, at('h1')));
  const { slots } = coreOf(stage, 'h1');
  const seat = seatOf(slots, WEB, 1);
  const turn = { now: instant(stage.nowMs), self: hostId('h1'), out: [] } as never;
  onStarted(slots, turn, observed());
  const wanted = { component: WEB, slot: 1, spec: spec(contract), revision: 'r1' };
  seat.desired = { ...wanted, term: term(5), mayStart: true };
  return stage;
}
/** A step every 500 ms, the last of them with these effects. */
function passes(stage: Stage, ms: number, ...effects: readonly Effect[]): void {
  for (let passed = 500; passed <= ms; passed += 500) {
    stage.nowMs += 500;
    take(stage, 'h1', undefined, ...(passed === ms ? effects : []));
  }
}
const start: Effect = {
  kind: 'startInstance',
  component: WEB,
  slot: 1,
  attempt: 2,
  revision: 'r1',
  term: term(5),
  spec: spec({}),
};
const stop: Effect = { kind: 'stopInstance', engineId: 'e1', graceMs: 1000 };
const freeze: Effect = { kind: 'freezeInstance', engineId: 'e1' };
const thaw: Effect = { kind: 'thawInstance', engineId: 'e1' };
const of15 = ({ seen }: Stage): readonly string[] => seen.filter((line) => line.startsWith('S15'));

it.each<[string, Partial<ComponentSpec>, number, readonly Effect[], number, readonly string[]]>([
  ['keeps what it may', {}, 20_000, [], 500, []],
  ['has a second to act', STOP, 3500, [], 0, []],
  ['stops in time', STOP, 3500, [stop], 5000, []],
  ['freezes in time', FREEZE, 3500, [freeze], 5000, []],
  [
    'does not stop',
    STOP,
    4000,
    [],
    0,
    ['S15 h1 hears no quorum and lets shop.web.1 run, whose contract is to stop'],
  ],
  [
    'freezes what it is to stop',
    FREEZE,
    3500,
    [],
    500,
    ['S15 h1 hears no quorum and lets shop.web.1 run, whose contract is to freeze'],
  ],
  ['starts one', STOP, 3500, [stop, start], 0, ['S15 h1 starts shop.web.1 and hears no quorum']],
  [
    'thaws it',
    FREEZE,
    3500,
    [freeze, thaw, freeze],
    0,
    ['S15 h1 thaws shop.web.1 and hears no quorum'],
  ],
])('a host that %s', (_, contract, ms, effects, then, wanted) => {
  const stage = runningAt(contract);
  passes(stage, ms, ...effects);
  passes(stage, then);
  expect(of15(stage)).toEqual(wanted);
});

it.each<[string, (stage: Stage) => void]>([
  ['stood still', (stage) => void (stage.nowMs += 60_000)],
  ['has heard a quorum', (stage) => hear(stage, 'h1', 'h2')],
])('counts from when a host %s', (_, happens) => {
  const stage = runningAt(STOP);
  passes(stage, 3500);
  happens(stage);
  passes(stage, 3500);
  expect(of15(stage)).toEqual([]);
});

it('one voter is no quorum', () => {
  const stage = runningAt(STOP);
  passes(stage, 3500);
  hear(stage, 'h1');
  passes(stage, 500);
  expect(of15(stage)).toHaveLength(1);
});

/** These voters have acknowledged what h1 sent just now. */
function hear(stage: Stage, ...voters: readonly string[]): void {
  const links = agentOf(stage, 'h1').core.leases?.links.byVoter;
  for (const voter of voters) {
    const session = links?.get(voter as HostId)?.sessions.normal;
    if (session !== undefined) session.ackedAt = instant(stage.nowMs);
  }
}

it.each<[string, Partial<ComponentSpec>, Slot, readonly string[]]>([
  ['that lost its slot for good', { onHeal: 'keepOldest' }, at('h2'), []],
  [
    'that is not decided on yet',
    { onHeal: 'keepOldest' },
    at('h2', 'h1'),
    ['S15 h1 stops shop.web.1 before its leader has chosen'],
  ],
])('a host stops what it runs of a slot %s', (_, contract, slot, wanted) => {
  const stage = runningAt(contract);
  know(stage, valueOf(contract, slot));
  const seat = seatOf(coreOf(stage, 'h1').slots, WEB, 1);
  seat.desired = undefined;
  seat.rival = { component: WEB, slot: 1, revision: 'r1' };
  take(stage, 'h1', undefined, stop);
  expect(of15(stage)).toEqual(wanted);
});

const OLDEST = { onHeal: 'keepOldest' } as const;
const LEADER = { onHeal: 'keepLeader' } as const;
const WAITS = 'S15 h1 gives shop.web.1 to';
it.each<[Partial<ComponentSpec>, Slot, readonly string[], Slot, readonly string[]]>([
  // contract, before, who says it runs it, after, what is wrong
  [OLDEST, at('h2', 'h3'), ['h3'], at('h3'), []],
  [OLDEST, at('h2', 'h3'), [], at('h2', 'h3'), []],
  [OLDEST, at('h2', 'h3'), ['h3'], at('h2'), [`${WAITS} h2: h3 had it before and runs it`]],
  [LEADER, at('h2', 'h1'), ['h1'], at('h1'), []],
  [LEADER, at('h2', 'h1'), ['h1'], at('h2'), [`${WAITS} h2: its leader runs it`]],
  [LEADER, at('h2', 'h3'), ['h3'], at('h2'), []],
  [OLDEST, at('h4'), [], at('h2', 'h4'), []],
  [OLDEST, at('h4'), [], at('h2'), [`${WAITS} h2: h4 may run it still, and nobody will remember`]],
  [{}, at('h4'), [], at('h2'), []],
])('%o: %o, with %o running it too, becomes %o', (contract, before, running, after, wanted) => {
  const stage = newStage();
  const { core } = agentOf(stage, 'h1');
  const key = componentKey(WEB);
  const record = { key, revision: REVISION, value: valueOf(contract, before) };
  core.writers.set(key, { record } as never);
  core.knowledge = { ...core.knowledge, alive: ['h1', 'h2', 'h3'] } as never;
  for (const host of running)
    core.inventories.byOwner.set(hostId(host), holding(instanceEntry(WEB, 1)));
  const write = { key, epoch: epoch(5), revision: REVISION, value: valueOf(contract, after) };
  take(stage, 'h1', undefined, send('h2', { kind: 'write', deployIds: [], ...write }));
  expect(of15(stage)).toEqual(wanted);
});

function holding(name: string): Inventory {
  const inventory = newInventory(boot(1), instant(0));
  const { component, slot, attempt, revision, term: under } = { ...observed(), term: term(5) };
  const labels = { component, slot, attempt, revision, term: under };
  const rest = { state: 'running', health: 'none', restarts: 0, crashLoop: false } as const;
  put(inventory, name, { kind: 'instance', ...labels, ...rest, isRival: true, ports: [] });
  return inventory;
}
