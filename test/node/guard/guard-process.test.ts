/** A guard and an agent's link to it, on cgroups that only look like some. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it, onTestFinished, vi } from 'vitest';
import { createLeaseClock } from '../../../node/clock.ts';
import type { GuardReach } from '../../../node/engine/engine.ts';
import { type CgroupVersion, gateName, openGates } from '../../../node/guard/gates.ts';
import { openGuard } from '../../../node/guard/guard-process.ts';
import { createGuardLink } from '../../../node/guard/link.ts';
import { createLogger } from '../../../node/log.ts';
import { until } from '../../../node/local/cluster.ts';
import { type ComponentId, slotKey, term } from '../../../protocol/base/ids.ts';
import { instant } from '../../../protocol/base/time.ts';
import type { Input } from '../../../protocol/input.ts';
import { cgroupFolder } from './cgroup-folder.ts';

const KEY = slotKey('shop.db' as ComponentId, 1);
const GATE = gateName('cgroupfs', 'c1 shop-db-1-4-h1');
/** Of an earlier guard, which has left it open. */
const LEFT = gateName('systemd', 'c1 shop-db-1-3-h1');
const ID = 'a'.repeat(64);
const WARD = {
  id: ID,
  token: 'shop-db-1-4-h1',
  key: KEY,
  term: 1,
  body: { kind: 'container', gate: GATE },
} as const;
const IS_V2: GuardReach = { kind: 'cgroups', version: 'v2' };
const WAIT_MS = 10_000;

async function met(version: CgroupVersion, reach: GuardReach = IS_V2) {
  const socket = join(mkdtempSync(join(tmpdir(), 'gd-')), 'guard.sock');
  const cgroups = cgroupFolder(version);
  openGates(socket, cgroups.mount).at(LEFT).open();
  const guard = await openGuard(socket, createLogger({ level: 'silent' }), cgroups.mount);
  const said: string[] = [];
  const log = pino({}, { write: (line: string) => void said.push(line) });
  const clock = createLeaseClock();
  const heard: Input[] = [];
  const link = createGuardLink(socket, clock, log);
  link.open((input) => heard.push(input), reach);
  onTestFinished(() => {
    link[Symbol.dispose]();
    guard.close();
    rmSync(socket, { force: true });
  });
  const hears = (kind: Input['kind']): Promise<true> =>
    until(kind, WAIT_MS, () => Promise.resolve(heard.some((i) => i.kind === kind) || undefined));
  const { folder } = openGates(socket, cgroups.mount).at(GATE);
  return {
    ...cgroups,
    socket,
    link,
    said,
    heard,
    hears,
    folder,
    isOpen: () => cgroups.read(`${folder}/cgroup.freeze`) === '0',
    hold: (ms: number, first = 1): void =>
      link.warrant(KEY, { first: term(first), until: instant(clock.now() + ms) }),
  };
}

it('opens the gate under a warrant, freezes at V − F, and kills what is below at V', async () => {
  const { link, hears, hold, put, folder, isOpen } = await met('v2');
  await hears('guardJoined');
  const child = spawn('sleep', ['1000']);
  const ended = once(child, 'exit');
  hold(5000);
  await link.admit(WARD);
  expect(isOpen()).toBe(true);
  put(`${folder}/${ID}/cgroup.procs`, `${child.pid}\n`);
  await link.begun(WARD, child.pid ?? 0);
  expect(link.hasFrozen(ID)).toBe(false);
  await hears('instanceFrozen');
  expect([isOpen(), link.hasFrozen(ID), child.signalCode]).toEqual([false, true, null]);
  expect(await ended).toEqual([null, 'SIGKILL']);
  expect(isOpen()).toBe(false);
});

it('lets nothing in without a warrant, of an older term, or for too short a time', async () => {
  const { link, hears, hold, isOpen } = await met('v2');
  await hears('guardJoined');
  await expect(link.admit(WARD)).rejects.toThrow('was not let in');
  hold(60_000, 2);
  await expect(link.admit(WARD)).rejects.toThrow('was not let in');
  expect(isOpen()).toBe(false);
});

it('shuts the gate again where the container has not come through it', async () => {
  const { link, hears, hold, isOpen } = await met('v2');
  await hears('guardJoined');
  hold(60_000);
  await link.admit(WARD);
  expect(isOpen()).toBe(true);
  await expect(link.begun(WARD, process.pid)).rejects.toThrow('no hand on it');
  expect(isOpen()).toBe(false);
});

it('shuts what an earlier guard has left open', async () => {
  const { hears, read, socket, mount } = await met('v2');
  await hears('guardJoined');
  const { folder } = openGates(socket, mount).at(LEFT);
  expect(read(`${folder}/cgroup.freeze`)).toBe('1');
});

it('kills what comes late into a gate that is shut', async () => {
  const { link, hears, put, folder } = await met('v2');
  await hears('guardJoined');
  await link.admit(WARD).catch(() => undefined);
  const child = spawn('sleep', ['1000']);
  const ended = once(child, 'exit');
  put(`${folder}/${ID}/cgroup.procs`, `${child.pid}\n`);
  expect(await ended).toEqual([null, 'SIGKILL']);
});

it.each([
  ['of another version', 'v1', IS_V2, /are v2 \(it finds v1\); run agentd guard as root/],
  ['out of reach', 'v2', { kind: 'none', why: 'it is rootless; use another' }, /it is rootless/],
] as const)('is no guard to an engine whose containers are %s', async (_, version, reach, why) => {
  const { heard, said } = await met(version, reach);
  await until('it to be said', WAIT_MS, () =>
    Promise.resolve(said.some((line) => why.test(line)) || undefined),
  );
  expect(heard).toEqual([]);
  expect(said).toHaveLength(1);
});

it('serves an engine of processes wherever it runs', async () => {
  const { hears, said } = await met('v1', { kind: 'processes' });
  expect(await hears('guardJoined')).toBe(true);
  expect(said).toEqual([]);
});

/** What a link says of a socket within so long, and of the same after the guard was there and went. */
async function missedOn(socket: string, ms: number) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const said: string[] = [];
  const log = pino({}, { write: (line: string) => void said.push(line) });
  const link = createGuardLink(socket, createLeaseClock(), log);
  onTestFinished(() => link[Symbol.dispose]());
  link.open(() => undefined, { kind: 'processes' });
  const pass = async (passed: number): Promise<readonly string[]> => {
    for (let at = 0; at < passed; at += 100) {
      vi.advanceTimersByTime(100);
      for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    }
    return said;
  };
  await pass(ms);
  return { link, said, pass };
}
const newSocket = (): string => join(mkdtempSync(join(tmpdir(), 'gd-')), 'guard.sock');

it('says once that no guard answers, why, and what to do; and again when one goes', async () => {
  const socket = newSocket();
  const { link, said, pass } = await missedOn(socket, 4_900);
  expect(said).toEqual([]);
  await pass(10_000);
  expect(said).toHaveLength(1);
  expect(JSON.parse(said[0] ?? '')).toMatchObject({
    level: 40,
    msg:
      `no strict singleton runs here: no guard answers on ${socket} (ENOENT); ` +
      'start it: sudo systemctl restart agentd-guard',
  });
  const cgroups = cgroupFolder('v2');
  const guard = await openGuard(socket, createLogger({ level: 'silent' }), cgroups.mount);
  await pass(1_000);
  expect(link.standing()).toEqual({ joined: true });
  guard.close();
  await pass(4_900);
  expect(said).toHaveLength(1);
  await pass(1_000);
  expect(said).toHaveLength(2);
});

it('says that a guard takes the connection and is silent', async () => {
  const socket = newSocket();
  const mute = createServer();
  await new Promise<void>((resolve) => void mute.listen(socket, resolve));
  onTestFinished(() => void mute.close());
  const { said } = await missedOn(socket, 6_000);
  expect(said).toHaveLength(1);
  expect(said[0]).toContain('(it says nothing)');
});
