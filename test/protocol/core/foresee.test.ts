/** What a deploy would place is what it does place. */
import { expect, it } from 'vitest';
import { instant } from '../../../protocol/base/time.ts';
import type { ComponentSpec, StackSpec } from '../../../protocol/component/spec.ts';
import { foresee } from '../../../protocol/core/foresee.ts';
import { know } from '../../../protocol/core/know.ts';
import { type Cluster, coreOf, deploy, grown, run, stack } from './cluster.ts';

const foreseen = (cluster: Cluster, wanted: StackSpec) =>
  foresee(coreOf(cluster, 'a'), instant(cluster.now), wanted);
const places = (cluster: Cluster, wanted: StackSpec): readonly string[] =>
  foreseen(cluster, wanted).flatMap(({ component, slots }) =>
    slots.map(({ slot, host }) => `${component}.${slot} ${host}`),
  );
const placed = (cluster: Cluster): readonly string[] =>
  [...know(coreOf(cluster, 'a')).assignments.values()].flatMap(({ component }) =>
    component.slots.map(({ slot, host }) => `${component.component}.${slot} ${host}`),
  );

const PORT: Partial<ComponentSpec> = {
  ports: [{ target: 80, published: 8080, protocol: 'tcp' }],
};

it('of a new stack, each component with the room that those before it leave', () => {
  const cluster = grown('abc');
  const wanted = stack('shop', 'one two three', PORT);
  const seen = places(cluster, wanted);
  expect(new Set(seen.map((line) => line.split(' ')[1])).size).toBe(3);
  deploy(cluster, 'a', 'open', wanted);
  run(cluster, 5000);
  expect(placed(cluster)).toHaveLength(3);
  const [fourth] = foreseen(cluster, stack('other', 'four', PORT));
  expect(fourth?.decisions.map(({ kind, text }) => [kind, text.split(' (')[0]])).toEqual([
    [
      'unplaceable',
      expect.stringMatching(/^other\.four\.1 fits nowhere: .*is taken there by shop\./),
    ],
  ]);
});

it('of one that is there, what would change and nothing else', () => {
  const cluster = grown('abc');
  const wanted = stack('shop', 'web:2', PORT);
  deploy(cluster, 'a', 'open', wanted);
  run(cluster, 5000);
  expect(foreseen(cluster, wanted).flatMap(({ decisions }) => decisions)).toEqual([]);
  expect(places(cluster, wanted)).toEqual(placed(cluster));
  const more = foreseen(cluster, stack('shop', 'web:4', PORT)).flatMap(
    ({ decisions }) => decisions,
  );
  expect(more.map(({ kind, slot }) => `${kind} ${slot}`)).toEqual(['placed 3', 'unplaceable 4']);
  expect(placed(cluster)).toHaveLength(2);
});

it('of components that follow each other, what they follow first, in the order of the stack', () => {
  const cluster = grown('abc');
  const { name, components } = stack('shop', 'web:2 page db');
  const rules: Readonly<Record<string, ComponentSpec['placement']>> = {
    web: { constraints: [], affinity: ['db'] },
    page: { constraints: [], antiAffinity: ['web'] },
  };
  const wanted: StackSpec = {
    name,
    components: components.map((spec) => {
      const placement = rules[spec.name];
      return placement === undefined ? spec : { ...spec, placement };
    }),
  };
  const seen = places(cluster, wanted);
  const [first, second, page, db] = seen.map((line) => line.split(' ')[1]);
  expect([first, second, page === db]).toEqual([db, db, false]);
  deploy(cluster, 'a', 'open', wanted);
  run(cluster, 5000);
  expect([...placed(cluster)].sort()).toEqual([...seen].sort());
});
