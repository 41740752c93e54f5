/**
 * S30 A host starts a slot for the first time since its agent started only if what its component depends on
 *     is there by what the host knows: an instance that has started, or is healthy, on a host that it
 *     believes alive; of a job that is to be completed, every slot by the record.
 */
import {
  type ComponentId,
  componentId,
  componentKey,
  componentOf,
  type Key,
  stackKey,
  stackOf,
} from '../../protocol/base/ids.ts';
import { revisionOf } from '../../protocol/component/digest.ts';
import type { ComponentSpec, Dependency, StackSpec } from '../../protocol/component/spec.ts';
import type { InstanceReport } from '../../protocol/inventory/entry.ts';
import { entriesOf } from '../../protocol/inventory/inventories.ts';
import type { Committed } from '../../protocol/record/record.ts';
import type { Agent } from '../host.ts';

type Records = (key: Key) => Committed | undefined;

/** The first that is not there, in words; undefined: all are. */
export function missingFor(
  agent: Agent,
  component: ComponentId,
  records: Records,
): string | undefined {
  const value = records(stackKey(stackOf(component)))?.value;
  const stack = value?.kind === 'stack' ? value.spec : undefined;
  const own = stack?.components.find(({ name }) => name === componentOf(component));
  for (const dependency of stack === undefined ? [] : (own?.dependsOn ?? [])) {
    const on = stack?.components.find(({ name }) => name === dependency.on);
    if (stack === undefined || on === undefined) continue;
    if (!isThere(agent, stack, on, dependency, records))
      return `${on.name} ${dependency.condition}`;
  }
  return undefined;
}

function isThere(
  agent: Agent,
  stack: StackSpec,
  on: ComponentSpec,
  { condition }: Dependency,
  records: Records,
): boolean {
  const component = componentId(stack.name, on.name);
  const isJob = on.job !== undefined && condition !== 'healthy';
  if (isJob && isComplete(stack, on, condition, records)) return true;
  if (isJob && condition === 'completed') return false;
  return isSaid(agent, component, condition) || isHere(agent, component);
}

/** Of a global one nobody waits for hosts that are gone. */
function isComplete(
  stack: StackSpec,
  on: ComponentSpec,
  condition: Dependency['condition'],
  records: Records,
): boolean {
  const value = records(componentKey(componentId(stack.name, on.name)))?.value;
  if (value?.kind !== 'component' || value.run?.revision !== revisionOf(on, stack)) return false;
  const complete = value.slots.filter(({ ended }) => ended?.state === 'complete').length;
  return complete >= (condition === 'started' || on.mode === 'global' ? 1 : on.replicas);
}

function isSaid(
  { core }: Agent,
  component: ComponentId,
  condition: Dependency['condition'],
): boolean {
  for (const [host, { health }] of core.membership.members) {
    if (health !== 'alive') continue;
    for (const entry of entriesOf(core.inventories, host).values())
      if (entry.kind === 'instance' && entry.component === component && meets(entry, condition))
        return true;
  }
  return false;
}

function meets({ state, health }: InstanceReport, condition: Dependency['condition']): boolean {
  if (condition === 'completed') return state === 'complete';
  if (condition === 'started' && state === 'complete') return true;
  return state === 'running' && (condition === 'started' || health !== 'unhealthy');
}

/** What it has itself it may have seen come and go within the step. */
const isHere = ({ core }: Agent, component: ComponentId): boolean =>
  [...core.slots.seats.values()].some(
    (seat) =>
      seat.component === component &&
      [...seat.instances.values()].some(({ observed }) => observed.state !== 'created'),
  );
