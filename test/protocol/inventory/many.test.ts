/** More owners than one digest can name: each pull speaks for a part of them. */
import { describe, expect, it } from 'vitest';
import { DIGEST_OWNERS_MAX } from '../../../protocol/inventory/delta.ts';
import { entriesOf } from '../../../protocol/inventory/inventories.ts';
import {
  beatAll,
  entry,
  type Letter,
  replay,
  settle,
  show,
  startWorld,
  wakeAll,
  write,
} from './spreading.ts';

describe('an owner among very many', () => {
  it('is learned by pulls that each speak for a part of them', () => {
    const world = startWorld(70, 1);
    const [last] = world.peers.slice(-1);
    if (!last) throw new Error('70 hosts');
    for (const peer of world.peers) write(world, peer, 'a', entry(1));
    const isLost = ({ message }: Letter): boolean => {
      if (message.kind === 'pull')
        expect(message.inventories.length).toBeLessThanOrEqual(DIGEST_OWNERS_MAX);
      return message.kind === 'inventoryDelta';
    };
    const rounds = (count: number): void => {
      for (let round = 0; round < count; round++) {
        world.now += 2000;
        wakeAll(world);
        settle(world, isLost);
      }
    };
    rounds(12);
    // Everyone knows all of them, and now one changes that the arcs have to come round to.
    write(world, last, 'a', entry(2));
    rounds(40);
    for (const { inventories } of world.peers)
      for (const peer of world.peers)
        expect(show(entriesOf(inventories, peer.id))).toBe(replay(peer));
  });

  it.each([
    ['the first', 0],
    ['one between others', 35],
    ['the last', 69],
  ])('says itself what nobody has heard of it: %s', (_, index) => {
    const world = startWorld(70, 1);
    const sorted = world.peers.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    const owner = sorted[index];
    if (!owner) throw new Error('70 hosts');
    for (const peer of world.peers) if (peer !== owner) write(world, peer, 'a', entry(1));
    const isUnheard = ({ from }: Letter): boolean => from === owner.id;
    for (let round = 0; round < 3; round++) {
      world.now += 2000;
      wakeAll(world);
      settle(world, isUnheard);
    }
    write(world, owner, 'a', entry(1));
    const isGossip = ({ message }: Letter): boolean => message.kind === 'inventoryDelta';
    world.now += 200;
    wakeAll(world);
    settle(world, isGossip);
    beatAll(world);
    settle(world, isGossip);
    world.now += 300;
    wakeAll(world);
    settle(world, isGossip);
    for (const { inventories } of world.peers)
      expect(show(entriesOf(inventories, owner.id))).toBe(replay(owner));
  });
});
