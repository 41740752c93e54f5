import { describe, expect, it } from 'vitest';
import { boot } from '../../../protocol/base/ids.ts';
import {
  allEntries,
  entriesOf,
  forgetOwners,
  inventoriesDeadline,
  ownVersion,
  writeEntry,
} from '../../../protocol/inventory/inventories.ts';
import { TOMBSTONES_MAX } from '../../../protocol/inventory/inventory.ts';
import { DELTA_OPS_MAX, ENTRIES_MAX } from '../../../protocol/limits.ts';
import {
  act,
  beatAll,
  converge,
  entry,
  h,
  isConverged,
  type Letter,
  type Peer,
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
  it('shows as a gap in the next, and the owner is asked at once', () => {
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
        owner.log.push({ name: `n${i}`, entry: entry(i, 200) });
        writeEntry(owner.inventories, turn, `n${i}`, entry(i, 200));
      }
    });
    world.letters.length = 0;
    world.now += 2000;
    act(world, other, () => undefined);
    let pieces = 0;
    settle(world, ({ message }) => {
      if (message.kind === 'delta') pieces += 1;
      expect(JSON.stringify(message).length).toBeLessThan(200_000);
      return message.kind === 'inventoryDelta';
    });
    expect(pieces).toBeGreaterThan(4);
    expect(isConverged(world)).toBe(true);
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

describe('tombstones', () => {
  it('are forgotten when they are many, and who missed them starts over', () => {
    const [world, owner, other] = pair();
    write(world, owner, 'ghost', entry(1));
    write(world, owner, 'kept', entry(2));
    converge(world, 3);
    expect(entriesOf(other.inventories, owner.id).has('ghost')).toBe(true);
    act(world, owner, (turn) => {
      for (let i = 0; i <= TOMBSTONES_MAX + 400; i++) {
        const name = i === 0 ? 'ghost' : `n${i}`;
        if (i > 0) writeEntry(owner.inventories, turn, name, entry(i));
        writeEntry(owner.inventories, turn, name, undefined);
        owner.log.push({ name, entry: undefined });
      }
    });
    const own = owner.inventories.byOwner.get(owner.id);
    expect(own?.changes.size).toBeLessThanOrEqual(TOMBSTONES_MAX + 1);
    world.letters.length = 0;
    converge(world, 3);
    expect([...entriesOf(other.inventories, owner.id).keys()]).toEqual(['kept']);
  });

  it('forgotten before they were gossiped are not missed either', () => {
    const [world, owner, other] = pair();
    write(world, owner, 'ghost', entry(1));
    converge(world, 3);
    act(world, owner, (turn) => {
      writeEntry(owner.inventories, turn, 'ghost', undefined);
      for (let i = 0; i <= TOMBSTONES_MAX; i++) {
        writeEntry(owner.inventories, turn, `n${i}`, entry(i));
        writeEntry(owner.inventories, turn, `n${i}`, undefined);
      }
      writeEntry(owner.inventories, turn, 'last', entry(1));
    });
    owner.log.push({ name: 'ghost', entry: undefined }, { name: 'last', entry: entry(1) });
    world.now += 400;
    wakeAll(world);
    settle(world);
    beatAll(world);
    settle(world);
    expect(show(entriesOf(other.inventories, owner.id))).toBe(replay(owner));
  });

  it('of a reset that comes in pieces: each piece lifts its reader above it', () => {
    const [world, owner, other] = pair();
    write(world, owner, 'ghost', entry(1));
    converge(world, 3);
    write(world, owner, 'ghost', undefined);
    for (let i = 0; i < 3 * DELTA_OPS_MAX; i++) write(world, owner, `live${i}`, entry(i));
    for (let i = 0; i <= TOMBSTONES_MAX; i++) {
      write(world, owner, `n${i}`, entry(i));
      write(world, owner, `n${i}`, undefined);
    }
    world.letters.length = 0;
    world.now += 2000;
    act(world, other, () => undefined);
    let resets = 0;
    settle(world, ({ message }) => {
      if (message.kind === 'delta' && message.inventories.some(({ reset }) => reset)) resets += 1;
      return message.kind === 'inventoryDelta';
    });
    expect(resets).toBe(1);
    expect(show(entriesOf(other.inventories, owner.id))).toBe(replay(owner));
  });

  it('forgotten by a relay send its readers back to the start as well', () => {
    const world = startWorld(3, 5);
    const [owner, relay, far] = world.peers;
    if (!owner || !relay || !far) throw new Error('three hosts');
    write(world, owner, 'ghost', entry(1));
    converge(world, 20);
    for (let i = 0; i <= TOMBSTONES_MAX; i++) {
      const name = i === 0 ? 'ghost' : `n${i}`;
      if (i > 0) write(world, owner, name, entry(i));
      write(world, owner, name, undefined);
    }
    world.letters.length = 0;
    // The relay learns by a reset only; then the owner is gone and the third asks the relay.
    const isOwners = ({ from, to }: Letter) => [from, to].includes(owner.id);
    for (let i = 0; i < 12; i++) {
      world.now += 2000;
      wakeAll(world);
      settle(world, (letter) => isOwners(letter) && [letter.from, letter.to].includes(far.id));
    }
    expect(entriesOf(far.inventories, owner.id).size).toBe(0);
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

it('says when it wants to be woken: for the gossip, the rhythm, and what it could not ask yet', () => {
  const [world, owner] = pair();
  expect(inventoriesDeadline(owner.inventories)).toBeGreaterThanOrEqual(1200);
  write(world, owner, 'a', entry(1));
  expect(inventoriesDeadline(owner.inventories)).toBe(world.now + 100);
});

/** Two hosts that have pulled from each other a little while ago. */
function pair(): readonly [World, Peer, Peer] {
  const world = startWorld(2, 1);
  wakeAll(world);
  settle(world);
  world.now += 400; // long enough to ask again at once, and long before the next rhythmic pull
  const [owner, other] = world.peers;
  if (!owner || !other) throw new Error('two hosts');
  return [world, owner, other];
}

function change(world: World, owner: Peer, name: string, n: number): void {
  write(world, owner, name, entry(n));
  world.now += 100;
  wakeAll(world);
}

const deltas = (world: World) =>
  world.letters.flatMap(({ message }) => (message.kind === 'inventoryDelta' ? [message] : []));
