import { expect, it } from 'vitest';
import { entriesOf, writeEntry } from '../../../protocol/inventory/inventories.ts';
import { TOMBSTONES_MAX } from '../../../protocol/inventory/inventory.ts';
import { DELTA_OPS_MAX } from '../../../protocol/limits.ts';
import {
  act,
  beatAll,
  converge,
  entry,
  type Letter,
  pair,
  replay,
  settle,
  show,
  startWorld,
  wakeAll,
  write,
} from './spreading.ts';

it('tombstones are forgotten when they are many, and who missed them starts over', () => {
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

it('tombstones forgotten before they were gossiped are not missed either', () => {
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

it('each piece of a reset lifts its reader above it', () => {
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

it('tombstones forgotten by a relay send its readers back to the start as well', () => {
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
