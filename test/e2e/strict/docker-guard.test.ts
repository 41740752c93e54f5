/**
 * The guard's hand on containers of a real Docker Engine: they begin, stand still, go on and end by its
 * warrants, whatever the engine does. What they write shows when they ran.
 */
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CGROUP_MOUNT, cgroupParent, gateName, openGates } from '../../../node/guard/gates.ts';
import { uptimeMs } from '../../../node/guard/lines.ts';
import { until } from '../../../node/local/cluster.ts';
import { type ComponentId, slotKey } from '../../../protocol/base/ids.ts';
import { LAN } from '../../../protocol/config.ts';
import {
  findDockerSocket,
  IMAGE,
  makeImage,
  plainDocker,
} from '../../compliance/engine/docker-ground.ts';
import { patience, requestFor } from '../../compliance/engine/ground.ts';
import {
  isAlive,
  joinGuard,
  PATIENCE_MS,
  pidsOfEngine,
  startGuard,
  WRITING,
  writerSpec,
} from './docker-ground.ts';
import { linesOf } from './lives.ts';

const socketPath = await findDockerSocket();
const isRoot = process.getuid?.() === 0;
const canRun = socketPath !== undefined && isRoot;
if (!canRun) process.stderr.write('\nSKIPPED: a guard on Docker: it needs root and an engine\n');

const KEY = slotKey('test.web' as ComponentId, 1);
const LONG_MS = 600_000;
const F_S = LAN.freezeMs / 1000;
/** Of the guard's tick and of what writes: how much later than told something may be seen. */
const LATE_S = 0.3;

describe.skipIf(!canRun)('a guard on Docker', { timeout: 4 * PATIENCE_MS }, () => {
  const docker = plainDocker(socketPath ?? '');
  const folder = mkdtempSync(join(tmpdir(), 'dg-'));
  const file = join(folder, 'written');
  const guardSocket = join(folder, 'guard.sock');
  let guard: ChildProcess;
  let agent: Awaited<ReturnType<typeof joinGuard>>;

  beforeAll(() => makeImage(socketPath ?? ''), 120_000);
  beforeEach(async () => {
    rmSync(file, { force: true });
    guard = startGuard(guardSocket);
    const cluster = `t${randomBytes(6).toString('hex')}`;
    const scope = { cluster, host: 'h1', publishAddress: '127.0.0.1' };
    agent = await joinGuard(scope, socketPath ?? '', guardSocket);
  });
  afterEach(async () => {
    const { engine, link } = agent;
    guard.kill('SIGKILL');
    link[Symbol.dispose]();
    const gates = openGates(guardSocket, CGROUP_MOUNT).left();
    for (const gate of gates) gate.kill(); // what is frozen cannot be removed
    for (const { id } of await engine.list(patience())) await engine.remove(id, patience());
    await engine[Symbol.asyncDispose]();
    for (const gate of gates) gate.remove();
  }, PATIENCE_MS);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const begin = (term = 1) =>
    agent.engine.start(requestFor(writerSpec(folder), { term }), patience());
  const lastAt = (): number => linesOf(file).at(-1)?.at ?? Number.NaN;
  const writesOn = async (): Promise<void> => {
    const { length } = linesOf(file);
    await until('it to write on', PATIENCE_MS, () =>
      Promise.resolve(linesOf(file).length > length + 2 || undefined),
    );
  };
  const uptimeToBe = (at: number): Promise<true> =>
    until(`uptime ${at}`, PATIENCE_MS, () => Promise.resolve(uptimeMs() / 1000 > at || undefined));

  it('lets it run until V − F, go on with a later V, and live until V at most', async () => {
    await agent.hold(KEY, 1, 4000);
    const { pid = 0, id } = await begin();
    const ending = await agent.hold(KEY, 1, 4000);
    await writesOn();
    await agent.hears('instanceFrozen');
    const frozen = await agent.engine.inspect(id, patience());
    expect(frozen.state).toBe('paused');
    expect(lastAt()).toBeLessThan(ending - F_S + LATE_S);
    const last = await agent.hold(KEY, 1, 4000);
    await agent.hears('instanceThawed');
    await writesOn();
    await agent.hears('instanceFrozen', 2);
    await uptimeToBe(last + LATE_S);
    expect(isAlive(pid)).toBe(false);
    expect(lastAt()).toBeLessThan(last - F_S + LATE_S);
    const ended = await agent.engine.inspect(id, patience());
    expect(ended).toMatchObject({ state: 'exited', exitCode: 137 });
  });

  it('lets nothing begin without a warrant, and leaves nothing of it', async () => {
    const gateCount = (): number => openGates(guardSocket, CGROUP_MOUNT).left().length;
    await expect(begin()).rejects.toThrow(/was not let in: .*; it is tried again/);
    await agent.hold(KEY, 2, LONG_MS);
    await expect(begin(1)).rejects.toThrow('was not let in');
    expect(await agent.engine.list(patience())).toEqual([]);
    expect(linesOf(file)).toEqual([]);
    await until('its gate to be gone', PATIENCE_MS, () =>
      Promise.resolve(gateCount() === 0 || undefined),
    );
  });

  it('holds at its gate what an engine starts late', async () => {
    const { CgroupDriver } = await docker.info();
    const gate = gateName(CgroupDriver === 'systemd' ? 'systemd' : 'cgroupfs', 'late');
    const made = await docker.createContainer({
      Image: IMAGE,
      Cmd: ['node', '-e', WRITING],
      HostConfig: {
        CgroupParent: cgroupParent(guardSocket, gate),
        Mounts: [{ Type: 'bind', Source: folder, Target: '/out' }],
      },
    });
    try {
      const ending = await agent.hold(KEY, 1, 2500);
      const token = 'test-web-1-1-late';
      const body = { kind: 'container', gate } as const;
      await agent.link.admit({ id: made.id, token, key: KEY, term: 1, body });
      await uptimeToBe(ending + LATE_S);
      await made.start().catch(() => undefined);
      await until('it to be killed', PATIENCE_MS, async () => {
        const { State } = await made.inspect();
        return State.Running ? undefined : true;
      });
      expect(linesOf(file)).toEqual([]);
    } finally {
      await made.remove({ force: true });
      agent.link.removed(gate);
    }
  });

  it('is killed by a guard that starts and has nobody’s word for it', async () => {
    await agent.hold(KEY, 1, LONG_MS);
    const { pid = 0 } = await begin();
    await writesOn();
    agent.link[Symbol.dispose]();
    guard.kill('SIGKILL');
    expect(isAlive(pid)).toBe(true);
    guard = startGuard(guardSocket);
    await until('it to be dead', PATIENCE_MS, () => Promise.resolve(!isAlive(pid) || undefined));
  });

  const engine = pidsOfEngine(socketPath ?? '');
  it.skipIf(engine === undefined)('ends it though the engine hangs', async () => {
    await agent.hold(KEY, 1, 5000);
    const { pid = 0 } = await begin();
    await writesOn();
    const ending = await agent.hold(KEY, 1, 4000);
    for (const stopped of engine ?? []) process.kill(stopped, 'SIGSTOP');
    try {
      await uptimeToBe(ending - F_S + LATE_S);
      expect(isAlive(pid)).toBe(true);
      const { length } = linesOf(file);
      await uptimeToBe(ending - LATE_S);
      expect(linesOf(file).length).toBe(length);
      await uptimeToBe(ending + LATE_S);
      expect(isAlive(pid)).toBe(false);
    } finally {
      for (const stopped of engine ?? []) process.kill(stopped, 'SIGCONT');
    }
  });
});
