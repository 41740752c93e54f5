/** What people read, word for word. */
import { Writable } from 'node:stream';
import { WriteStream } from 'node:tty';
import { stripVTControlCharacters } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { millis } from '../../../protocol/base/time.ts';
import { statusScreen } from '../../../node/cli/status-screen.ts';
import { resolve } from '../../../node/cli/subject.ts';
import { seatTable, subjectScreen } from '../../../node/cli/subject-screen.ts';
import { type ColorChoice, createPaint, type Paint } from '../../../node/cli/terminal.ts';
import { whyScreen } from '../../../node/cli/why.ts';
import { cluster, component, degraded, event, filled, healthy, host, status } from './views.ts';

const plain: Paint = (_, text) => text;
const at = (width: number) => ({ width, paint: plain });

beforeAll(() => {
  process.env['TZ'] = 'UTC';
});

describe('status', () => {
  it('shows trouble first, 100 columns wide', () => {
    expect(statusScreen(degraded(), at(100)).join('\n')).toBe(
      `
shop   DEGRADED   2/4 hosts   6/7 instances healthy      view of h2, 0.4 s old, 2 of 3 agree
    db has 0 of 1 healthy: h5 (its host) is dead, last heard 40s ago

HOST  STATE    SINCE  VOTES  INST  ENGINE                      AGENT
h1    alive    12d    yes    2     docker 20.10.24 (API 1.41)  0.4.1
h2 *  alive    12d    yes    3     docker 20.10.24 (API 1.41)  0.4.1
h3    suspect  0s     -      2     docker 20.10.24 (API 1.41)  0.4.1  last heard 1s ago
h5    dead     38s    yes    1?    docker 20.10.24 (API 1.41)  0.4.1  last heard 40s ago

COMPONENT  WANT  RUN  OK  REVISION  LEADER  WHERE     NOTE
web        3     3    3   9f3c1e2   h2 t12  h1 h2 x2
worker     all   3    3   9f3c1e2   h2 t12  h1 h2 h3
db         1     0    0   9f3c1e2   h1 t31  h5?       waits until the lease of h5 has ended (22 s),
                                                      then is placed on h3

LAST 5 MIN
00:40:33  h2  h5          dead     2.1 s after its last heartbeat, confirmed by h1 and h3
00:40:29  h2  shop.web.2  healthy  on h2 after 3.4 s

try: npx agentctl why db      npx agentctl host show h3      npx agentctl events -f
`.trim(),
    );
  });

  it('drops columns and folds lines at 80', () => {
    expect(statusScreen(degraded(), at(80)).join('\n')).toBe(
      `
shop   DEGRADED   2/4 hosts   6/7 instances healthy
    view of h2, 0.4 s old, 2 of 3 agree
    db has 0 of 1 healthy: h5 (its host) is dead, last heard 40s ago

HOST  STATE    SINCE  VOTES  INST
h1    alive    12d    yes    2
h2 *  alive    12d    yes    3
h3    suspect  0s     -      2     last heard 1s ago
h5    dead     38s    yes    1?    last heard 40s ago

COMPONENT  WANT  RUN  OK  REVISION  LEADER  WHERE     NOTE
web        3     3    3   9f3c1e2   h2 t12  h1 h2 x2
worker     all   3    3   9f3c1e2   h2 t12  h1 h2 h3
db         1     0    0   9f3c1e2   h1 t31  h5?       waits until the lease of
                                                      h5 has ended (22 s), then
                                                      is placed on h3

LAST 5 MIN
00:40:33  h2  h5          dead     2.1 s after its last heartbeat, confirmed by
                                   h1 and h3
00:40:29  h2  shop.web.2  healthy  on h2 after 3.4 s

try: npx agentctl why db
     npx agentctl host show h3
     npx agentctl events -f
`.trim(),
    );
  });

  it('says little when all is well', () => {
    expect(statusScreen(healthy(), at(100)).join('\n')).toBe(
      `
shop   OK   3/3 hosts   3/3 instances healthy      view of h2, 0.4 s old, 2 of 2 agree

HOST  STATE  SINCE  VOTES  INST  ENGINE                      AGENT
h1    alive  12d    -      1     docker 20.10.24 (API 1.41)  0.4.1
h2 *  alive  12d    yes    1     docker 20.10.24 (API 1.41)  0.4.1
h3    alive  12d    -      1     docker 20.10.24 (API 1.41)  0.4.1

COMPONENT  WANT  RUN  OK  REVISION  LEADER  WHERE
web        2     2    2   9f3c1e2   h2 t12  h1 h2
api        1     1    1   9f3c1e2   h2 t12  h3

try: npx agentctl ps      npx agentctl status -w      npx agentctl events -f
`.trim(),
    );
  });

  it('says what to do with an empty cluster, and that a minority decides nothing', () => {
    const alone = cluster({
      hosts: [host('h2', { self: true })],
      peers: 0,
      agree: 0,
      quorum: false,
    });
    expect(statusScreen(status(alone), at(100)).slice(0, 2)).toEqual([
      'no stack is deployed   1/1 hosts      view of h2, alone',
      'no quorum: this host hears too few voters, so nothing is placed or moved from here',
    ]);
    expect(statusScreen(status(alone), at(100)).at(-1)).toContain(
      'agentctl deploy -f compose.yaml',
    );
  });

  it('says first that its state was copied, for nothing else it shows is true any more', () => {
    const lines = statusScreen(status(cluster({ copied: true, quorum: false })), at(100));
    expect(lines.slice(1, 4)).toEqual([
      'this host runs twice: its state was copied, and this agent, the older of the two, serves nothing',
      'more: npx agentctl doctor',
      'no quorum: this host hears too few voters, so nothing is placed or moved from here',
    ]);
  });

  it('names components in full where there are several stacks', () => {
    const stacks = ['shop', 'blog'].map((name) => ({
      name,
      revision: '1.1',
      components: [component(`${name}.web`, ['h1'])],
    }));
    const lines = statusScreen(status(cluster({ stacks })), at(100));
    expect(lines.filter((line) => line.includes('instances healthy'))).toHaveLength(2);
    expect(lines.some((line) => line.startsWith('shop.web '))).toBe(true);
  });

  it('is DOWN when nothing of it runs', () => {
    const components = [
      component('shop.web', ['h1'], { slots: [{ slot: 1, note: 'no host fits: cpu' }] }),
    ];
    const lines = statusScreen(
      status(cluster({ stacks: [{ name: 'shop', revision: '1.1', components }] })),
      at(100),
    );
    expect(lines[0]).toContain('shop   DOWN');
    expect(lines[1]).toBe('    web has 0 of 1 healthy: no host fits: cpu');
  });

  it('stays within its width at every width', () => {
    const seen = degraded();
    const body = status({ ...seen.data.cluster, quorum: false }, seen.data.events);
    for (let width = 60; width <= 100; width++) {
      const lines = [
        ...statusScreen(body, at(width)),
        ...subjectScreen(body, dbOf(body), at(width)),
      ];
      expect(lines.filter((line) => line.length > width)).toEqual([]);
    }
  });
});

it('why tells wanted, is, leader, slots, next and the trace, newest last', () => {
  const body = degraded();
  const trace = [
    event('2026-11-21T00:40:33Z', 'dead', ['id5aaaa'], 'confirmed by id1aaaa and h3'),
    event(
      '2026-11-21T00:40:34Z',
      'decided',
      ['shop.db'],
      'slot 1 moves to h3 once the lease has ended',
    ),
  ];
  expect(whyScreen(body.data.cluster, dbOf(body), trace, at(80)).join('\n')).toBe(
    `
component shop.db
  wanted    1 instance
  is        0 running, 0 healthy, spec revision 9f3c1e2
  leader    h1, term 31
  slot 1    on h5? (not confirmed), running, healthy
  next      waits until the lease of h5 has ended (22 s), then is placed on h3

DECISIONS AND EVENTS, newest last
00:40:33  h2  h5       dead     confirmed by h1 and h3
00:40:34  h2  shop.db  decided  slot 1 moves to h3 once the lease has ended

view of h2, 0.4 s old, 2 of 3 agree
`.trim(),
  );
});

it('why of a host tells what it led and ran, and what becomes of it', () => {
  const { cluster: view } = degraded().data;
  const lines = whyScreen(view, resolve(view, 'h5', ['host']), [], at(100));
  expect(lines.slice(0, 6)).toEqual([
    'host h5',
    '  is        dead for 38s, last heard 40s ago, as h2 believes',
    '  votes     yes: a voter of the roster',
    '  leads     nothing',
    '  runs      shop.db.1',
    '  next      1 slot was on it; the leaders of the components move what was there',
  ]);
});

it('ps marks what is not confirmed, and says why an instance is as it is', () => {
  const ports = [{ target: 80, address: '127.0.1.1', published: 18080 }];
  const failing = {
    state: 'failed',
    health: 'unhealthy',
    crashLoop: true,
    restarts: 6,
    exitCode: 1,
  } as const;
  const one = component('shop.web', ['h1'], {
    slots: [
      filled('shop.web.1', 'h1', { ports }),
      filled('shop.web.2', 'h1', failing),
      filled('shop.web.3', 'h9', {}),
      { slot: 4, note: 'no host fits' },
    ],
  });
  const view = cluster({ hosts: [host('h1'), host('h9', { state: 'dead', sinceMs: millis(1) })] });
  const seats = one.slots.map((slot) => ({ component: one, slot }));
  expect(seatTable(view, seats, at(100)).join('\n')).toBe(
    `
INSTANCE    HOST  STATE     HEALTH     SINCE  RESTARTS  PORTS                NOTE
shop.web.1  h1    running   healthy    -      0         127.0.1.1:18080->80
shop.web.2  h1    failed    unhealthy  -      6         -                    crash loop; exit 1
shop.web.3  h9?   running?  healthy    -      0         -
shop.web.4  -     pending   -          -      -         -                    no host fits
`.trim(),
  );
});

describe('color', () => {
  const colored = '\u001b[32mOK\u001b[39m';
  const rows: readonly (readonly [ColorChoice, boolean, Record<string, string>, string])[] = [
    ['auto', true, { TERM: 'xterm-256color' }, colored],
    ['auto', true, { TERM: 'dumb' }, 'OK'],
    ['auto', true, { TERM: 'xterm-256color', NO_COLOR: '1' }, 'OK'],
    ['auto', false, { TERM: 'xterm-256color' }, 'OK'],
    ['always', false, { NO_COLOR: '1' }, colored],
    ['never', true, { TERM: 'xterm-256color' }, 'OK'],
  ];
  it.each(rows)('%s on a terminal (%s) with %j', (choice, isTTY, env, expected) => {
    expect(createPaint(choice, streamOf(isTTY, env))('green', 'OK')).toBe(expected);
  });

  it('only repeats the letters: without it the screen is the same text', () => {
    const loud = statusScreen(degraded(), {
      width: 100,
      paint: createPaint('always', streamOf(true, {})),
    });
    const bare = loud.map((line) => stripVTControlCharacters(line));
    expect(bare).toEqual(statusScreen(degraded(), at(100)));
    expect(loud).not.toEqual(bare);
  });
});

/** As `process.stdout` would decide in this environment. */
function streamOf(isTTY: boolean, env: Record<string, string>): Writable {
  const stream = new Writable();
  const getColorDepth = (): number => WriteStream.prototype.getColorDepth.call(stream, env);
  return Object.assign(stream, { isTTY, getColorDepth });
}

function dbOf(body: ReturnType<typeof degraded>) {
  return resolve(body.data.cluster, 'db', ['component']);
}
