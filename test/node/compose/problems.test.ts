/** What a user reads about a file that is not as it should be: position, subject and words, exactly. */
import { expect, it } from 'vitest';
import { told, web } from './told.ts';

it.each([
  ['', ['c.yaml:1:1 the file is empty; begin with services:']],
  ['# nothing\n', ['c.yaml:1:1 the file is empty; begin with services:']],
  ['- a\n', ['c.yaml:1:1 expected a mapping, got a list; begin with services:']],
  ['text', ['c.yaml:1:1 expected a mapping, got "text"; begin with services:']],
  ['a:\n\tb: 1\n', ['c.yaml:2:1 a tab indents; YAML takes spaces only']],
  ['services: {}\nservices: {}\n', ['c.yaml:2:1 the key is there twice']],
  ['a: "x\n', ['c.yaml:2:1 Missing closing "quote']],
  ['a: b: c\n', ['c.yaml:1:4 Nested mappings are not allowed in compact mappings']],
  ['a: 1\n---\nb: 2\n', ['c.yaml:2:1 a second document; a Compose file is one']],
  ['? [a]\n: 1\n', ['c.yaml:1:3 a key must be text']],
  [
    'services: !reset {}\n',
    ['c.yaml:1:1 services: there are no services; name them under services:'],
  ],
  [
    'services: !rest {}\n',
    ['c.yaml:1:11 Unresolved tag: !rest; only !reset and !override are known'],
  ],
  ['a: *b\n', ['c.yaml:1:4 the alias *b has no anchor']],
  ['a: &a [1, *a]\n', ['c.yaml:1:11 the alias *a holds itself']],
  ['services:\n  <<: 3\n', ['c.yaml:2:3 << merges mappings only']],
  ['services:\n  __proto__: {}\n', ['c.yaml:2:3 the key __proto__ is not allowed']],
])('YAML: %j', (text, wanted) => {
  expect(told(text)).toEqual(wanted);
});

it.each([
  ['name: shop\n', ['c.yaml:1:1 services: there are no services; name them under services:']],
  ['services:\n', ['c.yaml:1:1 services: there are no services; name them under services:']],
  ['services: {}\n', ['c.yaml:1:11 services: there are no services; name them under services:']],
  ['services: [web]\n', ['c.yaml:1:11 services: expected a mapping of services, got a list']],
  ['services:\n  web:\n', ['c.yaml:2:3 services.web: expected a mapping, got nothing']],
  ['services:\n  web: 5\n', ['c.yaml:2:8 services.web: expected a mapping, got the number 5']],
  [
    'services:\n  web: {}\n',
    [
      'c.yaml:2:3 services.web: has neither an image nor a command; name an image, or x-millrace.process.command for hosts without containers',
    ],
  ],
  [
    'services:\n  a.b: {image: i}\n',
    [
      'c.yaml:2:3 services.a.b: this name is not possible; use up to 63 letters, digits, - and _, a letter or a digit first',
    ],
  ],
  [
    `servces:\n  web: {image: i}\n`,
    [
      'c.yaml:1:1 servces: unknown key, did you mean services?',
      'c.yaml:1:1 services: there are no services; name them under services:',
    ],
  ],
  [
    'volumes: [a]\nservices: {web: {image: i}}\n',
    ['c.yaml:1:10 volumes: expected a mapping of names, got a list'],
  ],
  [
    'volumes: {a: {driver: nfs, external: true}}\nservices: {web: {image: i}}\n',
    ['c.yaml:1:23 volumes.a.driver: has no meaning beside external; leave one of the two out'],
  ],
  [
    'x-millrace: {cluster: p, clustr: p}\nservices: {web: {image: i}}\n',
    [
      'c.yaml:1:14 x-millrace.cluster: not supported yet: it comes with a later version',
      'c.yaml:1:26 x-millrace.clustr: unknown key, did you mean cluster?',
    ],
  ],
])('stack: %j', (text, wanted) => {
  expect(told(text)).toEqual(wanted);
});

it('names of stacks are checked, also those given in place of the one in the file', () => {
  const rule = 'use up to 63 of a-z, 0-9, - and _, a letter or a digit first';
  const file = 'name: shop\nservices: {web: {image: i}}\n';
  expect(told(file, 'My Shop')).toEqual([
    `c.yaml:1:7 name: "My Shop" is no name for a stack; ${rule}`,
  ]);
  expect(told(file, 'other')).toEqual([]);
});

it.each([
  [
    { web: ['api'], api: ['db'], db: ['web'] },
    [
      'c.yaml:4:5 services.web.depends_on: the dependencies go in a circle, web -> api -> db -> web: none of them could be the first to start',
    ],
  ],
  [
    { web: ['web'] },
    [
      'c.yaml:4:5 services.web.depends_on: the dependencies go in a circle, web -> web: none of them could be the first to start',
    ],
  ],
  [
    { web: ['db'], db: ['api'], api: ['db'] },
    [
      'c.yaml:7:5 services.db.depends_on: the dependencies go in a circle, db -> api -> db: none of them could be the first to start',
    ],
  ],
  [{ web: ['a', 'b'], a: ['c'], b: ['c'], c: [] }, []],
  [
    { web: ['apo'], api: [] },
    ['c.yaml:4:18 services.web.depends_on.apo: there is no service apo, did you mean api?'],
  ],
])('dependencies: %j', (services, wanted) => {
  const lines = Object.entries(services).flatMap(([name, on]) => [
    `  ${name}:`,
    '    image: i',
    `    depends_on: [${on.join(', ')}]`,
  ]);
  expect(told(['services:', ...lines].join('\n'))).toEqual(wanted);
});

it.each([
  [
    '{api: {condition: service_up}}',
    [
      'c.yaml:4:35 services.web.depends_on.api.condition: expected one of service_started, service_healthy, service_completed_successfully, got "service_up"',
    ],
  ],
  [
    '{api: {}}',
    [
      'c.yaml:4:18 services.web.depends_on.api.condition: missing: one of service_started, service_healthy, service_completed_successfully',
    ],
  ],
  [
    '{api: {condition: service_started, requird: true}}',
    ['c.yaml:4:52 services.web.depends_on.api.requird: unknown key, did you mean required?'],
  ],
  ['{gone: {condition: service_started, required: false}}', []],
  [
    '{api: {condition: service_healthy}}',
    [
      'warning c.yaml:4:18 services.web.depends_on.api: api has no healthcheck in this file: unless its image has one, it counts as healthy as soon as it runs',
    ],
  ],
  [
    '{api: {condition: service_completed_successfully}}',
    [
      'c.yaml:7:14 services.api.restart: it would never complete: another service waits for it to complete, and it would be started again; use restart: on-failure or "no"',
    ],
  ],
])('conditions: %s', (dependsOn, wanted) => {
  const api = '  api:\n    image: i\n    restart: always\n';
  expect(told(`${web(`depends_on: ${dependsOn}`)}${api}`)).toEqual(wanted);
});

it('walks each dependency once, however many ways lead to it', () => {
  const rungs = Array.from({ length: 50 }, (_, rung) => {
    const below = rung === 0 ? [] : [`a${rung - 1}`, `b${rung - 1}`];
    const body = `{image: i, depends_on: [${below.join(', ')}]}`;
    return `  a${rung}: ${body}\n  b${rung}: ${body}\n`;
  });
  expect(told(`services:\n${rungs.reverse().join('')}`)).toEqual([]);
});

it('points into the shared block that is wrong, told once', () => {
  const text = [
    'x-base: &base',
    '  image: i',
    '  restart: maybe',
    'services:',
    '  a: {<<: *base}',
    '  b: {<<: [*base], restart: always}',
    '  c: {<<: *base, command: 1}',
  ];
  const rule = 'expected no, always, unless-stopped or on-failure[:attempts], got "maybe"';
  expect(told(text.join('\n'))).toEqual([
    `c.yaml:3:12 services.a.restart: ${rule}`,
    `c.yaml:3:12 services.c.restart: ${rule}`,
    'c.yaml:7:27 services.c.command: expected text or a list of words, got the number 1',
  ]);
});

it('has bounds: services, problems, aliases, size', () => {
  const services = (count: number, body: string): string =>
    `services:\n${Array.from({ length: count }, (_, index) => `  s${index}: ${body}\n`).join('')}`;
  expect(told(services(200, '{image: i}'))).toEqual([]);
  expect(told(services(201, '{image: i}'))).toEqual([
    'c.yaml:2:3 services: 201 services are too many, at most 200 are possible',
  ]);
  const many = told(services(150, '{imag: i, image: i}'));
  expect(many.length).toBe(101);
  expect(many.at(-1)).toBe('c.yaml:102:10 50 more problems');
  const levels = Array.from({ length: 9 }, (_, level) => {
    const inner = level === 0 ? '1' : `*l${level - 1}`;
    return `x-${level}: &l${level} [${Array.from({ length: 9 }, () => inner).join(', ')}]\n`;
  });
  const block = `x-a: &a [${'1,'.repeat(2_000)}]\nx-b: [${'*a,'.repeat(100)}]\n`;
  for (const aliases of [levels.join(''), block])
    expect(told(`${aliases}services: {web: {image: i}}`)).toEqual([
      'c.yaml:1:1 aliases make it over 100000 values: what an alias stands for counts wherever it stands; use fewer aliases, or split it into several stacks',
    ]);
  expect(told(web(`command: [${'x'.repeat(131_072)}]`))).toEqual([
    'c.yaml:1:1 services: the stack is too large: 131281 characters when written out, at most 131072 are possible; split it into several stacks',
  ]);
});
