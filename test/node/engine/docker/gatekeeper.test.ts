import { expect, it } from 'vitest';
import type { EngineInstance } from '../../../../node/engine/engine.ts';
import { createGatekeeper } from '../../../../node/engine/docker/gatekeeper.ts';
import type { GuardLink } from '../../../../node/guard/link.ts';
import { nodeSpec } from '../../../compliance/engine/docker-ground.ts';
import { requestFor } from '../../../compliance/engine/ground.ts';

const SCOPE = { cluster: 'c1', host: 'h1', publishAddress: '' };
const INFO = { CgroupDriver: 'cgroupfs', CgroupVersion: '2' };
const STRICT = requestFor(nodeSpec('', { singleton: 'strict' }));
const RUNNING: EngineInstance = {
  id: 'a'.repeat(64),
  name: 'test-web-1-1-h1',
  labels: STRICT.labels,
  state: 'running',
  health: 'none',
  pid: 12,
  ports: [],
};

/** A guard that lets everybody in and has a hand on nobody but pid 12. */
function guardThat(said: unknown[] = []): GuardLink {
  return {
    socket: '/run/guard.sock',
    open: () => {},
    warrant: () => {},
    admit: async (ward) => void said.push(ward),
    begun: async (_, pid) => {
      if (pid !== 12) throw new Error('no hand on it');
    },
    removed: (gate) => void said.push(gate),
    standing: () => ({ joined: true }),
    hasFrozen: () => false,
    [Symbol.dispose]: () => {},
  };
}

it.each<readonly [object, object, string]>([
  [INFO, { kind: 'cgroups', version: 'v2' }, 'cgroup v2'],
  [{ CgroupDriver: 'systemd', CgroupVersion: '1' }, { kind: 'cgroups', version: 'v1' }, 'v1'],
  [
    { CgroupDriver: 'cgroupfs' },
    { kind: 'cgroups', version: 'v1' },
    'an engine that knows v1 alone',
  ],
  [{ CgroupDriver: 'none' }, { kind: 'none' }, 'an engine without cgroups'],
  [{ ...INFO, SecurityOptions: ['name=rootless'] }, { kind: 'none' }, 'a rootless engine'],
  [{}, { kind: 'none' }, 'an engine that says nothing'],
])('reads from %j that a guard reaches %j', (info, reach, _reason) => {
  expect(createGatekeeper(SCOPE, guardThat(), info).reach).toMatchObject(reach);
});

it('puts what is strict below a gate, and nothing else', () => {
  const gatekeeper = createGatekeeper(SCOPE, guardThat(), INFO);
  expect(gatekeeper.parentOf(requestFor(nodeSpec('')))).toBeUndefined();
  expect(gatekeeper.parentOf(STRICT)).toMatch(/^\/millrace\/\w+\/[0-9a-f]{16}$/);
});

it.each([
  [createGatekeeper(SCOPE, undefined, INFO), /told of no guard; start agentd guard/, 'no guard'],
  [createGatekeeper(SCOPE, guardThat(), {}), /no guard has a hand on .*; use a Docker/, 'no hand'],
])('refuses what is strict for good where it cannot be guarded: %#', (gatekeeper, why) => {
  expect(() => gatekeeper.parentOf(STRICT)).toThrow(why);
});

it('waits for the guard before the start, and takes the same gate away after the end', async () => {
  const said: unknown[] = [];
  const gatekeeper = createGatekeeper(SCOPE, guardThat(said), INFO);
  await gatekeeper.admit(RUNNING.id, STRICT);
  gatekeeper.removed(STRICT.labels);
  const [ward, gate] = said;
  expect(ward).toMatchObject({ id: RUNNING.id, key: 'slot/test.web/1', term: 1, body: { gate } });
});

it('takes nothing to run that the guard has no hand on, unless it has ended', async () => {
  const gatekeeper = createGatekeeper(SCOPE, guardThat(), INFO);
  const elsewhere = { ...RUNNING, pid: 13 };
  const { pid: _, ...rest } = RUNNING;
  const ended: EngineInstance = { ...rest, state: 'exited', exitCode: 0 };
  const seen = [elsewhere, ended];
  const inspect = async (): Promise<EngineInstance> => seen.shift() ?? elsewhere;
  await expect(gatekeeper.begun(STRICT, inspect)).resolves.toBe(ended);
  await expect(gatekeeper.begun(STRICT, inspect)).rejects.toThrow('no hand on it');
  await expect(gatekeeper.begun(STRICT, async () => RUNNING)).resolves.toBe(RUNNING);
});
