/** What is done about what others do to running instances. Lines as in `stories.test.ts`. */
import { expect, it } from 'vitest';
import { millis } from '../../../protocol/base/time.ts';
import { term } from '../../../protocol/base/ids.ts';
import { onExited, onStarted } from '../../../protocol/reconcile/slots.ts';
import {
  desired,
  drifted,
  exited,
  frozen,
  list,
  observed,
  restart,
  said,
  spec,
  type Stage,
  stage,
  started,
  trace,
  wake,
} from './stage.ts';

const LEFT = 'it has left the network shop_default';

function running(wanted = desired()): Stage {
  const s = stage([wanted]);
  list(s, 0);
  started(s, 100, 1);
  return s;
}

/** Its end as it was told, and the start of the next. */
function replaced(s: Stage, at: number, attempt: number): void {
  exited(s, at, attempt, 143);
  started(s, at + 50, attempt + 1);
}

it('Y1: what was changed is replaced at once, and no failure is counted', () => {
  const s = running();
  drifted(s, 5000, 1, LEFT);
  replaced(s, 5200, 1);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 started: 1 running
    5000 e1 it has left the network shop_default: 1 stopping "someone else has changed it" | stop e1 in 10000
    5200 e1 exited 143: 2 preparing | start shop.web.1 #2 r1
    5250 e2 started: 2 running | remove e1"
  `);
  expect(said(s)).toMatchInlineSnapshot(`
    "started (attempt 1)
    someone else has changed it: it has left the network shop_default
    told to stop (attempt 1): someone else has changed it
    ended as asked: exit 143 (SIGTERM)
    started (attempt 2), 0.05 s after the last one ended"
  `);
});

it('Y2: what changes every new one as well is not chased: it runs on as it is, for longer each time', () => {
  const s = running();
  let at = 5000;
  for (let attempt = 1; attempt <= 3; attempt++) {
    drifted(s, at, attempt, LEFT);
    const due = s.slots.deadline;
    if (s.effects.length === 0 && due !== undefined) wake(s, due);
    replaced(s, s.now + 100, attempt);
    at = s.now + 100;
  }
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 started: 1 running
    5000 e1 it has left the network shop_default: 1 stopping "someone else has changed it" | stop e1 in 10000
    5100 e1 exited 143: 2 preparing | start shop.web.1 #2 r1
    5150 e2 started: 2 running | remove e1
    5250 e2 it has left the network shop_default: 2 running "changed by someone else: it has left the network shop_default" due 6000
    6000 woken: 2 stopping "someone else has changed it" | stop e2 in 10000
    6100 e2 exited 143: 3 preparing | start shop.web.1 #3 r1
    6150 e3 started: 3 running
    6250 e3 it has left the network shop_default: 3 running "changed by someone else: it has left the network shop_default" due 8000
    8000 woken: 3 stopping "someone else has changed it" | stop e3 in 10000
    8100 e3 exited 143: 4 preparing | start shop.web.1 #4 r1
    8150 e4 started: 4 running"
  `);
  expect(said(s)).toMatchInlineSnapshot(`
    "started (attempt 1)
    someone else has changed it: it has left the network shop_default
    told to stop (attempt 1): someone else has changed it
    ended as asked: exit 143 (SIGTERM)
    started (attempt 2), 0.05 s after the last one ended
    someone else has changed it: it has left the network shop_default; replaced 0.75 s later
    told to stop (attempt 2): someone else has changed it
    ended as asked: exit 143 (SIGTERM)
    started (attempt 3), 0.05 s after the last one ended
    someone else has changed it: it has left the network shop_default; replaced 1.8 s later
    told to stop (attempt 3): someone else has changed it
    ended as asked: exit 143 (SIGTERM)
    started (attempt 4), 0.05 s after the last one ended"
  `);
});

it('is left alone once it is again as it was made', () => {
  const s = running();
  drifted(s, 5000, 1, LEFT);
  replaced(s, 5100, 1);
  drifted(s, 5200, 2, LEFT);
  drifted(s, 5300, 2);
  wake(s, 9000);
  expect(s.effects).toEqual([]);
  expect(s.said.at(-1)).toBe('is again as it was made');
});

it('is told of a change that only a list shows, of an adopted one too', () => {
  const s = stage();
  list(s, 0, observed({ drift: LEFT }));
  expect(s.effects).toMatchObject([{ kind: 'stopInstance', engineId: 'e1' }]);
});

it.each([
  ['it may not be started here yet', { mayStart: false }],
  ['it waits for another', { waitsFor: 'waits for shop.db to be healthy' }],
  ['its contract has it stand still', { isolation: 'freeze' as const }],
])('runs on as it is while no other could be started: %s', (_, changes) => {
  const s = running();
  s.wanted = [desired(changes)];
  drifted(s, 5000, 1, LEFT);
  expect(s.effects.filter(({ kind }) => kind === 'stopInstance')).toEqual([]);
  s.wanted = [desired()];
  wake(s, 6000);
  expect(s.effects).toMatchObject([{ kind: 'stopInstance' }]);
});

it('runs on as it is while nothing new is started after a stall', () => {
  const s = running();
  s.hold = true;
  drifted(s, 5000, 1, LEFT);
  expect(s.effects).toEqual([]);
});

it('Y3: an attempt of a job is left to its end', () => {
  const s = running(desired({ spec: spec({ restart: { kind: 'no' }, job: {} }) }));
  drifted(s, 5000, 1, LEFT);
  wake(s, 99_000);
  expect(s.effects).toEqual([]);
  expect(s.said.at(-1)).toContain('an attempt of a job is left to its end');
});

it.each(['no', 'onFailure', 'always', 'unlessStopped'] as const)(
  'is replaced whatever its restart policy says: %s',
  (kind) => {
    const s = running(desired({ spec: spec({ restart: { kind } }) }));
    drifted(s, 5000, 1, LEFT);
    exited(s, 5100, 1, 0);
    expect(s.effects).toMatchObject([{ kind: 'startInstance', attempt: 2 }]);
  },
);

it('goes on backing off with another spec, and after the restart of a user: who changes it is the same', () => {
  const s = running();
  drifted(s, 5000, 1, LEFT);
  replaced(s, 5100, 1);
  restart(s, 5200);
  s.wanted = [desired({ revision: 'r2' })];
  exited(s, 5300, 2, 143);
  started(s, 5400, 3, { revision: 'r2' });
  drifted(s, 5500, 3, LEFT);
  expect(s.effects).toEqual([]);
  wake(s, 6000);
  expect(s.effects).toMatchObject([{ kind: 'stopInstance', engineId: 'e3' }]);
});

it('Y4: what others freeze is told to go on, at once', () => {
  const s = running();
  frozen(s, 5000, 1, true);
  expect(s.effects).toEqual([{ kind: 'thawInstance', engineId: 'e1' }]);
  expect(s.said.at(-1)).toBe('frozen by someone else, and told to go on');
});

const LEASE = { allows: 'start', term: term(7), first: term(7) } as const;

it('a strict one that others freeze is thawed by nobody: it is replaced when its guard would have', () => {
  const s = running();
  s.lease = LEASE;
  frozen(s, 5000, 1, true);
  wake(s, 9999);
  expect(s.effects).toEqual([]);
  expect(s.slots.deadline).toBe(10_000);
  wake(s, 10_000);
  expect(s.effects).toEqual([{ kind: 'stopInstance', engineId: 'e1', graceMs: 0 }]);
});

it('a strict one that its guard has frozen is not: what counts is how long it may run', () => {
  const s = running();
  s.lease = { ...LEASE, allows: 'stand' };
  frozen(s, 5000, 1, true);
  wake(s, 20_000);
  s.lease = LEASE;
  wake(s, 20_001);
  frozen(s, 20_500, 1, false);
  wake(s, 99_000);
  expect(s.effects).toEqual([]);
});

it('a strict one that was changed runs on until its lease lets another start', () => {
  const s = running();
  s.lease = { ...LEASE, allows: 'run' };
  drifted(s, 5000, 1, LEFT);
  expect(s.effects).toEqual([]);
  s.lease = LEASE;
  wake(s, 6000);
  expect(s.effects).toMatchObject([{ kind: 'stopInstance', engineId: 'e1' }]);
  exited(s, 6100, 1, 143);
  expect(s.effects).toMatchObject([{ kind: 'startInstance', attempt: 2 }]);
});

it('Y5: what others start again is told to stop: its successor has the slot', () => {
  const s = stage();
  list(s, 0);
  started(s, 100, 1, { startedAt: 'monday' });
  exited(s, 5000, 1, 143);
  expect(s.effects).toMatchObject([{ kind: 'startInstance', attempt: 2 }]);
  started(s, 5010, 1, { startedAt: 'tuesday' });
  expect(s.effects).toEqual([{ kind: 'stopInstance', engineId: 'e1', graceMs: 10_000 }]);
  expect(s.said.at(-1)).toContain('someone has started attempt 1 again');
  exited(s, 5100, 1, 143);
  started(s, 5200, 2);
  expect(s.effects).toEqual([{ kind: 'removeInstance', engineId: 'e1' }]);
});

it('takes no late word of the life that has ended for another one', () => {
  const s = stage();
  list(s, 0);
  started(s, 100, 1, { startedAt: 'monday' });
  exited(s, 5000, 1, 143);
  started(s, 5010, 1, { startedAt: 'monday' });
  started(s, 5020, 1);
  expect(s.effects).toEqual([]);
});

it('says who has ended it, where that was not this agent', () => {
  const s = running(desired({ spec: spec({ stopGraceMs: millis(0) }) }));
  s.step(5000, 'killed', (slots, turn) =>
    onExited(slots, turn, { engineId: 'e1', exitCode: 143, oomKilled: false, signal: 'SIGTERM' }),
  );
  expect(said(s)).toContain(
    'ended after 4.9 s: exit 143 (SIGTERM); someone had its engine send SIGTERM',
  );
});

const OPEN = spec({ ports: [{ target: 80, protocol: 'tcp' }] });
const at = (published: number) => ({ ports: [{ target: 80, address: '0.0.0.0', published }] });
const numbered = (published: number, changes = {}) =>
  desired({ spec: OPEN, ports: { '80/tcp': published }, ...changes });

it('P3: what runs at a number that its slot has given up is replaced once, and it is no failure', () => {
  const s = running(numbered(20_001));
  expect(s.effects).toEqual([]);
  s.wanted = [numbered(20_002)];
  s.step(900, 'given another', (slots, turn) =>
    onStarted(slots, turn, observed({ attempt: 1, ...at(20_001) })),
  );
  exited(s, 1000, 1, 143);
  expect(s.effects).toMatchObject([
    { kind: 'startInstance', attempt: 2, spec: { ports: [{ published: 20_002 }] } },
  ]);
  started(s, 1100, 2, at(20_002));
  wake(s, 90_000);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 started: 1 running
    900 given another: 1 stopping "its port on this host is given to another" | stop e1 in 10000
    1000 e1 exited 143: 2 preparing | start shop.web.1 #2 r1
    1100 e2 started: 2 running | remove e1
    90000 woken: 2 running"
  `);
  expect(said(s)).toMatchInlineSnapshot(`
    "started (attempt 1)
    told to stop (attempt 1): its port on this host is given to another
    ended as asked: exit 143 (SIGTERM)
    started (attempt 2), 0.10 s after the last one ended"
  `);
});

it('P3: an engine that binds what it likes is asked ever more slowly', () => {
  const s = running(numbered(20_001));
  const stops: number[] = [];
  for (let attempt = 1; attempt <= 4; attempt++) {
    const shown = s.now + 50;
    s.step(shown, 'shown', (slots, turn) =>
      onStarted(slots, turn, observed({ attempt, ...at(20_009) })),
    );
    const isStopped = (): boolean => s.effects.some(({ kind }) => kind === 'stopInstance');
    if (!isStopped()) wake(s, s.slots.deadline ?? 0);
    expect(isStopped()).toBe(true);
    stops.push(s.now - shown);
    exited(s, s.now + 10, attempt, 143);
  }
  expect(stops.map((ms) => Math.round(ms / 500) * 500)).toEqual([0, 1000, 2000, 4000]);
});

it.each<[string, Partial<Parameters<typeof desired>[0]>, ReturnType<typeof at> | { ports: [] }]>([
  ['an attempt of a job is left to its end', { spec: { ...OPEN, job: {} } }, at(20_001)],
  ['an older agent let the engine choose', {}, at(40_000)],
  ['nothing is known of its ports', {}, { ports: [] }],
  ['its successor may not start here yet', { mayStart: false }, at(20_001)],
])('what runs with another number stays: %s', (_why, changes, ports) => {
  const s = running(numbered(20_002, changes));
  s.step(500, 'shown', (slots, turn) => onStarted(slots, turn, observed({ attempt: 1, ...ports })));
  wake(s, 9000);
  expect(s.effects).toEqual([]);
});
