/** `agentctl sim replay`: a recorded run again, told as a story or step by step. */
import { narrator } from '../../../sim/narrate.ts';
import { createJudge } from '../../../sim/scenario/expect.ts';
import { replay as play } from '../../../sim/scenario/play.ts';
import { tellStory } from '../../../sim/story/tell.ts';
import { type Cli, print, printJson } from '../terminal.ts';
import { exitOf } from './exit.ts';
import { loadTape } from './tape-source.ts';

export type ReplayOptions = { readonly scenario?: string; readonly verbose?: boolean };

export function replay(cli: Cli, file: string, options: ReplayOptions): Promise<number> {
  const { tape, expect } = loadTape(cli, file, options.scenario);
  const isTold = options.verbose === true && !cli.json;
  const how = isTold ? { narrate: narrator((line) => print(cli, line)) } : {};
  const { verdict, figures, hash } = play({ expect }, tape, how);
  const story = verdict.kind === 'passed' ? [] : tellStory(tape, createJudge(expect).look);
  if (cli.json) printJson(cli, { schema: 'millrace/sim-replay/1', verdict, figures, hash, story });
  else if (verdict.kind === 'passed')
    print(cli, `${file} passes: nothing breaks in ${figures.simulatedMs / 1000} s`);
  else print(cli, ...story);
  return Promise.resolve(exitOf(verdict));
}
