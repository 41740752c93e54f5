/** What the checkers of instances say of a host that starts what it may not, and of one that does not. */
import { expect, it } from 'vitest';
import {
  componentId,
  componentKey,
  type HostId,
  stackKey,
  term,
} from '../../../protocol/base/ids.ts';
import { NO_REPAIRS } from '../../../protocol/component/repair.ts';
import type { Effect } from '../../../protocol/effect.ts';
import type { Input, Observed } from '../../../protocol/input.ts';
import type { Committed } from '../../../protocol/record/record.ts';
import { checkStarted } from '../../../sim/checkers/panel.ts';
import { CONFIG } from '../../../sim/options.ts';
import { spec } from '../../protocol/reconcile/stage.ts';
import { coreOf, heard, hostOf, newStage, type Stage, take } from './stage.ts';

const WEB = componentId('shop', 'web');

const assignment = (n: number, host: string): Committed => ({
  key: componentKey(WEB),
  revision: { term: term(n), seq: 1 },
  value: {
    kind: 'component',
    component: WEB,
    life: 0,
    stackRevision: { term: term(1), seq: 1 },
    spec: spec({}),
    slots: [{ slot: 1, host: host as HostId }],
  },
});
/** h1 knows the assignment, and was told so by its leader or has read it somewhere. */
function assign(stage: Stage, record: Committed, told: boolean): void {
  const { committed } = coreOf(stage, 'h1');
  committed.byKey.set(record.key, record);
  committed.version += 1;
  take(stage, 'h1', told ? heard('h2', { kind: 'push', record }) : undefined);
}
const start = (attempt: number, n = 5): Effect => ({
  kind: 'startInstance',
  component: WEB,
  slot: 1,
  attempt,
  revision: 'r',
  term: term(n),
  spec: spec({}),
});
const shows = (state: Observed['state'], engineId = 'e1'): Observed => ({
  engineId,
  component: WEB,
  slot: 1,
  attempt: 1,
  revision: 'r',
  term: 5,
  state,
  health: 'none',
  ports: [],
});
const listed = (state: Observed['state']): Input => ({
  kind: 'instancesListed',
  instances: [shows(state)],
});
/** Started again and again, so many milliseconds apart. */
function startAgain(stage: Stage, ...gapsMs: readonly number[]): void {
  assign(stage, assignment(5, 'h1'), true);
  take(stage, 'h1', undefined, start(1));
  for (const [i, gapMs] of gapsMs.entries()) {
    stage.nowMs += gapMs;
    take(stage, 'h1', undefined, start(i + 2));
  }
}
const seat = (stage: Stage): void => {
  const name = `instance/${WEB}/1`;
  coreOf(stage, 'h1').slots.seats.set(name, {
    ...emptySeat(name),
    history: {
      failures: Array.from({ length: 9 }, () => 1 as never),
      streak: 1,
      retries: 0,
      crashLoop: false,
    },
  });
};
const emptySeat = (name: string) => ({
  name,
  rival: undefined,
  lease: undefined,
  waits: undefined,
  component: WEB,
  slot: 1,
  desired: undefined,
  revision: 'r',
  repairs: NO_REPAIRS,
  stuckSince: undefined,
  movedSince: undefined,
  next: { kind: 'now' } as const,
  starting: undefined,
  outcome: undefined,
  restartAsked: false,
  hasRun: false,
  attempt: 0,
  instances: new Map(),
  dirty: false,
  round: 0,
});

const WRONG: readonly (readonly [string, (stage: Stage) => void])[] = [
  ['a host starts what nobody gave it', (stage) => take(stage, 'h1', undefined, start(1))],
  [
    'a host starts what was given to another since',
    (stage) => {
      assign(stage, assignment(5, 'h1'), true);
      assign(stage, assignment(6, 'h2'), true);
      take(stage, 'h1', undefined, start(1));
    },
  ],
  [
    'a host starts what no leader told it',
    (stage) => {
      assign(stage, assignment(5, 'h1'), false);
      take(stage, 'h1', undefined, start(1));
    },
  ],
  [
    'a host starts on an older word',
    (stage) => {
      assign(stage, assignment(5, 'h1'), true);
      assign(stage, assignment(6, 'h1'), false);
      take(stage, 'h1', undefined, start(1, 6));
    },
  ],
  [
    'a host without a quorum does not wait',
    (stage) => {
      assign(stage, assignment(5, 'h1'), false);
      take(stage, 'h1', listed('exited'));
      stage.nowMs += CONFIG.isolatedStartMs - 1;
      take(stage, 'h1', undefined, start(1));
    },
  ],
  [
    'a host without a quorum starts what was never there',
    (stage) => {
      assign(stage, assignment(5, 'h1'), false);
      stage.nowMs += CONFIG.isolatedStartMs;
      take(stage, 'h1', undefined, start(1));
    },
  ],
  [
    'a stack that is gone is started',
    (stage) => {
      const tombstone: Committed = {
        key: stackKey('shop'),
        revision: { term: term(9), seq: 1 },
        value: { kind: 'stack', life: 1, since: { term: term(1), seq: 1 } },
      };
      assign(stage, tombstone, true);
      assign(stage, assignment(5, 'h1'), true);
      take(stage, 'h1', undefined, start(1));
    },
  ],
  ['restarts come too fast', (stage) => startAgain(stage, 0, 100)],
  ['a backoff does not grow', (stage) => startAgain(stage, 0, 1000, 1000)],
  [
    'an attempt is counted twice',
    (stage) => {
      startAgain(stage);
      stage.nowMs += CONFIG.restartResetMs;
      take(stage, 'h1', undefined, start(1));
    },
  ],
  [
    'a crash loop is not called one',
    (stage) => {
      seat(stage);
      startAgain(stage);
    },
  ],
  [
    'two of one slot run',
    (stage) => {
      const host = hostOf(stage, 'h1');
      for (const engineId of ['e1', 'e2']) {
        const observed = shows('running', engineId);
        host.engine.instances.set(engineId, { observed } as never);
        checkStarted(stage.panel, host, observed);
      }
    },
  ],
];

it.each(WRONG)('S13: %s', (_what, happen) => {
  const stage = newStage();
  happen(stage);
  expect(stage.seen.map((text) => text.split(' ')[0])).toContain('S13');
});

const RIGHT: readonly (readonly [string, (stage: Stage) => void])[] = [
  [
    "a slot is started on its leader's word, and again with growing pauses",
    (stage) => startAgain(stage, 0, 800, CONFIG.restartMaxMs, CONFIG.restartMaxMs),
  ],
  [
    'a slot that has run is started again on any word',
    (stage) => {
      assign(stage, assignment(5, 'h1'), false);
      take(stage, 'h1', listed('running'));
      take(stage, 'h1', undefined, start(2));
    },
  ],
  [
    'a host without a quorum starts in time what was there',
    (stage) => {
      assign(stage, assignment(5, 'h1'), false);
      take(stage, 'h1', listed('exited'));
      stage.nowMs += CONFIG.isolatedStartMs;
      take(stage, 'h1', undefined, start(2));
    },
  ],
];

it.each(RIGHT)('nothing, when %s', (_what, happen) => {
  const stage = newStage();
  happen(stage);
  expect(stage.seen).toEqual([]);
});
