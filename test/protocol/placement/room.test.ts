import { expect, it } from 'vitest';
import type { Reservation } from '../../../protocol/component/spec.ts';
import { noRoom, type Reserved, reservedWith } from '../../../protocol/placement/room.ts';
import { DOCKER, host, image, run, show } from './cluster.ts';

const GIB = 2 ** 30;
const TWO = { ...DOCKER, cpuCount: 2, memoryBytes: 4 * GIB };
const asking = (reserves: Reservation) => ({ placement: { constraints: [], reserves } });
const taken = (milliCpus: number, memoryBytes = 0): Reserved => ({ milliCpus, memoryBytes });

it.each<readonly [Reservation, Reserved, string | undefined]>([
  [{ milliCpus: 2000 }, taken(0), undefined],
  [{ milliCpus: 2001 }, taken(0), 'it reserves 2.001 cpus, and 2 of 2 are free there'],
  [{ milliCpus: 500 }, taken(1500), undefined],
  [{ milliCpus: 501 }, taken(1500), 'it reserves 0.501 cpus, and 0.5 of 2 are free there'],
  [{ milliCpus: 1 }, taken(3000), 'it reserves 0.001 cpus, and 0 of 2 are free there'],
  [{ memoryBytes: GIB }, taken(9000, 3 * GIB), undefined],
  [
    { memoryBytes: GIB },
    taken(0, 3 * GIB + 1),
    'it reserves 1024 MiB of memory, and 1023 MiB of 4096 MiB are free there',
  ],
  [{}, taken(9000, 9 * GIB), undefined],
])('%j beside %j: %s', (reserves, reserved, why) => {
  expect(noRoom(asking(reserves), TWO, reserved)).toBe(why);
});

it('counts each slot, and takes away what it has counted', () => {
  const spec = asking({ milliCpus: 300, memoryBytes: 7 });
  const three = reservedWith(taken(100, 1), spec, 3);
  expect(three).toEqual(taken(1000, 22));
  expect(reservedWith(three, spec, -3)).toEqual(taken(100, 1));
});

it('gives a host no more slots than it has room for, its own and those of others', () => {
  const spec = image(4, asking({ milliCpus: 700 }));
  const hosts = [
    host('h1', { facts: TWO }),
    host('h2', { facts: TWO, reserved: taken(700) }),
    host('h3', { facts: TWO, reserved: taken(1400) }),
  ];
  const { slots, decisions } = run(spec, '', hosts);
  const on = (id: string) => slots.filter((slot) => slot.host === id).length;
  expect([on('h1'), on('h2'), on('h3')]).toEqual([2, 1, 0]);
  expect(decisions.at(-1)).toMatchObject({ kind: 'unplaceable', slot: 4 });
});

it('moves nothing that is there for what others have come to reserve', () => {
  const spec = image(1, asking({ milliCpus: 700 }));
  const full = host('h1', { facts: TWO, reserved: taken(2000) });
  expect(show(run(spec, 'h1', [full, host('h2', { facts: TWO })]).slots)).toBe('h1');
});
