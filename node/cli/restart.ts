/**
 * Instances replaced one after the other, each running before the next is touched; after those of a
 * component, or one of them, the instances of whoever depends on it with `restart: true`.
 */
import { Command } from 'commander';
import type { ClusterView, InstanceView, SlotView } from '../../protocol/view/view.ts';
import { deployed } from './deployed.ts';
import { durationOption } from './duration-option.ts';
import { age } from './duration.ts';
import { inNames } from './event-lines.ts';
import { EXIT, Failure } from './failure.ts';
import { followersOf } from './followers.ts';
import { typed } from './invocation.ts';
import { nothingRuns } from './logs.ts';
import type { Perform } from './perform.ts';
import { instanceIds, resolve } from './subject.ts';
import { type Cli, note, print, printJson } from './terminal.ts';
import { allComponents, hostName, serves, slotTrouble } from './verdict.ts';
import { changes, facts, sinceStart, statuses } from './watch.ts';

export function restartCommand(perform: Perform): Command {
  return new Command('restart')
    .description('replace an instance, or each instance of a component, by a new one')
    .argument('<subject>', 'an instance or a component')
    .addOption(durationOption('--timeout <time>', 'how long to wait for each to run again', '2m'))
    .action((word: string, options: { readonly timeout: number }, command: Command) =>
      perform(command, (cli) => restart(cli, word, options.timeout)),
    );
}

async function restart(cli: Cli, word: string, timeoutMs: number): Promise<number> {
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const subject = resolve(cluster, word, ['instance', 'component']);
  const ids = instanceIds(subject);
  if (ids.length === 0) throw nothingRuns(subject.id);
  const { id: component } = subject.component;
  const cut = component.indexOf('.');
  const stack = component.slice(0, cut);
  const { spec } = await deployed(cli, stack);
  for (const id of ids) await replace(cli, { id, timeoutMs });
  for (const { name, on } of followersOf(spec, component.slice(cut + 1)))
    await follow(cli, `${stack}.${name}`, `${stack}.${on}`, timeoutMs);
  return EXIT.ok;
}

/** Every instance of a component, as one that it depends on was restarted. */
async function follow(cli: Cli, id: string, on: string, timeoutMs: number): Promise<void> {
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const component = allComponents(cluster).find((one) => one.id === id);
  // It is in the stack no more.
  if (component === undefined) return;
  if (!cli.json) note(cli, `${id} depends on ${on} with restart: true, and is restarted too`);
  const over = component.slots.filter(({ ended }) => ended !== undefined);
  if (over.length > 0 && !cli.json) note(cli, `${id} is a job: what of it is over stays so`);
  const slots = component.slots.filter(({ ended }) => ended === undefined);
  for (const each of instanceIds({ kind: 'component', id, component: { ...component, slots } }))
    await replace(cli, { id: each, timeoutMs, follows: on });
}

type Replacement = {
  readonly id: string;
  readonly timeoutMs: number;
  /** The component that was restarted before, and is the reason for this. */
  readonly follows?: string;
};

/** Resolves when a new instance of the slot serves; a `Failure` with exit 3 if it does not in time. */
async function replace(cli: Cli, { id, timeoutMs, follows }: Replacement): Promise<void> {
  const was = slotIn((await cli.client.status(cli.signal)).data.cluster, id)?.instance;
  if (was === undefined) throw nothingRuns(id);
  cli.continues = `${id} was asked for and may still happen; the ones after it were not`;
  const body = await cli.client.restart(id, cli.signal);
  const startedAt = Date.now();
  let told: ReadonlyMap<string, string> = new Map();
  let trouble: string | undefined;
  for await (const { data } of statuses(cli, { until: startedAt + timeoutMs })) {
    const view = data.cluster;
    const slot = slotIn(view, id);
    if (slot === undefined) throw nothingRuns(id);
    const now = new Map([...facts(view)].filter(([of]) => of === id));
    if (!cli.json) note(cli, ...changes(told, now).map((line) => sinceStart(startedAt, line)));
    told = now;
    if (serves(view, slot) && isNext(slot.instance, was)) {
      const host = hostName(view, slot.instance.host);
      const because = follows === undefined ? {} : { follows };
      if (cli.json) printJson(cli, { ...body, instance: id, host_name: host, ...because });
      else
        print(cli, `${id} on ${host} was restarted, and runs after ${age(Date.now() - startedAt)}`);
      return;
    }
    trouble = inNames(view, slotTrouble(view, slot) ?? 'it has not been stopped yet');
  }
  throw new Failure({
    code: 'not-back',
    what: `${id} does not run again after ${age(timeoutMs)}; the ones after it were not restarted`,
    why: trouble ?? 'no view was had',
    next: typed(`why ${id}`),
    exit: EXIT.unhealthy,
  });
}

const slotIn = (view: ClusterView, id: string): SlotView | undefined =>
  allComponents(view)
    .flatMap((component) =>
      component.slots.map((slot) => [`${component.id}.${slot.slot}`, slot] as const),
    )
    .find(([of]) => of === id)?.[1];

/** What was being started when it was asked for is new already; another host counts from the beginning. */
function isNext(now: InstanceView | undefined, was: InstanceView): now is InstanceView {
  if (now === undefined) return false;
  if (now.host !== was.host || now.attempt > was.attempt) return true;
  return was.state === 'preparing' || was.state === 'starting';
}
