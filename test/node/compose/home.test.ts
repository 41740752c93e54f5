/** Paths that begin with `~`, the folder of whoever calls. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Files, loadFiles, toldOf } from './folder.ts';
import { told, web } from './told.ts';

const home = mkdtempSync(join(tmpdir(), 'millrace-home-'));
const env = { HOME: home };
beforeAll(() => {
  mkdirSync(join(home, 'sub'));
  writeFileSync(join(home, 'a.env'), 'FROM=home\n');
  writeFileSync(join(home, 'sub/c.yaml'), 'services: {web: {image: h, env_file: ../a.env}}\n');
});
afterAll(() => rmSync(home, { recursive: true }));

const service = (key: string): Files => ({ 'c.yaml': `services: {web: {image: i, ${key}}}\n` });
it.each<[Files, object]>([
  [service('env_file: ~/a.env'), { environment: { FROM: 'home' } }],
  [service('env_file: [{path: ~/a.env, required: false}]'), { environment: { FROM: 'home' } }],
  [
    service('extends: {service: web, file: ~/sub/c.yaml}'),
    { image: 'i', environment: { FROM: 'home' } },
  ],
  [{ 'c.yaml': 'include: [~/sub/c.yaml]\n' }, { image: 'h', environment: { FROM: 'home' } }],
  [
    {
      'c.yaml': 'include: [{path: in/a.yaml, project_directory: ~/sub, env_file: ~/a.env}]\n',
      'in/a.yaml': 'services: {web: {image: "$FROM", env_file: ../a.env}}\n',
    },
    { image: 'home', environment: { FROM: 'home' } },
  ],
  [
    { 'c.yaml': 'services: {web: {image: i, configs: [a]}}\nconfigs: {a: {file: ~/a.env}}\n' },
    { files: [{ content: Buffer.from('FROM=home\n').toString('base64') }] },
  ],
])('%j gives %j', (files, wanted) => {
  const { result } = loadFiles(files, { env });
  expect(result.ok ? result.stack.components : result.problems).toMatchObject([wanted]);
});

it('builds from there, and reads secrets', () => {
  const files = {
    'c.yaml':
      'services: {a: {build: ~/sub, secrets: [s]}, b: {build: {context: "~"}}}\nsecrets: {s: {file: ~/a.env}}\n',
  };
  const { result } = loadFiles(files, { env });
  expect(result.ok && [...result.builds.values()].map(({ folder }) => folder)).toEqual([
    join(home, 'sub'),
    home,
  ]);
  expect(result.ok && result.secrets.get('s')?.toString()).toBe('FROM=home\n');
});

it('is a name like any other in the middle, and where nobody has a home', () => {
  const gone = 'the file cannot be read: there is no such file';
  const next = 'mend the path; it starts at the folder of the file that names it';
  const at = 'c.yaml:1:38 services.web.env_file';
  const all = (file: string) => toldOf(service(`env_file: ${file}`), { env });
  expect(all('~a.env')).toEqual([`${at}: ~a.env: ${gone}; ${next}`]);
  expect(all('a/~/a.env')).toEqual([`${at}: a/~/a.env: ${gone}; ${next}`]);
  expect(all('~/no.env')).toEqual([`${at}: ${home}/no.env: ${gone}; ${next}`]);
  expect(toldOf(service('env_file: ~/a.env'))).toEqual([`${at}: ~/a.env: ${gone}; ${next}`]);
});

const why = "it is the home folder of whoever deploys, and no other host's";
const fix = 'write the absolute path of a folder that each host has, or use a named volume';
it.each([
  ['volumes: ["~/a:/b"]', 'c.yaml:4:15 services.web.volumes[0]: the path "~/a"'],
  ['volumes: ["~:/b"]', 'c.yaml:4:15 services.web.volumes[0]: the path "~"'],
  [
    'volumes: [{type: bind, source: ~/a, target: /b}]',
    'c.yaml:4:15 services.web.volumes[0]: the path "~/a"',
  ],
  [
    'volumes: [d:/b]\nvolumes: {d: {driver_opts: {type: none, o: bind, device: ~/a}}}',
    'c.yaml:5:58 volumes.d.driver_opts.device: the path "~/a"',
  ],
])('is refused as a folder of a host: %s', (lines, message) => {
  expect(told(web(lines))).toEqual([`${message} begins with ~: ${why}; ${fix}`]);
});
