/** `agentctl sim explore`: every order of events of small configurations, to the end. */
import {
  type Bound,
  type Exploration,
  EXPLORED,
  type Explored,
} from '../../../sim/explore/explore.ts';
import type { Cli } from '../terminal.ts';
import { print, printJson } from '../terminal.ts';
import { aside } from './aside.ts';
import type { Walked } from './aside-worker.ts';
import { SIM_EXIT } from './exit.ts';
import { createProgress } from './progress.ts';

export type ExploreOptions = { readonly bound: Bound };

export async function explore(
  cli: Cli,
  which: readonly Explored[],
  { bound }: ExploreOptions,
): Promise<number> {
  const progress = createProgress(cli);
  const { signal } = cli;
  const onProgress = ({ name, states, deepest }: Walked): void =>
    progress.show(() => `${name}: ${states} states, ${deepest} moves deep`);
  const walks: (Exploration & { readonly of: Explored })[] = [];
  for (const of of which.length > 0 ? which : EXPLORED) {
    const startedAt = performance.now();
    const found = await aside('explore', { of, bound }, { signal, onProgress });
    progress.end();
    walks.push(...found.map((walk) => ({ of, ...walk })));
    if (!cli.json) tell(cli, of, found, performance.now() - startedAt);
  }
  if (cli.json) printJson(cli, { schema: 'millrace/sim-explore/1', bound, walks });
  if (walks.some(({ violation }) => violation !== undefined)) return SIM_EXIT.unsafe;
  // What was not looked at may break anything.
  return walks.every(({ complete }) => complete) ? SIM_EXIT.passed : SIM_EXIT.broken;
}

function tell(cli: Cli, of: Explored, walks: readonly Exploration[], wallMs: number): void {
  print(cli, `${of}, ${(wallMs / 1000).toFixed(1)} s`);
  for (const { name, states, transitions, deepest, complete, violation } of walks) {
    const end = complete ? 'all of them' : 'not all of them';
    print(cli, `  ${name}: ${states} states by ${transitions} moves, ${deepest} deep, ${end}`);
    if (violation === undefined) continue;
    const { rule, text, schedule } = violation;
    print(cli, `    ${rule}: ${text}`, ...schedule.map((line, at) => `    ${at + 1}. ${line}`));
  }
}
