import { expect, it } from 'vitest';
import { revisionOf, specDigest } from '../../../protocol/component/digest.ts';
import type { FileSpec } from '../../../protocol/component/file.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { DEFAULT_UPDATE } from '../../../protocol/component/update.ts';
import { millis, seconds } from '../../../protocol/base/time.ts';
import { spec } from '../reconcile/stage.ts';

const plain: ComponentSpec = spec({
  image: 'shop:1',
  entrypoint: ['/init'],
  command: ['serve', '--fast'],
  process: { command: ['node', 'server.ts'], workingDir: '/srv' },
  environment: { A: '1', B: '2' },
  ports: [
    { target: 80, published: 8080, protocol: 'tcp' },
    { target: 53, published: 5353, protocol: 'udp' },
  ],
  volumes: [
    { kind: 'named', source: 'data', target: '/data', readOnly: false },
    { kind: 'bind', source: '/etc/shop', target: '/etc/shop', readOnly: true },
  ],
  healthcheck: {
    test: { kind: 'exec', words: ['true'] },
    intervalMs: seconds(2),
    timeoutMs: seconds(1),
    retries: 3,
    startPeriodMs: millis(0),
  },
});
const site: FileSpec = {
  kind: 'config',
  name: 'site',
  target: '/etc/site',
  uid: 0,
  gid: 0,
  mode: 0o444,
  content: 'YQ==',
};
const sealed = (text: string, letter = 'a'): FileSpec => ({
  kind: 'secret',
  name: 'key',
  target: '/run/secrets/key',
  uid: 0,
  gid: 0,
  mode: 0o444,
  seal: { fingerprint: letter.repeat(32), sealed: text },
});
const dataKey = { id: '1', among: '2', sender: '3', wraps: {} };
const full: ComponentSpec = { ...plain, files: [site, sealed('YQ==')] };
const { image: _, ...imageless } = full;
const { healthcheck: __, ...unchecked } = full;
const beat = {
  intervalMs: seconds(2),
  timeoutMs: seconds(1),
  retries: 3,
  startPeriodMs: millis(0),
};
const [web, dns] = full.ports;
const [data, etc] = full.volumes;
if (web === undefined || dns === undefined || data === undefined || etc === undefined)
  throw new Error('fixture');

it.each<readonly [string, 'new instance' | 'same', ComponentSpec]>([
  ['image', 'new instance', { ...full, image: 'shop:2' }],
  ['image gone', 'new instance', imageless],
  ['entrypoint', 'new instance', { ...full, entrypoint: ['/init', '-x'] }],
  ['command', 'new instance', { ...full, command: ['serve'] }],
  [
    'words of the command in another order',
    'new instance',
    { ...full, command: ['--fast', 'serve'] },
  ],
  ['process command', 'new instance', { ...full, process: { command: ['node'] } }],
  ['value of a variable', 'new instance', { ...full, environment: { A: '1', B: '3' } }],
  ['one more variable', 'new instance', { ...full, environment: { A: '1', B: '2', C: '' } }],
  ['order of variables', 'same', { ...full, environment: { B: '2', A: '1' } }],
  ['published port', 'new instance', { ...full, ports: [{ ...web, published: 81 }, dns] }],
  ['protocol of a port', 'new instance', { ...full, ports: [{ ...web, protocol: 'udp' }, dns] }],
  ['order of ports', 'same', { ...full, ports: [dns, web] }],
  ['volume read-only', 'new instance', { ...full, volumes: [{ ...data, readOnly: true }, etc] }],
  ['order of volumes', 'same', { ...full, volumes: [etc, data] }],
  [
    'a file more',
    'new instance',
    { ...full, files: [site, sealed('YQ=='), { ...site, target: '/b' }] },
  ],
  ['no file any more', 'new instance', plain],
  [
    'what is in a file',
    'new instance',
    { ...full, files: [{ ...site, content: 'Yg==' }, sealed('YQ==')] },
  ],
  [
    'where a file is',
    'new instance',
    { ...full, files: [{ ...site, target: '/b' }, sealed('YQ==')] },
  ],
  ['whose a file is', 'new instance', { ...full, files: [{ ...site, uid: 1 }, sealed('YQ==')] }],
  [
    'who may read a file',
    'new instance',
    { ...full, files: [{ ...site, mode: 0o400 }, sealed('YQ==')] },
  ],
  ['a secret that is sealed anew', 'same', { ...full, files: [site, sealed('c2VjcmV0')] }],
  ['a data key', 'same', { ...full, dataKey }],
  ['what is in a secret', 'new instance', { ...full, files: [site, sealed('YQ==', 'b')] }],
  [
    'what its stack calls a file',
    'same',
    { ...full, files: [{ ...site, name: 'other' }, sealed('YQ==')] },
  ],
  [
    'interval of the healthcheck',
    'new instance',
    {
      ...full,
      ...(full.healthcheck && { healthcheck: { ...full.healthcheck, intervalMs: seconds(3) } }),
    },
  ],
  [
    'a heartbeat in place of the healthcheck',
    'new instance',
    { ...unchecked, heartbeat: { ...beat, target: { kind: 'tcp', port: 80 } } },
  ],
  ['where it tells of itself', 'same', { ...full, inspect: { port: 80, path: '/debug' } }],
  ['replicas', 'same', { ...full, replicas: 7 }],
  ['mode', 'same', { ...full, mode: 'global' }],
  ['restart policy', 'same', { ...full, restart: { kind: 'no' } }],
  [
    'dependencies',
    'same',
    { ...full, dependsOn: [{ on: 'db', condition: 'started', required: true, restart: false }] },
  ],
  ['which hosts may run it', 'same', { ...full, placement: { constraints: [], perHostMax: 1 } }],
  ['stop grace', 'same', { ...full, stopGraceMs: seconds(99) }],
  ['way of an update', 'same', { ...full, update: { ...DEFAULT_UPDATE, parallelism: 3 } }],
  ['way back', 'same', { ...full, rollback: { ...DEFAULT_UPDATE, parallelism: 3 } }],
])('a change of %s: %s', (_name, expected, changed) => {
  expect(specDigest(changed) === specDigest(full) ? 'same' : 'new instance').toBe(expected);
});

it('is 16 hexadecimal characters, stable across releases', () => {
  expect(specDigest(plain)).toMatch(/^[0-9a-f]{16}$/);
  // A changed digest restarts every instance of every user: change it only on purpose.
  expect(specDigest(plain)).toMatchInlineSnapshot(`"de346495b90d07d6"`);
  expect(specDigest(full)).toMatchInlineSnapshot(`"490b829536d66fc4"`);
});

it('tells 20,000 specs apart', () => {
  const digests = new Set<string>();
  for (let i = 0; i < 20_000; i++)
    digests.add(specDigest({ ...full, environment: { N: String(i) } }));
  expect(digests.size).toBe(20_000);
});

it.each([
  [true, true, 'restart: true follows the spec it depends on'],
  [false, false, 'a plain dependency does not'],
])('restart %s: the revision changes with the dependency: %s, %s', (restart, changes, _why) => {
  const db = spec({ name: 'db', command: ['serve'] });
  const front: ComponentSpec = {
    ...spec({ name: 'front', command: ['serve'] }),
    dependsOn: [{ on: 'db', condition: 'started', required: true, restart }],
  };
  const before = revisionOf(front, { name: 'shop', components: [front, db] });
  const after = revisionOf(front, {
    name: 'shop',
    components: [front, { ...db, command: ['another'] }],
  });
  expect(before !== after).toBe(changes);
  expect(revisionOf(db, { name: 'shop', components: [front, db] })).toBe(specDigest(db));
});
