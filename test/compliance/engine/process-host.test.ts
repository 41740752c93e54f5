/** What only the embedded engine promises: groups, pids, files, and an agent that dies at any moment. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { EngineInstance } from '../../../node/engine/engine.ts';
import { readStat } from '../../../node/engine/process/identity.ts';
import { GROWTH_BYTES_MAX, LOG_BYTES_MAX } from '../../../node/engine/process/log-file.ts';
import { createProcessEngine } from '../../../node/engine/process/process-engine.ts';
import { millis } from '../../../protocol/base/time.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import { Ground, linesUntil, patience, PATIENCE_MS } from './ground.ts';
import { requestFor, start, Watch } from './ground.ts';
import { processWorkloads, shell, sleep } from './process-workloads.ts';

const ENGINE_URL = new URL('../../../node/engine/process/process-engine.ts', import.meta.url).href;
const SLEEP_SPEC = shell(sleep);

let stateDir = '';
let ground = new Ground(async (scope) => createProcessEngine(scope, { stateDir }));
const strangers: number[] = [];
beforeEach(async () => {
  stateDir = await mkdtemp(join(tmpdir(), 'process-host-'));
  ground = new Ground(async (scope) => createProcessEngine(scope, { stateDir }));
});
afterEach(async () => {
  await ground[Symbol.asyncDispose]();
  for (const pid of strangers.splice(0)) process.kill(pid, 'SIGKILL');
  await rm(stateDir, { recursive: true, force: true });
});

const isAlive = (pid: number): boolean => !['Z', undefined].includes(readStat(pid)?.state);
const until = async (condition: () => boolean): Promise<boolean> =>
  vi.waitUntil(condition, { timeout: PATIENCE_MS, interval: 5 });
/** The number a process has written for us. */
const pidIn = async (file: string): Promise<number> => {
  await until(() => existsSync(file) && readFileSync(file, 'utf8').endsWith('\n'));
  return Number(readFileSync(file, 'utf8').split('\n', 1)[0]);
};
const expectEnd = async (pid: number): Promise<void> => {
  expect(pid).toBeGreaterThan(1);
  await until(() => !isAlive(pid));
};

/** The folder in which the engine keeps this instance. */
const folderOf = (): string =>
  join(stateDir, `${ground.scope('h1').cluster}-h1`, 'instances', 'test.work.1.1');

async function firstLineOf(output: Readable): Promise<string> {
  for await (const line of createInterface({ input: output })) return line;
  throw new Error('it has said nothing');
}

/** An agent of its own starts the instance and is then killed in the middle of its work. */
async function startedByKilledAgent(
  spec: ComponentSpec,
  ready: () => boolean = () => true,
): Promise<EngineInstance> {
  const program = `
    import { createProcessEngine } from ${JSON.stringify(ENGINE_URL)};
    const scope = ${JSON.stringify(ground.scope('h1'))};
    const engine = await createProcessEngine(scope, ${JSON.stringify({ stateDir })});
    const request = ${JSON.stringify(requestFor(spec))};
    console.log(JSON.stringify(await engine.start(request, AbortSignal.timeout(10_000))));
    setInterval(() => {}, 1_000);`;
  const agent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(agent, 'close');
  const line = await firstLineOf(agent.stdout);
  await until(ready);
  agent.kill('SIGKILL');
  await closed;
  return JSON.parse(line) as EngineInstance;
}

/** Changes the record as a crash, a reboot or a full disk would have left it. */
function editRecord(folder: string, edit: (record: Record<string, unknown>) => void): void {
  const path = join(folder, 'record.json');
  const record = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
  edit(record);
  writeFileSync(path, JSON.stringify(record));
}

describe('after the agent was killed', () => {
  it('the instance runs on, is adopted unchanged, watched and stopped', async () => {
    const instance = await startedByKilledAgent(processWorkloads.countForEver());
    const engine = await ground.engine();
    await using watch = new Watch(engine);
    expect(await engine.list(patience())).toEqual([instance]);
    const logs = await engine.logs(instance.id, { follow: true, tail: 0 }, patience());
    expect(await linesUntil(logs, ({ length }) => length === 2)).toHaveLength(2);
    await engine.stop(instance.id, PATIENCE_MS, patience());
    expect((await watch.find('exited', instance.id)).exitCode).toBe(-1);
  });

  it('a process made just before the crash is found by its environment', async () => {
    const instance = await startedByKilledAgent(processWorkloads.healthyWhile('/'));
    editRecord(folderOf(), (record) => delete record['process']);
    const engine = await ground.engine();
    await using watch = new Watch(engine);
    expect(await engine.list(patience())).toEqual([instance]);
    await watch.find('health', instance.id, ({ health }) => health === 'healthy');
  });

  it('an intent that came to nothing leaves nothing', async () => {
    const { pid = 0 } = await startedByKilledAgent(SLEEP_SPEC);
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid));
    editRecord(folderOf(), (record) => delete record['process']);
    expect(await (await ground.engine()).list(patience())).toEqual([]);
    expect(existsSync(folderOf())).toBe(false);
  });

  it.each([
    ['is gone', () => rmSync(folderOf(), { recursive: true })],
    ['is torn', () => writeFileSync(join(folderOf(), 'record.json'), '{"format":1,')],
  ])('an instance whose record %s is known by its labels and can be removed', async (_, spoil) => {
    const { id, labels, pid = 0 } = await startedByKilledAgent(SLEEP_SPEC);
    spoil();
    const engine = await ground.engine();
    expect(await engine.list(patience())).toMatchObject([{ id, labels, pid, state: 'running' }]);
    await engine.remove(id, patience());
    expect(isAlive(pid)).toBe(false);
  });

  it('a healthcheck it left running is killed', async () => {
    const pidFile = join(stateDir, 'check');
    const spec = checkedBy(`echo $$ >>${pidFile}; ${sleep}`, 10 * PATIENCE_MS);
    await startedByKilledAgent(spec, () => existsSync(pidFile) && statSync(pidFile).size > 0);
    const check = await pidIn(pidFile);
    expect(isAlive(check)).toBe(true);
    await ground.engine();
    await expectEnd(check);
  });
});

describe('a pid that was used again', () => {
  it.each([
    ['by a process that started later', { startTicks: 1 }],
    ['before a reboot', { boot: '00000000-0000-0000-0000-000000000000' }],
  ])('%s is never signaled', async (_, change) => {
    const stranger = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
    const pid = stranger.pid ?? Number.NaN;
    strangers.push(pid);
    await startedThenEnded();
    editRecord(folderOf(), (record) => {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      const startTicks = readStat(pid)?.startTicks;
      record['process'] = { pid, startTicks, boot, ...change };
    });
    const engine = await ground.engine();
    const [listed] = await engine.list(patience());
    expect(listed).toMatchObject({ state: 'exited', exitCode: -1 });
    await engine.stop(listed?.id ?? '', 0, patience());
    await engine.remove(listed?.id ?? '', patience());
    expect(isAlive(pid)).toBe(true);
  });

  it('by nobody yet, because its parent has not collected it, is an ended instance', async () => {
    const parent = spawn('/bin/sh', ['-c', 'sleep 999 & echo $!; exec tail -f /dev/null'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    strangers.push(parent.pid ?? Number.NaN);
    const line = await firstLineOf(parent.stdout);
    const pid = Number(line);
    // The shell would collect it; what the shell has become does not.
    await until(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'tail\n');
    process.kill(pid, 'SIGKILL');
    await until(() => readStat(pid)?.state === 'Z');
    await startedThenEnded();
    editRecord(folderOf(), (record) => {
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      record['process'] = { pid, startTicks: readStat(pid)?.startTicks, boot };
    });
    const engine = await ground.engine();
    expect(await engine.list(patience())).toMatchObject([{ state: 'exited', exitCode: -1 }]);
  });

  it('after the adoption is never signaled', async () => {
    const { id, pid = 0 } = await startedByKilledAgent(SLEEP_SPEC);
    const engine = await ground.engine();
    process.kill(pid, 'SIGKILL');
    await until(() => !isAlive(pid));
    await using watch = new Watch(engine);
    await engine.stop(id, PATIENCE_MS, patience());
    await watch.find('exited', id);
    expect((await engine.list(patience()))[0]?.state).toBe('exited');
  });
});

describe('a group', () => {
  const child = `echo $! >"$MILLRACE_VOLUME_PIDS/pid"`;
  const sharing = (line: string): ComponentSpec => ({
    ...shell(line),
    volumes: [{ kind: 'bind', source: stateDir, target: '/pids', readOnly: false }],
  });
  const pidOfChild = async (): Promise<number> => pidIn(join(stateDir, 'pid'));

  it('is gone with the instance that led it', async () => {
    const engine = await ground.engine();
    await using watch = new Watch(engine);
    const { id } = await start(engine, sharing(`sleep 1000 & ${child}; exit 4`));
    expect((await watch.find('exited', id)).exitCode).toBe(4);
    await expectEnd(await pidOfChild());
  });

  it.each([
    ['sleep 1000', 'with its environment'],
    ['env -i sleep 1000', 'without it'],
  ])('is gone with an adopted instance that led it: %s, %s', async (line) => {
    const { id, pid = 0 } = await startedByKilledAgent(sharing(`${line} & ${child}; ${sleep}`));
    const orphan = await pidOfChild();
    const engine = await ground.engine();
    await using watch = new Watch(engine);
    process.kill(pid, 'SIGKILL');
    await watch.find('exited', id);
    await expectEnd(orphan);
  });

  it('that a child has left loses the child when the instance is removed', async () => {
    const engine = await ground.engine();
    const { id } = await start(engine, sharing(`setsid sleep 1000 & ${child}; ${sleep}`));
    const escaped = await pidOfChild();
    await until(() => readStat(escaped)?.session === escaped);
    await engine.stop(id, 0, patience());
    await engine.remove(id, patience());
    await expectEnd(escaped);
  });

  it('hears SIGTERM as a whole, even while it is frozen', async () => {
    const engine = await ground.engine();
    // No shell: one that is frozen while it forks shows as busy, not as frozen.
    const frozen = { ...SLEEP_SPEC, process: { command: ['sleep', '1000'] } };
    const { id } = await start(engine, frozen);
    await engine.kill(id, 'SIGSTOP', patience());
    await expect
      .poll(async () => (await engine.inspect(id, patience())).state, { timeout: PATIENCE_MS })
      .toBe('paused');
    await engine.stop(id, 10 * PATIENCE_MS, patience());
    expect((await engine.inspect(id, patience())).exitCode).toBe(143);
  });

  it('has a session of its own and no pipe to the agent', async () => {
    const { id, pid = 0 } = await start(await ground.engine(), SLEEP_SPEC);
    expect(readStat(pid)).toMatchObject({ group: pid, session: pid });
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').slice(0, 8);
    expect(id).toBe(`${pid}-${readStat(pid)?.startTicks}-${boot}`);
    const open = [0, 1, 2].map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
    const log = join(folderOf(), 'log');
    expect(open).toEqual(['/dev/null', log, log]);
  });
});

describe('the state folder', () => {
  it('has a record before the process can do anything', async () => {
    const engine = await ground.engine();
    await using watch = new Watch(engine);
    const { id } = await start(engine, shell(`test -s ${join(folderOf(), 'record.json')}`));
    expect((await watch.find('exited', id)).exitCode).toBe(0);
  });

  it('keeps nothing of what could not start, or was removed', async () => {
    const engine = await ground.engine();
    await expect(start(engine, processWorkloads.badCommand())).rejects.toThrow('/no/such/command');
    expect(existsSync(folderOf())).toBe(false);
    const { id } = await start(engine, SLEEP_SPEC);
    expect(existsSync(folderOf())).toBe(true);
    await engine.remove(id, patience());
    expect(existsSync(folderOf())).toBe(false);
  });

  it.each([
    [{ command: ['/etc/passwd'] }, '"/etc/passwd" cannot be run (EACCES)'],
    [{ command: ['no-such-thing'] }, '"no-such-thing" cannot be run (ENOENT)'],
    [{ command: ['true'], workingDir: '/no/such/place' }, '/no/such/place is not a folder'],
    [{ command: ['a\0b'] }, 'cannot be run (ERR_INVALID_ARG_VALUE)'],
  ])('of %j the refusal says %s', async (process, words) => {
    const refused = start(await ground.engine(), { ...SLEEP_SPEC, process });
    await expect(refused).rejects.toMatchObject({ code: 'bad-spec', permanent: true });
    await expect(refused).rejects.toThrow(words);
  });
});

describe('a healthcheck', () => {
  it('that hangs is killed with its group and counts as failed', async () => {
    const pidFile = join(stateDir, 'check');
    const engine = await ground.engine();
    await using watch = new Watch(engine);
    const spec = checkedBy(`sleep 1000 & echo $! >${pidFile}; ${sleep}`, 300);
    const { id } = await start(engine, spec);
    await watch.find('health', id, ({ health }) => health === 'unhealthy');
    const child = await pidIn(pidFile);
    await engine.stop(id, 0, patience());
    await expectEnd(child);
  });

  it('sees the environment of its instance', async () => {
    const engine = await ground.engine();
    await using watch = new Watch(engine);
    const base = checkedBy('test "$COLOR $MILLRACE_SLOT" = "green 3"', 5_000);
    const { id } = await start(engine, { ...base, environment: { COLOR: 'green' } }, { slot: 3 });
    await watch.find('health', id, ({ health }) => health === 'healthy');
  });
});

describe('a log', () => {
  it('is cut when it is full, while the instance goes on writing', async () => {
    const engine = await ground.engine();
    const { id } = await start(
      engine,
      shell(
        `yes 0123456789abcde | head -c ${LOG_BYTES_MAX + 16}; while echo more; do sleep 0.05; done`,
      ),
    );
    const folder = folderOf();
    await until(() => existsSync(join(folder, 'log.1')));
    expect(statSync(join(folder, 'log.1')).size).toBeLessThanOrEqual(
      LOG_BYTES_MAX + GROWTH_BYTES_MAX,
    );
    const logs = await engine.logs(id, { follow: true, tail: 0 }, patience());
    expect(await linesUntil(logs, ({ length }) => length === 2)).toEqual(['more', 'more']);
    const all = await linesUntil(await engine.logs(id, { follow: false }, patience()));
    expect(all.filter((line) => line === '0123456789abcde').length).toBeGreaterThan(260_000);
    expect(all.at(-1)).toBe('more');
  });
});

/** Ends in an agent of the past, so that no engine here holds its record. */
async function startedThenEnded(): Promise<void> {
  const { pid = 0 } = await startedByKilledAgent(SLEEP_SPEC);
  process.kill(pid, 'SIGKILL');
  await until(() => !isAlive(pid));
}

function checkedBy(line: string, timeoutMs: number): ComponentSpec {
  return {
    ...SLEEP_SPEC,
    healthcheck: {
      test: { kind: 'shell', line },
      intervalMs: millis(50),
      timeoutMs: millis(timeoutMs),
      retries: 1,
      startPeriodMs: millis(0),
    },
  };
}
