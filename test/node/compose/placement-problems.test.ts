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
    'deploy: {placement: {preferences: [{spread: node.label.zone}]}}',
    [
      'c.yaml:4:49 services.web.deploy.placement.preferences[0].spread: node.label.zone is nothing to choose hosts by; did you mean node.labels.zone?',
    ],
  ],
  [
    'deploy: {placement: {preferences: [{binpack: node.labels.zone}]}}',
    [
      'c.yaml:4:40 services.web.deploy.placement.preferences[0].spread: missing: what to spread over, such as node.labels.zone',
      'c.yaml:4:41 services.web.deploy.placement.preferences[0].binpack: unknown key; docs/compose.md lists the keys that are',
    ],
  ],
  [
    'deploy: {mode: global, placement: {preferences: [{spread: node.labels.zone}]}}',
    [
      'c.yaml:4:40 services.web.deploy.placement.preferences: has no meaning beside mode: global: every host is taken; leave one of the two out',
    ],
  ],
  ['deploy: {placement: {preferences: [{spread: node.labels.zone}]}}', []],
  [
    'x-millrace: {replicas: fill}',
    [
      'c.yaml:4:18 services.web.x-millrace.replicas: needs to know how many fit on a host; add deploy.resources.reservations, or deploy.placement.max_replicas_per_node',
    ],
  ],
  [
    'x-millrace: {replicas: 3}',
    [
      'c.yaml:4:28 services.web.x-millrace.replicas: expected fill, or a number under deploy.replicas, got the number 3',
    ],
  ],
  [
    'deploy: {replicas: 3, placement: {max_replicas_per_node: 2}}\n    x-millrace: {replicas: fill}',
    [
      'c.yaml:4:14 services.web.deploy.replicas: has no meaning here: x-millrace.replicas: fill means as many as find room; remove one of the two',
    ],
  ],
  [
    'deploy: {mode: global-job, placement: {max_replicas_per_node: 2}}\n    x-millrace: {replicas: fill}',
    [
      'c.yaml:5:18 services.web.x-millrace.replicas: has no meaning for a job: a job is begun as often as it says, however much room there is; name a number under deploy.replicas',
    ],
  ],
  [
    'deploy: {mode: global, placement: {max_replicas_per_node: 2}}\n    x-millrace: {replicas: fill}',
    [],
  ],
  ['x-millrace: {rebalance: true}', []],
  ['x-millrace: {rebalance: false, singleton: strict}', []],
  ['ports: [{target: 80, published: 80, mode: host}]\n    x-millrace: {rebalance: true}', []],
  [
    'x-millrace: {rebalance: often}',
    ['c.yaml:4:29 services.web.x-millrace.rebalance: expected true or false, got "often"'],
  ],
  [
    'x-millrace: {rebalance: true, singleton: strict}',
    [
      'c.yaml:4:18 services.web.x-millrace.rebalance: has no meaning beside singleton: strict: none starts before the one before has ended; leave one of the two out',
    ],
  ],
  [
    'deploy: {mode: global}\n    x-millrace: {rebalance: true}',
    [
      'c.yaml:5:18 services.web.x-millrace.rebalance: has no meaning beside mode: global: every host has one; leave one of the two out',
    ],
  ],
  [
    'deploy: {placement: {max_replicas_per_node: 2}}\n    x-millrace: {rebalance: true, replicas: fill}',
    [
      'c.yaml:5:18 services.web.x-millrace.rebalance: has no meaning beside replicas: fill: every host is full; leave one of the two out',
    ],
  ],
  [
    'deploy: {mode: replicated-job}\n    x-millrace: {rebalance: true}',
    [
      'c.yaml:5:18 services.web.x-millrace.rebalance: has no meaning for a job: an attempt is never begun twice; leave one of the two out',
    ],
  ],
  [
    'volumes: [data:/data]\n    x-millrace: {rebalance: true}\nvolumes: {data: {}}',
    [
      'c.yaml:5:18 services.web.x-millrace.rebalance: has no meaning beside volume data: what is in it stays on its host; leave one of the two out',
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
