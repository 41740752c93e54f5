/** Files of variables for a service. */
import { expect, it } from 'vitest';
import { componentOf, stackOf, toldOf } from './folder.ts';

const files = (envFile: string, more: Readonly<Record<string, string>> = {}) => ({
  'c.yaml': `services:\n  web:\n    image: i\n    env_file: ${envFile}\n    environment: {OWN: own}\n`,
  'a.env': 'A=a\nOWN=file\nQUOTED="x $HOME"\n',
  'b.env': "A=b\nB='$HOME'\n",
  ...more,
});

it.each<[string, Readonly<Record<string, string>>, string]>([
  ['a.env', { A: 'a', QUOTED: 'x /h', OWN: 'own' }, 'one file; environment wins'],
  ['[a.env, b.env]', { A: 'b', B: '$HOME', QUOTED: 'x /h', OWN: 'own' }, 'the later file wins'],
  ['[b.env, {path: a.env}]', { A: 'a', B: '$HOME', QUOTED: 'x /h', OWN: 'own' }, 'the long form'],
  [
    '[{path: no.env, required: false}, b.env]',
    { A: 'b', B: '$HOME', OWN: 'own' },
    'one not required',
  ],
  ['[{path: a.env, format: raw}]', { A: 'a', QUOTED: '"x $HOME"', OWN: 'own' }, 'raw values'],
  ['[]', { OWN: 'own' }, 'none'],
])('%s gives %j: %s', (envFile, wanted) => {
  expect(componentOf(files(envFile), { env: { HOME: '/h' } }).environment).toEqual(wanted);
});

const gone =
  'the file cannot be read: there is no such file; mend the path; it starts at the folder of the file that names it';
it.each<[string, readonly string[]]>([
  ['no.env', [`c.yaml:4:15 services.web.env_file: no.env: ${gone}`]],
  ['[a.env, {path: x/no.env}]', [`c.yaml:4:23 services.web.env_file[1]: x/no.env: ${gone}`]],
  ['bad.env', ['bad.env:2:1 expected KEY=VALUE']],
  ['[{path: bad.env, format: raw}]', ['bad.env:2:1 expected KEY=VALUE']],
  [
    '5',
    [
      'c.yaml:4:15 services.web.env_file: expected the path of a file, or a list of them, got the number 5',
    ],
  ],
  [
    '[{path: a.env, format: yaml}]',
    [
      'c.yaml:4:38 services.web.env_file[0].format: expected raw, got "yaml"; leave format out for KEY=VALUE with quotes and variables',
    ],
  ],
  [
    '[{pth: a.env}]',
    [
      'c.yaml:4:16 services.web.env_file[0].path: missing: text',
      'c.yaml:4:17 services.web.env_file[0].pth: unknown key, did you mean path?',
    ],
  ],
  [
    '[a.env, swarm.env]',
    [
      'warning c.yaml:4:23 services.web.env_file[1]: ID: {{.Task.ID}} is passed on as it is: templates are not filled in; docs/compose.md says what each instance finds in its environment',
    ],
  ],
])('%s tells %j', (envFile, wanted) => {
  const others = { 'bad.env': 'A=1\n!\n', 'swarm.env': 'ID=t-{{.Task.ID}}\nOWN={{.Name}}\n' };
  expect(toldOf(files(envFile, others), { env: { HOME: '/h' } })).toEqual(wanted);
});

const chained = (envFile: string, environment = '{}') => ({
  'c.yaml': `services:\n  web:\n    image: i\n    env_file: ${envFile}\n    environment: ${environment}\n`,
  'a.env': 'PORT=5432\n',
  'b.env': 'URL=${HOST}:${PORT}\n',
});
it.each<[string, string, string, string]>([
  ['[a.env, b.env]', '{HOST: db}', 'db:5432', 'environment, and an earlier file'],
  ['[b.env, a.env]', '{HOST: db}', 'db:', 'no later file'],
  ['[a.env, b.env]', '{HOST: db, PORT: 1}', 'db:1', 'environment wins over files'],
  ['[a.env, b.env]', '[HOST, USER]', ':5432', 'a name alone that is set nowhere'],
  ['[a.env, b.env]', '{HOST: db, PROJECT: x}', 'db:5432', 'what else is there'],
  [
    '[{path: a.env, format: raw}, b.env]',
    '{HOST: db}',
    'db:5432',
    'an earlier file without variables',
  ],
])('with env_file %s and environment %s it gives %s: %s', (envFile, environment, wanted) => {
  expect(componentOf(chained(envFile, environment)).environment['URL']).toBe(wanted);
});

it('fills in the variables of the project before those of the service', () => {
  const env = { HOST: 'mine', PORT: '9' };
  const { environment } = componentOf(chained('[a.env, b.env]', '{HOST: db}'), { env });
  expect(environment).toEqual({ HOST: 'db', PORT: '5432', URL: 'mine:9' });
});

it('tells of variables that are not set, in files of a service, of the stack and of what it includes', () => {
  const empty = (name: string) => `the variable ${name} is not set, it counts as empty`;
  expect(toldOf(chained('b.env', '{PORT: 1}'))).toEqual([`warning b.env:1:1 ${empty('HOST')}`]);
  const stack = {
    'c.yaml': 'include: [{path: a.yaml, env_file: [x.env, y.env]}]\n',
    'a.yaml': 'services: {a: {image: "${X}-${Y}"}}\n',
    '.env': 'B=1\nA=$NONE\n',
    'x.env': 'X=$B\n',
    'y.env': 'Y=$X$GONE\n',
  };
  expect(stackOf(stack).components[0]?.image).toBe('1-1');
  expect(toldOf(stack)).toEqual([
    `warning .env:2:1 ${empty('NONE')}`,
    `warning y.env:1:1 ${empty('GONE')}`,
  ]);
});
