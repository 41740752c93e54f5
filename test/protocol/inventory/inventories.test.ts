import { describe, expect, it } from 'vitest';
import { boot, stackKey, term } from '../../../protocol/base/ids.ts';
import { millis } from '../../../protocol/base/time.ts';
import {
  allEntries,
  entriesOf,
  forgetOwners,
  hasChanged,
  inventoriesDeadline,
  ownVersion,
  pullFrom,
  writeEntry,
} from '../../../protocol/inventory/inventories.ts';
import type { Matter } from '../../../protocol/inventory/entry.ts';
import { DELTA_OPS_MAX, ENTRIES_MAX } from '../../../protocol/limits.ts';
import { allCommitted } from '../../../protocol/record/committed.ts';
import {
  act,
  beatAll,
  change,
  commit,
  converge,
  entry,
  h,
  isConverged,
  type Letter,
  pair,
  read,
  replay,
  restart,
  settle,
  show,
  startWorld,
  wakeAll,
  type World,
  write,
} from './spreading.ts';

describe('own changes', () => {
  it('are gossiped together, coalesceMs after the first', () => {
    const [world, owner, other] = pair();
    write(world, owner, 'a', entry(1));
    world.now += 60;
    write(world, owner, 'b', entry(2));
    world.now += 39;
    wakeAll(world);
    expect(deltas(world)).toEqual([]);
    expect(ownVersion(owner.inventories)).toBe(0);
    world.now += 1;
    wakeAll(world);
    expect(deltas(world).map(({ from, ops }) => [from, ops.map((op) => op.name)])).toEqual([
      [0, ['a', 'b']],
    ]);
    expect(ownVersion(owner.inventories)).toBe(2);
    settle(world);
    expect(show(entriesOf(other.inventories, owner.id))).toBe(replay(owner));
  });

  it('that change nothing are no change', () => {
    const [world, owner] = pair();
    write(world, owner, 'a', { kind: 'lease', key: 'stack/s' as never, term: 1 as never });
    const { version } = owner.inventories;
    write(world, owner, 'a', { term: 1 as never, key: 'stack/s' as never, kind: 'lease' });
    write(world, owner, 'gone', undefined);
    expect(owner.inventories.version).toBe(version);
  });

  it('beyond what fits in one delta follow in the next', () => {
    const [world, owner, other] = pair();
    for (let i = 0; i < DELTA_OPS_MAX + 50; i++) write(world, owner, `n${i}`, entry(i));
    world.now += 100;
    wakeAll(world);
    const [first] = deltas(world);
    expect(first?.ops.length).toBeLessThanOrEqual(DELTA_OPS_MAX);
    for (let i = 0; i < 5; i++) {
      settle(world, ({ message }) => message.kind === 'pull');
      world.now += 100;
      wakeAll(world);
    }
    settle(world);
    expect(show(entriesOf(other.inventories, owner.id))).toBe(replay(owner));
  });

  it('beyond ENTRIES_MAX are left out, said once, and taken when there is room', () => {
    const [world, owner] = pair();
    act(world, owner, (turn) => {
      for (let i = 0; i < ENTRIES_MAX + 3; i++)
        writeEntry(owner.inventories, turn, `n${i}`, entry(i));
    });
    expect(entriesOf(owner.inventories, owner.id).size).toBe(ENTRIES_MAX);
    expect(world.journal).toEqual([`not told to others: ${ENTRIES_MAX} entries are the most`]);
    write(world, owner, 'n1', undefined);
    write(world, owner, 'late', entry(1));
    expect(entriesOf(owner.inventories, owner.id).has('late')).toBe(true);
  });

  it('are not believed from anyone else (S9)', () => {
    const [world, owner, other] = pair();
    write(world, owner, 'a', entry(1));
    const forged = {
      owner: owner.id,
      boot: boot(9),
      ageMs: millis(0),
      reset: true,
      from: 0,
      version: 7,
      ops: [{ name: 'b', version: 7, entry: entry(2) }],
    };
    read(world, {
      from: other.id,
      to: owner.id,
      message: { kind: 'delta', inventories: [forged], records: [] },
    });
    read(world, { from: other.id, to: owner.id, message: { kind: 'inventoryDelta', ...forged } });
    expect([...entriesOf(owner.inventories, owner.id).keys()]).toEqual(['a']);
  });
});

describe('a lost delta', () => {
  it('shows as a gap in the next, and the owner is asked at once (I1)', () => {
    const [world, owner, other] = pair();
    change(world, owner, 'a', 1);
    world.letters.length = 0;
    change(world, owner, 'b', 2);
    settle(world);
    expect(show(entriesOf(other.inventories, owner.id))).toBe(replay(owner));
  });

  it('shows in a beat, and the owner is asked at most once in 300 ms', () => {
    const [world, owner, other] = pair();
    change(world, owner, 'a', 1);
    world.letters.length = 0;
    const asked: number[] = [];
    for (let i = 0; i < 65; i++) {
      world.now += 10;
      beatAll(world);
      settle(world, ({ to, message }) => {
        if (message.kind === 'pull' && to === owner.id) asked.push(world.now);
        return message.kind === 'pull';
      });
    }
    const gaps = asked.slice(1).map((at, i) => at - (asked[i] ?? 0));
    expect(asked.length).toBeGreaterThan(1);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(300);
    settle(world);
    world.now += 300;
    beatAll(world);
    settle(world);
    expect(show(entriesOf(other.inventories, owner.id))).toBe(replay(owner));
  });
});

describe('a pull', () => {
  it('goes to one random peer every pullMs, give or take a fifth', () => {
    const world = startWorld(4, 3);
    const pulls: number[] = [];
    const asked = new Set<string>();
    for (; world.now < 60_000; world.now += 10) {
      wakeAll(world);
      for (const { from, to, message } of world.letters.splice(0)) {
        if (message.kind !== 'pull' || from !== h(1)) continue;
        pulls.push(world.now);
        asked.add(to);
      }
    }
    const gaps = pulls.slice(1).map((at, i) => at - (pulls[i] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1200);
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1810);
    expect(asked).toEqual(new Set([h(2), h(3), h(4)]));
  });

  it('of a large inventory comes in pieces, each below a frame, one right after the other', () => {
    const [world, owner, other] = pair();
    act(world, owner, (turn) => {
      for (let i = 0; i < 1000; i++) {
        owner.log.push({ name: `n${i}`, entry: entry(i, 20) });
        writeEntry(owner.inventories, turn, `n${i}`, entry(i, 20));
      }
    });
    world.letters.length = 0;
    world.now += 2000;
    act(world, other, () => undefined);
    let pieces = 0;
    settle(world, ({ message }) => {
      if (message.kind === 'delta') pieces += 1;
      if (message.kind === 'delta')
        expect(message.inventories[0]?.ops.length).toBeLessThanOrEqual(DELTA_OPS_MAX);
      expect(JSON.stringify(message).length).toBeLessThan(200_000);
      return message.kind === 'inventoryDelta';
    });
    expect(pieces).toBeGreaterThan(4);
    expect(isConverged(world)).toBe(true);
  });

  it('of many large records comes in pieces as well', () => {
    const [world, owner, other] = pair();
    const spec = { name: 'x'.repeat(100_000), components: [] };
    for (let i = 0; i < 6; i++)
      commit(world, owner, {
        key: stackKey(`s${i}`),
        revision: { term: term(1), seq: 0 },
        value: { kind: 'stack', life: 0, since: { term: term(1), seq: 1 }, spec },
      });
    world.now += 2000;
    act(world, other, () => undefined);
    settle(world, ({ message }) => {
      expect(JSON.stringify(message).length).toBeLessThan(200_000);
      return false;
    });
    expect(allCommitted(other.committed)).toEqual(allCommitted(owner.committed));
  });

  it('is not answered with what its sender knows better', () => {
    const world = startWorld(3, 1);
    const [owner, stale, fresh] = world.peers;
    if (!owner || !stale || !fresh) throw new Error('three hosts');
    change(world, owner, 'old', 1);
    settle(world);
    restart(world, owner);
    change(world, owner, 'new', 2);
    settle(world, ({ to }) => to === stale.id);
    world.now += 2000;
    act(world, fresh, (turn) => pullFrom(fresh.inventories, fresh.committed, turn, stale.id));
    const answers: string[] = [];
    settle(world, ({ from, to, message }) => {
      if (from === stale.id && to === fresh.id) answers.push(message.kind);
      return from === owner.id;
    });
    expect(answers).not.toContain('delta');
  });

  it('is not answered when there is nothing to say', () => {
    const [world] = pair();
    world.now += 5000;
    wakeAll(world);
    settle(world);
    world.now += 5000;
    wakeAll(world);
    expect(settle(world)).toBe(2); // two pulls, no answers
  });
});

describe('an owner', () => {
  it('that is unreachable is learned through others', () => {
    const world = startWorld(3, 1);
    const [owner, relay, far] = world.peers;
    if (!owner || !relay || !far) throw new Error('three hosts');
    write(world, owner, 'a', entry(1));
    const isCut = ({ from, to }: Letter) =>
      [from, to].includes(owner.id) && [from, to].includes(far.id);
    for (let round = 0; round < 10; round++) {
      world.now += 2000;
      wakeAll(world);
      settle(world, isCut);
    }
    expect(show(entriesOf(far.inventories, owner.id))).toBe(replay(owner));
  });

  it('that starts again is seen anew: its former entries are gone', () => {
    const [world, owner, other] = pair();
    change(world, owner, 'old', 1);
    settle(world);
    restart(world, owner);
    change(world, owner, 'new', 2);
    settle(world);
    expect([...entriesOf(other.inventories, owner.id).keys()]).toEqual(['new']);
  });

  it('of a former boot is not believed any more', () => {
    const [world, owner, other] = pair();
    change(world, owner, 'old', 1);
    const [late] = world.letters.filter(({ message }) => message.kind === 'inventoryDelta');
    if (late === undefined) throw new Error('gossiped');
    restart(world, owner);
    change(world, owner, 'new', 2);
    settle(world);
    read(world, late);
    expect([...entriesOf(other.inventories, owner.id).keys()]).toEqual(['new']);
  });

  it('that is no member any more is forgotten, and not learned again from others', () => {
    const world = startWorld(3, 1);
    const [owner, one, two] = world.peers;
    if (!owner || !one || !two) throw new Error('three hosts');
    write(world, owner, 'a', entry(1));
    converge(world, 20);
    forgetOwners(one.inventories, [one.id, two.id]);
    expect(entriesOf(one.inventories, owner.id).size).toBe(0);
    world.now += 2000;
    wakeAll(world);
    settle(world);
    expect(allEntries(one.inventories).map(([id]) => id)).toEqual(
      [one.id, two.id].filter((id) => one.inventories.byOwner.has(id)),
    );
  });
});

it.each<[string, readonly Matter[]]>([
  ['host', ['host']],
  ['lease/stack/s', ['lease']],
  ['instance/s.web/1', ['instance', 'instance/s.web']],
  ['log/3', []],
])('tells by matter what has changed: %s', (name, matters) => {
  const all: readonly Matter[] = ['host', 'lease', 'instance', 'instance/s.web', 'instance/s.db'];
  const [world, owner, other] = pair();
  change(world, owner, 'a', 1); // the first that is known of a host is all of it
  settle(world);
  const before = [owner, other].map(({ inventories }) => inventories.factsVersion);
  write(world, owner, name, { kind: 'lease', key: 'stack/s' as never, term: 1 as never });
  world.now += 100;
  wakeAll(world);
  settle(world);
  for (const [at, { inventories }] of [owner, other].entries())
    expect(all.filter((matter) => hasChanged(inventories, matter, before[at] ?? 0))).toEqual(
      matters,
    );
});

it('tells that every matter may have changed when an inventory begins anew or goes', () => {
  const [world, owner, other] = pair();
  change(world, owner, 'a', 1);
  converge(world, 5);
  const { inventories } = other;
  const isNews = (since: number): boolean => hasChanged(inventories, 'instance/s.db', since);
  const first = inventories.factsVersion;
  restart(world, owner);
  change(world, owner, 'a', 2);
  converge(world, 5);
  expect(isNews(first)).toBe(true);
  const second = inventories.factsVersion;
  expect(isNews(second)).toBe(false);
  forgetOwners(inventories, []);
  expect(isNews(second)).toBe(true);
});

it('believes no claim of a host that has news for 3 s and answers nothing, until it does (I4)', () => {
  const [world, owner, other] = pair();
  const claim = { kind: 'lease', key: stackKey('s'), term: term(1) } as const;
  write(world, owner, 'lease/stack/s', claim);
  converge(world, 5);
  const { inventories } = other;
  write(world, owner, 'lease/stack/s', undefined);
  world.now += 100;
  wakeAll(world);
  const isMute = ({ message, to }: Letter): boolean => to === owner.id || message.kind !== 'beat';
  const first = inventories.factsVersion;
  const believed = [0, 1000, 1999, 1].map((passesMs) => {
    world.now += passesMs;
    beatAll(world);
    settle(world, isMute);
    return [!inventories.outdated.has(owner.id), hasChanged(inventories, 'lease', first)];
  });
  expect(believed).toEqual([
    [true, false],
    [true, false],
    [true, false],
    [false, true],
  ]);
  const second = inventories.factsVersion;
  converge(world, 5);
  expect(inventories.outdated.has(owner.id)).toBe(false);
  expect(hasChanged(inventories, 'lease', second)).toBe(true);
  expect(entriesOf(inventories, owner.id).size).toBe(0);
});

it('says when it wants to be woken: for the gossip, the rhythm, and what it could not ask yet', () => {
  const [world, owner] = pair();
  expect(inventoriesDeadline(owner.inventories)).toBeGreaterThanOrEqual(1200);
  write(world, owner, 'a', entry(1));
  expect(inventoriesDeadline(owner.inventories)).toBe(world.now + 100);
});

const deltas = (world: World) =>
  world.letters.flatMap(({ message }) => (message.kind === 'inventoryDelta' ? [message] : []));
