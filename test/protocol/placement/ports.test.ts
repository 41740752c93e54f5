/** Which numbers slots have on hosts, where their spec gives none. */
import { describe, expect, it } from 'vitest';
import { componentId, hostId } from '../../../protocol/base/ids.ts';
import { hasOtherNumber } from '../../../protocol/component/port.ts';
import type { ComponentSpec, Port } from '../../../protocol/component/spec.ts';
import { CHOSEN_PORTS_MAX } from '../../../protocol/limits.ts';
import { choosePorts, type PortsRequest } from '../../../protocol/placement/ports.ts';
import type { Slot } from '../../../protocol/record/record.ts';
import { spec } from '../reconcile/stage.ts';

const API = componentId('shop', 'api');
const WEB = componentId('shop', 'web');
const ZOO = componentId('shop', 'zoo');
const TCP: Port = { target: 80, protocol: 'tcp' };
const UDP: Port = { target: 80, protocol: 'udp' };
const LOCAL: Port = { ...TCP, address: '127.0.0.1' };
const RANGE = { portFirst: 1000, portLast: 1004 };

const seat = (slot: number, ports?: Slot['ports'], more: Partial<Slot> = {}): Slot => ({
  slot,
  host: hostId('h1'),
  ...more,
  ...(ports === undefined ? {} : { ports }),
});
const bare = (slot: Slot): Slot => {
  const { ports: _, ...rest } = slot;
  return rest;
};
const publishing = (...ports: readonly Port[]): ComponentSpec => spec({ ports });

function request(current: readonly Slot[], changes: Partial<PortsRequest> = {}): PortsRequest {
  return {
    component: WEB,
    slots: current.map(bare),
    specOf: () => publishing(TCP),
    current,
    holders: { fixed: new Map(), chosen: new Map() },
    range: RANGE,
    ...changes,
  };
}
const holders = (
  fixed: { readonly [name: string]: typeof WEB },
  chosen: { readonly [name: string]: readonly (typeof WEB)[] } = {},
): PortsRequest['holders'] => ({
  fixed: new Map(Object.entries(fixed)),
  chosen: new Map(Object.entries(chosen)),
});
const numbers = (asked: PortsRequest): readonly (number | undefined)[] =>
  choosePorts(asked).slots.map(({ ports }) => ports?.['80/tcp']);
const notes = (asked: PortsRequest): readonly string[] =>
  choosePorts(asked).notes.map(({ text }) => text);

describe('P1: a slot keeps its number', () => {
  const had = [seat(1, { '80/tcp': 1003 }), seat(2, { '80/tcp': 1001 })];
  const moved = had.map((slot) => ({ ...bare(slot), host: hostId('h9') }));
  it.each<[string, Partial<PortsRequest>, readonly (number | undefined)[]]>([
    ['as long as nothing changes', {}, [1003, 1001]],
    ['on another host', { slots: moved }, [1003, 1001]],
    ['while it is handed over', { slots: [seat(1, undefined, { from: hostId('h2') })] }, [1003]],
    ['when another port is added', { specOf: () => publishing(UDP, TCP) }, [1003, 1001]],
    ['when the others go', { slots: [seat(2)] }, [1001]],
    [
      'as one that waits has it by its own spec',
      { specOf: ({ slot }) => publishing(...(slot === 1 ? [TCP] : [UDP])) },
      [1003, undefined],
    ],
    [
      'though its spec says that port twice',
      { specOf: () => publishing(TCP, UDP, { ...TCP }) },
      [1003, 1001],
    ],
    ['outside of the range as well', { range: { portFirst: 2000, portLast: 2001 } }, [1003, 1001]],
    [
      'though a later component has it too',
      { holders: holders({}, { '1003/tcp': [WEB, ZOO] }) },
      [1003, 1001],
    ],
    [
      'though its number is fixed for the other protocol',
      { holders: holders({ '1003/udp': API }) },
      [1003, 1001],
    ],
  ])('%s', (_why, changes, wanted) => {
    expect(numbers(request(had, changes))).toEqual(wanted);
    expect(notes(request(had, changes))).toEqual([]);
  });

  it.each<[string, ComponentSpec]>([
    ['without ports', publishing()],
    ['with a fixed one', publishing({ ...TCP, published: 8080 })],
  ])('has none by a spec %s', (_why, without) => {
    const { slots } = choosePorts(request(had, { specOf: () => without }));
    expect(slots).toEqual(had.map(bare));
  });

  it('has none once its job has ended', () => {
    const over = seat(1, undefined, { ended: { state: 'complete' } });
    expect(choosePorts(request(had, { slots: [over, seat(2)] })).slots).toEqual([over, had[1]]);
  });
});

describe('P2: what is chosen is nobody’s', () => {
  it('differs from slot to slot, and is in the range', () => {
    const all = numbers(request([], { slots: [1, 2, 3, 4, 5].map((slot) => seat(slot)) }));
    expect(new Set(all)).toEqual(new Set([1000, 1001, 1002, 1003, 1004]));
  });

  it('is not what another slot keeps, whichever comes first', () => {
    const four = [2, 3, 4, 5].map((slot) => seat(slot, { '80/tcp': 998 + slot }));
    expect(numbers(request(four, { slots: [seat(1), ...four.map(bare)] }))).toEqual([
      1004, 1000, 1001, 1002, 1003,
    ]);
  });

  it('is neither fixed nor another component’s, whatever that is called', () => {
    const taken = holders(
      { '1000/tcp': ZOO, '1001/tcp': WEB },
      { '1002/tcp': [API], '1004/tcp': [ZOO] },
    );
    expect(numbers(request([], { slots: [seat(1)], holders: taken }))).toEqual([1003]);
  });

  it('may be what this component is about to lose by record', () => {
    const range = { portFirst: 1000, portLast: 1000 };
    const own = holders({}, { '1000/tcp': [WEB] });
    const current = [seat(2, { '80/tcp': 1000 })];
    expect(numbers(request(current, { slots: [seat(1)], holders: own, range }))).toEqual([1000]);
  });

  it('is one number for each address, and the same for both protocols where it is free', () => {
    const asked = request([], { slots: [seat(1)], specOf: () => publishing(TCP, UDP, LOCAL) });
    const ports = choosePorts(asked).slots[0]?.ports ?? {};
    expect(Object.keys(ports)).toEqual(['80/tcp', '80/udp', '127.0.0.1:80/tcp']);
    expect(ports['80/udp']).toBe(ports['80/tcp']);
    expect(ports['127.0.0.1:80/tcp']).not.toBe(ports['80/tcp']);
  });

  it('is none where none is free, which is said once', () => {
    const all = holders(
      {},
      Object.fromEntries([0, 1, 2, 3, 4].map((n) => [`${1000 + n}/tcp`, [API]])),
    );
    const asked = request([], { slots: [seat(1)], holders: all });
    expect(choosePorts(asked).slots).toEqual([seat(1)]);
    expect(notes(asked)).toEqual([
      'shop.web.1: for port 80/tcp none is free, so its engine chooses one',
    ]);
    expect(notes({ ...asked, current: [seat(1)] })).toEqual([]);
  });

  it('is looked for once where none is free, however many slots want one', () => {
    let asked = 0;
    const all = new Map([1000, 1001, 1002, 1003, 1004].map((n) => [`${n}/tcp`, [API]]));
    const chosen = { get: (name: string) => (asked++, all.get(name)) };
    const slots = Array.from({ length: 100 }, (_, i) => seat(i + 1));
    const counted = { fixed: new Map(), chosen: chosen as typeof all };
    expect(numbers(request(slots, { holders: counted }))).toEqual(slots.map(() => undefined));
    expect(asked).toBe(5);
    const other = request(slots, { holders: counted, specOf: () => publishing(TCP, UDP) });
    expect(choosePorts(other).slots.filter(({ ports }) => ports !== undefined)).toHaveLength(5);
  });

  it('is bounded for one component', () => {
    const range = { portFirst: 1, portLast: 65_535 };
    const many = [1, 2].map((slot) => seat(slot));
    const wide = publishing(
      ...Array.from({ length: CHOSEN_PORTS_MAX - 1 }, (_, i) => ({ ...TCP, target: i + 1 })),
    );
    const { slots } = choosePorts(request([], { slots: many, specOf: () => wide, range }));
    expect(slots.map(({ ports }) => Object.keys(ports ?? {}).length)).toEqual([
      CHOSEN_PORTS_MAX - 1,
      1,
    ]);
  });
});

describe('P3: who has the better claim keeps it', () => {
  const had = [seat(1, { '80/tcp': 1003 }), seat(2, { '80/tcp': 1001 })];
  it.each<[string, PortsRequest['holders'], string]>([
    ['another fixes it', holders({ '1003/tcp': ZOO }), 'shop.zoo has it fixed'],
    ['its own component fixes it', holders({ '1003/tcp': WEB }), 'shop.web has it fixed'],
    [
      'an earlier component was given it',
      holders({}, { '1003/tcp': [WEB, API] }),
      'shop.api was given it too',
    ],
  ])('%s', (_why, taken, why) => {
    const asked = request(had, { holders: taken });
    const [first, second] = numbers(asked);
    expect(second).toBe(1001);
    expect([1000, 1002, 1004]).toContain(first);
    expect(notes(asked)).toEqual([
      `shop.web.1 gives up port 1003/tcp, since ${why}: it gets ${first}`,
    ]);
  });

  it('of two slots of one component the first, if a record has it so', () => {
    const asked = request([seat(1, { '80/tcp': 1000 }), seat(2, { '80/tcp': 1000 })]);
    const [first, second] = numbers(asked);
    expect([first, second === 1000]).toEqual([1000, false]);
    expect(notes(asked)).toEqual([
      `shop.web.2 gives up port 1000/tcp, since slot 1 has it: it gets ${second}`,
    ]);
  });

  it('by one that what runs does not have for the other protocol, so that it is seen to have another', () => {
    const all = [1000, 1001, 1002, 1003, 1004];
    const ports = publishing(TCP, UDP);
    const missed = all.flatMap((tcp) =>
      all.filter((udp) => {
        const current = [seat(1, { '80/tcp': tcp, '80/udp': udp })];
        const taken = holders({ [`${tcp}/tcp`]: ZOO });
        const asked = request(current, { specOf: () => ports, holders: taken });
        const [now] = choosePorts(asked).slots;
        const bound = [tcp, udp].map((published) => ({ target: 80, published }));
        return now?.ports?.['80/udp'] !== udp || !hasOtherNumber(ports, now.ports, bound, RANGE);
      }),
    );
    expect(missed).toEqual([]);
  });

  it('once: of two that each know of the other one moves, and both rest then', () => {
    const both = (
      component: typeof WEB,
      slots: readonly Slot[],
      other: typeof WEB,
      number: number,
    ) =>
      choosePorts({
        ...request(slots),
        component,
        holders: holders({}, { [`${number}/tcp`]: [other] }),
      });
    const slots = [seat(1, { '80/tcp': 1002 })];
    const api = both(API, slots, WEB, 1002).slots;
    const web = both(WEB, slots, API, 1002).slots;
    expect(api).toEqual(slots);
    const moved = web[0]?.ports?.['80/tcp'] ?? 0;
    expect(moved).not.toBe(1002);
    expect(both(API, api, WEB, moved).slots).toEqual(api);
    expect(both(WEB, web, API, 1002).slots).toEqual(web);
  });
});

describe('P4: where the choice begins', () => {
  const range = { portFirst: 20_000, portLast: 29_999 };
  const alone = (component: typeof WEB, slot: number, port = TCP): number | undefined =>
    choosePorts({
      ...request([], { slots: [seat(slot)], range }),
      component,
      specOf: () => publishing(port),
    }).slots[0]?.ports?.[`${port.target}/tcp`];

  it('is the same for the same slot and port, whoever chooses, by whatever version', () => {
    expect([alone(WEB, 1), alone(WEB, 2)]).toEqual([29_345, 25_438]);
  });

  it('is elsewhere for another slot, component or port', () => {
    const all = [
      alone(WEB, 1),
      alone(WEB, 2),
      alone(API, 1),
      alone(WEB, 1, { ...TCP, target: 81 }),
    ];
    expect(new Set(all).size).toBe(4);
  });

  it('goes on from the end of the range at its beginning', () => {
    const small = { portFirst: 7, portLast: 8 };
    const both = numbers(request([], { slots: [seat(1), seat(2)], range: small }));
    expect(new Set(both)).toEqual(new Set([7, 8]));
  });
});
