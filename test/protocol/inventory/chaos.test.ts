import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  beatAll,
  converge,
  entry,
  type Peer,
  read,
  restart,
  startWorld,
  wakeAll,
  type World,
  write,
} from './spreading.ts';

type Move =
  | {
      readonly kind: 'write';
      readonly host: number;
      readonly name: number;
      readonly chars: number;
    }
  | { readonly kind: 'delete'; readonly host: number; readonly name: number }
  | { readonly kind: 'churn'; readonly host: number; readonly count: number }
  | { readonly kind: 'restart'; readonly host: number }
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'beat' }
  | { readonly kind: 'deliver' | 'repeat' | 'lose'; readonly which: number };

const host = fc.nat({ max: 2 });
const name = fc.nat({ max: 5 });
const which = fc.nat();
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('write' as const),
      host,
      name,
      chars: fc.constantFrom(0, 0, 9000, 20_000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('delete' as const), host, name }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('churn' as const),
      host,
      count: fc.constantFrom(5, 250, 600),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), host }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.constantFrom(50, 150, 1000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('beat' as const) }) },
  {
    weight: 14,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'deliver' as const,
        'deliver' as const,
        'repeat' as const,
        'lose' as const,
      ),
      which,
    }),
  },
);

/** Fails as soon as a host's knowledge goes back (S9) or a deleted entry returns (S10). */
function watchOver(): (peer: Peer) => void {
  const reached = new Map<string, readonly [number, number]>();
  const shown = new Map<string, number>();
  return (peer) => {
    for (const [owner, { boot: ownerBoot, version, entries, changes }] of peer.inventories
      .byOwner) {
      const at = `${peer.id}/${peer.boot}/${owner}`;
      const [bootWas, versionWas] = reached.get(at) ?? [0, 0];
      expect(ownerBoot > bootWas || (ownerBoot === bootWas && version >= versionWas), 'S9').toBe(
        true,
      );
      reached.set(at, [ownerBoot, version]);
      for (const entryName of entries.keys()) {
        const changed = changes.get(entryName) ?? 0;
        const place = `${at}/${ownerBoot}/${entryName}`;
        const last = shown.get(place) ?? 0;
        // Negative: it was there with this version and has gone since.
        expect(last < 0 ? changed > -last : changed >= last, 'S10').toBe(true);
        shown.set(place, changed);
      }
      for (const [place, changed] of shown) {
        const prefix = `${at}/${ownerBoot}/`;
        if (changed > 0 && place.startsWith(prefix) && !entries.has(place.slice(prefix.length)))
          shown.set(place, -changed);
      }
    }
  };
}

let count = 0;
function make(world: World, next: Move): void {
  count += 1;
  const peer = 'host' in next ? world.peers[next.host] : undefined;
  const letter = 'which' in next ? world.letters[next.which % world.letters.length] : undefined;
  switch (next.kind) {
    case 'write':
      return peer && write(world, peer, `n${next.name}`, entry(count, next.chars));
    case 'delete':
      return peer && write(world, peer, `n${next.name}`, undefined);
    case 'churn':
      if (peer === undefined) return;
      for (let i = 0; i < next.count; i++) {
        write(world, peer, `churn${i}`, entry(count));
        write(world, peer, `churn${i}`, undefined);
      }
      return;
    case 'restart':
      return peer && restart(world, peer);
    case 'pass':
      world.now += next.ms;
      return wakeAll(world);
    case 'beat':
      return beatAll(world);
    case 'deliver':
      if (letter) world.letters.splice(world.letters.indexOf(letter), 1);
      return letter && read(world, letter);
    case 'repeat':
      return letter && read(world, letter);
    case 'lose':
      if (letter) world.letters.splice(world.letters.indexOf(letter), 1);
  }
}

it('whatever is lost, repeated or late, nothing goes back or returns, and in the end all agree', () => {
  fc.assert(
    fc.property(fc.array(move, { minLength: 20, maxLength: 150 }), fc.nat(), (moves, seed) => {
      const world = startWorld(3, seed, watchOver());
      for (const next of moves) make(world, next);
      world.letters.length = 0;
      converge(world, 60);
    }),
    { numRuns: 120 },
  );
});
