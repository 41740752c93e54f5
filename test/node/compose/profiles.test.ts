/** Services that run only when a profile of theirs is asked for. */
import { expect, it } from 'vitest';
import { stackOf, toldOf } from './folder.ts';

const FILE = `services:
  foo: {image: i}
  bar: {image: i, profiles: [test]}
  baz: {image: i, depends_on: [bar], profiles: [test, more]}
`;

it.each<[readonly string[] | undefined, string | undefined, readonly string[], string]>([
  [undefined, undefined, ['foo'], 'none asked for'],
  [['test'], undefined, ['foo', 'bar', 'baz'], 'one asked for'],
  [['*'], undefined, ['foo', 'bar', 'baz'], 'all'],
  [undefined, 'other, test', ['foo', 'bar', 'baz'], 'by COMPOSE_PROFILES'],
  [['other'], 'test', ['foo'], 'the command line wins over COMPOSE_PROFILES'],
  [[], 'test', ['foo'], 'even if it names none'],
])('profiles %j, COMPOSE_PROFILES %j: %j: %s', (profiles, variable, wanted) => {
  const options = {
    ...(profiles !== undefined && { profiles }),
    ...(variable !== undefined && { env: { COMPOSE_PROFILES: variable } }),
  };
  const { components } = stackOf({ 'c.yaml': FILE }, options);
  expect(components.map(({ name }) => name)).toEqual(wanted);
});

it.each([
  [
    FILE,
    ['more'],
    [
      'c.yaml:4:32 services.baz.depends_on.bar: bar does not run: it has a profile that is not asked for: test; ask for it with --profile test, or say required: false',
    ],
  ],
  [
    'services: {web: {image: i, profiles: [a]}, api: {image: i, profiles: [b, a]}}\n',
    [],
    [
      'c.yaml:1:1 services: no service would run: each has a profile that is not asked for: a, b; ask for one: --profile a',
    ],
  ],
  [
    'services: {web: {image: i, profiles: ["a b"]}}\n',
    [],
    [
      'c.yaml:1:39 services.web.profiles[0]: "a b" is no name for a profile; use letters, digits, _, . and -, a letter or a digit first',
    ],
  ],
  // What does not run need not be supported, but it has to be right.
  [
    'services: {web: {image: i}, dev: {image: i, profiles: [dev], privileged: true, tty: true}}\n',
    [],
    [],
  ],
  ...[
    'build: "https://example.org/a.git"',
    'hostname: "{{.Node.Hostname}}"',
    'ports: ["80/sctp"]',
    'ports: [{target: 80, protocol: sctp}]',
    'ports: [{target: 80, published: "8000-8010"}]',
    'ports: ["1-1001"]',
    'security_opt: [systempaths=unconfined]',
    'volumes: ["~/a:/b"]',
  ].map((key): [string, readonly string[], readonly string[]] => [
    `services: {web: {image: i}, dev: {image: i, profiles: [dev], ${key}}}\n`,
    [],
    [],
  ]),
  [
    'services: {web: {image: i}, dev: {image: i, profiles: [dev], ports: ["80/x"]}}\n',
    [],
    ['c.yaml:1:70 services.dev.ports[0]: expected tcp or udp, got x'],
  ],
  [
    'services: {web: {image: i}, dev: {image: i, profiles: [dev], privilegd: true, restart: 1}}\n',
    [],
    [
      'c.yaml:1:62 services.dev.privilegd: unknown key, did you mean privileged?',
      'c.yaml:1:88 services.dev.restart: expected no, always, unless-stopped or on-failure[:attempts], got the number 1',
    ],
  ],
])('%s with %j tells %j', (text, profiles, wanted) => {
  expect(toldOf({ 'c.yaml': text }, { profiles })).toEqual(wanted);
});
