import { expect, it } from 'vitest';
import { millis, seconds } from '../../../../protocol/base/time.ts';
import type { ComponentSpec, Healthcheck } from '../../../../protocol/component/spec.ts';
import { containerBody } from '../../../../node/engine/docker/container.ts';
import { readHeartbeat } from '../../../../node/engine/docker/labels.ts';

const scope = { cluster: 'c1', host: 'h1', publishAddress: '10.0.0.1' };
const labels = { component: 'shop.web', slot: 1, attempt: 1, revision: 'r', term: 1 };

function body(more: Partial<ComponentSpec>): ReturnType<typeof containerBody> {
  const spec: ComponentSpec = {
    name: 'web',
    mode: 'replicated',
    replicas: 1,
    image: 'web:1',
    environment: {},
    ports: [],
    volumes: [],
    restart: { kind: 'always' },
    dependsOn: [],
    stopGraceMs: millis(1_500),
    ...more,
  };
  return containerBody(scope, { labels, spec });
}

it('leaves entrypoint and command to the image unless the component names them', () => {
  expect(Object.keys(body({}))).not.toContain('Cmd');
  expect(Object.keys(body({}))).not.toContain('Entrypoint');
  expect(body({ command: ['a', 'b'] })).toMatchObject({ Cmd: ['a', 'b'] });
  expect(body({ entrypoint: [] })).toMatchObject({ Entrypoint: [] });
});

const times = {
  intervalMs: seconds(2),
  timeoutMs: millis(250),
  startPeriodMs: seconds(1),
  retries: 4,
};
it.each<[Healthcheck['test'], string[], string]>([
  [{ kind: 'exec', words: ['curl', '-f'] }, ['CMD', 'curl', '-f'], 'words as they are'],
  [{ kind: 'shell', line: 'a && b' }, ['CMD-SHELL', 'a && b'], 'one line for a shell'],
])('translates the check %j to %j: %s', (test, Test) => {
  expect(body({ healthcheck: { test, ...times } }).Healthcheck).toEqual({
    Test,
    Interval: 2_000_000_000,
    Timeout: 250_000_000,
    StartPeriod: 1_000_000_000,
    Retries: 4,
  });
});

it('turns off the check of the image where there is a heartbeat, and keeps its terms', () => {
  const heartbeat = { ...times, target: { kind: 'http', port: 80, path: '/up' } } as const;
  const { Healthcheck: check, Labels: written = {} } = body({ heartbeat });
  expect(check).toEqual({ Test: ['NONE'] });
  expect(readHeartbeat(written)).toEqual(heartbeat);
  expect(body({})).not.toHaveProperty('Healthcheck');
  expect(readHeartbeat(body({}).Labels ?? {})).toBeUndefined();
});

it.each([
  ['not JSON', '{'],
  ['of a kind that a later version may know', '{"target":{"kind":"grpc","port":1}}'],
])('takes terms that are %s for none', (_why, written) => {
  expect(readHeartbeat({ 'io.millrace.heartbeat': written })).toBeUndefined();
});

it('binds a port to its own address or the one of the agent, several times if asked', () => {
  const ports = [
    { target: 80, protocol: 'tcp', published: 8080 },
    { target: 80, protocol: 'tcp', published: 8081, address: '127.0.0.1' },
    { target: 53, protocol: 'udp' },
  ] as const;
  expect(body({ ports }).HostConfig?.PortBindings).toEqual({
    '80/tcp': [
      { HostIp: '10.0.0.1', HostPort: '8080' },
      { HostIp: '127.0.0.1', HostPort: '8081' },
    ],
    '53/udp': [{ HostIp: '10.0.0.1', HostPort: '' }],
  });
  const told = body({ ports }).Env?.filter((line) => line.startsWith('MILLRACE_PORT'));
  expect(told).toEqual(['MILLRACE_PORT_80=8080']);
});

it('names a volume after its stack and marks it, and leaves a bind mount alone', () => {
  const volumes = [
    { kind: 'named', source: 'data', target: '/data', readOnly: false },
    { kind: 'bind', source: '/etc/x:y', target: '/x', readOnly: true },
  ] as const;
  expect(body({ volumes }).HostConfig?.Mounts).toMatchObject([
    {
      Type: 'volume',
      Source: 'shop_data',
      Target: '/data',
      ReadOnly: false,
      VolumeOptions: { Labels: { 'used-by': 'millrace', 'io.millrace.cluster': 'c1' } },
    },
    { Type: 'bind', Source: '/etc/x:y', Target: '/x', ReadOnly: true },
  ]);
});

it('makes a volume as it is told, or takes the one that is there', () => {
  const at = { target: '/data', readOnly: false };
  const made = { driver: 'local', options: { type: 'nfs', device: ':/exports' } };
  const volumes = [
    { kind: 'named', source: 'nfs', ...at, made, noCopy: true, subpath: 'a' },
    { kind: 'named', source: 'mine', ...at, made: { name: 'company-share', external: true } },
    { kind: 'bind', source: '/srv', ...at, propagation: 'rshared', createsPath: true },
  ] as const;
  const [nfs, mine, srv] = body({ volumes }).HostConfig?.Mounts ?? [];
  expect(nfs).toMatchObject({
    Source: 'shop_nfs',
    VolumeOptions: {
      NoCopy: true,
      Subpath: 'a',
      DriverConfig: { Name: 'local', Options: { type: 'nfs', device: ':/exports' } },
    },
  });
  expect(mine).toMatchObject({ Source: 'company-share' });
  expect(srv).toMatchObject({
    Source: '/srv',
    BindOptions: { Propagation: 'rshared', CreateMountpoint: true },
  });
});

it('leaves a guard for a stop by hand: whole seconds, never fewer than the grace', () => {
  expect(body({}).StopTimeout).toBe(2);
});
