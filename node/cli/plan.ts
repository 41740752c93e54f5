import { Command } from 'commander';
import type { StackSpec } from '../../protocol/component/spec.ts';
import type { ComponentView, RolloutView, StackView } from '../../protocol/view/view.ts';
import { type Wanted, wantedOf } from '../../protocol/view/wanted.ts';
import { type ComposeOptions, composeOptions, readStack, typedOptions } from './compose-options.ts';
import type { PlanBody } from '../http/api.ts';
import { counted } from './counted.ts';
import { EXIT, Failure } from './failure.ts';
import { typed } from './invocation.ts';
import type { Perform } from './perform.ts';
import { type Cli, print, printJson } from './terminal.ts';

/** Of slots in one error. */
const NAMED_MAX = 5;

export function planCommand(perform: Perform): Command {
  return composeOptions(new Command('plan'))
    .description('what a deploy of a Compose file would change; nothing is changed')
    .action((options: ComposeOptions, command: Command) =>
      perform(command, (cli) => plan(cli, options)),
    );
}

async function plan(cli: Cli, options: ComposeOptions): Promise<number> {
  const { stack, secrets, warnings } = await readStack(cli, options);
  const { generated_at, view, data } = await cli.client.status(cli.signal);
  const old = data.cluster.stacks.find(({ name }) => name === stack.name);
  const { components: placed } = await cli.client.plan({ stack, secrets }, cli.signal);
  const changes = planOf(stack, old, new Map(placed.map((one) => [one.id, one])));
  const revision = old === undefined ? {} : { revision: old.revision };
  if (cli.json) {
    const components = changes.map((one) => {
      const decisions = placed.find(({ id }) => id === one.id)?.decisions ?? [];
      return { ...one, decisions };
    });
    const planned = { stack: stack.name, ...revision, components, warnings };
    printJson(cli, { schema: 'millrace/plan/1', generated_at, view, data: planned });
    requirePlaces(placed, options);
    return EXIT.ok;
  }
  print(cli, ...planLines(stack.name, old?.revision, changes, placed));
  if (warnings.length > 0) {
    print(cli, '', `not done as written, ${counted(warnings.length, 'warning')}:`);
    print(cli, ...warnings.map((warning) => `  ${warning}`));
  }
  requirePlaces(placed, options);
  print(cli, '', `do it: ${doIt(options)}`);
  return EXIT.ok;
}

const doIt = (options: ComposeOptions): string => typed(`deploy${typedOptions(options)}`);

/** For those who deploy only what fits: the plan itself is told before. */
function requirePlaces(placed: PlanBody['components'], options: ComposeOptions): void {
  const homeless = placed
    .flatMap(({ id, decisions }) => decisions.map((decision) => ({ id, decision })))
    .filter(({ decision }) => decision.kind === 'unplaceable');
  const [first] = homeless;
  if (first === undefined) return;
  const slots = homeless.map(({ id, decision }) => `${id}.${decision.slot}`);
  const more = slots.length > NAMED_MAX ? `, and ${slots.length - NAMED_MAX} more` : '';
  throw new Failure({
    code: 'no-place',
    what: `${counted(slots.length, 'slot')} fit${slots.length === 1 ? 's' : ''} nowhere: ${slots.slice(0, NAMED_MAX).join(', ')}${more}`,
    why: inNames(first.decision),
    next: `${typed('host ls')}      or let them wait for a host: ${doIt(options)}`,
    exit: EXIT.refused,
  });
}

export type Change = {
  /** `STACK.COMPONENT`. */
  readonly id: string;
  /**
   * - `replace`: what runs was made from another spec
   * - `scale`: what runs goes on, with more or fewer beside it
   * - `move`: what runs ends where it is, and goes on elsewhere if it fits there
   * - `keep`: what runs goes on; what only agents read, such as `restart`, may change
   */
  readonly change: 'new' | 'replace' | 'scale' | 'move' | 'keep' | 'remove';
  /** Absent: none any more. */
  readonly wanted?: Wanted;
  /** Absent: it is new. */
  readonly wantedBefore?: Wanted;
  readonly running: number;
  /** Running instances that go to another host, and those that fit nowhere any more; absent: none. */
  readonly moving?: number;
  readonly ending?: number;
  /** It was taken back, and is not tried again. */
  readonly quarantined?: { readonly deployed?: string; readonly why: string };
};

/**
 * In the order of the file, then what is removed. `planned`: what each component is to be made from and
 * where, as an agent says it, for it alone knows secrets that are sealed.
 */
export function planOf(
  stack: StackSpec,
  old: StackView | undefined,
  planned: ReadonlyMap<string, Planned>,
): readonly Change[] {
  const before = new Map(old?.components.map((component) => [String(component.id), component]));
  const changes = stack.components.map((spec): Change => {
    const id = `${stack.name}.${spec.name}`;
    const known = before.get(id);
    before.delete(id);
    const wanted = wantedOf(spec);
    if (known === undefined) return { id, change: 'new', wanted, running: 0 };
    const { running, wanted: wantedBefore, revision, rollout } = known;
    const { revision: planRevision, decisions } = planned.get(id) ?? {};
    const isWanted = revision === planRevision;
    const same = isWanted || planRevision === putBackIn(rollout);
    const elsewhere = same && wanted === wantedBefore ? movesIn(known, decisions ?? []) : {};
    const moves = Object.keys(elsewhere).length > 0 ? 'move' : 'keep';
    const change = !same ? 'replace' : wanted === wantedBefore ? moves : 'scale';
    const quarantined = isWanted ? quarantineIn(rollout) : {};
    return { id, change, wanted, wantedBefore, running, ...elsewhere, ...quarantined };
  });
  const removed = [...before].map(([id, { wanted, running }]): Change => {
    return { id, change: 'remove', wantedBefore: wanted, running };
  });
  return [...changes, ...removed];
}

function movesIn(
  { slots }: ComponentView,
  decisions: readonly Decided[],
): Pick<Change, 'moving' | 'ending'> {
  const runs = new Set(
    slots.filter(({ instance }) => instance?.state === 'running').map(({ slot }) => slot),
  );
  const count = (kind: Decided['kind']): number =>
    decisions.filter((one) => one.kind === kind && runs.has(one.slot)).length;
  const [moving, ending] = [count('moved'), count('unplaceable')];
  return { ...(moving > 0 && { moving }), ...(ending > 0 && { ending }) };
}

/** What slots have in place of what is wanted and has failed. */
const putBackIn = (rollout: RolloutView | undefined): string | undefined =>
  rollout?.state === 'takenBack' ? rollout.revision : undefined;

function quarantineIn(rollout: RolloutView | undefined): Pick<Change, 'quarantined'> {
  if (rollout?.refused === undefined) return {};
  const { refusedAt, why = 'too many of its instances failed' } = rollout;
  return { quarantined: { ...(refusedAt === undefined ? {} : { deployed: refusedAt }), why } };
}

const MARKS = { new: '+', replace: '~', scale: '~', move: '~', keep: '=', remove: '-' } as const;

export function planLines(
  stack: string,
  revision: string | undefined,
  changes: readonly Change[],
  placed: PlanBody['components'] = [],
): readonly string[] {
  const width = Math.max(...changes.map(({ id }) => id.length));
  const count = changes.filter(({ change }) => change !== 'keep').length;
  return [
    revision === undefined ? `${stack} is new` : `${stack}, now revision ${revision}`,
    ...changes.flatMap((one) => [
      `  ${MARKS[one.change]} ${one.id.padEnd(width)}  ${what(one)}`,
      ...quarantineLines(one),
      ...(placed.find(({ id }) => id === one.id)?.decisions ?? []).flatMap(placedLines),
    ]),
    count === 0 ? 'nothing that runs would change' : counted(count, 'change'),
  ];
}

function quarantineLines({ id, quarantined }: Change): readonly string[] {
  if (quarantined === undefined) return [];
  const { deployed, why } = quarantined;
  const when = deployed === undefined ? '' : `, deployed ${deployed}`;
  return [
    `      in quarantine${when}: ${why}`,
    `      it is not tried again but by ${typed(`rollout resume ${id}`)}`,
  ];
}

type Decided = PlanBody['components'][number]['decisions'][number];
type Planned = Pick<PlanBody['components'][number], 'revision' | 'decisions'>;

/** Where a slot goes; of one that fits nowhere every host, with its reason. */
function placedLines(decided: Decided): readonly string[] {
  const { kind, rejected } = decided;
  const whole = `      ${inNames(decided)}`;
  if (kind !== 'unplaceable') return [whole];
  const each = rejected.map(({ host_name: other, why }) => `        ${other}: ${why}`);
  return [whole, ...each];
}

/** Its text, with the names of hosts in place of their ids. */
function inNames({ text, rejected, host, host_name: name }: Decided): string {
  const names = new Map(rejected.map((one) => [one.host, one.host_name]));
  if (host !== undefined && name !== undefined) names.set(host, name);
  return text.replaceAll(/[a-z0-9]+/g, (word) => names.get(word) ?? word);
}

function what(one: Change): string {
  const { change, wanted, wantedBefore: before, running } = one;
  const run = counted(running, 'running instance');
  if (change === 'new') return `new: ${instances(wanted)}`;
  if (change === 'remove') return `removed: ${run} ${running === 1 ? 'ends' : 'end'}`;
  if (change === 'move') return movedOf(one).join('; ');
  const scaled = wanted === before ? '' : `${instances(before)} -> ${instances(wanted)}`;
  if (change === 'keep') return `stays: ${instances(wanted)}`;
  if (change === 'scale') return scaled;
  const replaced = `${run} ${running === 1 ? 'is' : 'are'} replaced`;
  return scaled === '' ? replaced : `${replaced}; ${scaled}`;
}

function movedOf({ moving = 0, ending = 0 }: Change): readonly string[] {
  const goes = `${counted(moving, 'running instance')} ${moving === 1 ? 'goes' : 'go'} elsewhere`;
  const ends = `${counted(ending, 'running instance')} ${ending === 1 ? 'ends: it fits' : 'end: they fit'} nowhere`;
  return [...(moving > 0 ? [goes] : []), ...(ending > 0 ? [ends] : [])];
}

function instances(wanted: Wanted | undefined): string {
  if (wanted === 'fill') return 'as many as find room on every host';
  return wanted === 'all' ? 'one on every host' : counted(wanted ?? 0, 'instance');
}
