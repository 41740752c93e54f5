/** What a deploy would change, and what the file does not get. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { planLines, planOf } from '../../../node/cli/plan.ts';
import { millis } from '../../../protocol/base/time.ts';
import { revisionOf } from '../../../protocol/component/digest.ts';
import type { ComponentSpec, StackSpec } from '../../../protocol/component/spec.ts';
import type { StackView } from '../../../protocol/view/view.ts';
import { run, startAgent } from './fixture-agent.ts';
import { cluster, component, status } from './views.ts';

function spec(name: string, changes: Partial<ComponentSpec> = {}): ComponentSpec {
  return {
    name,
    mode: 'replicated',
    replicas: 1,
    image: 'i',
    environment: {},
    ports: [],
    volumes: [],
    restart: { kind: 'always' },
    dependsOn: [],
    stopGraceMs: millis(10_000),
    ...changes,
  };
}

/** The view of a stack that runs on as many hosts as it wants. */
function running(stack: StackSpec): StackView {
  const components = stack.components.map((one) => {
    const hosts = ['h1', 'h2', 'h3', 'h4'].slice(0, one.mode === 'global' ? 3 : one.replicas);
    const wanted = one.mode === 'global' ? 'all' : one.replicas;
    return component(`${stack.name}.${one.name}`, hosts, {
      revision: revisionOf(one, stack),
      wanted,
    });
  });
  return { name: stack.name, revision: '4.8', components };
}

/** As an agent says it. */
const revisionsOf = (stack: StackSpec) =>
  new Map(
    stack.components.map((one) => [
      `${stack.name}.${one.name}`,
      { revision: revisionOf(one, stack), decisions: [] },
    ]),
  );

it('tells for each component what becomes of it', () => {
  const db = spec('db');
  const before = {
    name: 'shop',
    components: [
      spec('web', { replicas: 2 }),
      spec('api', { replicas: 2 }),
      db,
      spec('follows', {
        dependsOn: [{ on: 'web', condition: 'started', required: true, restart: true }],
      }),
      spec('agent', { restart: { kind: 'no' } }),
      spec('every', { mode: 'global' }),
      spec('old'),
    ],
  };
  const after = {
    name: 'shop',
    components: [
      spec('web', { replicas: 3, image: 'j' }),
      spec('api', { replicas: 4 }),
      db,
      spec('follows', {
        dependsOn: [{ on: 'web', condition: 'started', required: true, restart: true }],
      }),
      spec('agent', { restart: { kind: 'always' } }),
      spec('every', { replicas: 2 }),
      spec('mail', { mode: 'global' }),
    ],
  };
  expect(planLines('shop', '4.8', planOf(after, running(before), revisionsOf(after)))).toEqual([
    'shop, now revision 4.8',
    '  ~ shop.web      2 running instances are replaced; 2 instances -> 3 instances',
    '  ~ shop.api      2 instances -> 4 instances',
    '  = shop.db       stays: 1 instance',
    '  ~ shop.follows  1 running instance is replaced',
    '  = shop.agent    stays: 1 instance',
    '  ~ shop.every    one on every host -> 2 instances',
    '  + shop.mail     new: one on every host',
    '  - shop.old      removed: 1 running instance ends',
    '6 changes',
  ]);
  const same = planOf(before, running(before), revisionsOf(before));
  expect(planLines('shop', '4.8', same).at(-1)).toBe('nothing that runs would change');
  expect(planLines('shop', undefined, planOf(before, undefined, revisionsOf(before)))[0]).toBe(
    'shop is new',
  );
});

it('says of what was taken back that it is in quarantine, until the file says something else', () => {
  const bad = { name: 'shop', components: [spec('web', { image: 'j' })] };
  const { components, ...rest } = running(bad);
  const rollout = {
    revision: 'r0',
    state: 'takenBack',
    done: 1,
    total: 1,
    trial: [],
    refused: components[0]?.revision ?? '',
    refusedAt: '2026-11-21T00:41:10Z',
    why: 'shop.web.1 failed',
  } as const;
  const now = { ...rest, components: components.map((one) => ({ ...one, rollout })) };
  expect(planLines('shop', '4.8', planOf(bad, now, revisionsOf(bad)))).toEqual([
    'shop, now revision 4.8',
    '  = shop.web  stays: 1 instance',
    '      in quarantine, deployed 2026-11-21T00:41:10Z: shop.web.1 failed',
    '      it is not tried again but by npx agentctl rollout resume shop.web',
    'nothing that runs would change',
  ]);
  const good = { name: 'shop', components: [spec('web', { image: 'k' })] };
  expect(planLines('shop', '4.8', planOf(good, now, revisionsOf(good))).join('\n')).not.toContain(
    'quarantine',
  );
});

it('leaves alone what was put back when the file says it again', () => {
  const stackOf = (image: string, replicas = 2): StackSpec => {
    return { name: 'shop', components: [spec('web', { image, replicas })] };
  };
  const good = stackOf('i');
  const wantsBad = running(stackOf('j'));
  const putBack = (state: 'takenBack' | 'going'): StackView => ({
    ...wantsBad,
    components: wantsBad.components.map((one) => ({
      ...one,
      rollout: {
        revision: revisionOf(spec('web', { image: 'i' }), good),
        state,
        done: 2,
        total: 2,
        trial: [],
        ...(state === 'takenBack' && { refused: one.revision ?? '', why: 'shop.web.1 failed' }),
      },
    })),
  });
  const said = (now: StackView, stack = good) =>
    planLines('shop', '4.8', planOf(stack, now, revisionsOf(stack)))[1];
  expect(said(putBack('takenBack'))).toBe('  = shop.web  stays: 2 instances');
  expect(said(putBack('takenBack'), stackOf('i', 3))).toBe(
    '  ~ shop.web  2 instances -> 3 instances',
  );
  expect(said(putBack('going'))).toBe('  ~ shop.web  2 running instances are replaced');
});

it('does not call a component kept whose instances go elsewhere, or end', () => {
  const stack = { name: 'shop', components: [spec('web', { replicas: 3 }), spec('db')] };
  const decided = (kind: 'moved' | 'unplaceable', slot: number) =>
    ({ kind, slot, text: `${slot} is ${kind}`, rejected: [] }) as const;
  const planned = (webs: readonly ReturnType<typeof decided>[]) =>
    new Map(
      [...revisionsOf(stack)].map(([id, one]) => [
        id,
        id === 'shop.web' ? { ...one, decisions: webs } : one,
      ]),
    );
  const said = (webs: readonly ReturnType<typeof decided>[], now = running(stack)) => {
    const lines = planLines('shop', '4.8', planOf(stack, now, planned(webs)));
    return [lines[1], lines.at(-1)];
  };
  expect(said([decided('moved', 1), decided('unplaceable', 2), decided('unplaceable', 3)])).toEqual(
    [
      '  ~ shop.web  1 running instance goes elsewhere; 2 running instances end: they fit nowhere',
      '1 change',
    ],
  );
  // What does not run is nothing that would change.
  const { components, ...rest } = running(stack);
  const pending = components.map((one) => ({ ...one, slots: [] }));
  expect(said([decided('unplaceable', 2)], { ...rest, components: pending })).toEqual([
    '  = shop.web  stays: 3 instances',
    'nothing that runs would change',
  ]);
});

const COMPOSE = 'name: shop\nservices:\n  web:\n    image: i\n    annotations: {a: b}\n';

it('asks only, lists warnings again at the end, and under --strict takes them for errors', async () => {
  await using agent = await startAgent({
    'GET /v1/status': status(cluster({ stacks: [] })),
    'POST /v1/plan': {
      components: [
        {
          id: 'shop.web',
          decisions: [
            {
              kind: 'unplaceable',
              slot: 1,
              text: 'shop.web.1 fits nowhere: 2 hosts: dead or gone (ab1 ab2)',
              rejected: [
                { host: 'ab1', host_name: 'attic', why: 'dead or gone' },
                { host: 'ab2', host_name: 'cellar', why: 'dead or gone' },
              ],
            },
          ],
        },
      ],
    },
  });
  const file = join(agent.folder, 'compose.yaml');
  await writeFile(file, COMPOSE);
  const args = ['plan', '-f', file, '--socket', agent.socket];
  const warning = `${file}:5:5 services.web.annotations: ignored: nothing here reads it`;
  const ran = await run(args);
  expect(ran.code).toBe(6);
  expect(ran.stderr.split('\n')).toEqual([
    `warning: ${warning}`,
    'error: 1 slot fits nowhere: shop.web.1',
    '  why   shop.web.1 fits nowhere: 2 hosts: dead or gone (attic cellar)',
    `  next  npx agentctl host ls      or let them wait for a host: npx agentctl deploy -f ${file}`,
    '',
  ]);
  expect(ran.stdout.split('\n')).toEqual([
    'shop is new',
    '  + shop.web  new: 1 instance',
    '      shop.web.1 fits nowhere: 2 hosts: dead or gone (attic cellar)',
    '        attic: dead or gone',
    '        cellar: dead or gone',
    '1 change',
    '',
    'not done as written, 1 warning:',
    `  ${warning}`,
    '',
  ]);
  const told = await run([...args, '--json']);
  expect(JSON.parse(told.stdout)).toMatchObject({
    schema: 'millrace/plan/1',
    data: { stack: 'shop', components: [{ id: 'shop.web', change: 'new' }], warnings: [warning] },
  });
  expect(told.code).toBe(6);
  expect(told.stderr).toContain('"code":"no-place"');
  expect((await run([...args, '--strict'])).code).toBe(2);
  expect(new Set(agent.asked.map(({ path }) => path))).toEqual(new Set(['/v1/status', '/v1/plan']));
});
