/** What the simulated engine runs for the suite: a word for the program, and its arguments. */
import { millis } from '../../../protocol/base/time.ts';
import type { ComponentSpec } from '../../../protocol/component/spec.ts';
import type { Program } from '../../../sim/engine/engine.ts';
import type { Workloads } from './ground.ts';

export const simulatedWorkloads: Omit<Workloads, 'others'> = {
  sleepForEver: () => runs('sleep'),
  exitWith: (code) => runs('exit', String(code)),
  ignoreSigterm: () => runs('ignore'),
  printLines: (lines) => runs('print', ...lines),
  printBoth: (...lines) => runs('print', ...lines),
  countForEver: () => runs('count'),
  healthyWhile: (file) => ({
    ...runs('sleep'),
    healthcheck: {
      test: { kind: 'exec', words: ['test', '-e', file] },
      intervalMs: millis(100),
      timeoutMs: millis(5_000),
      retries: 2,
      startPeriodMs: millis(60_000),
    },
  }),
  keepInVolume: () => ({
    ...runs('append'),
    volumes: [{ kind: 'named', source: 'kept', target: '/data', readOnly: false }],
  }),
  badCommand: () => runs('no-such-program'),
};

function runs(...command: readonly string[]): ComponentSpec {
  return {
    name: 'work',
    mode: 'replicated',
    replicas: 1,
    process: { command },
    environment: {},
    ports: [],
    volumes: [],
    restart: { kind: 'no' },
    dependsOn: [],
    stopGraceMs: millis(1_000),
  };
}

export const wordsOf = (spec: ComponentSpec): readonly string[] => spec.process?.command ?? [];

/** The file whose presence is its health. */
export function watchedFile({ healthcheck }: ComponentSpec): string | undefined {
  return healthcheck?.test.kind === 'exec' ? healthcheck.test.words.at(-1) : undefined;
}

/** What the engine has to know of it; `undefined`: there is no such program. */
export function programOf(spec: ComponentSpec, isWell: boolean): Program | undefined {
  const [word = '', argument] = wordsOf(spec);
  switch (word) {
    case 'sleep':
    case 'print':
    case 'count':
    case 'append':
      return { farewellMs: 5, isWell };
    case 'ignore':
      return { farewellMs: undefined, isWell };
    case 'exit': {
      const fate = { kind: 'ends', afterMs: 10, exitCode: Number(argument) } as const;
      return { farewellMs: 5, isWell, fate };
    }
    default:
      return undefined;
  }
}
