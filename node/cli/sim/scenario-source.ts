/** From the file named on the command line, be it a Compose file or a scenario, to what is run. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import type { StackSpec } from '../../../protocol/component/spec.ts';
import type { Options } from '../../../sim/options.ts';
import type { Expectation } from '../../../sim/scenario/expect.ts';
import type { Scenario } from '../../../sim/scenario/scenario.ts';
import { loadCompose } from '../../compose/load.ts';
import type { Problem } from '../../compose/problems.ts';
import { readDocument } from '../../compose/read/document.ts';
import { loadStack } from '../compose-file.ts';
import { typed } from '../invocation.ts';
import type { Cli } from '../terminal.ts';
import { readPlan } from './plan-option.ts';
import { problemsIn, readText } from './plan-text.ts';
import { type Given, readScenario, type ScenarioRead } from './scenario-file.ts';

export type SourceOptions = {
  readonly hosts?: number;
  /** Words, or a file with a timeline. */
  readonly faults?: string;
  /** Milliseconds. */
  readonly for?: number;
};
export type Source = {
  /** Where it and its expectations are written. */
  readonly file: string;
  readonly scenario: Scenario;
  readonly seed: number;
  readonly runs: number;
};

const HINT = `name a Compose file or a scenario: ${typed('sim run FILE')}`;

/** What a user's own stack is asked for, if nothing else is said. */
const HOSTS = 3;
const RUNS = 20;

export function loadSource(cli: Cli, file: string, options: SourceOptions): Source {
  const text = readText(file, HINT);
  if (!isCompose(text, file)) return fromScenario(cli, file, text, options);
  const dir = dirname(resolve(file));
  const { stack } = loadStack(cli, { text, path: file, dir, strict: false });
  const { hosts = HOSTS, faults = 'swarm' } = options;
  const isFile = /[./]/.test(faults) && existsSync(faults);
  const overlay = isFile ? readText(faults, HINT) : `name: ${JSON.stringify(file)}`;
  const read = readScenario(overlay, {
    path: isFile ? faults : file,
    given: {
      hosts,
      stacks: [runnable(stack)],
      ...forOf(options),
      ...(isFile ? {} : { faults: readPlan(faults, '--faults') }),
    },
    load: loaderFor(isFile ? faults : file),
  });
  return sourceOf(cli, isFile ? faults : file, read, RUNS);
}

function fromScenario(cli: Cli, file: string, text: string, options: SourceOptions): Source {
  const { hosts, faults } = options;
  const given: Given = {
    ...(hosts === undefined ? {} : { hosts }),
    ...forOf(options),
    ...(faults === undefined ? {} : { faults: readPlan(faults, '--faults') }),
  };
  const read = readScenario(text, { path: file, given, load: loaderFor(file) });
  return sourceOf(cli, file, read, 1);
}

/** What a file expects of a run that has these options. */
export function loadExpectations(
  cli: Cli,
  file: string,
  { hostCount, stormMs, workload }: Options,
): readonly Expectation[] {
  const given: Given = {
    hosts: hostCount,
    forMs: stormMs,
    // Those of the run are on its tape.
    faults: 'none',
    ...(workload.kind === 'given' ? { stacks: workload.stacks } : {}),
  };
  const read = readScenario(readText(file, HINT), { path: file, given, load: loaderFor(file) });
  return sourceOf(cli, file, read, 1).scenario.expect;
}

const forOf = ({ for: forMs }: SourceOptions): Given => (forMs === undefined ? {} : { forMs });

function sourceOf(cli: Cli, file: string, read: ScenarioRead, runs: number): Source {
  if (read.ok) {
    const { scenario, seed = 1 } = read;
    return { file, scenario, seed, runs: read.runs ?? runs };
  }
  throw problemsIn(cli, file, read.problems, { code: 'bad-scenario', guide: 'docs/simulator.md' });
}

/** Only those have services. */
function isCompose(text: string, file: string): boolean {
  const document = readDocument(text, file);
  const value: unknown = document.ok ? document.plain : undefined;
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'services');
}

/** Simulated engines run processes; which program it is makes no difference to them. */
const runnable = (stack: StackSpec): StackSpec => ({
  ...stack,
  components: stack.components.map((spec) => ({
    ...spec,
    process: spec.process ?? { command: spec.command ?? [spec.name] },
  })),
});

/** Files named in a file are looked for beside it. */
function loaderFor(file: string): (name: string) => StackSpec | readonly Problem[] {
  return (name) => {
    const path = join(dirname(file), name);
    try {
      const loaded = loadCompose(readFileSync(path, 'utf8'), {
        path,
        dir: dirname(resolve(path)),
        env: process.env,
      });
      return loaded.ok ? runnable(loaded.stack) : loaded.problems;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      return [{ file: path, line: 1, column: 1, path: '', message: 'it cannot be read', why }];
    }
  };
}
