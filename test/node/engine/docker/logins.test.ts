import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createLogins, loginHeader } from '../../../../node/engine/docker/logins.ts';
import { expectRefusal } from '../../../compliance/engine/ground.ts';

const limits = { what: 'cannot start s.web', signal: new AbortController().signal };
const folderOf = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'logins-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
};

function loginsOf(config: unknown, folder = folderOf()) {
  const text = typeof config === 'string' ? config : JSON.stringify(config);
  writeFileSync(join(folder, 'config.json'), text);
  return createLogins(folder);
}

/** A program that keeps passwords, first on the path; it notes what it is asked. */
function helperThat(says: string): string {
  const folder = folderOf();
  const path = join(folder, 'docker-credential-vault');
  writeFileSync(path, `#!/bin/sh\ncat >${folder}/asked\necho "$1" >>${folder}/asked\n${says}\n`);
  chmodSync(path, 0o755);
  vi.stubEnv('PATH', `${folder}:${process.env['PATH'] ?? ''}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  return folder;
}

const basic = (text: string) => ({ auth: Buffer.from(text).toString('base64') });
const as = (username: string, password: string, serveraddress: string) => ({
  username,
  password,
  serveraddress,
});
const HUB = 'https://index.docker.io/v1/';

it.each<[string, Readonly<Record<string, object>>, object | undefined]>([
  ['r.example/web', { 'r.example': basic('me:secret') }, as('me', 'secret', 'r.example')],
  ['r.example:5000/web', { 'r.example:5000': basic('me:a:b') }, as('me', 'a:b', 'r.example:5000')],
  ['r.example:5000/web', { 'r.example': basic('me:secret') }, undefined],
  ['other.example/web', { 'r.example': basic('me:secret') }, undefined],
  [
    'r.example/web',
    { 'https://r.example/v2/': basic('me:secret') },
    as('me', 'secret', 'https://r.example/v2/'),
  ],
  ['localhost/web', { localhost: basic('me:secret') }, as('me', 'secret', 'localhost')],
  ['web', { [HUB]: basic('me:secret') }, as('me', 'secret', HUB)],
  ['team/web:1.2', { [HUB]: basic('me:secret') }, as('me', 'secret', HUB)],
  ['docker.io/team/web', { [HUB]: basic('me:secret') }, as('me', 'secret', HUB)],
  ['team/web', { team: basic('me:secret') }, undefined],
  [
    'r.example/web',
    { 'r.example': { identitytoken: 'long' } },
    { identitytoken: 'long', serveraddress: 'r.example' },
  ],
  ['r.example/web', { 'r.example': {} }, undefined],
])('%s with %j', async (image, auths, expected) => {
  expect(await loginsOf({ auths }).of(image, limits)).toEqual(expected);
});

it('nobody is logged in where there is no such file', async () => {
  const logins = createLogins(join(folderOf(), 'none'));
  expect(await logins.of('r.example/web', limits)).toBeUndefined();
  expect(await logins.all(limits)).toEqual({});
});

it('reads it anew each time', async () => {
  const folder = folderOf();
  const logins = createLogins(folder);
  expect(await logins.of('r.example/web', limits)).toBeUndefined();
  loginsOf({ auths: { 'r.example': basic('me:secret') } }, folder);
  expect(await logins.of('r.example/web', limits)).toBeDefined();
});

it.each([
  ['{"auths":', /cannot read the logins of this host in .*config\.json: .*JSON/],
  ['{"auths":{"r.example":{"auth":5}}}', /config\.json: .*expected string/s],
])('tells of a file that cannot be read: %s', async (text, words) => {
  const refused = await expectRefusal(loginsOf(text).of('web', limits), ['no-image']);
  expect(refused.message).toMatch(words);
  expect(refused.permanent).toBe(false);
});

it('all of them, those that a program keeps too', async () => {
  helperThat(`echo '{"Username":"<token>","Secret":"long"}'`);
  const logins = loginsOf({
    auths: { 'r.example': basic('me:secret'), 'none.example': {} },
    credHelpers: { 'kept.example': 'vault' },
  });
  expect(await logins.all(limits)).toEqual({
    'r.example': as('me', 'secret', 'r.example'),
    'kept.example': { identitytoken: 'long', serveraddress: 'kept.example' },
  });
});

it.each([
  [{ credsStore: 'vault', auths: { 'r.example': {} } }, 'r.example'],
  [{ credsStore: 'vault' }, 'r.example'],
  [{ credHelpers: { 'r.example': 'vault' }, auths: { 'r.example': basic('a:b') } }, 'r.example'],
])('asks the program that keeps it: %j', async (config, asked) => {
  const folder = helperThat(`echo '{"ServerURL":"x","Username":"me","Secret":"kept"}'`);
  const login = await loginsOf(config).of('r.example/web', limits);
  expect(login).toEqual(as('me', 'kept', asked));
  expect(readFileSync(join(folder, 'asked'), 'utf8')).toBe(`${asked}get\n`);
});

it('takes the word of such a program that it keeps none', async () => {
  helperThat(`echo 'credentials not found in native keychain'; exit 1`);
  expect(await loginsOf({ credsStore: 'vault' }).of('r.example/web', limits)).toBeUndefined();
});

it.each([
  ['fails', 'echo the vault is closed >&2; exit 3', /r\.example: the vault is closed; /],
  ['babbles', 'echo hello', /what it says is no login/],
])('tells of one that %s', async (_, says, words) => {
  helperThat(says);
  const asked = loginsOf({ credsStore: 'vault' }).of('r.example/web', limits);
  expect((await expectRefusal(asked, ['no-image'])).message).toMatch(words);
});

it('tells of one that is not there', async () => {
  const asked = loginsOf({ credsStore: 'nowhere' }).of('r.example/web', limits);
  expect((await expectRefusal(asked, ['no-image'])).message).toMatch(
    /docker-credential-nowhere does not say .* ENOENT/,
  );
});

it('a header is base64 that may stand in a URL, with its padding', () => {
  const login = as('me', '>>>???', 'r');
  const header = loginHeader(login);
  expect(header).toMatch(/^[\w-]+=*$/);
  expect(header.length % 4).toBe(0);
  expect(JSON.parse(Buffer.from(header, 'base64url').toString('utf8'))).toEqual(login);
});
