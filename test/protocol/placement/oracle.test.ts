/** Placement against a second, dumb one: exhaustively in small clusters, at random in larger ones. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { hostId } from '../../../protocol/base/ids.ts';
import { rendezvous } from '../../../protocol/base/order.ts';
import { place, type PlacementHost, type PlaceRequest } from '../../../protocol/placement/place.ts';
import type { Slot } from '../../../protocol/record/record.ts';
import { spec } from '../reconcile/stage.ts';
import {
  PROCESS,
  host,
  unknown,
  dead,
  slotsOf,
  show,
  image,
  FIXED,
  takes,
  WEB,
  request,
} from './cluster.ts';

/** The rules once more, as simply as they can be said: try every host for each slot, sort, take the first. */
function dumbPlace({ component, spec: wanted, current, hosts }: PlaceRequest): string {
  const alive = hosts.filter(({ alive: lives }) => lives);
  const canRun = (h: PlacementHost): boolean =>
    h.facts?.runs === 'images' ? wanted.image !== undefined : wanted.command !== undefined;
  const fixed = wanted.ports.some(({ published }) => published !== undefined);
  const filled = new Map<number, string>();
  const countOn = (id: string): number => [...filled.values()].filter((on) => on === id).length;
  const isGlobal = wanted.mode === 'global';
  const stays: Slot[] = [];
  for (const slot of current.toSorted((a, b) => a.slot - b.slot)) {
    const at = alive.find(({ id }) => id === slot.host);
    if (at === undefined || (!isGlobal && slot.slot > wanted.replicas)) continue;
    if (at.facts !== undefined && !canRun(at)) continue;
    if (fixed && at.portsTaken.some(({ by }) => by < component)) continue;
    if ((fixed || isGlobal) && countOn(at.id) > 0) continue;
    stays.push(slot);
    filled.set(slot.slot, at.id);
  }
  const free = (): number => {
    let n = 1;
    while (filled.has(n)) n += 1;
    return n;
  };
  const fits = (h: PlacementHost): boolean =>
    h.facts !== undefined &&
    canRun(h) &&
    !(fixed && (h.portsTaken.length > 0 || countOn(h.id) > 0)) &&
    !(isGlobal && countOn(h.id) > 0);
  const byId = alive.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  if (isGlobal) for (const h of byId) if (fits(h)) filled.set(free(), h.id);
  const replicas = isGlobal ? 0 : wanted.replicas;
  for (let slot = 1; slot <= replicas; slot++) {
    if (filled.has(slot)) continue;
    const order = rendezvous(
      `${component}/${slot}`,
      alive.map(({ id }) => id),
    );
    const best = alive
      .filter(fits)
      .toSorted(
        (a, b) =>
          countOn(a.id) - countOn(b.id) ||
          a.slotCount + countOn(a.id) - (b.slotCount + countOn(b.id)) ||
          order.indexOf(a.id) - order.indexOf(b.id),
      )[0];
    const was = current.find((one) => one.slot === slot)?.host;
    const waits = hosts.some(({ id, alive: lives }) => id === was && !lives) ? was : undefined;
    const to = best?.id ?? waits;
    if (to !== undefined) filled.set(slot, to);
  }
  return show([...filled].map(([slot, id]) => ({ slot, host: hostId(id) })));
}

const KINDS: readonly ((id: string) => PlacementHost)[] = [
  host,
  dead,
  unknown,
  (id) => host(id, { facts: PROCESS }),
  (id) => host(id, takes('shop.api')),
  (id) => host(id, { slotCount: 2 }),
];
const SPECS = [
  image(0, { mode: 'global' }),
  ...[0, 1, 2, 3].map((replicas) => image(replicas)),
  image(2, FIXED),
  spec({ command: ['serve'], replicas: 2 }),
];

it('agrees with the dumb placement in every small cluster', () => {
  const currents = ['', 'h1', 'h1 h1', 'h1 h2', 'h3 - h1', '- h2 h9', 'h2 h1 h3 h1'];
  let cases = 0;
  for (const a of KINDS)
    for (const b of KINDS)
      for (const c of KINDS)
        for (const wanted of SPECS)
          for (const current of currents) {
            const hosts = [a('h1'), b('h2'), c('h3')];
            const asked = { ...request(wanted, hosts), current: slotsOf(current) };
            cases += 1;
            const got = show(place(asked).slots);
            if (got !== dumbPlace(asked))
              expect({ hosts, wanted, current, got }).toEqual(dumbPlace(asked));
          }
  expect(cases).toBe(6 ** 3 * 7 * 7);
});

const ids = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const arbitrary = fc.record({
  component: fc.constant(WEB),
  leader: fc.constant(hostId('a')),
  runs: fc.constant(() => false),
  isStuck: fc.constant(() => false),
  progress: fc.constant(() => 'none' as const),
  reported: fc.constant(() => undefined),
  spec: fc.constantFrom(...SPECS, image(9), image(5, FIXED), image(7, { command: ['x'] })),
  current: fc
    .array(fc.constantFrom('-', 'z', ...ids), { maxLength: 10 })
    .map((list) => slotsOf(list.join(' '))),
  hosts: fc
    .subarray(ids)
    .chain((some) =>
      fc.tuple(
        ...some.map((id) =>
          fc
            .tuple(fc.constantFrom(...KINDS), fc.nat(3))
            .map(([make, slotCount]) => ({ ...make(id), slotCount })),
        ),
      ),
    ),
});

it('agrees with the dumb placement in larger clusters, whatever the order of the hosts', () => {
  fc.assert(
    fc.property(arbitrary, (asked) => {
      const placed = place(asked);
      expect(show(placed.slots)).toBe(dumbPlace(asked));
      expect(place({ ...asked, hosts: [...asked.hosts].reverse() })).toEqual(placed);
    }),
    { numRuns: 2000, seed: 1 },
  );
});

it('is settled after one round: placing again changes and decides nothing more', () => {
  fc.assert(
    fc.property(arbitrary, (asked) => {
      const { slots } = place(asked);
      const again = place({ ...asked, current: slots });
      expect(again.slots).toEqual(slots);
      expect(again.decisions.filter(({ kind }) => kind !== 'unplaceable')).toEqual([]);
    }),
    { numRuns: 2000, seed: 1 },
  );
});
