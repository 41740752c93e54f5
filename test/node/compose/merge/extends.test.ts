/** Services laid over others, of the same file and of files beside it. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { componentOf, loadFiles, stackOf, toldOf } from '../folder.ts';

it('takes everything from the service it extends, and merges as files do', () => {
  const web = componentOf({
    'c.yaml': `
services:
  web:
    extends: base
    environment: [B=2]
    command: [mine]
  base:
    extends: { service: deeper }
    image: i
    command: [theirs]
    environment: {A: 1, B: 1}
    ports: ["80:80"]
  deeper: {image: j, stop_grace_period: 3s, ports: ["81:81"]}
`,
  });
  expect(web).toMatchObject({
    image: 'i',
    command: ['mine'],
    environment: { A: '1', B: '2' },
    stopGraceMs: 3000,
  });
  expect(web.ports.map(({ target }) => target)).toEqual([81, 80]);
});

it('reads other files; their paths start at their own folders, their other services stay out', () => {
  const files = {
    'c.yaml':
      'services:\n  web:\n    extends: {file: common/base.yaml, service: web}\n    scale: 2\n',
    'common/base.yaml': `
services:
  web:
    extends: {file: ../far/far.yaml, service: web}
    env_file: web.env
  other: {image: no, privileged: true}
`,
    'common/web.env': 'FROM=common\n',
    'far/far.yaml': `
services:
  web:
    image: "i:\${TAG:-1}"
    x-millrace: {process: {command: [run], working_dir: bin}}
`,
  };
  const { dir, result } = loadFiles(files, { env: { TAG: '7' } });
  expect(result.ok && result.stack.components).toMatchObject([
    {
      name: 'web',
      image: 'i:7',
      replicas: 2,
      environment: { FROM: 'common' },
      process: { workingDir: join(dir, 'far/bin') },
    },
  ]);
});

it('lets an override take away what came by extends', () => {
  const files = {
    'c.yaml':
      'services:\n  web: {image: i, extends: base, ports: !reset []}\n  base: {ports: ["80:80"]}\n',
    'over.yaml': 'services:\n  base: {image: b}\n  web: {ports: ["81:81"]}\n',
  };
  const [web] = stackOf(files).components;
  expect(web?.ports.map(({ target }) => target)).toEqual([81]);
});

it('takes away what an earlier file has, though the mark is in the service that is extended', () => {
  const files = {
    'c.yaml': 'services:\n  web: {image: i, ports: ["80:80"], scale: 2}\n',
    'over.yaml':
      'services:\n  web: {extends: b, ports: ["81:81"]}\n  b: {image: j, scale: !reset 1, ports: !reset []}\n',
  };
  const [web] = stackOf(files).components;
  expect(web?.ports.map(({ target }) => target)).toEqual([81]);
  expect(web?.replicas).toBe(1);
});

const at = (extend: string, more = '') => ({
  'c.yaml': `services:\n  web:\n    image: i\n    extends: ${extend}\n${more}`,
});
it.each<[Readonly<Record<string, string>>, readonly string[]]>([
  [
    at('bse', '  base: {image: i}\n'),
    ['c.yaml:4:14 services.web.extends: there is no service bse in c.yaml, did you mean base?'],
  ],
  [
    at('base', '  base: {extends: web}\n'),
    [
      'c.yaml:4:14 services.web.extends: extends goes in a circle, web -> base -> web: none of them could be written out',
    ],
  ],
  [
    at('web'),
    [
      'c.yaml:4:14 services.web.extends: extends goes in a circle, web -> web: none of them could be written out',
    ],
  ],
  [
    at('{service: base, file: gone/base.yaml}'),
    [
      'c.yaml:4:36 services.web.extends: gone/base.yaml: the file cannot be read: there is no such file; mend the path; it starts at the folder of the file that names it',
    ],
  ],
  [
    at('{file: base.yaml}'),
    [
      'c.yaml:4:14 services.web.extends: missing: the name of a service; write extends: { service: NAME, file: FILE }',
    ],
  ],
  [
    at('{service: a, fil: b}', '  a: {image: i}\n'),
    [
      'c.yaml:4:27 services.web.extends: unknown key fil, did you mean file?; write extends: { service: NAME, file: FILE }',
    ],
  ],
  [
    at('[a]'),
    [
      'c.yaml:4:14 services.web.extends: expected the name of a service, or a mapping; write extends: { service: NAME, file: FILE }',
    ],
  ],
  [
    at('{service: a, file: "https://example.org/a.yaml"}'),
    [
      'c.yaml:4:33 services.web.extends: remote files are not supported: a deploy would depend on what lies elsewhere at that moment; download it and name it by its path',
    ],
  ],
  [
    { ...at('{service: a, file: a.yaml}'), 'a.yaml': 'services:\n  a: {restart: maybe}\n' },
    [
      'a.yaml:2:16 services.web.restart: expected no, always, unless-stopped or on-failure[:attempts], got "maybe"',
    ],
  ],
  [
    { ...at('{service: a, file: a.yaml}'), 'a.yaml': 'services: [\n' },
    ['a.yaml:2:1 Flow sequence in block collection must be sufficiently indented and end with a ]'],
  ],
  [
    {
      ...at('{service: a, file: sub/a.yaml}'),
      'sub/a.yaml': 'services:\n  a: {extends: {service: web, file: ../c.yaml}}\n',
    },
    [
      'c.yaml:4:14 services.web.extends: extends goes in a circle, web -> sub/a.yaml:a -> web: none of them could be written out',
    ],
  ],
])('%j tells %j', (files, wanted) => {
  expect(toldOf(files)).toEqual(wanted);
});
