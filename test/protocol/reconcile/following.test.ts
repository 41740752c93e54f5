/** What becomes of an instance whose dependency has moved away from where it was told. Lines as in `stories.test.ts`. */
import { expect, it } from 'vitest';
import type { PortReach } from '../../../protocol/component/addresses.ts';
import type { DesiredSlot } from '../../../protocol/reconcile/slots.ts';
import {
  desired,
  exited,
  list,
  said,
  spec,
  type Stage,
  stage,
  started,
  trace,
  wake,
} from './stage.ts';

const told = (address: string) => [
  { on: 'db', target: 5432, protocol: 'tcp', at: [address] } as const,
];
/** Where the database is found. */
function finding(address: string | undefined, changes: Partial<PortReach> = {}): DesiredSlot {
  const ports = address === undefined ? [] : told(address);
  const more = { isFollowed: true, all: new Set(ports.flatMap(({ at }) => at)), ...changes };
  return desired({ reach: ports.map((port) => ({ ...port, ...more })) });
}
const HERE = '10.0.0.7:5432';
const THERE = '10.0.0.8:5432';

function looking(address: string): Stage {
  const s = stage([finding(address)]);
  list(s, 0);
  started(s, 100, 1, { addresses: told(address) });
  return s;
}

it('N3: what looks where nothing is any more is replaced once that has lasted, and it is no failure', () => {
  const s = looking(HERE);
  expect(s.effects).toEqual([]);
  s.wanted = [finding(undefined)];
  wake(s, 1000);
  s.wanted = [finding(THERE)];
  wake(s, 2000);
  wake(s, 6999);
  expect(s.effects).toEqual([]);
  wake(s, 7000);
  exited(s, 7100, 1, 143);
  expect(s.effects).toMatchObject([{ kind: 'startInstance', attempt: 2, addresses: told(THERE) }]);
  started(s, 7200, 2, { addresses: told(THERE) });
  wake(s, 90_000);
  expect(trace(s)).toMatchInlineSnapshot(`
    "0 listed nothing: 1 preparing | start shop.web.1 #1 r1
    100 e1 started: 1 running
    1000 woken: 1 running
    2000 woken: 1 running due 7000
    6999 woken: 1 running due 7000
    7000 woken: 1 stopping "what it depends on is found elsewhere now" | stop e1 in 10000
    7100 e1 exited 143: 2 preparing | start shop.web.1 #2 r1
    7200 e2 started: 2 running | remove e1
    90000 woken: 2 running"
  `);
  expect(said(s)).toMatchInlineSnapshot(`
    "started (attempt 1)
    db is found at 10.0.0.8:5432 for port 5432, and it was told 10.0.0.7:5432
    told to stop (attempt 1): what it depends on is found elsewhere now
    ended as asked: exit 143 (SIGTERM)
    started (attempt 2), 0.10 s after the last one ended"
  `);
});

it('N3: what is there again in its place within that time changes nothing', () => {
  const s = looking(HERE);
  for (const [at, where] of [
    [1000, THERE],
    [5999, HERE],
    [6000, THERE],
    [10_999, HERE],
  ] as const) {
    s.wanted = [finding(where)];
    wake(s, at);
  }
  wake(s, 90_000);
  expect(s.effects).toEqual([]);
});

it('N3: what moves all the time is followed ever more slowly, as other repairs are', () => {
  const s = looking(HERE);
  const waits: number[] = [];
  for (let attempt = 1; attempt <= 5; attempt++) {
    const moved = s.now + 50;
    const address = `10.0.0.${100 + attempt}:5432`;
    s.wanted = [finding(address)];
    wake(s, moved);
    wake(s, s.slots.deadline ?? 0);
    expect(s.effects).toMatchObject([{ kind: 'stopInstance' }]);
    waits.push(s.now - moved);
    exited(s, s.now + 10, attempt, 143);
    started(s, s.now + 10, attempt + 1, { addresses: told(address) });
  }
  expect(waits.map((ms) => Math.round(ms / 1000))).toEqual([5, 5, 5, 5, 8]);
});

it.each<[string, Partial<DesiredSlot>, Partial<PortReach>]>([
  ['an attempt of a job', { spec: spec({ restart: { kind: 'no' }, job: {} }) }, {}],
  ['what does not ask for it', {}, { isFollowed: false }],
  ['what may not be started here yet', { mayStart: false }, {}],
])('N3: leaves alone %s', (_, changes, port) => {
  const s = looking(HERE);
  s.wanted = [{ ...finding(THERE, port), ...changes }];
  wake(s, 1000);
  wake(s, 60_000);
  expect(s.effects).toEqual([]);
});
