/** What becomes of a heartbeat and of a page to inspect, and what a user reads where they are not right. */
import { expect, it } from 'vitest';
import { loadCompose } from '../../../node/compose/load.ts';
import { told, web } from './told.ts';

const PUBLISHED = 'ports: [{target: 80, published: 8080, mode: host}]';
const DEFAULTS = { intervalMs: 2_000, timeoutMs: 1_000, retries: 3, startPeriodMs: 10_000 };

/** The component `web` with an image and these lines. */
function component(lines: string): object | undefined {
  const result = loadCompose(web(lines), { path: 'c.yaml', env: {}, dir: '/srv' });
  expect(result).toMatchObject({ ok: true, warnings: [] });
  return result.ok ? result.stack.components[0] : undefined;
}

it.each<readonly [string, object, string]>([
  [
    'x-millrace: {heartbeat: {tcp: 5432}}',
    { heartbeat: { ...DEFAULTS, target: { kind: 'tcp', port: 5432 } } },
    'a port, and the default of everything else',
  ],
  [
    'x-millrace: {heartbeat: {path: /healthz, port: "8080", every: 500ms, timeout: 5s, miss: 1, start_period: 0s}}',
    {
      heartbeat: {
        target: { kind: 'http', path: '/healthz', port: 8080 },
        intervalMs: 500,
        timeoutMs: 5_000,
        retries: 1,
        startPeriodMs: 0,
      },
    },
    'a page, and all that can be said of it',
  ],
  [
    `${PUBLISHED}\n    x-millrace: {heartbeat: {path: /}, inspect: {path: "/debug?a=%20"}}`,
    {
      heartbeat: { ...DEFAULTS, target: { kind: 'http', path: '/', port: 80 } },
      inspect: { path: '/debug?a=%20', port: 80 },
    },
    'the only port, as the program itself listens',
  ],
  [
    `ports: [{target: 80, protocol: udp, mode: host}, {target: 81, published: 2, mode: host}, {target: 81, published: 3, mode: host}]
    x-millrace: {inspect: {path: /vars}}`,
    { inspect: { path: '/vars', port: 81 } },
    'one port that is published twice is one; UDP has no pages',
  ],
  [
    'healthcheck: {disable: true}\n    x-millrace: {heartbeat: {tcp: 1}}',
    { heartbeat: { ...DEFAULTS, target: { kind: 'tcp', port: 1 } } },
    'the heartbeat turns off what the image brings along, so nothing is to be warned of',
  ],
])('%s: %s', (lines, wanted) => {
  expect(component(lines)).toMatchObject(wanted);
});

it('a component with a heartbeat can become healthy', () => {
  const text = `
services:
  web: {image: i, depends_on: {db: {condition: service_healthy}}}
  db: {image: i, x-millrace: {heartbeat: {tcp: 5432}}}
`;
  expect(told(text)).toEqual([]);
});

it.each<readonly [string, readonly string[]]>([
  [
    'x-millrace: {heartbeat: 5432}',
    ['c.yaml:4:29 services.web.x-millrace.heartbeat: expected a mapping, got the number 5432'],
  ],
  [
    'x-millrace: {heartbeat: {}}',
    [
      'c.yaml:4:29 services.web.x-millrace.heartbeat: missing: path, or tcp; write path: /healthz for a page, or tcp: PORT',
    ],
  ],
  [
    'x-millrace: {heartbeat: {tcp: 5432, path: /}}',
    [
      'c.yaml:4:35 services.web.x-millrace.heartbeat.tcp: has no meaning beside path: tcp asks whether a port takes connections, path and port ask a page; keep one',
    ],
  ],
  [
    'x-millrace: {heartbeat: {tcp: 5432, port: 5432}}',
    [
      'c.yaml:4:35 services.web.x-millrace.heartbeat.tcp: has no meaning beside port: tcp asks whether a port takes connections, path and port ask a page; keep one',
    ],
  ],
  [
    'x-millrace: {heartbeat: {tcp: 0}}',
    [
      'c.yaml:4:35 services.web.x-millrace.heartbeat.tcp: expected a whole number from 1 to 65535, got the number 0',
    ],
  ],
  [
    'x-millrace: {heartbeat: {tcp: 65536}}',
    [
      'c.yaml:4:35 services.web.x-millrace.heartbeat.tcp: expected a whole number from 1 to 65535, got the number 65536',
    ],
  ],
  [
    'x-millrace: {heartbeat: {path: healthz, port: 80}}',
    [
      'c.yaml:4:36 services.web.x-millrace.heartbeat.path: expected a path such as /healthz, got "healthz"; begin it with /, and escape what a URL cannot hold, a space as %20',
    ],
  ],
  [
    'x-millrace: {heartbeat: {path: "/a b", port: 80}}',
    [
      'c.yaml:4:36 services.web.x-millrace.heartbeat.path: expected a path such as /healthz, got "/a b"; begin it with /, and escape what a URL cannot hold, a space as %20',
    ],
  ],
  [
    'x-millrace: {heartbeat: {path: /}}',
    [
      'c.yaml:4:18 services.web.x-millrace.heartbeat: missing: port: no port is published; write port: N, where it listens',
    ],
  ],
  [
    'ports: [{target: 8, mode: host}, {target: 8, mode: host}]\n    x-millrace: {heartbeat: {path: /}}',
    [
      'warning c.yaml:4:38 services.web.ports[1]: port 8/tcp is published twice: without a number it is one port',
    ],
  ],
  [
    'ports: ["1:80/tcp", "2:81/tcp"]\n    x-millrace: {heartbeat: {path: /}}',
    [
      'c.yaml:5:18 services.web.x-millrace.heartbeat: missing: port: more than one is published; write port: N, where it listens',
    ],
  ],
  [
    'x-millrace: {heartbeat: {tcp: 1, every: 99ms}}',
    [
      'c.yaml:4:45 services.web.x-millrace.heartbeat.every: too often, at least 100ms are needed: each question is a connection; leave it out for 2s',
    ],
  ],
  [
    'x-millrace: {heartbeat: {tcp: 1, timeout: 0s}}',
    ['c.yaml:4:47 services.web.x-millrace.heartbeat.timeout: no time at all; leave it out for 1s'],
  ],
  [
    'x-millrace: {heartbeat: {tcp: 1, miss: 0}}',
    [
      'c.yaml:4:44 services.web.x-millrace.heartbeat.miss: expected a whole number from 1 to 1000, got the number 0',
    ],
  ],
  [
    'x-millrace: {heartbeat: {tcp: 1, retries: 3}}',
    [
      'c.yaml:4:38 services.web.x-millrace.heartbeat.retries: unknown key; it belongs under services.NAME.healthcheck',
    ],
  ],
  [
    'healthcheck: {test: x}\n    x-millrace: {heartbeat: {tcp: 1}}',
    [
      'c.yaml:5:18 services.web.x-millrace.heartbeat: has no meaning beside healthcheck: the health of a service comes from one of the two; leave one of the two out',
    ],
  ],
  [
    'network_mode: none\n    x-millrace: {heartbeat: {tcp: 1}, inspect: {path: /, port: 1}}',
    [
      'c.yaml:5:18 services.web.x-millrace.heartbeat: has no meaning beside network_mode: none: its host has no way to it; leave one of the two out',
      'c.yaml:5:39 services.web.x-millrace.inspect: has no meaning beside network_mode: none: its host has no way to it; leave one of the two out',
    ],
  ],
  [
    'x-millrace: {inspect: {port: 80}}',
    ['c.yaml:4:18 services.web.x-millrace.inspect.path: missing: a path such as /healthz'],
  ],
  [
    'x-millrace: {inspect: {path: /}}',
    [
      'c.yaml:4:18 services.web.x-millrace.inspect: missing: port: no port is published; write port: N, where it listens',
    ],
  ],
  [
    'x-millrace: {inspect: {tcp: 80}}',
    [
      'c.yaml:4:18 services.web.x-millrace.inspect.path: missing: a path such as /healthz',
      'c.yaml:4:28 services.web.x-millrace.inspect.tcp: unknown key; it belongs under services.NAME.x-millrace.heartbeat',
    ],
  ],
])('endpoints: %s', (lines, wanted) => {
  expect(told(web(lines))).toEqual(wanted);
});
