import { describe, expect, it } from 'vitest';
import { EngineError, type InstanceLabels } from '../../../../node/engine/engine.ts';
import {
  type Launch,
  type LaunchPlace,
  planLaunch,
  tokenOf,
} from '../../../../node/engine/process/launch.ts';
import { millis } from '../../../../protocol/base/time.ts';
import type { ComponentSpec, Port } from '../../../../protocol/component/spec.ts';

const labels: InstanceLabels = {
  component: 'shop.web',
  slot: 2,
  attempt: 5,
  revision: 'abc',
  term: 9,
};
const plain: ComponentSpec = {
  name: 'web',
  mode: 'replicated',
  replicas: 1,
  command: ['run'],
  environment: {},
  ports: [],
  volumes: [],
  restart: { kind: 'no' },
  dependsOn: [],
  stopGraceMs: millis(1_000),
};
const PLACE: LaunchPlace = {
  scope: { cluster: 'c1', host: 'h1', publishAddress: '127.0.1.2' },
  volumesDir: '/state/volumes',
  folders: { folderOf: (token) => `/run/files/${token}` },
  agent: {},
};
const plan = (spec: Partial<ComponentSpec>, agent: Record<string, string> = {}): Launch =>
  planLaunch({ labels, spec: { ...plain, ...spec } }, { ...PLACE, agent });
const named = (source: string, target: string) =>
  ({ kind: 'named', source, target, readOnly: false }) as const;
const called = { ...named('data', '/var/lib/data'), made: { name: 'shared' } };
const bound = { kind: 'bind', source: '/etc', target: '/in', readOnly: true } as const;

it.each<[Partial<ComponentSpec>, string[], string]>([
  [{ command: ['c'] }, ['c'], 'a command alone'],
  [{ entrypoint: ['e', '1'], command: ['c'] }, ['e', '1', 'c'], 'the entrypoint comes first'],
  [{ process: { command: ['p'] }, entrypoint: ['e'] }, ['p'], 'process.command replaces both'],
])('of %j it runs %j: %s', (spec, words) => {
  expect(plan(spec).words).toEqual(words);
});

const HTTP: Port = { target: 80, protocol: 'tcp' };

describe('the environment', () => {
  const agent = {
    PATH: '/agent',
    HOME: '/root',
    LANG: 'C',
    MILLRACE_SECRET: 'x',
    NOTIFY_SOCKET: 's',
  };
  it.each<[string, Record<string, string>, string | undefined, string]>([
    ['PATH', {}, '/agent', 'a program is found where the agent finds it'],
    ['HOME', {}, '/root', 'a program may look for its home'],
    ['PATH', { PATH: '/own' }, '/own', 'the spec goes before the agent'],
    ['MILLRACE_SECRET', {}, undefined, 'nothing else of the agent is handed on'],
    ['NOTIFY_SOCKET', {}, undefined, 'an instance cannot speak to systemd for the agent'],
    ['MILLRACE_HOST', { MILLRACE_HOST: 'h9' }, 'h1', 'no spec may lie about whose process it is'],
    ['MILLRACE_INSTANCE', { MILLRACE_INSTANCE: 'x' }, 'shop.web.2.5', 'nor about which it is'],
    ['MILLRACE_COMPONENT', {}, 'shop.web', 'it knows its name'],
    ['MILLRACE_SLOT', {}, '2', 'its slot'],
    ['MILLRACE_TERM', {}, '9', 'its term, the fencing token'],
    ['MILLRACE_PUBLISH_ADDRESS', {}, '127.0.1.2', 'and where to listen'],
    ['MILLRACE_VOLUME_VAR_LIB_DATA', {}, '/state/volumes/shop.data', 'a named volume is a folder'],
    ['MILLRACE_VOLUME_IN', {}, '/etc', 'a bind mount is the folder itself'],
  ])('has %s, of %j, as %s: %s', (name, environment, value) => {
    const volumes = [named('data', '/var/lib/data/'), bound];
    expect(plan({ environment, volumes }, agent).environment[name]).toBe(value);
  });

  it.each<[string, readonly Port[], string | undefined, string]>([
    ['MILLRACE_PORT_80', [{ ...HTTP, published: 20_001 }], '20001', 'where it is to listen'],
    ['MILLRACE_PORT_80', [HTTP], undefined, 'nobody has chosen a number'],
    ['MILLRACE_PORT_80_UDP', [{ ...HTTP, protocol: 'udp', published: 7 }], '7', 'of UDP'],
    [
      'MILLRACE_PORT_80',
      [
        { ...HTTP, published: 1 },
        { ...HTTP, published: 2 },
      ],
      '1',
      'the first of several',
    ],
  ])('has %s of %j as %s: %s', (name, ports, value) => {
    const environment = { MILLRACE_PORT_81: 'its own' };
    const all = plan({ ports, environment }, agent).environment;
    expect([all[name], all['MILLRACE_PORT_81']]).toEqual([value, 'its own']);
  });

  it('has where those are that it depends on, of two with one name the first', () => {
    const port = { target: 80, protocol: 'tcp' } as const;
    const addresses = [
      { ...port, on: 'the-db', at: ['10.0.0.7:1', '10.0.0.8:2'] },
      { ...port, on: 'the_db', at: ['10.0.0.9:3'] },
      { ...port, on: 'the.db', protocol: 'udp', at: ['10.0.0.9:4'] },
    ] as const;
    const environment = { MILLRACE_ADDRESS_THE_DB_80: 'its own', MILLRACE_ADDRESS_OTHER_80: 'x' };
    const told = planLaunch(
      { labels: { ...labels, addresses }, spec: { ...plain, environment } },
      PLACE,
    );
    expect(told.environment).toMatchObject({
      MILLRACE_ADDRESS_THE_DB_80: '10.0.0.7:1,10.0.0.8:2',
      MILLRACE_ADDRESS_THE_DB_80_UDP: '10.0.0.9:4',
      MILLRACE_ADDRESS_OTHER_80: 'x',
    });
  });

  it('has a usual PATH where the agent has none', () => {
    expect(plan({}).environment['PATH']).toContain('/usr/bin');
  });
});

it('makes the folders of named volumes and of no others', () => {
  const { volumeFolders } = plan({ volumes: [named('data', '/data'), called, bound] });
  expect(volumeFolders).toEqual(['/state/volumes/shop.data', '/state/volumes/shared']);
});

it.each<[Port, string, string]>([
  [{ target: 80, published: 8080, protocol: 'tcp' }, '127.0.1.2:8080', 'as published'],
  [{ target: 80, protocol: 'tcp' }, '127.0.1.2:80', 'the instance listens on the target itself'],
  [{ target: 80, protocol: 'tcp', address: '::1' }, '::1:80', 'the port names its address'],
])('port %j is reached at %s: %s', (port, reached) => {
  const shown = plan({ ports: [port] }).ports.map((p) => `${p.address}:${p.published}`);
  expect(shown).toEqual([reached]);
});

it('runs a healthcheck beside the instance, not as the instance', () => {
  const times = {
    intervalMs: millis(1),
    timeoutMs: millis(2),
    retries: 3,
    startPeriodMs: millis(4),
  };
  const { check } = plan({
    environment: { A: 'b' },
    healthcheck: { test: { kind: 'shell', line: 'true' }, ...times },
  });
  expect(check?.words).toEqual(['/bin/sh', '-c', 'true']);
  expect(check?.environment).toMatchObject({ A: 'b', MILLRACE_CHECK: 'shop.web.2.5' });
  expect(check?.environment).not.toHaveProperty('MILLRACE_INSTANCE');
});

it.each<[Partial<ComponentSpec>, string, string]>([
  [{ command: [] }, 'no command', 'there is nothing to run'],
  [{ command: [''] }, 'no command', 'an empty word is no command'],
  [
    { process: { command: ['p'], workingDir: 'here' } },
    'not an absolute path',
    'relative to what?',
  ],
  [{ volumes: [named('../x', '/x')] }, '"../x"', 'a volume never leaves its folder'],
  [{ volumes: [named('..', '/x')] }, '".."', 'not even so'],
  [{ volumes: [{ ...called, made: { name: '../x' } }] }, '"../x"', 'nor by its own name'],
  [{ volumes: [named('a', '/a-b'), named('c', '/a/b')] }, 'MILLRACE_VOLUME_A_B', 'two in one name'],
])('refuses %j for ever, naming %s: %s', (spec, reason) => {
  const refused = refusalOf(() => plan(spec));
  expect(refused).toMatchObject({ code: 'bad-spec', permanent: true });
  expect(refused.message).toContain(reason);
});

it.each(['web', 'a.b.c', '../x.y', 'a b.c', '.web', 'shop.'])(
  '%j names no instance',
  (component) => {
    expect(refusalOf(() => tokenOf({ ...labels, component })).code).toBe('bad-spec');
  },
);

function refusalOf(call: () => unknown): EngineError {
  try {
    call();
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
