/** Values as Docker Compose reads them: flags, numbers, times and sizes. */
import { expect, it } from 'vitest';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { componentOf } from './folder.ts';
import { told, web } from './told.ts';

type Wanted = { readonly [Key in keyof ComponentSpec]?: unknown };
const read = (...lines: readonly string[]): ComponentSpec =>
  componentOf({ 'c.yaml': web(...lines) });

it.each<[string, boolean | undefined]>([
  ...['true', '"true"', 'True', '"TRUE"', 'y', 'Y', 'yes', '"Yes"', 'on', 'ON'].map(
    (written): [string, boolean] => [written, true],
  ),
  ...['false', '"False"', 'n', 'no', 'NO', 'off', '"off"'].map((written): [string, undefined] => [
    written,
    undefined,
  ]),
])('init: %s is %s', (written, wanted) => {
  expect(read(`init: ${written}`).container?.init).toBe(wanted);
});

it.each(['maybe', '""', '1', '0', '"1"', 't'])('init: %s is refused', (written) => {
  expect(told(web(`init: ${written}`))).toMatchObject([
    expect.stringContaining('c.yaml:4:11 services.web.init: expected true or false, got '),
  ]);
});

it.each<[string, string]>([
  ['1_000_000', '1000000'],
  ['-1_0', '-10'],
  ['0b11', '3'],
  ['-0b11', '-3'],
  ['0755', '493'],
  ['-017', '-15'],
  ['0o17', '15'],
  ['0x1_F', '31'],
  ['0', '0'],
  ['08', '8'],
  ['1_0.5', '10.5'],
  ['.5', '0.5'],
  ['1_x', '1_x'],
  ['_1', '_1'],
  ['0b12', '0b12'],
  ['0xg', '0xg'],
  ['"0755"', '0755'],
  ["'1_000'", '1_000'],
  ['!!str 0755', '0755'],
  ['12345678901234567890', '12345678901234567890'],
  ['1_2345678901234567890', '12345678901234567890'],
])('%s is %s in environment and labels', (written, wanted) => {
  const { environment, container } = read(
    `environment: {V: ${written}}`,
    `labels: {v: ${written}}`,
  );
  expect([environment['V'], container?.labels?.['v']]).toEqual([wanted, wanted]);
});

it.each<[string, readonly string[]]>([
  [
    'environment: {M: 1_000}',
    ['c.yaml:4:22 services.web.environment.M: 1_000 is a number and is passed on as 1000'],
  ],
  [
    'labels: {perm: 0755, a: 5}',
    ['c.yaml:4:20 services.web.labels.perm: 0755 is a number and is passed on as 493'],
  ],
  [
    'sysctls: {net.a: 1.10}',
    ['c.yaml:4:22 services.web.sysctls.net.a: 1.10 is a number and is passed on as 1.1'],
  ],
  [
    'build: {context: ., labels: {v: 1.0}}',
    ['c.yaml:4:37 services.web.build.labels.v: 1.0 is a number and is passed on as 1'],
  ],
  [
    'volumes: [d:/d]\nvolumes: {d: {driver_opts: {mode: 0700, gid: 5}}}',
    ['c.yaml:5:35 volumes.d.driver_opts.mode: 0700 is a number and is passed on as 448'],
  ],
  ['labels: ["v=1.10"]', []],
])('%s tells %j', (lines, wanted) => {
  const next = 'quote it to keep it as it is';
  expect(told(web(lines))).toEqual(wanted.map((line) => `warning ${line}; ${next}`));
});

it.each<[string, Wanted]>([
  ['stop_grace_period: .5s', { stopGraceMs: 500 }],
  ['stop_grace_period: 1.m.5s', { stopGraceMs: 60_500 }],
  ['cpus: ".5"', { container: { limits: { milliCpus: 500 } } }],
  ['cpus: .5', { container: { limits: { milliCpus: 500 } } }],
  ['cpus: "2."', { container: { limits: { milliCpus: 2000 } } }],
  ['mem_limit: .5g', { container: { limits: { memoryBytes: 2 ** 29 } } }],
])('%s', (line, wanted) => {
  expect(read(line)).toMatchObject(wanted);
  expect(told(web(line))).toEqual([]);
});

it.each(['healthcheck: {}', 'healthcheck: {disable: false}', 'healthcheck: {disable: "no"}'])(
  '%s says nothing',
  (line) => {
    expect(read(line)).toEqual(read());
    expect(told(web(line))).toEqual([]);
    expect(told(web(line, 'x-millrace: {heartbeat: {tcp: 1}}'))).toEqual([]);
  },
);

it.each(['use_api_socket: no', 'use_api_socket: "False"', 'tty: "off"', 'attach: n'])(
  '%s asks for nothing',
  (line) => {
    expect(told(web(line))).toEqual([]);
  },
);

it.each([
  ['cpus: "."', 'cpus: expected a number of processors such as 0.5, got "."'],
  [
    'stop_grace_period: .s',
    'stop_grace_period: expected a duration such as 1m30s or 500ms, got ".s"',
  ],
  ['mem_limit: .g', 'mem_limit: expected a size such as 64m or 1gb, got ".g"'],
  ['volumes: ["/a:/b", "/c:/b/"]', 'volumes[1]: /b/ is mounted twice'],
  [
    'ports: [{target: 80, published: "8000-8010"}]',
    'ports[0].published: "8000-8010" leaves the port to choose from a range: that is not supported; name one port, or none',
  ],
])('%s is refused: %s', (line, wanted) => {
  expect(told(web(line))).toEqual([expect.stringMatching(/^c\.yaml:4:\d+ services\.web\./)]);
  expect(told(web(line))[0]).toContain(` services.web.${wanted}`);
});
