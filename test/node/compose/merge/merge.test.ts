/** One file over another: each special path of Compose, the marks, and what cannot be merged. */
import { expect, it } from 'vitest';
import type { ComponentSpec } from '../../../../protocol/component/spec.ts';
import { componentOf, stackOf, toldOf } from '../folder.ts';

type Wanted = { readonly [Key in keyof ComponentSpec]?: unknown };
const service = (lines: string): string => `services:\n  web:\n    ${lines}\n`;
const both = (base: string, over: string) => ({
  'c.yaml': `${service(`image: i\n    ${base}`)}volumes: {a: , b: }\n`,
  'over.yaml': service(over),
});
const named = (source: string, target: string, readOnly = false) => ({
  kind: 'named',
  source,
  target,
  readOnly,
});
const tcp = (published: number, target = 80) => ({ target, published, protocol: 'tcp' });

it.each<[string, string, Wanted, string]>([
  ['scale: 2', 'image: k', { image: 'k', replicas: 2 }, 'the later value'],
  ['scale: 2', 'scale: 3', { replicas: 3 }, 'the later value of one that is there'],
  ['restart: no', 'restart: ', { restart: { kind: 'no' } }, 'nothing changes nothing'],
  ['command: [a, b]', 'command: [c]', { command: ['c'] }, 'command: replaced'],
  ['command: a b', 'command: [c]', { command: ['c'] }, 'command: whatever its form'],
  ['command: [a]', 'command: ', {}, 'command: also by nothing'],
  ['entrypoint: [a, b]', 'entrypoint: c', { entrypoint: ['c'] }, 'entrypoint: replaced'],
  [
    'healthcheck: {test: [CMD, a], retries: 9}',
    'healthcheck: {test: b}',
    {
      healthcheck: {
        test: { kind: 'shell', line: 'b' },
        intervalMs: 30_000,
        timeoutMs: 30_000,
        retries: 9,
        startPeriodMs: 0,
      },
    },
    'healthcheck.test: replaced, the rest by key',
  ],
  [
    'environment: {A: 1, B: 1}',
    'environment: [B=2, C=3]',
    { environment: { A: '1', B: '2', C: '3' } },
    'environment: by name, whatever its form',
  ],
  [
    'environment: [A=1, "B=1=1"]',
    'environment: {A: , D: }',
    { environment: { A: 'a', B: '1=1' } },
    'environment: a name alone takes what the environment has',
  ],
  ['environment: {A: 1}', 'environment: {A: !reset null}', {}, 'environment: one taken away'],
  [
    'ports: ["80:80", "81:80"]',
    'ports: ["82:80"]',
    { ports: [tcp(80), tcp(81), tcp(82)] },
    'ports: end to end',
  ],
  [
    'ports: ["80:80", "81:80"]',
    'ports: [{target: 80, published: 80}]',
    { ports: [tcp(80), tcp(81)] },
    'ports: the same port once, whatever its form',
  ],
  [
    'ports: ["80:80"]',
    'ports: ["127.0.0.1:80:80", "80:80/udp"]',
    {
      ports: [tcp(80), { ...tcp(80), address: '127.0.0.1' }, { ...tcp(80), protocol: 'udp' }],
    },
    'ports: another address or protocol is another port',
  ],
  [
    'volumes: ["a:/x", "a:/y"]',
    'volumes: [{type: volume, source: b, target: /x, read_only: true}, "b:/z"]',
    { volumes: [named('b', '/x', true), named('a', '/y'), named('b', '/z')] },
    'volumes: by their place inside',
  ],
  [
    'depends_on: [a]',
    'depends_on: {a: {condition: service_started, required: false}, b: {condition: service_started, required: false}}',
    {
      dependsOn: [
        { on: 'a', condition: 'started', required: false, restart: false },
        { on: 'b', condition: 'started', required: false, restart: false },
      ],
    },
    'depends_on: by name, whatever its form',
  ],
  ['deploy: {replicas: 2}', 'deploy: {mode: replicated}', { replicas: 2 }, 'deploy: by key'],
  [
    'x-millrace: {on_isolation: {action: stop, after: 9s}}',
    'x-millrace: {on_isolation: freeze}',
    { onIsolation: { action: 'freeze', afterMs: 10_000 } },
    'x-millrace.on_isolation: replaced',
  ],
  [
    'x-millrace: {process: {command: [a, b], working_dir: /w}}',
    'x-millrace: {process: {command: c}}',
    { process: { command: ['c'], workingDir: '/w' } },
    'x-millrace.process.command: replaced',
  ],
  ['ports: ["80:80"]', 'ports: !reset []', {}, '!reset of a list'],
  ['ports: ["80:80"]', 'ports: !override ["81:80"]', { ports: [tcp(81)] }, '!override of a list'],
  [
    'environment: {A: 1}',
    'environment: !override {B: 1}',
    { environment: { B: '1' } },
    '!override of a mapping',
  ],
  ['scale: 2', 'scale: !reset null', {}, '!reset of a value'],
  ['scale: 2', 'scale: !override 3', { replicas: 3 }, '!override of a value'],
])('%s + %s: %j: %s', (base, over, wanted) => {
  const plain = componentOf({ 'c.yaml': service('image: i') });
  expect(componentOf(both(base, over), { env: { A: 'a' } })).toEqual({ ...plain, ...wanted });
});

it('merges more than two files one after the other, and services of any of them', () => {
  const stack = stackOf({
    'c.yaml': 'services:\n  a: {image: i, ports: ["1:1"]}\n',
    'over-1.yaml': 'services:\n  a: {ports: !reset []}\n  b: {image: j}\nname: x\n',
    'over-2.yaml': 'services:\n  a: {ports: ["2:2"]}\n  b: {scale: 2}\n',
  });
  expect(stack.components.map(({ name, replicas }) => [name, replicas])).toEqual([
    ['a', 1],
    ['b', 2],
  ]);
  expect(stack.components[0]?.ports).toEqual([tcp(2, 2)]);
});

it('lays one subnet of a network over the same one, key by key', () => {
  const network = (...configs: readonly string[]): string =>
    `networks: {default: {ipam: {config: [${configs.join(', ')}]}}}\n`;
  const { container } = componentOf({
    'c.yaml': `${service('image: i')}${network('{subnet: 10.1.0.0/16, gateway: 10.1.0.1}', '{subnet: 10.2.0.0/16}')}`,
    'over.yaml': network(
      '{subnet: 10.1.0.0/16, ip_range: 10.1.5.0/24}',
      '{subnet: 10.2.0.0/16, gateway: 10.2.0.9}',
      '{subnet: 10.3.0.0/16}',
    ),
  });
  expect(container?.networks?.[0]?.subnets).toEqual([
    { subnet: '10.1.0.0/16', gateway: '10.1.0.1', range: '10.1.5.0/24' },
    { subnet: '10.2.0.0/16', gateway: '10.2.0.9' },
    { subnet: '10.3.0.0/16' },
  ]);
});

it('takes a place inside for the same with a slash behind it', () => {
  const { volumes } = componentOf(both('volumes: ["a:/x/"]', 'volumes: ["b:/x"]'));
  expect(volumes).toEqual([named('b', '/x')]);
});

it.each([
  [
    'ports: ["80:80"]',
    'ports: {a: 1}',
    [
      'over.yaml:3:12 services.web.ports: this cannot be merged: it is a mapping here and a list in c.yaml:4; write both the same way, or !override before this one',
    ],
  ],
  [
    'deploy: {mode: global}',
    'deploy: {mod: global}',
    ['over.yaml:3:14 services.web.deploy.mod: unknown key, did you mean mode?'],
  ],
  [
    'restart: maybe',
    'ports: [x]',
    [
      'c.yaml:4:14 services.web.restart: expected no, always, unless-stopped or on-failure[:attempts], got "maybe"',
      'over.yaml:3:13 services.web.ports[0]: expected a port from 1 to 65535, got "x"; write [ADDRESS:][PUBLISHED:]TARGET[/udp], e.g. 8080:80',
    ],
  ],
  ['x-a: [1]', 'x-a: {b: 1}', []],
  ['restart: maybe', 'restart: always', []],
  [
    'environment: {A: "${B}"}',
    'scale: "${C:-2}"',
    [
      'warning c.yaml:4:22 services.web.environment.A: the variable B is not set, it counts as empty',
    ],
  ],
])('%s + %s tells %j', (base, over, wanted) => {
  expect(toldOf(both(base, over))).toEqual(wanted);
});
