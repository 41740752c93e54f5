/** What becomes of `affinity` and `anti_affinity`, and what a user reads where they are not right. */
import { expect, it } from 'vitest';
import { loadCompose } from '../../../node/compose/load.ts';
import { told } from './told.ts';

/** Each service with what it says under `x-millrace`; `web` is the first, in line 2. */
const stack = (services: Readonly<Record<string, string>>, more = ''): string =>
  [
    'services:',
    ...Object.entries(services).map(
      ([name, written]) => `  ${name}: {image: i, x-millrace: {${written}}}`,
    ),
    more,
  ].join('\n');

it('names of services, in their order', () => {
  const text = stack({
    web: 'affinity: [db, cache], anti_affinity: [batch]',
    db: '',
    cache: '',
    batch: '',
  });
  const env = {};
  const read = loadCompose(text, { path: 'c.yaml', env, dir: '/nowhere', name: 'shop' });
  expect(read.ok && read.stack.components.map(({ placement }) => placement)).toEqual([
    { constraints: [], affinity: ['db', 'cache'], antiAffinity: ['batch'] },
    undefined,
    undefined,
    undefined,
  ]);
  expect(told(text)).toEqual([]);
});

it('an empty list says nothing', () => {
  const read = loadCompose(stack({ web: 'affinity: [], anti_affinity: []' }), {
    path: 'c.yaml',
    env: {},
    dir: '/nowhere',
    name: 'shop',
  });
  expect(read.ok && read.stack.components[0]).not.toHaveProperty('placement');
});

it.each<readonly [string, string, readonly string[]]>([
  [
    'one name is a list too',
    stack({ web: 'affinity: db', db: '' }),
    ['c.yaml:2:42 services.web.x-millrace.affinity: expected a list, got "db"'],
  ],
  [
    'no text',
    stack({ web: 'affinity: [{db: 1}]', db: '' }),
    ['c.yaml:2:43 services.web.x-millrace.affinity[0]: expected text, got a mapping'],
  ],
  [
    'nobody has that name',
    stack({ web: 'anti_affinity: [cache, dbb]', db: '', cache: '' }),
    [
      'c.yaml:2:55 services.web.x-millrace.anti_affinity[1]: there is no service dbb; did you mean db?',
    ],
  ],
  [
    'nobody has a name like it',
    stack({ web: 'affinity: [elsewhere]', db: '' }),
    [
      'c.yaml:2:43 services.web.x-millrace.affinity[0]: there is no service elsewhere; name a service of this stack',
    ],
  ],
  [
    'it has a profile that nobody asks for',
    stack({ web: 'affinity: [db]' }, '  db: {image: i, profiles: [data]}'),
    [
      'c.yaml:2:43 services.web.x-millrace.affinity[0]: db does not run: it has a profile that is not asked for: data; ask for it with --profile data',
    ],
  ],
  [
    'itself',
    stack({ web: 'affinity: [web]' }),
    [
      'c.yaml:2:43 services.web.x-millrace.affinity[0]: web cannot follow itself: the first of its instances would have nowhere to go; remove it',
    ],
  ],
  [
    'away from itself',
    stack({ web: 'anti_affinity: [web]' }),
    [
      'c.yaml:2:48 services.web.x-millrace.anti_affinity[0]: web cannot keep away from itself: it has to be somewhere; for one instance on a host write deploy.placement.max_replicas_per_node: 1',
    ],
  ],
  [
    'with it and away from it',
    stack({ web: 'affinity: [db], anti_affinity: [db]', db: '' }),
    [
      'c.yaml:2:64 services.web.x-millrace.anti_affinity[0]: db is under affinity too: no host both runs it and does not; leave one of the two out',
    ],
  ],
  [
    'twice',
    stack({ web: 'affinity: [db, db]', db: '' }),
    [
      'c.yaml:2:47 services.web.x-millrace.affinity[1]: db is named twice: once says all of it; remove one of the two',
    ],
  ],
  [
    'each away from the other',
    stack({ web: '', db: 'anti_affinity: [cache]', cache: 'anti_affinity: [db]' }),
    [
      'c.yaml:3:47 services.db.x-millrace.anti_affinity[0]: affinity and anti_affinity go in a circle, db -> cache -> db: whoever names another goes by where that one is, and none of them could be placed first; of two that are to share no host, or one, only one has to name the other',
    ],
  ],
  [
    'a longer circle, of both kinds',
    stack({ web: 'anti_affinity: [cache]', db: 'affinity: [web]', cache: 'affinity: [db]' }),
    [
      'c.yaml:2:48 services.web.x-millrace.anti_affinity[0]: affinity and anti_affinity go in a circle, web -> cache -> db -> web: whoever names another goes by where that one is, and none of them could be placed first; of two that are to share no host, or one, only one has to name the other',
    ],
  ],
])('%s', (_name, text, problems) => {
  expect(told(text)).toEqual(problems);
});
