import { Command, InvalidArgumentError } from 'commander';
import type { ClusterView, SlotView } from '../../protocol/view/view.ts';
import { age, parseSince } from './duration.ts';
import { EXIT, Failure, usageFailure } from './failure.ts';
import { typed } from './invocation.ts';
import { createLinePrinter } from './log-lines.ts';
import { followHosts, type LogSubject, type LostLines, readHosts } from './log-hosts.ts';
import type { Perform } from './perform.ts';
import { instanceIds, resolve, type Subject } from './subject.ts';
import type { Cli } from './terminal.ts';
import { isUp } from './verdict.ts';

type LogOptions = {
  readonly follow?: boolean;
  readonly tail?: number;
  readonly since?: string;
  readonly previous?: boolean;
  readonly prefix: boolean;
};

export function logsCommand(perform: Perform): Command {
  return new Command('logs')
    .description('what instances have printed, of all hosts, as one stream in order of time')
    .argument('<subject>', 'a stack, component or instance')
    .option('-f, --follow', 'go on as more is printed, also by instances that start later')
    .option('--tail <lines>', 'only the last lines of each instance', count)
    .option('--since <time>', 'only what is newer: 10m, or 2026-11-21T00:40:33Z')
    .option('--previous', 'of the instance before the present one, of each slot')
    .option('--no-prefix', 'leave the name of the instance out')
    .action((word: string, options: LogOptions, command: Command) =>
      perform(command, (cli) => logs(cli, word, options)),
    );
}

async function logs(cli: Cli, word: string, options: LogOptions): Promise<number> {
  const { follow = false, previous = false, tail, since } = options;
  if (follow && previous)
    throw usageFailure(
      '--follow and --previous exclude each other',
      'what has ended prints nothing more',
      'leave one of them out',
    );
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const subject = resolve(cluster, word, ['stack', 'component', 'instance']);
  const known = subject.kind === 'stack' ? ofStack(subject) : instanceIds(subject);
  const lost = lostOf(cluster, slotsOf(subject));
  if (known.length === 0 && lost.length === 0 && !follow) throw nothingRuns(subject.id);
  const asked: LogSubject = {
    subject: subject.id,
    previous,
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since: parseSince(since, Date.now()) }),
  };
  const named = options.prefix && (known.length > 1 || (follow && subject.kind !== 'instance'));
  const printer = createLinePrinter(cli, { named, hosts: cluster.hosts });
  const read = follow ? followHosts : readHosts;
  return read(cli, asked, printer, lost);
}

const ofStack = ({ stack }: Extract<Subject, { kind: 'stack' }>): readonly string[] =>
  stack.components.flatMap((component) =>
    instanceIds({ kind: 'component', id: component.id, component }),
  );

type Seat = { readonly id: string; readonly slot: SlotView };

function slotsOf(subject: Exclude<Subject, { kind: 'host' }>): readonly Seat[] {
  if (subject.kind === 'instance') return [{ id: subject.id, slot: subject.slot }];
  const components = subject.kind === 'stack' ? subject.stack.components : [subject.component];
  return components.flatMap(({ id, slots }) =>
    slots.map((slot) => ({ id: `${id}.${slot.slot}`, slot })),
  );
}

/** Slots of hosts that are gone have no instance until they are placed elsewhere. */
function lostOf(view: ClusterView, seats: readonly Seat[]): readonly LostLines[] {
  const there = seats.filter(({ slot }) => slot.instance === undefined);
  return view.hosts.flatMap((host) => {
    const ids = there.filter(({ slot }) => slot.host === host.id).map(({ id }) => id);
    if (ids.length === 0 || isUp(view, host.id)) return [];
    const heard = host.heardMsAgo === undefined ? '' : `, last heard ${age(host.heardMsAgo)} ago`;
    const why = `${host.state}${heard}: what ${ids.join(' and ')} printed there cannot be read`;
    return [{ host: host.id, why }];
  });
}

/** A component or slot that has no instance now. */
export function nothingRuns(id: string): Failure {
  return new Failure({
    code: 'no-instance',
    what: `${id} has no instance`,
    why: 'nothing has been started for it yet, or its host is not known',
    next: typed(`why ${id}`),
    exit: EXIT.notFound,
  });
}

function count(text: string): number {
  const lines = Number(text);
  if (!Number.isInteger(lines) || lines < 0)
    throw new InvalidArgumentError('it is a whole number, 0 or more');
  return lines;
}
