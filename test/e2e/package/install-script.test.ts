/** `scripts/install.sh`: the services of a host that has only the clone. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { settingsFile } from '../../../node/settings-file.ts';
import { makeFolder } from '../input/agentd.ts';

const FILES = [
  'etc/millrace/agent.yaml',
  'etc/systemd/system/agentd-guard.service',
  'etc/systemd/system/agentd.service',
  'etc/sysusers.d/millrace.conf',
  'etc/tmpfiles.d/millrace.conf',
];

function install(folder: string, ...args: readonly string[]) {
  return spawnSync('sh', ['scripts/install.sh', ...args], {
    encoding: 'utf8',
    env: { ...process.env, DESTDIR: folder },
  });
}

const filesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

it('writes the units of the package, pointing to the clone, and takes them away again', () => {
  const folder = makeFolder();
  expect(install(folder)).toMatchObject({ status: 0, stderr: '' });
  expect(filesIn(folder)).toEqual(FILES);
  const yaml = join(folder, 'etc/millrace/agent.yaml');
  expect(readFileSync(yaml, 'utf8')).toBe(settingsFile());
  for (const name of ['agentd.service', 'agentd-guard.service']) {
    const packaged = readFileSync(join('scripts/package/files', name), 'utf8');
    const written = readFileSync(join(folder, 'etc/systemd/system', name), 'utf8');
    const [program = '', main = ''] =
      /^ExecStart=(\S+) .* (\S+main\.ts) /m.exec(written)?.slice(1) ?? [];
    expect([existsSync(program), existsSync(main)]).toEqual([true, true]);
    expect(written.replace(/^ExecStart=.*main\.ts/m, 'ExecStart=/usr/bin/agentd')).toBe(
      packaged.replace(/^Documentation=.*\n/m, ''),
    );
  }

  writeFileSync(yaml, 'name: mine\n');
  expect(install(folder)).toMatchObject({ status: 0 });
  expect(readFileSync(yaml, 'utf8')).toBe('name: mine\n');

  expect(install(folder, '--uninstall')).toMatchObject({ status: 0, stderr: '' });
  expect(filesIn(folder)).toEqual(['etc/millrace/agent.yaml']);
});

it('refuses what it does not know in three parts', () => {
  const folder = makeFolder();
  const { status, stderr } = install(folder, '--remove');
  expect(status).toBe(2);
  expect(stderr).toMatch(/^error: there is no option --remove\n {2}why {3}.*\n {2}next {2}.*\n$/);
  expect(filesIn(folder)).toEqual([]);
});
