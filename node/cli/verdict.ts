/** From a view to a verdict: is it as wanted, and if not, what stands in the way. */
import type {
  ClusterView,
  ComponentView,
  HostView,
  InstanceView,
  SlotView,
  StackView,
} from '../../protocol/view/view.ts';
import { counted } from './counted.ts';
import { age } from './duration.ts';

/** `OK`: all as wanted. `DOWN`: something is wanted and nothing of it runs. */
export type StackState = 'OK' | 'DEGRADED' | 'DOWN';

export function stackState(view: ClusterView, stack: StackView): StackState {
  if (stack.components.every((component) => isHealthy(view, component))) return 'OK';
  const serving = stack.components.some((component) => servingSlots(view, component).length > 0);
  return serving ? 'DEGRADED' : 'DOWN';
}

/** Enough slots serve, or did what they had to; more than wanted is no harm. */
export function isHealthy(view: ClusterView, component: ComponentView): boolean {
  const serving = servingSlots(view, component).length;
  return (
    serving >=
    (typeof component.wanted === 'number' ? component.wanted : Math.max(component.slots.length, 1))
  );
}

/** Healthy, exactly as many slots as wanted, each of the revision of the spec, and nothing more to come. */
export function isSettled(view: ClusterView, component: ComponentView): boolean {
  const { rollout, pending } = component;
  if (!isHealthy(view, component) || rollout !== undefined || pending === true) return false;
  if (typeof component.wanted === 'number' && component.slots.length !== component.wanted)
    return false;
  return component.slots.every((slot) => slot.instance?.revision === component.revision);
}

/** Every component settled, and every alive host knows the same as this one. */
export function isConverged(view: ClusterView): boolean {
  const others = view.hosts.filter((host) => !host.self && host.state === 'alive').length;
  const doubted = view.hosts.some((host) => host.state === 'suspect');
  return (
    view.quorum &&
    !doubted &&
    view.agree >= others &&
    allComponents(view).every((component) => isSettled(view, component))
  );
}

export function allComponents(view: ClusterView): readonly ComponentView[] {
  return view.stacks.flatMap((stack) => stack.components);
}

export function servingSlots(view: ClusterView, component: ComponentView): readonly SlotView[] {
  return component.slots.filter((slot) => serves(view, slot));
}

export function serves(view: ClusterView, slot: SlotView): boolean {
  const { instance } = slot;
  if (instance === undefined) return false;
  if (instance.state === 'complete') return true;
  return isUp(view, instance.host) && instance.state === 'running' && healthyOrUnchecked(instance);
}

/** Whether news of this host is to be trusted; what was last known of others is shown with a `?`. */
export function isUp(view: ClusterView, id: string): boolean {
  const state = hostOf(view, id)?.state;
  return state === 'alive' || state === 'suspect';
}

/** As people read them: h2 before h10, two of one name by their ids. */
export function byName<T extends { readonly id: string; readonly name: string }>(
  hosts: readonly T[],
): readonly T[] {
  return hosts.toSorted(
    (a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }) || (a.id < b.id ? -1 : 1),
  );
}

export function hostOf(view: ClusterView, id: string): HostView | undefined {
  return view.hosts.find((host) => host.id === id);
}

/** The name people gave a host, or its id where the name is not known. */
export function hostName(view: ClusterView, id: string): string {
  return hostOf(view, id)?.name ?? id;
}

/** Why this slot does not serve, in a few words. Undefined when it does. */
export function slotTrouble(view: ClusterView, slot: SlotView): string | undefined {
  if (serves(view, slot)) return undefined;
  const { instance } = slot;
  const at = slot.host ?? instance?.host;
  const host = at === undefined ? undefined : hostOf(view, at);
  if (host !== undefined && !isUp(view, host.id)) {
    const heard = host.heardMsAgo === undefined ? '' : `, last heard ${age(host.heardMsAgo)} ago`;
    return `${host.name} (its host) is ${host.state}${heard}`;
  }
  if (instance === undefined)
    return slot.note ?? (at === undefined ? 'no host yet' : `not yet on ${hostName(view, at)}`);
  const crash = instance.crashLoop ? `crash loop, ${counted(instance.restarts, 'restart')}: ` : '';
  return `${crash}${condition(instance)} on ${hostName(view, instance.host)}`;
}

/** `running, unhealthy (exit 1)`. */
export function condition(instance: InstanceView): string {
  const health =
    instance.health === 'none' || instance.state !== 'running' ? '' : `, ${instance.health}`;
  const reason = instance.reason === undefined ? '' : ` (${instance.reason})`;
  return `${instance.state}${health}${reason}`;
}

function healthyOrUnchecked(instance: InstanceView): boolean {
  return instance.health === 'healthy' || instance.health === 'none';
}
