/** A slot leaves a host that is drained once another runs it, and not before. */
import { expect, it } from 'vitest';
import { term } from '../../../protocol/base/ids.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import type { InstanceReport } from '../../../protocol/inventory/entry.ts';
import { place, type PlacementHost } from '../../../protocol/placement/place.ts';
import type { Slot } from '../../../protocol/record/record.ts';
import { hostId } from '../../../protocol/base/ids.ts';
import { DATA, dead, FIXED, host, image, request, show, slotsOf, unknown, WEB } from './cluster.ts';

const drained = (id: string): PlacementHost => host(id, { availability: 'draining' });
const cordoned = (id: string): PlacementHost => host(id, { availability: 'cordoned' });

type Said = InstanceReport['state'] | 'healthy' | 'unhealthy' | 'warming';
function report(said: Said): InstanceReport {
  const health =
    said === 'healthy' || said === 'unhealthy' ? said : said === 'warming' ? 'starting' : 'none';
  const state = said === 'healthy' || said === 'unhealthy' || said === 'warming' ? 'running' : said;
  return {
    kind: 'instance',
    component: WEB,
    slot: 1,
    state,
    health,
    attempt: 1,
    restarts: 0,
    crashLoop: false,
    revision: 'r',
    term: term(1),
    ports: [],
  };
}

/** `h2<h1`: h2 has it from h1. */
const seat = (text: string): readonly Slot[] => {
  const [at = '', from] = text.split('<');
  if (at === '') return [];
  return [{ slot: 1, host: hostId(at), ...(from === undefined ? {} : { from: hostId(from) }) }];
};
const tell = (slots: readonly Slot[]): string =>
  slots.map(({ host: at, from }) => (from === undefined ? at : `${at}<${from}`)).join(' ');

const run = (
  wanted: ComponentSpec,
  current: string,
  hosts: readonly PlacementHost[],
  said: { readonly [host: string]: Said } = {},
) =>
  place({
    ...request(wanted, hosts),
    current: seat(current),
    reported: (_slot, at) => {
      const word = said[at];
      return word === undefined ? undefined : report(word);
    },
  });

const ONE = image(1);
const STRICT = image(1, { singleton: 'strict' });
const GUARDED = { facts: { ...host('h').facts, guard: true } } as Partial<PlacementHost>;

it.each<
  readonly [
    string,
    ComponentSpec,
    string,
    readonly PlacementHost[],
    { readonly [host: string]: Said },
    string,
  ]
>([
  ['nothing new where it is drained', ONE, '', [drained('h1'), host('h2')], {}, 'h2'],
  ['nothing new where it is cordoned', ONE, '', [cordoned('h1'), host('h2')], {}, 'h2'],
  [
    'what a cordoned host has stays',
    ONE,
    'h1',
    [cordoned('h1'), host('h2')],
    { h1: 'running' },
    'h1',
  ],
  ['another takes it over', ONE, 'h1', [drained('h1'), host('h2')], { h1: 'running' }, 'h2<h1'],
  ['also where nothing is known of it yet', ONE, 'h1', [drained('h1'), host('h2')], {}, 'h2<h1'],
  ['at once if nothing runs there', ONE, 'h1', [drained('h1'), host('h2')], { h1: 'failed' }, 'h2'],
  ['it waits for want of room', ONE, 'h1', [drained('h1'), dead('h2')], { h1: 'running' }, 'h1'],
  ['and where no other engine is known', ONE, 'h1', [drained('h1'), unknown('h2')], {}, 'h1'],
  [
    'two with a volume might write to two',
    image(1, DATA),
    'h1',
    [drained('h1'), host('h2')],
    { h1: 'running' },
    'h2',
  ],
  [
    'two strict ones must not be',
    STRICT,
    'h1',
    [host('h1', { ...GUARDED, availability: 'draining' }), host('h2', GUARDED)],
    { h1: 'running' },
    'h2',
  ],
  [
    'a port is another one on another host',
    image(1, FIXED),
    'h1',
    [drained('h1'), host('h2')],
    { h1: 'running' },
    'h2<h1',
  ],
  ['it is not there yet', ONE, 'h2<h1', [drained('h1'), host('h2')], { h1: 'running' }, 'h2<h1'],
  [
    'it starts',
    ONE,
    'h2<h1',
    [drained('h1'), host('h2')],
    { h1: 'running', h2: 'starting' },
    'h2<h1',
  ],
  ['it runs', ONE, 'h2<h1', [drained('h1'), host('h2')], { h1: 'running', h2: 'running' }, 'h2'],
  [
    'it is not well yet',
    ONE,
    'h2<h1',
    [drained('h1'), host('h2')],
    { h1: 'running', h2: 'warming' },
    'h2<h1',
  ],
  [
    'it is ill',
    ONE,
    'h2<h1',
    [drained('h1'), host('h2')],
    { h1: 'running', h2: 'unhealthy' },
    'h2<h1',
  ],
  ['it is well', ONE, 'h2<h1', [drained('h1'), host('h2')], { h1: 'running', h2: 'healthy' }, 'h2'],
  [
    'it fails again and again',
    ONE,
    'h2<h1',
    [drained('h1'), host('h2')],
    { h1: 'running', h2: 'failed' },
    'h2<h1',
  ],
  [
    'nothing is left to wait for',
    ONE,
    'h2<h1',
    [drained('h1'), host('h2')],
    { h1: 'failed', h2: 'starting' },
    'h2',
  ],
  ['its giver is dead', ONE, 'h2<h1', [dead('h1'), host('h2')], { h1: 'running' }, 'h2'],
  ['its giver is no member', ONE, 'h2<h1', [host('h2')], { h1: 'running' }, 'h2'],
  [
    'its giver is drained no longer',
    ONE,
    'h2<h1',
    [host('h1'), host('h2')],
    { h1: 'running' },
    'h2<h1',
  ],
  [
    'its taker is dead',
    ONE,
    'h2<h1',
    [drained('h1'), dead('h2'), host('h3')],
    { h1: 'running', h2: 'running' },
    'h3<h1',
  ],
  ['and nobody else is there', ONE, 'h2<h1', [drained('h1'), dead('h2')], { h1: 'running' }, 'h1'],
  [
    'its taker is dead, its giver may have it again',
    ONE,
    'h2<h1',
    [host('h1'), dead('h2')],
    { h1: 'running' },
    'h1',
  ],
  [
    'its taker is drained too',
    ONE,
    'h2<h1',
    [drained('h1'), drained('h2'), host('h3')],
    { h1: 'running', h2: 'starting' },
    'h3<h1',
  ],
  [
    'and has run it',
    ONE,
    'h2<h1',
    [drained('h1'), drained('h2'), host('h3')],
    { h1: 'running', h2: 'running' },
    'h3<h2',
  ],
  [
    'it has become strict',
    STRICT,
    'h2<h1',
    [drained('h1'), host('h2', GUARDED)],
    { h1: 'running' },
    'h2',
  ],
  [
    'it has become one on every host',
    image(1, { mode: 'global' }),
    'h2<h1',
    [drained('h1'), host('h2')],
    {},
    'h2',
  ],
  ['none is wanted any more', image(0), 'h2<h1', [drained('h1'), host('h2')], {}, ''],
  [
    'a global one leaves',
    image(1, { mode: 'global' }),
    'h1',
    [drained('h1'), host('h2')],
    { h1: 'running' },
    'h2',
  ],
  [
    'a task that is done is not done again',
    image(1, { restart: { kind: 'onFailure' } }),
    'h1',
    [drained('h1'), host('h2')],
    { h1: 'complete' },
    'h1',
  ],
  [
    'nor one that has failed for good',
    image(1, { restart: { kind: 'no' } }),
    'h1',
    [drained('h1'), host('h2')],
    { h1: 'failed' },
    'h1',
  ],
  [
    'one that is started again is',
    ONE,
    'h1',
    [drained('h1'), host('h2')],
    { h1: 'complete' },
    'h2',
  ],
  [
    'a task that was done over there has been taken over',
    image(1, { restart: { kind: 'no' } }),
    'h2<h1',
    [drained('h1'), host('h2')],
    { h1: 'running', h2: 'complete' },
    'h2',
  ],
])('%s', (_name, wanted, current, hosts, said, expected) => {
  expect(tell(run(wanted, current, hosts, said).slots)).toBe(expected);
});

it('says what moves, who runs it until then, and why it may have to wait', () => {
  const text = (hosts: readonly PlacementHost[]): string | undefined =>
    run(ONE, 'h1', hosts, { h1: 'running' }).decisions[0]?.text;
  expect(text([drained('h1'), host('h2')])).toBe(
    'shop.web.1 moves from h1 (it is drained) to h2: 0 of its slots and 0 others there, the fewest; h1 runs it until then',
  );
  expect(text([drained('h1'), cordoned('h2'), dead('h3'), dead('h4')])).toBe(
    'shop.web.1 waits for h1, since it fits nowhere else: 1 host: it is drained (h1) · 1 host: it is cordoned (h2) · 2 hosts: dead or gone (h3 h4)',
  );
});

it('moves all of them at once, each with its giver', () => {
  const hosts = [drained('h1'), host('h2'), host('h3')];
  const { slots } = place({ ...request(image(4), hosts), current: slotsOf('h1 h1 h1 h2') });
  expect(slots.map(({ from }) => from)).toEqual(['h1', 'h1', 'h1', undefined]);
  expect(show(slots)).toMatch(/^h[23] h[23] h[23] h2$/);
});

it('remembers a taker that may only be out of reach, though the giver has it again', () => {
  const wanted = image(1, { onHeal: 'keepOldest' });
  const [slot] = run(wanted, 'h2<h1', [drained('h1'), dead('h2')], { h1: 'running' }).slots;
  expect(slot).toEqual({ slot: 1, host: 'h1', left: ['h2'] });
});
