/** What is seen of a run from outside: the rare states it has been through, and whom faults met in what. */
import { describe, expect, it } from 'vitest';
import { type Coverage, mergeCoverage, NOTHING_COVERED } from '../../../sim/coverage/coverage.ts';
import { type Mark, MARKS } from '../../../sim/coverage/marks.ts';
import { ofMillis } from '../../../sim/event-queue.ts';
import { type Options, quiet } from '../../../sim/options.ts';
import { type Planned, type Scene, simulate } from '../../../sim/run.ts';
import type { HostIndex, Strike, Way } from '../../../sim/strike.ts';
import type { Deed } from '../../../sim/tape.ts';

const HOSTS = 3;
const STRUCK_MS = 10_000;

const others = (host: HostIndex): readonly HostIndex[] =>
  Array.from({ length: HOSTS }, (_, index) => index).filter((index) => index !== host);
const waysOut = (host: HostIndex): readonly Way[] => others(host).map((to): Way => [host, to]);
const waysIn = (host: HostIndex): readonly Way[] => others(host).map((from): Way => [from, host]);

const strikes = (strike: Strike, ms = STRUCK_MS): Deed => ({
  at: ofMillis(ms),
  kind: 'strike',
  strike,
});
/** Whoever leads the roster then. */
const theLeader = (make: (host: HostIndex) => Strike): Planned => ({
  at: ofMillis(STRUCK_MS),
  deedsIn: ({ panel }: Scene) =>
    [...panel.leases.keysOf]
      .filter(([, keys]) => [...keys].some((key) => key === 'sys/roster'))
      .map(([{ index }]) => strikes(make(index))),
});

const WORK = { kind: 'random', everyMs: 1000, stackCount: 1 } as const;

function run(timeline: readonly (Deed | Planned)[], differing: Partial<Options> = {}): Coverage {
  const options = {
    ...quiet(7, HOSTS, 20_000),
    voterCount: 3,
    workload: WORK,
    ...differing,
  } as const;
  const { verdict, coverage } = simulate(options, { timeline });
  expect(verdict).toEqual({ kind: 'passed' });
  return coverage;
}

const CASES: readonly (readonly [
  what: string,
  timeline: readonly (Deed | Planned)[],
  marks: readonly Mark[],
])[] = [
  [
    'a leader whose agent is away for six seconds',
    [theLeader((host) => ({ kind: 'crash', host, forMs: 6000 }))],
    ['led-anew-under-fault', 'grace-given', 'lapse-at-one-voter', 'silent-after-restart'],
  ],
  [
    'a leader whose agent is back at once',
    [theLeader((host) => ({ kind: 'crash', host, forMs: 10 }))],
    ['led-again-after-restart', 'old-session-binds', 'leak-returned', 'grace-given'],
  ],
  [
    'a leader whose machine is gone for six seconds',
    [theLeader((host) => ({ kind: 'lose', host, forMs: 6000 }))],
    ['led-anew-under-fault', 'dead-came-back', 'silent-after-restart'],
  ],
  [
    'a leader that stands still for six seconds',
    [theLeader((host) => ({ kind: 'pause', host, forMs: 6000 }))],
    [
      'led-anew-under-fault',
      'leader-stood-still',
      'lease-lapsed',
      'held-back',
      'refuted',
      'dead-lived',
    ],
  ],
  [
    'a leader that nobody hears',
    [theLeader((host) => ({ kind: 'cut', ways: waysOut(host), forMs: 6000 }))],
    ['led-anew-alive', 'lease-lapsed', 'dead-yet-leading', 'refuted'],
  ],
  [
    'a leader cut off',
    [
      theLeader((host) => ({
        kind: 'cut',
        ways: [...waysOut(host), ...waysIn(host)],
        forMs: 6000,
      })),
    ],
    ['led-anew-alive', 'dead-each-other', 'unknown-committed'],
  ],
  [
    'daemons that are restarted',
    [0, 1, 2].map((host) =>
      strikes({ kind: 'engineRestart', host, forMs: 500, instances: 'survive' }, 15_000),
    ),
    ['daemon-restart-survived'],
  ],
  [
    'a disk that is lost',
    [strikes({ kind: 'disk', host: 1, forMs: 500, fault: 'lost' })],
    ['lost-disk-returned'],
  ],
];

const ALL = Object.keys(MARKS) as readonly Mark[];
const seen = ({ marks }: Coverage): readonly Mark[] =>
  ALL.filter((mark) => marks[mark] !== undefined);

/** What also happens where nothing goes wrong. */
const CALM = [
  'ballots-cross',
  'challenge-while-held',
  'overwrite-refused',
  'silent-until-confirmed',
  'leak-returned',
  'committed-after-lease',
  'older-life-assigned',
  'run-anew',
  'stale-refused',
  'job-complete',
  'waited-for-job',
  // A user deploys as strict what was not, or something else in its place.
  'strict-fenced',
  'strict-released',
  'rollout-batch',
  'rollout-paused',
  'rollout-taken-back',
  'stood-in',
  'nothing-stood-in',
  'rollout-overtaken',
  'rollout-inherited',
  // Or holds what is under way, lets it go on, or puts a former spec back.
  'rollout-held',
  'rollout-resumed',
  'rollout-tried-again',
  'rollout-undone',
  // Or what ends whenever it is started.
  'crash-loop',
  // Or asks for hosts that are not there.
  'constraint-left',
  'constraint-fits-nowhere',
  'host-filled',
  'per-host-full',
] as const satisfies readonly Mark[];

describe('rare states', () => {
  it('are not seen where nothing goes wrong', () => {
    const { marks, matrix } = run([]);
    expect(seen({ seeds: 1, marks, matrix }).filter((mark) => !isCalm(mark))).toEqual([]);
    expect(matrix).toEqual({});
  });

  it.each(CASES)('%s', (_what, timeline, marks) => {
    expect(seen(run(timeline))).toEqual(expect.arrayContaining([...marks]));
  });

  it('of engines that hang for twelve seconds', () => {
    const hangs = [
      strikes({ kind: 'engineHang', host: 1, forMs: 12_000 }, 4000),
      strikes({ kind: 'engineHang', host: 2, forMs: 12_000 }, 5500),
    ];
    const marks = seen(run(hangs, { workload: { ...WORK, strictPermille: 0 } }));
    const wanted = ['engine-silent', 'engine-heard-again', 'silent-engine-left'];
    expect(marks).toEqual(expect.arrayContaining(wanted));
  });

  it('of a machine with data that reboots for too long', () => {
    const reboot = strikes({ kind: 'reboot', host: 1, forMs: 15_000 }, 6000);
    const wanted = ['reboot-waited-for', 'reboot-overdue', 'left-came-back'];
    expect(seen(run([reboot], { seed: 4 }))).toEqual(expect.arrayContaining(wanted));
  });

  it('of components that follow each other from hosts that are drained', () => {
    const marks = [1, 2, 3].flatMap((seed) =>
      seen(
        run([], {
          seed,
          affinity: { pairPermille: 800 },
          recurring: { drains: { everyMs: 4000, lastMs: 8000 } },
          workload: { ...WORK, strictPermille: 0 },
        }),
      ),
    );
    const wanted = ['followed', 'fled', 'waited-for', 'fits-nowhere'].map(
      (how) => `neighbor-${how}`,
    );
    expect(marks).toEqual(expect.arrayContaining(wanted));
  });

  it('of a machine that is back, where components ask to be balanced', () => {
    const lost = strikes({ kind: 'lose', host: 1, forMs: 5000 }, 12_000);
    const marks = [1, 2, 3].flatMap((seed) =>
      seen(run([lost], { seed, balance: { askPermille: 1000 } })),
    );
    expect(marks).toContain('slot-balanced');
  });

  it('of what moves from a machine that is lost, where others follow it', () => {
    const lost = [0, 1].map((host) =>
      strikes({ kind: 'lose', host, forMs: 20_000 }, 10_000 + host * 25_000),
    );
    const workload = { ...WORK, everyMs: 8000, strictPermille: 0 };
    const marks = [1, 2, 10].flatMap((seed) =>
      seen(run(lost, { seed, follows: { permille: 1000 }, workload, stormMs: 60_000 })),
    );
    const wanted = ['told-of-another-host', 'moved-followed', 'moved-back'];
    expect(marks).toEqual(expect.arrayContaining(wanted));
  });

  it('of a change of roster, when one voter becomes three', () => {
    const growing = seen(run([], { voterCount: 1 }));
    expect(growing).toEqual(expect.arrayContaining(['raise-while-held', 'lease-carried']));
  });
});

const isCalm = (mark: Mark): boolean => CALM.some((calm) => calm === mark);

describe('faults and phases', () => {
  it('counts the phase in which the fault meets its host', () => {
    const { matrix } = run([theLeader((host) => ({ kind: 'crash', host, forMs: 10 }))]);
    expect(matrix).toEqual({ crash: { holding: 1 } });
  });

  it('counts both ends of each way once', () => {
    const { matrix } = run([
      strikes({
        kind: 'clog',
        ways: [
          [0, 1],
          [1, 0],
        ],
        forMs: 10,
      }),
      strikes({ kind: 'reset', a: 0, b: 2 }),
    ]);
    const sum = (fault: string): number =>
      Object.values(matrix[fault] ?? {}).reduce((a, b) => a + b, 0);
    expect([sum('clog'), sum('reset')]).toEqual([2, 2]);
  });

  it('knows hosts that are down, that stand still and that hear nobody', () => {
    const { matrix } = run([
      strikes({ kind: 'crash', host: 0, forMs: 3000 }),
      strikes({ kind: 'pause', host: 1, forMs: 3000 }),
      strikes({ kind: 'lag', host: 0, forMs: 10, lagMs: 5 }, STRUCK_MS + 100),
      strikes({ kind: 'lag', host: 1, forMs: 10, lagMs: 5 }, STRUCK_MS + 100),
      strikes({ kind: 'lag', host: 2, forMs: 10, lagMs: 5 }, STRUCK_MS + 2500),
    ]);
    expect(matrix['lag']).toMatchObject({ down: 1, paused: 1, isolated: 1 });
  });
});

describe('many seeds', () => {
  const one: Coverage = {
    seeds: 1,
    marks: { refuted: 1 },
    matrix: { crash: { idle: 2, holding: 1 }, cut: { idle: 1 } },
  };
  const two: Coverage = {
    seeds: 2,
    marks: { refuted: 1, adopted: 2 },
    matrix: { crash: { holding: 4 }, lose: { down: 1 } },
  };

  it('add up, whichever comes first', () => {
    const sum: Coverage = {
      seeds: 3,
      marks: { refuted: 2, adopted: 2 },
      matrix: { crash: { idle: 2, holding: 5 }, cut: { idle: 1 }, lose: { down: 1 } },
    };
    expect(mergeCoverage(one, two)).toEqual(sum);
    expect(mergeCoverage(two, one)).toEqual(sum);
    expect(mergeCoverage(NOTHING_COVERED, one)).toEqual(one);
  });

  it('can be handed from thread to thread', () => {
    const { coverage } = simulate(quiet(3, 3, 1000));
    expect(structuredClone(coverage)).toEqual(coverage);
  });
});
