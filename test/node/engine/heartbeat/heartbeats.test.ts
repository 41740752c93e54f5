import { beforeEach, describe, expect, it } from 'vitest';
import { millis, seconds } from '../../../../protocol/base/time.ts';
import { withHeartbeats } from '../../../../node/engine/heartbeat/heartbeats.ts';
import type { Engine, EngineEvent, EngineInstance } from '../../../../node/engine/engine.ts';
import { Answerer, Clock, Driver, heartbeat, running } from './stand-in.ts';

const { signal } = new AbortController();
let driver = new Driver();
let clock = new Clock();
let answerer = new Answerer();
let engine: Engine;

beforeEach(() => open());

function open(instance?: EngineInstance): void {
  driver = new Driver(instance);
  clock = new Clock();
  answerer = new Answerer();
  engine = withHeartbeats(driver.engine, { pace: clock, probe: answerer.probe });
}

const start = (): Promise<EngineInstance> =>
  engine.start({ labels: running().labels, spec: {} as never }, signal);
const healthNow = async (): Promise<string | undefined> => (await engine.list(signal))[0]?.health;

/** All that is told until the test ends. */
function listen(): string[] {
  const told: string[] = [];
  void (async () => {
    for await (const event of engine.events(signal)) told.push(wordFor(event));
  })();
  return told;
}

function wordFor(event: EngineEvent): string {
  if (event.kind === 'started') return `started ${event.instance.health}`;
  return event.kind === 'health' ? event.health : event.kind;
}

/** `p` passed, `f` failed; each is one question. */
async function go(questions: string): Promise<void> {
  for (const letter of questions) {
    answerer.well = letter === 'p';
    expect(await clock.next()).toBe(true);
  }
}

it.each<readonly [string, string, readonly string[], string]>([
  ['p', 'healthy', ['healthy'], 'one answer is enough'],
  ['pp', 'healthy', ['healthy'], 'what is as it was is not told'],
  ['pff', 'healthy', ['healthy'], 'two misses of three are none'],
  ['pfff', 'unhealthy', ['healthy', 'unhealthy'], 'three are'],
  ['pffpff', 'healthy', ['healthy'], 'only misses in a row count'],
  ['pfffp', 'healthy', ['healthy', 'unhealthy', 'healthy'], 'it may come back'],
  ['ff', 'starting', [], 'what misses within the first interval is not counted'],
])('%s: it is %s, told as %j: %s', async (questions, health, told) => {
  const heard = listen();
  expect((await start()).health).toBe('starting');
  await go(questions);
  expect(await healthNow()).toBe(health);
  expect((await engine.inspect('i1', signal)).health).toBe(health);
  expect(heard).toEqual(told);
});

it('asks at the address it has now, for as long as its terms say', async () => {
  await start();
  await go('p');
  driver.instance = running({ network: { kind: 'own', address: '172.18.0.9' } });
  await go('p');
  const { target } = heartbeat;
  expect(answerer.asked).toEqual([
    { target, at: { address: '172.18.0.2', port: 80 }, timeoutMs: 1_000 },
    { target, at: { address: '172.18.0.9', port: 80 }, timeoutMs: 1_000 },
  ]);
  expect(clock.now()).toBe(50 + 2_000);
});

it('misses one that its host has no way to', async () => {
  await start();
  await go('p');
  const { network: _, ...cut } = running();
  driver.instance = cut;
  await go('ppp');
  expect(await healthNow()).toBe('unhealthy');
});

describe('what cannot answer is not asked to', () => {
  it.each<readonly [string, EngineInstance | undefined]>([
    ['is frozen', running({ state: 'paused' })],
    ['has exited', running({ state: 'exited' })],
    ['is not told of by its engine', undefined],
  ])('while it %s', async (_why, instance) => {
    await start();
    await go('p');
    driver.instance = instance;
    await go('fffff');
    expect(answerer.asked).toHaveLength(1);
    driver.instance = running();
    expect(await healthNow()).toBe('healthy');
  });

  it('and a miss in the middle of which it was frozen does not count', async () => {
    await start();
    await go('p');
    answerer.meanwhile = () => void (driver.instance = running({ state: 'paused' }));
    for (let i = 0; i < 3; i++) {
      driver.instance = running();
      await go('f');
    }
    driver.instance = running();
    expect(await healthNow()).toBe('healthy');
    answerer.meanwhile = () => {};
    await go('fff');
    expect(await healthNow()).toBe('unhealthy');
  });
});

describe('found by an agent that has not begun it', () => {
  const old = running({ startedAt: new Date(Date.now() - 3_600_000).toISOString() });

  it('is asked before it is told of', async () => {
    open(old);
    expect(await healthNow()).toBe('healthy');
    expect(answerer.asked).toMatchObject([{ timeoutMs: 250 }]);
  });

  it('is starting if it does not answer, and has the misses of any other', async () => {
    open(old);
    answerer.well = false;
    expect(await healthNow()).toBe('starting');
    await go('ff');
    expect(await healthNow()).toBe('starting');
    await go('f');
    expect(await healthNow()).toBe('unhealthy');
  });

  it('is asked for what it was begun with', async () => {
    const target = { kind: 'tcp', port: 5432 } as const;
    const own = { ...heartbeat, target, timeoutMs: millis(100), intervalMs: seconds(60) };
    open({ ...old, heartbeat: own });
    await healthNow();
    expect(answerer.asked).toMatchObject([{ target, timeoutMs: 100, at: { port: 5432 } }]);
    await go('p');
    expect(clock.now()).toBe(50);
    await go('p');
    expect(clock.now()).toBe(50 + 60_000);
  });

  it('shows as starting before it runs, and as the engine says after its end', async () => {
    open(running({ state: 'created' }));
    expect(await healthNow()).toBe('starting');
    open(running({ state: 'exited' }));
    expect(await healthNow()).toBe('none');
    expect(await clock.next()).toBe(false);
  });
});

it('leaves alone what has no heartbeat', async () => {
  const { heartbeat: _, ...plain } = running({ health: 'unhealthy' });
  open(plain);
  const heard = listen();
  driver.feed.publish({ kind: 'started', instance: plain });
  driver.feed.publish({ kind: 'health', id: 'i1', health: 'healthy' });
  expect(await clock.next()).toBe(false);
  expect(await engine.list(signal)).toEqual([plain]);
  expect(heard).toEqual(['started unhealthy', 'healthy']);
});

it('begins with a start that others have made, and never tells of it as without health', async () => {
  const heard = listen();
  driver.instance = running();
  driver.feed.publish({ kind: 'started', instance: running() });
  await go('p');
  driver.feed.publish({ kind: 'started', instance: running() });
  await go('p');
  expect(heard).toEqual(['started starting', 'healthy', 'started healthy']);
});

describe('is asked no more', () => {
  it.each<readonly [string, () => void | Promise<unknown>]>([
    [
      'after its end',
      () => driver.feed.publish({ kind: 'exited', id: 'i1', exitCode: 0, oomKilled: false }),
    ],
    ['once removed', () => driver.feed.publish({ kind: 'removed', id: 'i1' })],
    [
      'when a list shows its end, of which no event told',
      () => {
        driver.instance = running({ state: 'exited' });
        return engine.list(signal);
      },
    ],
    [
      'when a list does not show it any more',
      () => {
        driver.instance = undefined;
        return engine.list(signal);
      },
    ],
    ['when the engine is closed', () => engine[Symbol.asyncDispose]()],
  ])('%s', async (_when, end) => {
    listen();
    await start();
    await go('p');
    await end();
    expect(await clock.next()).toBe(false);
    expect(answerer.asked).toHaveLength(1);
  });

  it('but again when the same one is started again', async () => {
    const heard = listen();
    await start();
    await go('p');
    driver.feed.publish({ kind: 'exited', id: 'i1', exitCode: 0, oomKilled: false });
    expect(await clock.next()).toBe(false);
    driver.feed.publish({ kind: 'started', instance: running() });
    await go('p');
    expect(heard).toEqual(['healthy', 'exited', 'started starting', 'healthy']);
  });

  it('and what was known of its health stays with it until it is removed', async () => {
    listen();
    await start();
    await go('pfff');
    driver.instance = running({ state: 'exited' });
    expect(await healthNow()).toBe('unhealthy');
  });
});

it('what begins while a list is made is not taken for gone', async () => {
  const slow = Promise.withResolvers<readonly EngineInstance[]>();
  const inner = { ...driver.engine, list: () => slow.promise };
  engine = withHeartbeats(inner, { pace: clock, probe: answerer.probe });
  const listed = engine.list(signal);
  await start();
  slow.resolve([]);
  expect(await listed).toEqual([]);
  await go('p');
  expect(answerer.asked).toHaveLength(1);
});

it('ends with the events of its engine, and fails where they do', async () => {
  driver.events = async function* () {
    yield { kind: 'resync', reason: 'a gap' };
    throw new Error('broken');
  };
  const told: string[] = [];
  const read = async (): Promise<void> => {
    for await (const event of engine.events(signal)) told.push(event.kind);
  };
  await expect(read()).rejects.toThrow('broken');
  expect(told).toEqual(['resync']);
});

it('passes on what its engine can do besides, and no more', () => {
  expect(engine).not.toHaveProperty('images');
  const images = { name: 'its images' } as never;
  expect(withHeartbeats({ ...driver.engine, images })).toMatchObject({ images });
});

it('closes what it was given', async () => {
  await engine[Symbol.asyncDispose]();
  expect(driver.isClosed).toBe(true);
});
