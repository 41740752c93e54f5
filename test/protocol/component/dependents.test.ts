/** Who ends before whom, and how long that may take at most, by a table of stacks. */
import { expect, it } from 'vitest';
import { seconds } from '../../../protocol/base/time.ts';
import { type Dependent, dependentsIn, endingOf } from '../../../protocol/component/dependents.ts';
import type { StackSpec } from '../../../protocol/component/spec.ts';
import { spec } from '../reconcile/stage.ts';

/** `web:db,log/3`: depends on two others, and may take 3 s to end; else 10 s. */
function stack(text: string): StackSpec {
  const components = text.split(' ').map((part) => {
    const [, name = '', on = '', grace = '10'] =
      /^(\w+)(?::([\w,]+))?(?:\/(\d+))?$/.exec(part) ?? [];
    const dependsOn = on
      .split(',')
      .filter(Boolean)
      .map((each) => ({
        on: each,
        condition: 'started' as const,
        required: true,
        restart: false,
      }));
    return spec({ name, dependsOn, stopGraceMs: seconds(Number(grace)) });
  });
  return { name: 'shop', components };
}

/** Of each that waits: `db after api web, 30000 ms`. */
function order(dependents: readonly Dependent[], names: readonly string[]): readonly string[] {
  return names.flatMap((name) => {
    const ending = endingOf(dependents, name);
    return ending === undefined
      ? []
      : [`${name} after ${ending.after.join(' ')}, ${ending.waitMs} ms`];
  });
}

it.each([
  ['web db', [], 'nothing depends on anything'],
  ['web:db db', ['db after web, 15000 ms'], 'its grace, and 5 s'],
  ['web:db/0 db', ['db after web, 5000 ms'], 'no grace: 5 s'],
  [
    'web:db/3 job:db/40 db',
    ['db after job web, 45000 ms'],
    'the longest grace of those of one level',
  ],
  [
    'web:api api:db/3 db',
    ['api after web, 15000 ms', 'db after api web, 23000 ms'],
    'through others, level by level',
  ],
  [
    'db api:db/3 web:api,db',
    ['db after api web, 23000 ms', 'api after web, 15000 ms'],
    'the longer way counts, in whatever order they stand',
  ],
  ['web:gone db', [], 'what is not in the stack is waited for by nobody'],
  ['web:web', [], 'nor is anything by itself'],
  ['a:b/0 b:a/0', ['a after b, 20000 ms', 'b after a, 15000 ms'], 'a circle comes to an end'],
])('%s: %j, %s', (text, wanted) => {
  const wholly = stack(text);
  expect(
    order(
      dependentsIn(wholly),
      wholly.components.map(({ name }) => name),
    ),
  ).toEqual(wanted);
});

it('is kept by name, and never longer than an instant can be', () => {
  const dependents = dependentsIn(stack('web:db api:db,web/2 db'));
  expect(dependents).toEqual([
    { name: 'api', on: ['db', 'web'], graceMs: 2000 },
    { name: 'web', on: ['db'], graceMs: 10_000 },
  ]);
  const endless = stack('c:b b:a a').components.map((one) => ({
    ...one,
    stopGraceMs: seconds(2 ** 42),
  }));
  const ending = endingOf(dependentsIn({ name: 'shop', components: endless }), 'a');
  expect(ending?.waitMs).toBe(2 ** 52);
});
