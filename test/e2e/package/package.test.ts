/** The Debian package: what is in it, and the one executable at work as its unit starts it. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { until } from '../../../node/local/cluster.ts';
import { settingsFile } from '../../../node/settings-file.ts';
import { makeFolder } from '../input/agentd.ts';
import { receiveDatagrams } from '../service/datagrams.ts';

const BUILD_MS = 300_000;
const START_MS = 20_000;
const FILES = [
  'etc/millrace/agent.yaml',
  'usr/bin/agentctl',
  'usr/bin/agentd',
  'usr/lib/systemd/system/agentd-guard.service',
  'usr/lib/systemd/system/agentd.service',
  'usr/lib/sysusers.d/millrace.conf',
  'usr/lib/tmpfiles.d/millrace.conf',
  'usr/share/bash-completion/completions/agentctl',
  'usr/share/doc/millrace/copyright',
  'usr/share/fish/vendor_completions.d/agentctl.fish',
  'usr/share/man/man1/agentctl.1.gz',
  'usr/share/man/man5/agent.yaml.5.gz',
  'usr/share/man/man8/agentd.8.gz',
  'usr/share/zsh/vendor-completions/_agentctl',
];
const STACK = `name: nap
services:
  bed: {image: none, x-millrace: {process: {command: [/bin/sleep, '1000']}}}
`;
/** As the unit says what a user's stop is. */
const STOPPED = 3;

const hasTool = (tool: string): boolean => spawnSync(tool, ['--version']).error === undefined;

describe.skipIf(!hasTool('dpkg-deb'))('the package', () => {
  let folder = '';
  let root = '';
  let deb = '';

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'mr-'));
    root = join(folder, 'root');
    execFileSync(process.execPath, ['scripts/package.ts', folder], { stdio: 'pipe' });
    deb = join(folder, readdirSync(folder).find((name) => name.endsWith('.deb')) ?? 'none');
    execFileSync('dpkg-deb', ['--extract', deb, root]);
    execFileSync('dpkg-deb', ['--control', deb, join(folder, 'control')]);
  }, BUILD_MS);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const content = (path: string): string => readFileSync(join(root, path), 'utf8');
  const run = (program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
    spawnSync(join(root, 'usr/bin', program), args, {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], HOME: folder, ...env },
    });

  it('holds these files and no others, of root and not writable for others', () => {
    const found = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
      (path) => !lstatSync(join(root, path)).isDirectory(),
    );
    expect(found.sort()).toEqual(FILES);
    const listed = execFileSync('dpkg-deb', ['--contents', deb], { encoding: 'utf8' }).trim();
    for (const line of listed.split('\n'))
      expect(line).toMatch(/^(drwxr-xr-x|-rw-r--r--|-rwxr-xr-x|lrwxrwxrwx) root\/root /);
  });

  it('keeps the settings of users, and has scripts that a shell can read', () => {
    expect(readFileSync(join(folder, 'control/conffiles'), 'utf8')).toBe(
      '/etc/millrace/agent.yaml\n',
    );
    expect(content('etc/millrace/agent.yaml')).toBe(settingsFile());
    for (const script of ['postinst', 'prerm', 'postrm'])
      execFileSync('sh', ['-n', join(folder, 'control', script)]);
  });

  it('depends on the libraries that the executable asks for', () => {
    const linked = execFileSync('ldd', [join(root, 'usr/bin/agentd')], { encoding: 'utf8' });
    const depends = execFileSync('dpkg-deb', ['--field', deb, 'Depends'], { encoding: 'utf8' });
    const OWNERS: Readonly<Record<string, string>> = {
      'libatomic.so.1': 'libatomic1',
      'libstdc++.so.6': 'libstdc++6',
      'libgcc_s.so.1': 'libgcc-s1',
    };
    for (const [, library = ''] of linked.matchAll(/^\s+(\S+) => /gm))
      expect(depends).toContain(OWNERS[library] ?? 'libc6');
    expect(depends).toContain('libsystemd0');
  });

  it.skipIf(!hasTool('systemd-analyze'))('has units that systemd understands', () => {
    for (const name of ['agentd', 'agentd-guard']) {
      const path = join(folder, `${name}.service`);
      const unit = content(`usr/lib/systemd/system/${name}.service`);
      const here = unit
        .replace('=/usr/bin/', `=${root}/usr/bin/`)
        .replace(/^Documentation=.*/m, '');
      writeFileSync(path, here);
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', path], {
        encoding: 'utf8',
      });
      expect([status, stderr]).toEqual([0, '']);
    }
  });

  it('explains every command in agentctl(1)', () => {
    const page = gunzipSync(
      readFileSync(join(root, 'usr/share/man/man1/agentctl.1.gz')),
    ).toString();
    for (const verb of ['cluster init', 'deploy', 'completion', 'sim fuzz'])
      expect(page).toMatch(new RegExp(`^\\.SS agentctl ${verb}`, 'm'));
    expect(page).toContain('.B "130"');
  });

  it('is agentd or agentctl by the name it is called by, and gives hints that work there', () => {
    expect(run('agentd', ['--version']).stdout).toMatch(/^agentd \d+\.\d+\.\d+\n$/);
    const socket = join(folder, 'nobody.sock');
    const { status, stderr } = run('agentctl', ['--socket', socket, 'status']);
    expect(status).toBe(5);
    expect(stderr).toContain('  next  agentctl agent start ');
    expect(run('agentctl', ['sim', 'selftest']).stderr).toContain(
      'a mutant is a change of the sources',
    );
  });

  it('has the threads of the simulator within', () => {
    const told = run('agentctl', [
      'sim',
      'fuzz',
      '--seeds',
      '1',
      '--profile',
      'none',
      '--jobs',
      '1',
    ]);
    expect(told.stdout).toContain('1 seeds, 0 failed');
  });

  it('keeps a component running, and ends as its service expects', async () => {
    const state = makeFolder();
    const socket = join(state, 'agent.sock');
    const notify = join(state, 'notify');
    using manager = receiveDatagrams(notify);
    const env = { MILLRACE_STATE: state, MILLRACE_SOCKET: socket };
    const flags = ['--listen', '127.0.0.1:0', '--no-mdns', '--engine', 'process'];
    const agent: ChildProcess = spawn(
      join(root, 'usr/bin/agentd'),
      ['--config', join(root, 'etc/millrace/agent.yaml'), '--log-level', 'silent', ...flags],
      { stdio: 'ignore', env: { ...env, HOME: state, NOTIFY_SOCKET: notify } },
    );
    onTestFinished(() => void agent.kill('SIGKILL'));
    await until('the word READY=1', START_MS, async () =>
      manager.take().includes('READY=1') ? true : undefined,
    );

    const file = join(state, 'compose.yaml');
    writeFileSync(file, STACK);
    expect(run('agentctl', ['cluster', 'init'], env).stdout).toMatch(
      /^agentctl cluster join mr1\./,
    );
    expect(run('agentctl', ['deploy', '-f', file], env)).toMatchObject({ status: 0 });
    const status = run('agentctl', ['status', '--json', '--exit-code'], env);
    expect(status).toMatchObject({ status: 0, stderr: '' });
    expect(status.stdout).toContain('"nap.bed"');
    expect(run('agentctl', ['destroy', 'nap', '--yes'], env)).toMatchObject({ status: 0 });

    expect(run('agentctl', ['agent', 'stop'], env)).toMatchObject({ status: 0 });
    const code = await until('the agent to end', START_MS, async () => agent.exitCode ?? undefined);
    expect(code).toBe(STOPPED);
  });
});
