/** Other Compose files as parts of one. */
import { expect, it } from 'vitest';
import { stackOf, toldOf } from '../folder.ts';

const names = (files: Readonly<Record<string, string>>): readonly string[] =>
  stackOf(files).components.map(({ name, image = '' }) => `${name}:${image}`);

it('brings services and volumes along, nested, with the own definitions on top', () => {
  const stack = stackOf({
    'c.yaml': `
include:
  - db/compose.yaml
services:
  web: {image: w, depends_on: [db]}
  cache: {scale: 2}
`,
    'db/compose.yaml': `
include: [more.yaml]
services:
  db: {image: d, volumes: ["data:/d"]}
  cache: {image: c}
volumes: {data: }
`,
    'db/more.yaml': 'services: {more: {image: m}}\n',
  });
  expect(stack.components.map(({ name, image, replicas }) => [name, image, replicas])).toEqual([
    ['more', 'm', 1],
    ['db', 'd', 1],
    ['cache', 'c', 2],
    ['web', 'w', 1],
  ]);
});

it('gives each its own variables and folder; the environment wins', () => {
  const files = {
    'c.yaml': `
include:
  - a/c.yaml
  - { path: b/c.yaml, env_file: [one.env, two.env], project_directory: . }
services: {web: {image: "\${TAG}"}}
`,
    '.env': 'TAG=top\n',
    'a/c.yaml': 'services: {a: {image: "${TAG}-${A}", env_file: a.env}}\n',
    'a/.env': 'TAG=mine\nA=1\n',
    'a/a.env': 'X=a\n',
    'b/c.yaml': 'services: {b: {image: "${B}", env_file: two.env, environment: [B]}}\n',
    'one.env': 'B=1\n',
    'two.env': 'B=2\n',
  };
  const [a, b, web] = stackOf(files).components;
  expect([a?.image, b?.image, web?.image]).toEqual(['top-1', '2', 'top']);
  expect([a?.environment, b?.environment]).toEqual([{ X: 'a' }, { B: '2' }]);
});

it('merges the files of one item, and takes the same file twice as one', () => {
  const files = {
    'c.yaml': 'include: [{path: [a.yaml, b.yaml]}, d.yaml, e.yaml]\n',
    'a.yaml': 'services: {a: {image: a}}\n',
    'b.yaml': 'services: {a: {image: b}}\n',
    'd.yaml': 'include: [shared.yaml]\nservices: {d: {image: d}}\n',
    'e.yaml': 'include: [shared.yaml]\nservices: {e: {image: e}}\n',
    'shared.yaml': 'services: {s: {image: s}}\n',
  };
  expect(names(files)).toEqual(['a:b', 's:s', 'd:d', 'e:e']);
});

it('includes before it extends: what is brought can be extended', () => {
  const stack = stackOf({
    'c.yaml': `
include: [base.yaml]
services:
  web: {extends: base, scale: 2}
  own: {extends: theirs, image: o}
`,
    'base.yaml': `
services:
  base: {extends: deeper, environment: {A: 1}}
  deeper: {image: d}
  own: {image: b, environment: {B: 2}}
  theirs: {image: t, environment: {A: 3, B: 3}}
`,
  });
  const wanted = { base: ['d', { A: '1' }, 1], web: ['d', { A: '1' }, 2] };
  const found = stack.components.map(({ name, image, environment, replicas }) => [
    name,
    [image, environment, replicas],
  ]);
  expect(Object.fromEntries(found)).toMatchObject(wanted);
  expect(Object.fromEntries(found)).toMatchObject({ own: ['o', { A: '3', B: '2' }, 1] });
});

const web = 'services: {web: {image: w}}\n';
it.each<[Readonly<Record<string, string>>, readonly string[]]>([
  [
    {
      'c.yaml': `include: [a.yaml, b.yaml]\n`,
      'a.yaml': web,
      'b.yaml': 'services: {web: {image: v}}\n',
    },
    [
      'b.yaml:1:12 services.web: two included files have this name: the other is in a.yaml:1; rename one of them',
    ],
  ],
  [
    {
      'c.yaml': `include: [a.yaml]\n${web}`,
      'a.yaml': 'include: [b.yaml]\n',
      'b.yaml': 'include: [a.yaml]\n',
    },
    ['b.yaml:1:11 include[0]: include goes in a circle: a.yaml again: b.yaml is a part of it'],
  ],
  [
    { 'c.yaml': `include: [sub/gone.yaml]\n${web}` },
    [
      'c.yaml:1:11 include[0]: sub/gone.yaml: the file cannot be read: there is no such file; mend the path; it starts at the folder of the file that names it',
    ],
  ],
  [
    { 'c.yaml': `include: [{path: a.yaml, env_file: no.env}]\n${web}`, 'a.yaml': web },
    [
      'c.yaml:1:36 include[0].env_file: no.env: the file cannot be read: there is no such file; mend the path; it starts at the folder of the file that names it',
    ],
  ],
  [
    { 'c.yaml': `include: ["oci://docker.io/x/y:latest"]\n${web}` },
    [
      'c.yaml:1:11 include[0]: remote files are not supported: a deploy would depend on what lies elsewhere at that moment; download it and name it by its path',
    ],
  ],
  [
    { 'c.yaml': `include: a.yaml\n${web}` },
    ['c.yaml:1:10 include: expected a list of files; write include: [FILE]'],
  ],
  [
    { 'c.yaml': `include: [{pth: a.yaml}]\n${web}` },
    [
      'c.yaml:1:11 include[0]: missing: path; write the path of a file, or a mapping with path, project_directory and env_file',
      'c.yaml:1:12 include[0].pth: unknown key, did you mean path?',
    ],
  ],
  [
    {
      'c.yaml': `include: [a.yaml]\n${web}`,
      'a.yaml': 'x-millrace: {on_isolation: stop}\nvolmes: {}\n',
    },
    [
      'a.yaml:1:1 x-millrace: not read in a file that another one includes; move it to the services, or to the file that includes this one',
      'a.yaml:2:1 volmes: unknown key, did you mean volumes?',
    ],
  ],
  [
    { 'c.yaml': `include: [a.yaml]\n${web}`, 'a.yaml': 'services: {a: {imag: i}}\n' },
    ['a.yaml:1:16 services.a.imag: unknown key, did you mean image?'],
  ],
])('%j tells %j', (files, wanted) => {
  expect(toldOf(files)).toEqual(wanted);
});
