import { expect, it } from 'vitest';
import { Failure } from '../../../node/cli/failure.ts';
import { instanceIds, resolve, type SubjectKind } from '../../../node/cli/subject.ts';
import { cluster, component, filled, host } from './views.ts';

const view = cluster({
  hosts: [host('h1', { self: true }), host('h10'), host('web')],
  stacks: [
    {
      name: 'shop',
      revision: '4.7',
      components: [
        component('shop.web', ['h1', 'h10'], {
          slots: [
            filled('shop.web.1', 'h1', { engineId: 'beefcafe01' }),
            filled('shop.web.10', 'h10'),
          ],
        }),
        component('shop.worker', ['h1']),
        component('shop.api', ['h1'], { slots: [{ slot: 1, note: 'no host fits' }] }),
      ],
    },
    { name: 'blog', revision: '1.1', components: [component('blog.api', ['h1'])] },
  ],
});

const ANY: readonly SubjectKind[] = ['stack', 'component', 'instance', 'host'];
const ACTED_ON: readonly SubjectKind[] = ['component', 'instance'];

const ROWS: readonly (readonly [string, readonly SubjectKind[], string, string])[] = [
  ['shop', ANY, 'stack shop', 'a whole name, though components start with it'],
  ['sh', ANY, 'stack shop', 'a prefix never crosses a dot'],
  ['worker', ANY, 'component shop.worker', 'a short name'],
  ['shop.wo', ANY, 'component shop.worker', 'a prefix of the full name'],
  ['wo', ACTED_ON, 'component shop.worker', 'a prefix of the short name'],
  ['web', ACTED_ON, 'component shop.web', 'the host of that name is not asked for'],
  ['shop.web.1', ANY, 'instance shop.web.1', 'a whole name beats shop.web.10'],
  ['web.1', ACTED_ON, 'instance shop.web.1', 'so does a whole short name'],
  ['shop.worker.', ACTED_ON, 'instance shop.worker.1', 'a dot asks for instances'],
  ['beef', ACTED_ON, 'instance shop.web.1', 'the engine id, four characters of it'],
  ['shop.api.1', ANY, 'instance shop.api.1', 'an empty slot can be asked about'],
  ['h1', ['host'], 'host id1aaaa', 'a whole name beats h10'],
  ['h10', ['host'], 'host id10aaaa', 'the longer one'],
  ['id1a', ['host'], 'host id1aaaa', 'the id, four characters of it'],
];

it.each(ROWS)('%s of %j is %s: %s', (word, kinds, found) => {
  const subject = resolve(view, word, kinds);
  expect(`${subject.kind} ${subject.id}`).toBe(found);
});

const REFUSED: readonly (readonly [string, readonly SubjectKind[], number, string, string])[] = [
  ['w', ACTED_ON, 2, 'component shop.web, component shop.worker', 'two components'],
  ['web', ANY, 2, 'component shop.web, host web (ideb', 'a component and a host'],
  ['api', ANY, 2, 'component shop.api, component blog.api', 'the same name in two stacks'],
  ['shop.w.1', ANY, 4, 'this cluster has: stack shop', 'only the last part may be short'],
  ['bee', ACTED_ON, 4, 'this cluster has', 'three characters of an id'],
  ['h2', ['host'], 4, 'host h1 (id1aaaa), host h10 (id10aaaa)', 'unknown'],
  ['', ANY, 4, 'this cluster has', 'nothing is no prefix of everything'],
];

it.each(REFUSED)('"%s" of %j ends with exit %i and tells %s: %s', (word, kinds, exit, why) => {
  const parts = refusedBy(() => resolve(view, word, kinds));
  expect(parts.exit).toBe(exit);
  expect(parts.why).toContain(why);
});

it('leaves empty slots out of the instances of a component', () => {
  expect(instanceIds(resolve(view, 'shop.web', ['component']))).toEqual([
    'shop.web.1',
    'shop.web.10',
  ]);
  expect(instanceIds(resolve(view, 'shop.api', ['component']))).toEqual([]);
});

function refusedBy(act: () => unknown): Failure['parts'] {
  try {
    act();
  } catch (error) {
    if (error instanceof Failure) return error.parts;
    throw error;
  }
  throw new Error('it was not refused');
}
