/** Slots go where those are that their component follows, and away from those it keeps away from. */
import { describe, expect, it } from 'vitest';
import { componentId, hostId } from '../../../protocol/base/ids.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import {
  type Neighbor,
  neighborsBy,
  type Seated,
  whyNotBeside,
  whyNotStay,
} from '../../../protocol/placement/neighbor.ts';
import { place, type PlacementHost } from '../../../protocol/placement/place.ts';
import type { Slot } from '../../../protocol/record/record.ts';
import { dead, host, image, request, run, show, slotsOf } from './cluster.ts';

const DB = componentId('shop', 'db');
const near = (has?: Neighbor['has']): Neighbor => ({
  component: DB,
  bond: 'affinity',
  ...(has && { has }),
});
const apart = (has?: Neighbor['has']): Neighbor => ({ ...near(has), bond: 'antiAffinity' });

it.each<readonly [string, readonly Neighbor[], string | undefined, string | undefined]>([
  ['follows nobody', [], undefined, undefined],
  ['is there', [near('slots')], undefined, undefined],
  ['has ended there', [near('ended')], undefined, undefined],
  ['is elsewhere', [near('none')], 'shop.db does not run there', 'shop.db does not run there'],
  ['is not known: nothing new, and nothing moves', [near()], 'shop.db has no place yet', undefined],
  ['keeps away from it', [apart('slots')], 'shop.db runs there', 'shop.db runs there'],
  ['it has ended there', [apart('ended')], undefined, undefined],
  ['it is elsewhere', [apart('none')], undefined, undefined],
  ['it is not known', [apart()], 'shop.db has no place yet', undefined],
  [
    'the first that does not hold',
    [near('slots'), apart('slots'), near('none')],
    'shop.db runs there',
    'shop.db runs there',
  ],
])('%s', (_name, neighbors, placing, staying) => {
  expect([whyNotBeside(neighbors), whyNotStay(neighbors)]).toEqual([placing, staying]);
});

const beside = (id: string, ...neighbors: readonly Neighbor[]): PlacementHost =>
  host(id, { neighbors });
const drained = (id: string, ...neighbors: readonly Neighbor[]): PlacementHost =>
  host(id, { neighbors, availability: 'draining' });
const GLOBAL = image(0, { mode: 'global' });
const FILL = image(0, {
  mode: 'global',
  placement: { constraints: [], perHostMax: 2, fill: true },
});
const JOB = image(1, { job: {}, restart: { kind: 'onFailure' } });

it.each<readonly [string, ComponentSpec, string, readonly PlacementHost[], string]>([
  [
    'only beside it',
    image(2),
    '',
    [beside('h1', near('none')), beside('h2', near('slots'))],
    'h2 h2',
  ],
  [
    'only away from it',
    image(2),
    '',
    [beside('h1', apart('none')), beside('h2', apart('slots'))],
    'h1 h1',
  ],
  ['nowhere before it has a place', image(1), '', [beside('h1', near()), beside('h2', near())], ''],
  [
    'stays beside it, though another host is emptier',
    image(1),
    'h1',
    [host('h1', { neighbors: [near('slots')], slotCount: 9 }), beside('h2', near('slots'))],
    'h1',
  ],
  [
    'stays while nobody knows where it is',
    image(1),
    'h1',
    [beside('h1', near()), beside('h2', near())],
    'h1',
  ],
  ['follows it', image(1), 'h1', [beside('h1', near('none')), beside('h2', near('slots'))], 'h2'],
  [
    'gives way to it',
    image(1),
    'h1',
    [beside('h1', apart('slots')), beside('h2', apart('none'))],
    'h2',
  ],
  [
    'goes with it, as with any rule that holds nowhere',
    image(1),
    'h1',
    [beside('h1', near('none'))],
    '',
  ],
  [
    'waits for a dead host beside it',
    image(1),
    'h1',
    [{ ...dead('h1'), neighbors: [near('slots')] }, beside('h2', near('none'))],
    'h1',
  ],
  [
    'stays on a drained host until it has gone ahead',
    image(1),
    'h1',
    [drained('h1', near('slots')), beside('h2', near('none'))],
    'h1',
  ],
  [
    'is handed over to where it has gone ahead',
    image(1),
    'h1',
    [drained('h1', near('none')), beside('h2', near('slots'))],
    'h2<h1',
  ],
  [
    'one of a global component on each host that has it',
    GLOBAL,
    'h3',
    [beside('h1', near('slots')), beside('h2', near('none')), beside('h3', near('none'))],
    '- h1|h1',
  ],
  [
    'as many as find room beside it',
    FILL,
    '',
    [beside('h1', near('slots')), beside('h2', near('none'))],
    'h1 h1',
  ],
  [
    'no more than may be on one host',
    image(3, { placement: { constraints: [], perHostMax: 1 } }),
    '',
    [beside('h1', near('slots')), beside('h2', near('none'))],
    'h1',
  ],
  [
    'a job goes there too',
    JOB,
    '',
    [beside('h1', near('none')), beside('h2', near('slots'))],
    'h2',
  ],
])('%s', (_name, wanted, current, hosts, expected) => {
  const { slots } = run(wanted, current, hosts);
  const [only] = slots;
  const shown = only?.from === undefined ? show(slots) : `${only.host}<${only.from}`;
  expect(expected.split('|')).toContain(shown);
});

it('what is under way stays, a job begun elsewhere would be begun twice', () => {
  const hosts = [beside('h1', near('none')), beside('h2', near('slots'))];
  const { slots } = place({
    ...request(JOB, hosts),
    current: slotsOf('h1'),
    progress: () => 'busy',
  });
  expect(show(slots)).toBe('h1');
});

it('every reason is counted', () => {
  const hosts = [
    beside('h1', near('none')),
    beside('h2', near('none')),
    beside('h3', near('slots'), { ...apart('slots'), component: componentId('shop', 'queue') }),
    dead('h4'),
  ];
  expect(run(image(1), '', hosts).decisions.map(({ text }) => text)).toEqual([
    'shop.web.1 fits nowhere: 2 hosts: shop.db does not run there (h1 h2) · 1 host: shop.queue runs there (h3) · 1 host: dead or gone (h4)',
  ]);
  const moved = run(image(1), 'h1', [beside('h1', near('none')), beside('h2', near('slots'))]);
  expect(moved.decisions.map(({ text }) => text)).toEqual([
    'shop.web.1 moves from h1 (shop.db does not run there) to h2: 0 of its slots and 0 others there, the fewest',
  ]);
});

describe('where the others are', () => {
  const seen = (
    bond: 'affinity' | 'antiAffinity',
    seated: Seated | undefined,
    at = 'h1',
  ): Neighbor['has'] =>
    neighborsBy({ placement: { constraints: [], [bond]: ['db'] } }, 'shop', (id) =>
      id === DB ? seated : undefined,
    )(hostId(at))[0]?.has;
  const slot = (changes: Partial<Slot> = {}): Slot => ({ slot: 1, host: hostId('h1'), ...changes });
  const one = (changes: Partial<Slot>): Seated => ({
    spec: { mode: 'replicated', replicas: 1 },
    slots: [slot(changes)],
  });
  const OVER = { ended: { state: 'complete' } } as const;

  it.each<readonly [string, Seated | undefined, Neighbor['has'], Neighbor['has']]>([
    ['not known', undefined, undefined, undefined],
    ['nowhere', { spec: { mode: 'replicated', replicas: 0 }, slots: [] }, 'none', 'none'],
    ['there', one({}), 'slots', 'slots'],
    ['elsewhere', one({ host: hostId('h2') }), 'none', 'none'],
    [
      'there until it is served elsewhere',
      one({ host: hostId('h2'), from: hostId('h1') }),
      'slots',
      'slots',
    ],
    ['ended there', one(OVER), 'ended', 'ended'],
    [
      'ended and going on there',
      { spec: { mode: 'replicated', replicas: 3 }, slots: [slot(), slot({ slot: 2, ...OVER })] },
      'slots',
      'slots',
    ],
    [
      'standing in there: soon gone, and yet in the way',
      { spec: { mode: 'replicated', replicas: 1 }, slots: [slot({ slot: 2 })] },
      'none',
      'slots',
    ],
    [
      'of global components numbers say nothing',
      { spec: { mode: 'global', replicas: 1 }, slots: [slot({ slot: 7 })] },
      'slots',
      'slots',
    ],
  ])('%s', (_name, seated, followed, fled) => {
    expect([seen('affinity', seated), seen('antiAffinity', seated)]).toEqual([followed, fled]);
  });

  it('is asked of those that it names, for each host', () => {
    const on = neighborsBy(
      { placement: { constraints: [], affinity: ['db'], antiAffinity: ['queue'] } },
      'shop',
      () => one({ host: hostId('h2') }),
    );
    expect(
      on(hostId('h2')).map(({ component, bond, has }) => `${bond} ${component}: ${has}`),
    ).toEqual(['affinity shop.db: slots', 'antiAffinity shop.queue: slots']);
    expect(neighborsBy({}, 'shop', () => undefined)(hostId('h1'))).toEqual([]);
  });
});

/** `web` beside `db`, `page` away from `web`: each placed by what the others have, in any order. */
it('comes to rest, whoever decides first and wherever all of them were', () => {
  const ids = ['h1', 'h2', 'h3'];
  const names = ['db', 'web', 'page'] as const;
  const rules: Readonly<Record<string, ComponentSpec>> = {
    db: image(1),
    web: image(1, { placement: { constraints: [], affinity: ['db'] } }),
    page: image(1, { placement: { constraints: [], antiAffinity: ['web'] } }),
  };
  const decide = (all: Map<string, readonly Slot[]>, name: string, draining: string): boolean => {
    const spec = rules[name] ?? image(0);
    const on = neighborsBy(spec, 'shop', (id) => {
      const its = id.slice('shop.'.length);
      return { spec: rules[its] ?? spec, slots: all.get(its) ?? [] };
    });
    const hosts = ids.map((id) =>
      host(id, {
        neighbors: on(hostId(id)),
        ...(id === draining && { availability: 'draining' as const }),
      }),
    );
    const asked = { ...request(spec, hosts), component: componentId('shop', name) };
    const { slots } = place({ ...asked, current: all.get(name) ?? [] });
    // What is handed over has come.
    const next = slots.map(({ slot, host: at }) => ({ slot, host: at }));
    const isNew = show(next) !== show(all.get(name) ?? []);
    all.set(name, next);
    return isNew;
  };
  let count = 0;
  for (const draining of ['', ...ids])
    for (const start of ids.flatMap((a) => ids.flatMap((b) => ids.map((c) => [a, b, c]))))
      for (const order of [
        [0, 1, 2],
        [2, 1, 0],
        [1, 2, 0],
      ]) {
        const all = new Map(names.map((name, i) => [name as string, slotsOf(start[i] ?? '')]));
        const round = (): boolean =>
          order.map((i) => decide(all, names[i] ?? '', draining)).some((isNew) => isNew);
        for (let rounds = 1; round(); rounds++) expect(rounds).toBeLessThan(names.length + 1);
        const at = (name: string): string => show(all.get(name) ?? []);
        expect([at('web'), at('page') !== at('web'), at('page') !== '']).toEqual([
          at('db'),
          true,
          true,
        ]);
        expect([...all.keys()].map(at)).not.toContain(draining === '' ? 'nowhere' : draining);
        count += 1;
      }
  expect(count).toBe(4 * 27 * 3);
});
