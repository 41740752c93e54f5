import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { cgroupParent, gateName, openGates } from '../../../node/guard/gates.ts';
import { cgroupFolder } from './cgroup-folder.ts';

const SOCKET = '/run/millrace/guard.sock';
const GATE = gateName('cgroupfs', 'c1 shop-db-1-4-h1');
const BELOW = /^millrace\/[0-9a-f]{12}\/[0-9a-f]{16}$/;

function sleeper() {
  const child = spawn('sleep', ['1000']);
  onTestFinished(() => void child.kill('SIGKILL'));
  return { pid: child.pid ?? 0, ended: once(child, 'exit') };
}

describe('the name of a gate', () => {
  it('is a path for cgroupfs, and a slice of slices for systemd', () => {
    const { name } = GATE;
    expect(cgroupParent(SOCKET, GATE)).toMatch(new RegExp(`^/millrace/[0-9a-f]{12}/${name}$`));
    const slice = cgroupParent(SOCKET, { driver: 'systemd', name });
    expect(slice).toMatch(new RegExp(`^millrace-[0-9a-f]{12}-${name}\\.slice$`));
    const { mount } = cgroupFolder('v2');
    const { folder } = openGates(SOCKET, mount).at({ driver: 'systemd', name });
    const [, tag] = slice.split('-');
    expect(folder).toBe(`millrace.slice/millrace-${tag}.slice/${slice}`);
  });

  it.each([
    ['another container', gateName('cgroupfs', 'c1 shop-db-1-5-h1'), SOCKET],
    ['another guard', GATE, '/run/other.sock'],
  ])('is another one for %s', (_, gate, socket) => {
    expect(cgroupParent(socket, gate)).not.toBe(cgroupParent(SOCKET, GATE));
  });
});

it.skipIf(process.getuid?.() !== 0)('a machine that is a container has gates of its own', () => {
  const gates = new URL('../../../node/guard/gates.ts', import.meta.url).href;
  const program = `import { cgroupParent } from '${gates}';
    console.log(cgroupParent('${SOCKET}', ${JSON.stringify(GATE)}));`;
  const words = ['--input-type=module', '--eval', program];
  const inside = execFileSync('unshare', ['--pid', '--fork', process.execPath, ...words]);
  expect(inside.toString().trim()).toMatch(/^\/millrace\//);
  expect(inside.toString().trim()).not.toBe(cgroupParent(SOCKET, GATE));
});

describe('a gate of cgroup v2', () => {
  it('is closed by one file and opened by it', () => {
    const { mount, read } = cgroupFolder('v2');
    const gate = openGates(SOCKET, mount).at(GATE);
    expect(gate.folder).toMatch(BELOW);
    gate.close();
    expect(read(`${gate.folder}/cgroup.freeze`)).toBe('1');
    gate.open();
    expect(read(`${gate.folder}/cgroup.freeze`)).toBe('0');
  });

  it('stands still once the kernel says so', () => {
    const { mount, put } = cgroupFolder('v2');
    const gate = openGates(SOCKET, mount).at(GATE);
    gate.close();
    put(`${gate.folder}/cgroup.events`, 'populated 1\nfrozen 0\n');
    expect(gate.isStill()).toBe(false);
    put(`${gate.folder}/cgroup.events`, 'populated 1\nfrozen 1\n');
    expect(gate.isStill()).toBe(true);
  });

  it('is empty when the kernel says so of all that is below', () => {
    const { mount, put } = cgroupFolder('v2');
    const gate = openGates(SOCKET, mount).at(GATE);
    put(`${gate.folder}/cgroup.events`, 'populated 1\nfrozen 0\n');
    expect(gate.isEmpty()).toBe(false);
    put(`${gate.folder}/cgroup.events`, 'populated 0\nfrozen 1\n');
    expect(gate.isEmpty()).toBe(true);
  });

  it('is emptied by the kernel where it can, and closed first', () => {
    const { mount, put, read } = cgroupFolder('v2');
    const gate = openGates(SOCKET, mount).at(GATE);
    put(`${gate.folder}/cgroup.kill`, '');
    gate.kill();
    expect(read(`${gate.folder}/cgroup.kill`)).toBe('1');
    expect(read(`${gate.folder}/cgroup.freeze`)).toBe('1');
  });

  it('is emptied one by one where the kernel is older', async () => {
    const { mount, put } = cgroupFolder('v2');
    const gate = openGates(SOCKET, mount).at(GATE);
    const { pid, ended } = sleeper();
    put(`${gate.folder}/abc/cgroup.procs`, `${pid}\n`);
    gate.kill();
    expect(await ended).toEqual([null, 'SIGKILL']);
  });
});

describe('a gate of cgroup v1', () => {
  it('is closed and opened by the state of the freezer', () => {
    const { mount, read } = cgroupFolder('v1');
    const gate = openGates(SOCKET, mount).at(GATE);
    gate.close();
    expect(read(`freezer/${gate.folder}/freezer.state`)).toBe('FROZEN');
    expect(gate.isStill()).toBe(true);
    gate.open();
    expect(read(`freezer/${gate.folder}/freezer.state`)).toBe('THAWED');
    expect(gate.isStill()).toBe(false);
  });

  it('lets go of what it kills, also what the engine has paused, and is closed again', async () => {
    const { mount, put, read } = cgroupFolder('v1');
    const gate = openGates(SOCKET, mount).at(GATE);
    const { pid, ended } = sleeper();
    put(`freezer/${gate.folder}/abc/cgroup.procs`, `${pid}\n`);
    put(`freezer/${gate.folder}/abc/freezer.state`, 'FROZEN');
    gate.kill();
    expect(await ended).toEqual([null, 'SIGKILL']);
    expect(read(`freezer/${gate.folder}/abc/freezer.state`)).toBe('THAWED');
    expect(read(`freezer/${gate.folder}/freezer.state`)).toBe('FROZEN');
  });

  it('is taken away in every hierarchy in which the engine has made it', () => {
    const { mount } = cgroupFolder('v1');
    const gate = openGates(SOCKET, mount).at(GATE);
    mkdirSync(join(mount, 'memory', gate.folder), { recursive: true });
    gate.remove();
    expect(existsSync(join(mount, 'memory', gate.folder))).toBe(false);
  });
});

it('knows who is below, at any depth, and takes nobody of a foreign namespace for anyone', () => {
  const { mount, put } = cgroupFolder('v2');
  const gate = openGates(SOCKET, mount).at(GATE);
  expect(gate.isEmpty()).toBe(true);
  put(`${gate.folder}/abc/cgroup.procs`, '0\n');
  expect([gate.isEmpty(), gate.holds(0)]).toEqual([true, false]);
  put(`${gate.folder}/abc/def/cgroup.procs`, '12\n34\n');
  expect([12, 34, 3].map((pid) => gate.holds(pid))).toEqual([true, true, false]);
  expect(gate.isEmpty()).toBe(false);
});

it('finds what an earlier guard of the same socket has made, by either driver', () => {
  const { mount } = cgroupFolder('v2');
  const gates = openGates(SOCKET, mount);
  const made = [GATE, { ...GATE, driver: 'systemd' } as const].map((gate) => gates.at(gate));
  for (const gate of made) gate.close();
  openGates('/run/other.sock', mount).at(GATE).close();
  const names = openGates(SOCKET, mount).left();
  // Of the trial only a folder is left here that a kernel would have removed.
  const found = names.map(({ folder }) => folder).filter((folder) => !folder.endsWith('trial'));
  expect(found).toEqual(made.map(({ folder }) => folder));
});

it.each([
  ['nothing is mounted', 'none', 'neither cgroup v2 nor the freezer of v1 is mounted at'],
  ['no cgroup can be made', 'v2', 'ENOTDIR'],
] as const)('says why there is none where %s', (_, version, why) => {
  const { mount, put } = cgroupFolder('v2');
  put('millrace', 'a file');
  const at = version === 'none' ? join(mount, 'nowhere') : mount;
  expect(() => openGates(SOCKET, at)).toThrow(why);
});
