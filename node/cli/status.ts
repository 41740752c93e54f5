import { Command } from 'commander';
import type { StatusBody } from '../http/api.ts';
import type { ClusterView } from '../../protocol/view/view.ts';
import { orDestroyed } from './destroyed.ts';
import { EXIT } from './failure.ts';
import type { Perform } from './perform.ts';
import { createRedraw } from './redraw.ts';
import { statusScreen } from './status-screen.ts';
import { resolve, type Subject } from './subject.ts';
import { subjectScreen } from './subject-screen.ts';
import { type Cli, print, printJson, type ScreenStyle, widthOf } from './terminal.ts';
import { allComponents, isHealthy, serves } from './verdict.ts';
import { changes, facts, statuses } from './watch.ts';
import { clock } from './duration.ts';

type StatusOptions = { readonly watch?: boolean; readonly exitCode?: boolean };

const WATCH_MS = 1000;

export function statusCommand(perform: Perform): Command {
  return new Command('status')
    .description('what is wanted, what runs, whose view this is and how old it is')
    .argument('[subject]', 'a stack, component, instance or host, or a prefix that names only one')
    .option('-w, --watch', 'follow: redrawn in place, or one line per change off a terminal')
    .option('--exit-code', 'exit 3 unless all of it is as wanted and healthy')
    .action((word: string | undefined, options: StatusOptions, command: Command) =>
      perform(command, (cli) =>
        options.watch === true ? watch(cli, word) : show(cli, word, options),
      ),
    );
}

async function show(cli: Cli, word: string | undefined, options: StatusOptions): Promise<number> {
  const body = await cli.client.status(cli.signal);
  const subject = await orDestroyed(cli, word ?? '', () => subjectOf(body, word));
  if (cli.json) printJson(cli, body);
  else print(cli, ...screen(body, subject, { width: widthOf(cli.stdout), paint: cli.paint }));
  const healthy = options.exitCode !== true || isWell(body.data.cluster, subject);
  return healthy ? EXIT.ok : EXIT.unhealthy;
}

/** Never ends by itself: Ctrl-C, or the agent stays away. */
async function watch(cli: Cli, word: string | undefined): Promise<number> {
  const redraw = cli.stdout.isTTY && !cli.json ? createRedraw(cli.stdout) : undefined;
  let before: ReadonlyMap<string, string> | undefined;
  for await (const body of statuses(cli, { until: Infinity, intervalMs: WATCH_MS })) {
    const subject = subjectOf(body, word);
    const known = about(facts(body.data.cluster), subject);
    const news = changes(before ?? new Map(), known);
    if (redraw !== undefined) {
      redraw.show(screen(body, subject, { width: widthOf(cli.stdout), paint: cli.paint }));
    } else if (cli.json) {
      if (before === undefined || news.length > 0) printJson(cli, body);
    } else {
      print(cli, ...news.map((line) => `${clock(body.generated_at)}  ${line}`));
    }
    before = known;
  }
  return EXIT.ok;
}

function subjectOf(body: StatusBody, word: string | undefined): Subject | undefined {
  if (word === undefined) return undefined;
  return resolve(body.data.cluster, word, ['stack', 'component', 'instance', 'host']);
}

function screen(
  body: StatusBody,
  subject: Subject | undefined,
  style: ScreenStyle,
): readonly string[] {
  return subject === undefined ? statusScreen(body, style) : subjectScreen(body, subject, style);
}

function isWell(view: ClusterView, subject: Subject | undefined): boolean {
  switch (subject?.kind) {
    case undefined:
      return view.quorum && allComponents(view).every((component) => isHealthy(view, component));
    case 'stack':
      return subject.stack.components.every((component) => isHealthy(view, component));
    case 'component':
      return isHealthy(view, subject.component);
    case 'instance':
      return serves(view, subject.slot);
    case 'host':
      return subject.host.state === 'alive';
  }
}

/** Facts about the subject and what belongs to it. */
function about(
  known: ReadonlyMap<string, string>,
  subject: Subject | undefined,
): ReadonlyMap<string, string> {
  if (subject === undefined) return known;
  const { id } = subject;
  return new Map([...known].filter(([key]) => key === id || key.startsWith(`${id}.`)));
}
