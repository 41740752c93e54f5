/** `agentctl sim shrink`: the same failure with as little around it as possible. */
import { writeFileSync } from 'node:fs';
import { createJudge } from '../../../sim/scenario/expect.ts';
import type { Progress, Shrunk } from '../../../sim/shrink/shrink.ts';
import { tellStory } from '../../../sim/story/tell.ts';
import { printTape } from '../../../sim/tape-file.ts';
import { counted } from '../counted.ts';
import { EXIT, Failure } from '../failure.ts';
import { typed } from '../invocation.ts';
import { type Cli, note, print, printJson } from '../terminal.ts';
import { aside } from './aside.ts';
import { createProgress } from './progress.ts';
import { loadTape } from './tape-source.ts';

export type ShrinkVerbOptions = {
  readonly scenario?: string;
  readonly output?: string;
  /** Milliseconds. */
  readonly time: number;
};

export async function shrink(cli: Cli, file: string, options: ShrinkVerbOptions): Promise<number> {
  const { tape, expect } = loadTape(cli, file, options.scenario);
  const { signal } = cli;
  const progress = createProgress(cli);
  const asked = { tape, expect, time: options.time };
  const onProgress = (told: Progress): void => progress.show(() => size(told));
  const shrunk = await aside('shrink', asked, { signal, onProgress });
  progress.end();
  if (shrunk === undefined) throw passes(file);
  const output = options.output ?? file.replace(/(\.tape)?\.json$|$/, '.shrunk.tape.json');
  writeFileSync(output, printTape(shrunk.tape));
  const by = options.scenario === undefined ? '' : ` --scenario ${options.scenario}`;
  const again = typed(`sim replay ${output}${by}`);
  const story = tellStory(shrunk.tape, createJudge(expect).look);
  report(cli, shrunk, { output, again, story });
  return EXIT.ok;
}

const size = ({ runs, hosts, deeds, draws, simulatedMs }: Progress): string =>
  `${counted(hosts, 'host')}, ${counted(deeds, 'deed')}, ${counted(draws, 'draw')}, ${(simulatedMs / 1000).toFixed(1)} s after ${counted(runs, 'run')}`;

type Made = {
  readonly output: string;
  /** What to type to see it again. */
  readonly again: string;
  readonly story: readonly string[];
};

function report(cli: Cli, shrunk: Shrunk, { output, again, story }: Made): void {
  const { before, after, runs, isFinished, outcome } = shrunk;
  if (cli.json) {
    const { verdict } = outcome;
    const body = { verdict, runs, finished: isFinished, before, after, tape: output, story };
    return printJson(cli, { schema: 'millrace/sim-shrink/1', ...body });
  }
  note(cli, `was  ${size(before)}`, `is   ${size(after)}`);
  if (!isFinished) note(cli, 'time is up: give it more with --time, it may get smaller');
  print(cli, ...story);
  note(cli, '', `again with ${again}`);
}

const passes = (file: string): Failure =>
  new Failure({
    code: 'tape-passes',
    what: `${file} breaks no rule, so there is nothing to make smaller`,
    why: 'the code has changed since it was recorded, or it broke an expectation of a scenario',
    next: `name the scenario with --scenario, or see it with ${typed(`sim replay ${file}`)}`,
    exit: EXIT.usage,
  });
