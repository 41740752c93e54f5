/** Files of components as they come from users and from other hosts. */
import { expect, it } from 'vitest';
import { FILES_BYTES_MAX, STACK_CHARS_MAX, WRAPS_MAX } from '../../../protocol/limits.ts';
import { COMPONENT, many, type Patch, SPEC, verdict } from './examples.ts';

const FILE = {
  kind: 'config',
  name: 'site',
  target: '/etc/site',
  uid: 0,
  gid: 0,
  mode: 0o444,
  content: 'YQ==',
};
const tooLong = Buffer.alloc(FILES_BYTES_MAX + 1).toString('base64');
const withFiles = (...files: readonly Patch[]) => ({
  ...COMPONENT,
  files: files.map((patch) => ({ ...FILE, ...patch })),
});
const said = (...files: readonly Patch[]): string =>
  verdict('deploy', { spec: { ...SPEC, components: [withFiles(...files)] } }).replace(
    'spec.components[0].files',
    'files',
  );

it.each<[string, string, Patch]>([
  ['', 'ok', {}],
  ['nothing in it', 'ok', { content: '' }],
  ['dots in its path', 'ok', { target: '/etc/..a/.b/c..' }],
  ['a target outside', 'form at files[0].target', { target: '/etc/../../passwd' }],
  ['a target that is its folder', 'form at files[0].target', { target: '/etc/.' }],
  ['a target that is a folder', 'form at files[0].target', { target: '/etc/' }],
  ['a relative target', 'form at files[0].target', { target: 'etc/site' }],
  ['a zero character in its target', 'form at files[0].target', { target: '/a\0b' }],
  ['base64 cut short', 'form at files[0].content', { content: 'YQ=' }],
  ['what is no base64', 'form at files[0].content', { content: 'Y-_=' }],
  ['a negative user', 'range at files[0].uid', { uid: -1 }],
  ['too many bits', 'range at files[0].mode', { mode: 0o10000 }],
  ['a slash in its name', 'form at files[0].name', { name: 'a/b' }],
  ['another kind', 'unknown at files[0].kind', { kind: 'folder' }],
])('of a file with %s: %s', (_, expected, patch) => {
  expect(said(patch)).toBe(expected);
});

const SEALED = { kind: 'secret', content: undefined };
it.each<[string, string, Patch]>([
  ['not sealed yet', 'ok', SEALED],
  ['sealed', 'ok', { ...SEALED, seal: { fingerprint: 'a'.repeat(32), sealed: 'YQ==' } }],
  [
    'without a fingerprint',
    'missing at files[0].seal.fingerprint',
    { ...SEALED, seal: { sealed: 'YQ==' } },
  ],
  [
    'sealed beyond the limit',
    'inconsistent at files',
    { ...SEALED, seal: { fingerprint: 'a'.repeat(32), sealed: tooLong } },
  ],
])('of a secret that is %s: %s', (_, expected, patch) => {
  expect(said(patch)).toBe(expected);
});

it('takes a data key for as many hosts as there may be, and refuses one more', () => {
  const withKey = (count: number) => {
    const wraps = Object.fromEntries(many(count, (i) => [`h${i}`, 'YQ==']));
    const dataKey = { id: 'a'.repeat(32), among: 'b'.repeat(16), sender: 'YQ==', wraps };
    return { spec: { ...SPEC, components: [{ ...COMPONENT, dataKey }] } };
  };
  expect(verdict('deploy', withKey(WRAPS_MAX))).toBe('ok');
  expect(verdict('deploy', withKey(WRAPS_MAX + 1))).toMatch(/^too-large at /);
});

it('refuses two files at one place', () => {
  expect(said({}, { name: 'other' })).toBe('inconsistent at files');
});

it.each([
  [FILES_BYTES_MAX, 'ok'],
  [FILES_BYTES_MAX + 1, 'inconsistent at files'],
])('of %i bytes in the files of a component: %s', (bytes, expected) => {
  const files = [Math.floor(bytes / 2), Math.ceil(bytes / 2)].map((size, i) => ({
    target: `/etc/${i}`,
    content: Buffer.alloc(size).toString('base64'),
  }));
  expect(said(...files)).toBe(expected);
  // Two specs of it fit a record, so that a change comes batch by batch.
  expect(2 * JSON.stringify(withFiles(...files)).length).toBeLessThan(STACK_CHARS_MAX);
});
