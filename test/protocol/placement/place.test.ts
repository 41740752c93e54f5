import { describe, expect, it } from 'vitest';
import { millis } from '../../../protocol/base/time.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { place, type Placement, type PlacementHost } from '../../../protocol/placement/place.ts';
import { spec } from '../reconcile/stage.ts';
import {
  DATA,
  DOCKER,
  PROCESS,
  WITNESS,
  host,
  unknown,
  dead,
  rebooting,
  silent,
  show,
  slotsOf,
  image,
  FIXED,
  request,
  takes,
  chosenBy,
  run,
} from './cluster.ts';

it.each<readonly [string, ComponentSpec, string, readonly PlacementHost[], string]>([
  ['new slots spread', image(2), '', [host('h1'), host('h2')], 'h1 h2|h2 h1'],
  ['spread goes before load', image(2), 'h2', [host('h1', { slotCount: 9 }), host('h2')], 'h2 h1'],
  [
    'of equal spread the least loaded',
    image(1),
    '',
    [host('h1', { slotCount: 2 }), host('h2', { slotCount: 1 })],
    'h2',
  ],
  [
    'of equal spread, what others run there decides',
    image(3),
    'h1 h2',
    [host('h1', { slotCount: 1 }), host('h2')],
    'h1 h2 h2',
  ],
  [
    'a slot stays although another host is empty',
    image(2),
    'h1 h1',
    [host('h1'), host('h2')],
    'h1 h1',
  ],
  ['a dead host’s slot moves', image(2), 'h1 h2', [host('h1'), dead('h2'), host('h3')], 'h1 h3'],
  ['a slot leaves a host that reboots', image(1), 'h1', [rebooting('h1'), host('h2')], 'h2'],
  ['with a named volume it waits', image(1, DATA), 'h1', [rebooting('h1'), host('h2')], 'h1'],
  ['not for a dead host', image(1, DATA), 'h1', [dead('h1'), host('h2')], 'h2'],
  ['nothing new where it reboots', image(1, DATA), '', [rebooting('h1'), host('h2')], 'h2'],
  ['a host that is no member any more counts as gone', image(1), 'h9', [host('h1')], 'h1'],
  [
    'what fits nowhere else waits for its dead host',
    image(1),
    'h1',
    [dead('h1'), host('h2', { facts: PROCESS })],
    'h1',
  ],
  [
    'what fits nowhere and never ran has no host',
    image(1),
    '',
    [host('h2', { facts: PROCESS })],
    '',
  ],
  ['surplus goes from the top', image(1), 'h1 h2 h1', [host('h1'), host('h2')], 'h1'],
  [
    'a gap is filled before anything is added',
    image(3),
    'h1 - h2',
    [host('h1'), host('h2'), host('h3')],
    'h1 h3 h2',
  ],
  ['none wanted', image(0), 'h1', [host('h1')], ''],
  [
    'no new slot where the engine is not known',
    image(1),
    '',
    [unknown('h1'), host('h2', { slotCount: 5 })],
    'h2',
  ],
  [
    'no new slot where the engine is silent',
    image(1),
    '',
    [silent('h1'), host('h2', { slotCount: 5 })],
    'h2',
  ],
  [
    'a slot stays where the engine has fallen silent',
    image(1),
    'h1',
    [silent('h1'), host('h2')],
    'h1',
  ],
  [
    'global: not where the engine is silent',
    image(0, { mode: 'global' }),
    '',
    [silent('h1'), host('h2')],
    'h2',
  ],
  ['a slot stays where the engine is not known', image(1), 'h1', [unknown('h1'), host('h2')], 'h1'],
  [
    'a slot leaves an engine that cannot run it',
    image(1),
    'h1',
    [host('h1', { facts: PROCESS }), host('h2')],
    'h2',
  ],
  [
    'a command runs as a process',
    spec({ command: ['serve'] }),
    '',
    [host('h1', { facts: PROCESS })],
    'h1',
  ],
  [
    'an entrypoint runs as a process',
    spec({ entrypoint: ['serve'] }),
    '',
    [host('h1', { facts: PROCESS })],
    'h1',
  ],
  [
    'a process command runs as a process',
    spec({ process: { command: ['serve'] } }),
    '',
    [host('h1', { facts: PROCESS })],
    'h1',
  ],
  ['an empty command does not', spec({ command: [] }), '', [host('h1', { facts: PROCESS })], ''],
  [
    'a command without an image needs processes',
    spec({ command: ['serve'] }),
    '',
    [host('h1')],
    '',
  ],
  ['a fixed port fits once on a host', image(2, FIXED), '', [host('h1')], 'h1'],
  [
    'two slots on one host part when the port becomes fixed',
    image(2, FIXED),
    'h1 h1',
    [host('h1'), host('h2')],
    'h1 h2',
  ],
  [
    'a port taken there',
    image(1, FIXED),
    '',
    [host('h1', takes('shop.api')), host('h2', { slotCount: 9 })],
    'h2',
  ],
  [
    'a number that another slot has still to give up',
    image(1, FIXED),
    '',
    [host('h1', chosenBy('shop.api')), host('h2', { slotCount: 9 })],
    'h2',
  ],
  ['it is waited for', image(1, FIXED), '', [host('h1', chosenBy('shop.api'))], ''],
  [
    'what has a fixed port never leaves for a chosen one',
    image(1, FIXED),
    'h1',
    [host('h1', chosenBy('shop.api')), host('h2')],
    'h1',
  ],
  [
    'the same number of the other protocol is free',
    image(1, FIXED),
    '',
    [host('h1', takes('shop.api', 'udp'))],
    'h1',
  ],
  [
    'of two that got one port at once, the later by name leaves',
    image(1, FIXED),
    'h1',
    [host('h1', takes('shop.api')), host('h2')],
    'h2',
  ],
  [
    'of two that got one port at once, the earlier by name stays',
    image(1, FIXED),
    'h1',
    [host('h1', takes('shop.zoo')), host('h2')],
    'h1',
  ],
  [
    'global: one on each that fits',
    image(0, { mode: 'global' }),
    '',
    [host('h1'), dead('h2'), host('h3'), host('h4', { facts: PROCESS })],
    'h1 h3',
  ],
  [
    'global: numbers stay with their hosts',
    image(0, { mode: 'global' }),
    'h3 h1',
    [host('h1'), host('h2'), host('h3')],
    'h3 h1 h2',
  ],
  [
    'global: a dead host’s number is free again',
    image(0, { mode: 'global' }),
    'h1 h2 h3',
    [host('h1'), dead('h2'), host('h3'), host('h4')],
    'h1 h4 h3',
  ],
  [
    'global: a dead host’s slot goes',
    image(0, { mode: 'global' }),
    'h1 h2',
    [host('h1'), dead('h2')],
    'h1',
  ],
  [
    'global: twice on one host becomes once',
    image(0, { mode: 'global' }),
    'h1 h1',
    [host('h1')],
    'h1',
  ],
  ['global becomes replicated', image(1), 'h1 h2 h3', [host('h1'), host('h2'), host('h3')], 'h1'],
])('%s', (_name, wanted, current, hosts, expected) => {
  expect(expected.split('|')).toContain(show(run(wanted, current, hosts).slots));
});

const tell = (wanted: ComponentSpec, current: string, hosts: readonly PlacementHost[]): string =>
  run(wanted, current, hosts)
    .decisions.map(({ kind, text, rejected }) =>
      [`${kind}: ${text}`, ...rejected.map(({ host: id, why }) => `  ${id}: ${why}`)].join('\n'),
    )
    .join('\n');

it('gives a witness nothing, takes away what it has, and says so', () => {
  const hosts = [host('h1'), host('h2', { facts: WITNESS })];
  expect(show(run(image(3), '', hosts).slots)).toBe('h1 h1 h1');
  expect(show(run(image(1), 'h2', hosts).slots)).toBe('h1');
  expect(tell(image(1), 'h2', hosts)).toContain('a witness: it votes and runs nothing');
});

it('explains what moved, what stays behind, and why the others were not taken', () => {
  const data = {
    volumes: [{ kind: 'named', source: 'data', target: '/data', readOnly: false }],
  } as const;
  const hosts = [
    dead('h1'),
    host('h2', { facts: PROCESS }),
    unknown('h3'),
    host('h4', takes('shop.api')),
    host('h5', { slotCount: 3 }),
    host('h6', { slotCount: 1 }),
  ];
  expect(tell(image(1, { ...FIXED, ...data }), 'h1', hosts)).toMatchInlineSnapshot(`
    "moved: shop.web.1 moves from h1 (dead or gone) to h6: 0 of its slots and 1 other there, the fewest; what is in volume data stays on h1
      h1: dead or gone
      h2: process 1 runs processes only, and it has no command
      h3: its engine is not known yet
      h4: port 8080/tcp is taken there by shop.api
      h5: 0 of its slots and 3 others there"
  `);
});

it('explains what fits nowhere, what was too many, and a global’s coming and going', () => {
  expect(tell(image(1), '', [host('h2', { facts: PROCESS })])).toMatchInlineSnapshot(`
    "unplaceable: shop.web.1 fits nowhere: 1 host: process 1 runs processes only, and it has no command (h2)
      h2: process 1 runs processes only, and it has no command"
  `);
  const alike = [dead('h1'), host('h2', { facts: PROCESS }), dead('h3')];
  expect(tell(image(1), '', alike).split('\n')[0]).toBe(
    'unplaceable: shop.web.1 fits nowhere: 2 hosts: dead or gone (h1 h3) · 1 host: process 1 runs processes only, and it has no command (h2)',
  );
  expect(tell(image(1), '', [])).toMatchInlineSnapshot(
    `"unplaceable: shop.web.1 fits nowhere: there is no host"`,
  );
  expect(tell(image(1), 'h1', [dead('h1')])).toMatchInlineSnapshot(`
    "unplaceable: shop.web.1 waits for h1, since it fits nowhere else: 1 host: dead or gone (h1)
      h1: dead or gone"
  `);
  expect(tell(image(1), 'h1 h2', [host('h1'), host('h2')])).toMatchInlineSnapshot(
    `"removed: shop.web.2 is removed: 1 wanted"`,
  );
  expect(tell(image(0, { mode: 'global' }), 'h1', [dead('h1'), host('h2')])).toMatchInlineSnapshot(`
    "removed: shop.web.1 leaves h1: dead or gone
    placed: shop.web.1 goes to h2: one on every host that fits"
  `);
  expect(tell(image(0, { mode: 'global' }), '', [dead('h1')])).toMatchInlineSnapshot(`
    "unplaceable: shop.web.1 fits nowhere: 1 host: dead or gone (h1)
      h1: dead or gone"
  `);
});

it('explains a placement among 1,000 hosts within bounds', () => {
  const hosts = Array.from({ length: 1000 }, (_, i) => host(`h${i}`));
  const { slots, decisions } = place(request(image(20), hosts));
  expect(new Set(slots.map(({ host: id }) => id)).size).toBe(20);
  for (const { rejected } of decisions) expect(rejected.length).toBe(32);
});

describe('under the brake', () => {
  const brought = (movesMax: number, current: string) =>
    place({
      ...request(image(4), [host('a'), dead('b'), dead('c')]),
      current: slotsOf(current),
      movesMax,
    });
  const told = ({ decisions }: Placement): readonly string[] => decisions.map(({ text }) => text);

  it.each([
    [0, 'b b c a', 0, 3, 'none moves'],
    [1, 'a b c a', 1, 2, 'one moves'],
    [3, 'a a a a', 3, 0, 'all move'],
    [Infinity, 'a a a a', 3, 0, 'all move'],
  ])('with %d moves left: %s, %i moved, %i withheld: %s', (movesMax, slots, moved, withheld) => {
    const placed = brought(movesMax, 'b b c a');
    expect(show(placed.slots)).toBe(slots);
    expect(placed).toMatchObject({ moved, withheld });
  });

  it('what was never placed is placed', () => {
    expect(show(brought(0, 'b - - -').slots)).toBe('b a a a');
  });

  it('says so in one line', () => {
    expect(told(brought(0, 'b b c a'))).toEqual([
      'shop.web: 3 slots stay on their dead hosts for now, since most peers vanished at once',
    ]);
  });

  it('a slot that fits nowhere uses up no move', () => {
    const hosts = [host('a', takes('shop.other')), dead('b'), dead('c')];
    const placed = place({
      ...request(image(2, FIXED), hosts),
      current: slotsOf('b c'),
      movesMax: 1,
    });
    expect(placed).toMatchObject({ moved: 0, withheld: 0 });
  });

  it('the slots of a global component stay as well', () => {
    const placed = place({
      ...request({ ...image(1), mode: 'global' }, [host('a'), dead('b'), dead('c')]),
      current: slotsOf('a b c'),
      movesMax: 1,
    });
    expect(show(placed.slots)).toBe('a - c');
  });
});

describe('a host that flaps', () => {
  const restless = (id: string) => host(id, { restless: 'dead 3 times of late' });

  it.each([
    ['- -', [restless('a'), host('b', { slotCount: 9 })], 'b b', 'others are preferred'],
    ['- -', [restless('a'), dead('b')], 'a a', 'better there than nowhere'],
    ['a -', [restless('a'), host('b')], 'a b', 'what is there stays'],
  ])('with %s: %j, so %s: %s', (current, hosts, slots) => {
    expect(show(run(image(2), current, hosts).slots)).toBe(slots);
  });

  it('is told with its reason', () => {
    const { decisions } = run(image(1), '-', [restless('a'), host('b')]);
    expect(decisions[0]?.rejected).toEqual([{ host: 'a', why: 'dead 3 times of late' }]);
  });
});

describe('a slot that a silent engine was to start', () => {
  const stuck = (hosts: readonly PlacementHost[], changes: Partial<ComponentSpec> = {}): string =>
    show(
      place({
        ...request(image(1, changes), hosts),
        current: slotsOf('h1'),
        isStuck: (_, at) => at === 'h1',
      }).slots,
    );

  it('goes elsewhere', () => expect(stuck([silent('h1'), host('h2')])).toBe('h2'));
  it('waits there while it fits nowhere else', () =>
    expect(stuck([silent('h1'), dead('h2')])).toBe('h1'));
  it('stays where it is strict', () => {
    const guarded = { ...DOCKER, guard: true };
    const hosts = [
      host('h1', { facts: { ...guarded, engineSilentAfterMs: millis(1) } }),
      host('h2', { facts: guarded }),
    ];
    expect(stuck(hosts, { singleton: 'strict' })).toBe('h1');
  });
  it('stays where there is one on every host', () =>
    expect(stuck([silent('h1'), dead('h2')], { mode: 'global' })).toBe('h1'));
});
