import { expect, it } from 'vitest';
import type { Constraint } from '../../../protocol/component/spec.ts';
import { brokenConstraint } from '../../../protocol/placement/constraint.ts';
import { host, image, DOCKER, run, show, dead, unknown } from './cluster.ts';

const HOST = {
  id: 'h1x',
  name: 'attic',
  facts: {
    os: 'linux',
    arch: 'arm64',
    labels: { disk: 'SSD', 'com.example/zone': 'a', empty: '' },
  },
};
const label = (name: string, operator: '==' | '!=', value: string): Constraint => ({
  kind: 'label',
  label: name,
  operator,
  value,
});

it.each<readonly [Constraint, boolean, string]>([
  [label('disk', '==', 'ssd'), true, 'capitals do not count'],
  [label('disk', '!=', 'ssd'), false, 'nor when it is to differ'],
  [label('disk', '==', 'hdd'), false, 'another value'],
  [label('disk', '!=', 'hdd'), true, 'differs'],
  [label('Disk', '==', 'ssd'), false, 'in names they do count'],
  [label('com.example/zone', '==', 'a'), true, 'a name of several parts'],
  [label('rack', '==', 'r1'), false, 'a label that is not there has no value'],
  [label('rack', '!=', 'r1'), true, 'and so differs from every value'],
  [label('empty', '!=', 'x'), true, 'an empty one too'],
  [label('constructor', '==', 'x'), false, 'every object has this one: it is no label'],
  [label('toString', '!=', 'x'), true, 'nor is this'],
  [{ kind: 'id', operator: '==', value: 'h1x' }, true, 'its id'],
  [{ kind: 'id', operator: '==', value: 'attic' }, false, 'a name is no id'],
  [{ kind: 'hostname', operator: '==', value: 'attic' }, true, 'its name'],
  [{ kind: 'hostname', operator: '!=', value: 'attic' }, false, 'anywhere but there'],
  [{ kind: 'os', operator: '==', value: 'linux' }, true, 'its operating system'],
  [{ kind: 'arch', operator: '==', value: 'amd64' }, false, 'another processor'],
  [{ kind: 'arch', operator: '!=', value: 'amd64' }, true, 'any but that'],
])('%j: %s, %s', (constraint, holds) => {
  const broken = brokenConstraint({ placement: { constraints: [constraint] } }, HOST);
  expect(broken === undefined).toBe(holds);
});

it('tells the first that does not hold, as Compose files write it', () => {
  const constraints: Constraint[] = [
    { kind: 'os', operator: '==', value: 'linux' },
    { kind: 'arch', operator: '==', value: 'amd64' },
    label('disk', '!=', 'ssd'),
  ];
  expect(brokenConstraint({ placement: { constraints } }, HOST)).toBe(
    'node.platform.arch == amd64 does not hold there',
  );
  expect(brokenConstraint({ placement: { constraints: constraints.slice(2) } }, HOST)).toBe(
    'node.labels.disk != ssd does not hold there',
  );
});

it('of an agent of before nothing is known: what is asked for does not hold', () => {
  const bare = { id: 'h1', name: 'h1', facts: {} };
  const asked = (constraint: Constraint) =>
    brokenConstraint({ placement: { constraints: [constraint] } }, bare) === undefined;
  expect(asked({ kind: 'arch', operator: '==', value: 'amd64' })).toBe(false);
  expect(asked({ kind: 'arch', operator: '!=', value: 'amd64' })).toBe(true);
  expect(asked(label('disk', '==', 'ssd'))).toBe(false);
});

const ssd = (id: string) => host(id, { facts: { ...DOCKER, labels: { disk: 'ssd' } } });
const SSD = { placement: { constraints: [label('disk', '==', 'ssd')] } };
const atMost = (perHostMax: number) => ({ placement: { constraints: [], perHostMax } });

it.each([
  ['only where it holds', image(3, SSD), '', [ssd('h1'), host('h2')], 'h1 h1 h1'],
  ['nowhere', image(1, SSD), '', [host('h1'), host('h2')], ''],
  ['a slot leaves where it holds no longer', image(1, SSD), 'h2', [ssd('h1'), host('h2')], 'h1'],
  ['though it fits nowhere then', image(1, SSD), 'h2', [host('h1'), host('h2')], ''],
  ['not where nothing is known yet', image(1, SSD), 'h2', [ssd('h1'), unknown('h2')], 'h2'],
  [
    'it waits for a dead host where no other has it',
    image(1, SSD),
    'h1',
    [dead('h1'), host('h2')],
    'h1',
  ],
  [
    'on every host where it holds',
    image(0, { mode: 'global', ...SSD }),
    '',
    [ssd('h1'), host('h2'), ssd('h3')],
    'h1 h3',
  ],
  ['one per host', image(3, atMost(1)), '', [host('h1'), host('h2')], 'h1 h2|h2 h1'],
  ['two per host', image(9, atMost(2)), 'h1 h1', [host('h1'), host('h2')], 'h1 h1 h2 h2'],
  [
    'what is too many now leaves from the top',
    image(3, atMost(1)),
    'h1 h1 h1',
    [host('h1'), host('h2')],
    'h1 h2',
  ],
  [
    'a dead host’s slots take no more room than there is',
    image(2, atMost(1)),
    'h1 h2',
    [host('h1'), dead('h2')],
    'h1 h2',
  ],
] as const)('%s', (_name, wanted, current, hosts, expected) => {
  expect(expected.split('|')).toContain(show(run(wanted, current, hosts).slots));
});

it('counts every reason, and names a few of the hosts', () => {
  const many = Array.from({ length: 40 }, (_, i) => host(`h${String(i).padStart(2, '0')}`));
  const [decision] = run(image(1, SSD), '', [...many, dead('z')]).decisions;
  expect(decision?.text).toBe(
    'shop.web.1 fits nowhere: 40 hosts: node.labels.disk == ssd does not hold there ' +
      '(h00 h01 h02 h03 h04 …) · 1 host: dead or gone (z)',
  );
  const full = run(image(2, atMost(1)), '', [host('h1')]).decisions;
  expect(full.find(({ slot }) => slot === 2)?.text).toBe(
    'shop.web.2 fits nowhere: 1 host: it has max_replicas_per_node: 1 of its slots (h1)',
  );
});
