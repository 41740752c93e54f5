/** Which rules of placement are taken from a user or a peer, and which are refused. */
import { expect, it } from 'vitest';
import { COMPONENT, type Patch, SPEC, verdict } from './examples.ts';

const placed = (placement: Patch): Patch => ({
  spec: { ...SPEC, components: [{ ...COMPONENT, placement }] },
});
const named = (rules: Readonly<Record<string, Patch>>): Patch => ({
  spec: {
    ...SPEC,
    components: Object.entries(rules).map(([name, bonds]) => ({
      ...COMPONENT,
      name,
      placement: { constraints: [], ...bonds },
    })),
  },
});

it.each<readonly [string, Patch, string]>([
  [
    'a constraint that compares otherwise',
    placed({ constraints: [{ kind: 'id', operator: '=', value: 'h1' }] }),
    'unknown at spec.components[0].placement.constraints[0].operator',
  ],
  [
    'a label with a space in its name',
    placed({ constraints: [{ kind: 'label', label: 'a b', operator: '==', value: '1' }] }),
    'form at spec.components[0].placement.constraints[0].label',
  ],
  [
    'no slot on any host',
    placed({ constraints: [], perHostMax: 0 }),
    'range at spec.components[0].placement.perHostMax',
  ],
  [
    'a component beside itself',
    placed({ constraints: [], affinity: [COMPONENT.name] }),
    'inconsistent at spec',
  ],
  [
    'a component beside one that is not in the stack',
    placed({ constraints: [], affinity: ['nobody'] }),
    'inconsistent at spec',
  ],
  [
    'two components that keep away from each other',
    named({ a: { antiAffinity: ['b'] }, b: { antiAffinity: ['a'] } }),
    'inconsistent at spec',
  ],
  [
    'a name that no component can have',
    placed({ constraints: [], antiAffinity: ['a/b'] }),
    'form at spec.components[0].placement.antiAffinity[0]',
  ],
])('refuses %s', (_name, patch, expected) => {
  expect(verdict('deploy', patch)).toBe(expected);
});

it('takes components that follow each other in no circle', () => {
  const bonds = { a: {}, b: { affinity: ['a'] }, c: { affinity: ['a'], antiAffinity: ['b'] } };
  expect(verdict('deploy', named(bonds))).toBe('ok');
});
