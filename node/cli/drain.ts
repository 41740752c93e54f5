import { Command } from 'commander';
import type { ClusterView, SlotView } from '../../protocol/view/view.ts';
import { counted } from './counted.ts';
import { durationOption } from './duration-option.ts';
import { age } from './duration.ts';
import { inNames } from './event-lines.ts';
import { EXIT, Failure } from './failure.ts';
import { asTyped, typed } from './invocation.ts';
import type { Perform } from './perform.ts';
import { resolve } from './subject.ts';
import { type Cli, note, print, printJson } from './terminal.ts';
import { allComponents, hostName } from './verdict.ts';
import { sinceStart, statuses } from './watch.ts';

type DrainOptions = { readonly wait?: boolean; readonly timeout: number };

export function drainCommand(perform: Perform): Command {
  return new Command('drain')
    .description('give it nothing new, and move what it runs elsewhere: started there first')
    .argument('<host>', 'its name or id, or a prefix')
    .option('--wait', 'return once nothing runs there any more')
    .addOption(durationOption('--timeout <time>', 'how long to wait', '5m'))
    .action((word: string, options: DrainOptions, command: Command) =>
      perform(command, (cli) => drain(cli, word, options)),
    );
}

async function drain(cli: Cli, word: string, { wait, timeout }: DrainOptions): Promise<number> {
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const { id } = resolve(cluster, word, ['host']);
  cli.continues = `it was asked for and may still happen; see ${typed('host ls')}`;
  const body = await cli.client.hostAvailability(id, { to: 'draining' }, cli.signal);
  if (wait === true) return waitUntilEmpty(cli, id, timeout);
  if (cli.json) printJson(cli, body);
  else print(cli, body.done, `  next  ${asTyped(body.next)}`);
  return EXIT.ok;
}

async function waitUntilEmpty(cli: Cli, id: string, timeout: number): Promise<number> {
  const startedAt = Date.now();
  let left: readonly Left[] = [];
  let told = '';
  for await (const { data } of statuses(cli, { until: startedAt + timeout })) {
    const view = data.cluster;
    left = leftOn(view, id);
    const name = hostName(view, id);
    cli.continues = `it goes on; see ${typed(`why ${name}`)}`;
    if (left.length === 0) {
      const done = `${name} is empty after ${age(Date.now() - startedAt)}`;
      const next = typed(`host uncordon ${name}`);
      if (cli.json) printJson(cli, { done, next });
      else print(cli, done, `  next  ${next}      when it is to run components again`);
      return EXIT.ok;
    }
    const now = `${counted(left.length, 'slot')} left on ${name}: ${left.map((one) => one.id).join(' ')}`;
    if (now !== told) note(cli, sinceStart(startedAt, now));
    told = now;
  }
  throw new Failure({
    code: 'not-in-time',
    what: `${told === '' ? 'nothing is known of it' : told}, after ${age(timeout)}; it goes on`,
    why: left.map(({ id: slot, why }) => `${slot}: ${why}`).join('; ') || 'no view was had',
    next: `${typed(`why ${left[0]?.id ?? id}`)}      says what it waits for; the same command waits again`,
    exit: EXIT.unknown,
  });
}

type Left = { readonly id: string; readonly why: string };

/** What it has or runs, but for what has ended for good and stays where it is. */
export function leftOn(view: ClusterView, host: string): readonly Left[] {
  return allComponents(view).flatMap((component) =>
    component.slots
      .filter((slot) => isOn(slot, host))
      .map(({ slot, note: text }) => ({
        id: `${component.id}.${slot}`,
        why: inNames(view, text ?? component.note ?? 'it is being moved'),
      })),
  );
}

function isOn({ host, from, instance }: SlotView, id: string): boolean {
  if (from === id) return true;
  if (host !== id) return false;
  return instance?.state !== 'complete' && instance?.state !== 'failed';
}
