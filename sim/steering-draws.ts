/** Users who look at a rollout and hold it, let it go on, or put a former spec back, at any moment. */
import { componentOf, componentKey, stackKey, stackOf } from '../protocol/base/ids.ts';
import { sorted } from '../protocol/base/order.ts';
import type { ComponentSpec } from '../protocol/component/spec.ts';
import type { Command } from '../protocol/input.ts';
import type { Component, Stack } from '../protocol/record/record.ts';
import { asWanted } from '../protocol/rollout/version.ts';
import { happens, pick, type Stream } from './choice.ts';
import type { World } from './world.ts';

const WORD_PERMILLE = 250;

/** By what one host knows of it; mostly only if that still stands. */
export function drawWord(
  { hosts, options }: World,
  draw: Stream,
  deployId: string,
): Extract<Command, { readonly kind: 'deploy' }> | undefined {
  if (!happens(draw, options.rollouts?.wordPermille ?? WORD_PERMILLE)) return undefined;
  const views = hosts.flatMap(({ agent }) => (agent === undefined ? [] : [seenBy(agent.core)]));
  const seen = views.length === 0 ? [] : pick(draw, views);
  // Users mostly look where something stands still.
  const halted = seen.filter(({ record }) => isHalted(record));
  const looked = halted.length > 0 && happens(draw, 700) ? halted : seen;
  if (looked.length === 0) return undefined;
  const { record, stack } = pick(draw, looked);
  const { spec, since } = stack;
  const name = componentOf(record.component);
  const component = spec?.components.find((one) => one.name === name);
  if (spec === undefined || component === undefined || component.job !== undefined)
    return undefined;
  const steered = steer(pick(draw, wordsFor(record)), record, component, deployId);
  const components = spec.components.map((one) => (one === component ? steered : one));
  const expect = happens(draw, 800) ? { expect: since } : {};
  return { kind: 'deploy', deployId, spec: { ...spec, components }, ...expect };
}

type Seen = { readonly record: Component; readonly stack: Stack };
type Known = NonNullable<World['hosts'][number]['agent']>['core'];

function seenBy({ committed }: Known): readonly Seen[] {
  return sorted(committed.byKey).flatMap(([key, { value: record }]) => {
    if (record.kind !== 'component' || key !== componentKey(record.component)) return [];
    const stack = committed.byKey.get(stackKey(stackOf(record.component)))?.value;
    return stack?.kind === 'stack' && stack.life === record.life ? [{ record, stack }] : [];
  });
}

const isHalted = ({ spec, rollout }: Component): boolean =>
  rollout?.paused !== undefined || rollout?.refused !== undefined || spec.steering?.held === true;

type Word = 'hold' | 'goOn' | 'undo';
const wordsFor = (record: Component): readonly Word[] =>
  isHalted(record) ? ['goOn', 'goOn', 'undo'] : ['hold', 'undo', 'hold', 'goOn'];

function steer(
  word: Word,
  { revision = '', history = [] }: Component,
  component: ComponentSpec,
  deployId: string,
): ComponentSpec {
  const { held: _, ...said } = component.steering ?? {};
  if (word === 'hold') return { ...component, steering: { ...said, held: true } };
  if (word === 'goOn') return { ...component, steering: { ...said, resumed: deployId } };
  const back = history.findLast(({ became }) => became === 'done')?.spec ?? component;
  return { ...asWanted(back, component), steering: { undoes: revision } };
}
