/** Who is restarted after whom, by a table of stacks. */
import { expect, it } from 'vitest';
import { followersOf } from '../../../node/cli/followers.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { spec } from '../../protocol/reconcile/stage.ts';

/** `web!db,log`: depends on db with `restart: true`, and on log without. */
function component(text: string): ComponentSpec {
  const [name = '', ...on] = text.split(/(?=[!,])/);
  const dependsOn = on.map((each) => ({
    on: each.slice(1),
    condition: 'started' as const,
    required: true,
    restart: each.startsWith('!'),
  }));
  return spec({ name, dependsOn });
}

it.each([
  [['db', 'web,db'], [], 'a dependency alone asks for nothing'],
  [['db', 'web!db'], ['web after db'], 'restart: true'],
  [['web!api', 'api!db', 'db'], ['api after db', 'web after api'], 'through others'],
  [['web,api', 'api!db', 'db'], ['api after db'], 'not through one that does not follow'],
  [['web!db!api', 'api!db', 'db'], ['api after db', 'web after db'], 'last of all that it follows'],
  [['web!db,api', 'api!db', 'db'], ['api after db', 'web after db'], 'and of all it depends on'],
  [['db', 'b!db', 'a!db'], ['b after db', 'a after db'], 'equals as the stack has them'],
  [['db!a', 'b!db'], ['b after db'], 'not what it depends on itself'],
  [['a!b', 'b!a'], ['b after a'], 'a circle comes to an end'],
])('%j: %j, %s', (stack, order) => {
  const shop = { name: 'shop', components: stack.map(component) };
  const first = stack.includes('db') || stack.includes('db!a') ? 'db' : 'a';
  expect(followersOf(shop, first).map(({ name, on }) => `${name} after ${on}`)).toEqual(order);
});
