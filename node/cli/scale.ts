import { Command, InvalidArgumentError } from 'commander';
import { SLOTS_MAX } from '../../protocol/limits.ts';
import type { ClusterView, ComponentView } from '../../protocol/view/view.ts';
import { type Following, follow, submit } from './deploy.ts';
import { deployed } from './deployed.ts';
import { durationOption } from './duration-option.ts';
import { usageFailure } from './failure.ts';
import { typed } from './invocation.ts';
import type { Perform } from './perform.ts';
import { resolve } from './subject.ts';
import type { Cli } from './terminal.ts';

/** `word`: a component as it was typed. */
type Wish = { readonly word: string; readonly count: number };
type ScaleOptions = Following & { readonly deployId?: string };

export function scaleCommand(perform: Perform): Command {
  return new Command('scale')
    .description('how many instances a component has, until its Compose file is deployed again')
    .argument('<component=count...>', 'e.g. web=3; several of one stack at once', wishOf)
    .option('--no-wait', 'return once the cluster has accepted it')
    .addOption(durationOption('--timeout <time>', 'how long to wait until all is healthy', '2m'))
    .option('--deploy-id <id>', 'ask again after an unknown outcome: it happens once')
    .action((wishes: readonly Wish[], options: ScaleOptions, command: Command) =>
      perform(command, (cli) => scale(cli, wishes, options)),
    );
}

function wishOf(written: string, before: readonly Wish[] | undefined): readonly Wish[] {
  const [, word, digits] = /^([^=]+)=(\d{1,9})$/.exec(written) ?? [];
  const count = Number(digits);
  if (word === undefined) throw new InvalidArgumentError('Give it as COMPONENT=COUNT.');
  if (count > SLOTS_MAX) throw new InvalidArgumentError(`At most ${SLOTS_MAX} are possible.`);
  return [...(before ?? []), { word, count }];
}

async function scale(cli: Cli, wishes: readonly Wish[], options: ScaleOptions): Promise<number> {
  const { cluster } = (await cli.client.status(cli.signal)).data;
  const counts = new Map(
    wishes.map(({ word, count }) => [replicated(cluster, word).id as string, count]),
  );
  const stack = onlyStack([...counts.keys()]);
  const { spec, revision } = await deployed(cli, stack);
  const components = spec.components.map((component) => {
    const replicas = counts.get(`${stack}.${component.name}`);
    return replicas === undefined ? component : { ...component, replicas };
  });
  const words = wishes.map(({ word, count }) => ` ${word}=${count}`).join('');
  // Of what somebody else deploys meanwhile nothing is undone.
  const asked = { ...options, expect: revision };
  const wanted = { ...spec, components };
  const body = await submit(cli, wanted, asked, (id) => typed(`scale${words} --deploy-id ${id}`));
  return follow(cli, wanted, body, options);
}

function replicated(view: ClusterView, word: string): ComponentView {
  const { component } = resolve(view, word, ['component']);
  if (typeof component.wanted === 'number') return component;
  const many = component.wanted === 'all' ? 'one instance' : 'as many instances as find room';
  const why = `it has ${many} on every host`;
  throw usageFailure(`${component.id} cannot be scaled`, why, typed(`status ${component.id}`));
}

function onlyStack(components: readonly string[]): string {
  const [stack = '', other] = new Set(components.map((id) => id.slice(0, id.indexOf('.'))));
  if (other === undefined) return stack;
  const why = `${stack} and ${other} are deployed apart`;
  throw usageFailure('these are components of two stacks', why, 'scale one stack at a time');
}
