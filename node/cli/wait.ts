import { Command, Option } from 'commander';
import type { ClusterView } from '../../protocol/view/view.ts';
import { durationOption } from './duration-option.ts';
import { age } from './duration.ts';
import { EXIT, Failure } from './failure.ts';
import { typed } from './invocation.ts';
import type { Perform } from './perform.ts';
import { type Cli, note, print, printJson } from './terminal.ts';
import { allComponents, isConverged, isHealthy } from './verdict.ts';
import { changes, facts, sinceStart, statuses } from './watch.ts';

type Condition = 'healthy' | 'converged';
type WaitOptions = { readonly for: Condition; readonly timeout: number };

const HOLDS = {
  healthy: (view) => allComponents(view).every((component) => isHealthy(view, component)),
  converged: isConverged,
} as const satisfies Record<Condition, (view: ClusterView) => boolean>;

export function waitCommand(perform: Perform): Command {
  return new Command('wait')
    .description('return once the cluster is so; exit 3 if it is not in time')
    .addOption(
      new Option(
        '--for <condition>',
        'healthy: enough serves; converged: exactly as wanted, and all agree',
      )
        .choices(['healthy', 'converged'])
        .makeOptionMandatory(),
    )
    .addOption(durationOption('--timeout <time>', 'how long', '2m'))
    .action((options: WaitOptions, command: Command) =>
      perform(command, (cli) => waitFor(cli, options)),
    );
}

async function waitFor(cli: Cli, options: WaitOptions): Promise<number> {
  const startedAt = Date.now();
  let before: ReadonlyMap<string, string> | undefined;
  for await (const body of statuses(cli, { until: startedAt + options.timeout })) {
    const { cluster } = body.data;
    if (HOLDS[options.for](cluster)) {
      if (cli.json) printJson(cli, body);
      else print(cli, `${options.for} after ${age(Date.now() - startedAt)}`);
      return EXIT.ok;
    }
    const known = facts(cluster);
    if (before !== undefined)
      note(cli, ...changes(before, known).map((line) => sinceStart(startedAt, line)));
    before = known;
  }
  throw new Failure({
    code: 'not-in-time',
    what: `the cluster is not ${options.for} after ${age(options.timeout)}`,
    why:
      [...(before?.values() ?? [])].filter((line) => !line.includes('wanted')).join('; ') ||
      'no view was had',
    next: typed('status'),
    exit: EXIT.unhealthy,
  });
}
