/** What a user reads about the hosts a service may run on, where they are not written as they should be. */
import { expect, it } from 'vitest';
import { told, web } from './told.ts';

const constraint = (written: string, problem: string): [string, string[]] => [
  `deploy: {placement: {constraints: ["${written}"]}}`,
  [`c.yaml:4:40 services.web.deploy.placement.constraints[0]: ${problem}`],
];

it.each<readonly [string, readonly string[]]>([
  ['deploy: {placement: {constraints: [node.labels.disk==ssd, "node.hostname != h1"]}}', []],
  ['deploy: {placement: {constraints: [node.platform.arch == x86_64]}}', []],
  ['deploy: {placement: {max_replicas_per_node: 2}}', []],
  ['platform: linux/arm64/v8', []],
  constraint(
    'a',
    'expected a constraint such as node.labels.disk==ssd or node.hostname!=h1, got "a"',
  ),
  constraint(
    'node.id==',
    'expected a constraint such as node.labels.disk==ssd or node.hostname!=h1, got "node.id=="',
  ),
  constraint('node.id=h1', '= compares nothing here, == and != do; did you mean node.id==h1?'),
  constraint('node.id =! h1', '=! compares nothing here, == and != do; did you mean node.id!=h1?'),
  constraint(
    'node.label.disk==ssd',
    'node.label.disk is nothing to choose hosts by; did you mean node.labels.disk==ssd?',
  ),
  constraint(
    'labels.disk!=ssd',
    'labels.disk is nothing to choose hosts by; did you mean node.labels.disk!=ssd?',
  ),
  constraint(
    'node.hostnam==h1',
    'node.hostnam is nothing to choose hosts by; did you mean node.hostname==h1?',
  ),
  constraint(
    'hostname==h1',
    'hostname is nothing to choose hosts by; did you mean node.hostname==h1?',
  ),
  constraint(
    'node.speed==fast',
    'node.speed is nothing to choose hosts by; use one of node.id, node.hostname, node.platform.os, node.platform.arch, node.labels.NAME',
  ),
  constraint(
    'node.role==manager',
    'node.role is nothing to choose hosts by: there are no managers; remove it',
  ),
  constraint(
    'engine.labels.x==1',
    'engine.labels.x is nothing to choose hosts by; give hosts a label, and name that: node.labels.NAME',
  ),
  constraint(
    'node.labels.-x==1',
    '"-x" is no name for a label; use letters, digits, _ . - and /, at most 63',
  ),
  [
    'deploy: {placement: {constraint: []}}',
    [
      'c.yaml:4:26 services.web.deploy.placement.constraint: unknown key, did you mean constraints?',
    ],
  ],
  [
    'deploy: {mode: global, placement: {max_replicas_per_node: 1}}',
    [
      'c.yaml:4:40 services.web.deploy.placement.max_replicas_per_node: has no meaning beside mode: global: that is one on every host; leave one of the two out',
    ],
  ],
  [
    'deploy: {placement: {preferences: [{spread: node.labels.x}]}}',
    [
      'c.yaml:4:26 services.web.deploy.placement.preferences: not supported yet: instances are spread over hosts, not over labels yet',
    ],
  ],
  [
    'platform: linux',
    [
      'c.yaml:4:15 services.web.platform: expected an operating system and a processor such as linux/amd64, got "linux"',
    ],
  ],
  [
    'platform: linux/arm/v7',
    ['c.yaml:4:15 services.web.platform: hosts do not tell which arm they are; write linux/arm'],
  ],
])('%s', (line, wanted) => {
  expect(told(web(line))).toEqual(wanted);
});
