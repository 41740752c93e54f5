/** Where the components of a stack would go if it were deployed now, as this host sees it. Pure. */
import { type ComponentId, componentId, stackOf } from '../base/ids.ts';
import type { Instant } from '../base/time.ts';
import { followersLast } from '../component/affinity.ts';
import type { StackSpec } from '../component/spec.ts';
import { entriesOf } from '../inventory/inventories.ts';
import { instanceEntry } from '../inventory/entry.ts';
import { neighborsBy, type Seated } from '../placement/neighbor.ts';
import { type Decision, place } from '../placement/place.ts';
import type { Slot } from '../record/record.ts';
import { holdersOf, know, loadedWith, loadsOf } from './know.ts';
import { hostsUnder, progressOf } from './assign.ts';
import type { Load } from './knowledge.ts';
import type { Core } from './state.ts';

export type Foreseen = {
  readonly component: ComponentId;
  readonly slots: readonly Slot[];
  /** What would change, and what fits nowhere. */
  readonly decisions: readonly Decision[];
};

const withoutChosen = (load: Load): Load => ({
  ...load,
  portsTaken: load.portsTaken.filter(({ givesWay }) => givesWay !== true),
});

/** In the order of the stack; each with the room that those before it leave, and after those it follows. */
export function foresee(core: Core, now: Instant, stack: StackSpec): readonly Foreseen[] {
  const { assignments } = know(core);
  const others = new Map([...assignments].filter(([id]) => stackOf(id) !== stack.name));
  // By then what was chosen has given way to what is fixed now.
  const loads = new Map([...loadsOf(others)].map(([id, load]) => [id, withoutChosen(load)]));
  const foreseen = new Map<ComponentId, Foreseen & Seated>();
  for (const spec of followersLast(stack.components)) {
    const component = componentId(stack.name, spec.name);
    const known = assignments.get(component);
    const neighborsOn = neighborsBy(spec, stack.name, (other) => foreseen.get(other));
    const { slots, decisions } = place({
      component,
      spec,
      current: known === undefined || known.isVoid ? [] : known.component.slots,
      hosts: hostsUnder(core, now, loads, neighborsOn),
      leader: core.identity.host,
      runs: () => false,
      isStuck: () => false,
      progress: (slot, host) => progressOf(core, component, known?.component.run, slot, host),
      reported: (slot, host) => {
        const report = entriesOf(core.inventories, host).get(instanceEntry(component, slot));
        return report?.kind === 'instance' ? report : undefined;
      },
    });
    for (const host of slots.flatMap(holdersOf))
      loads.set(host, loadedWith(loads.get(host), component, spec));
    foreseen.set(component, { component, spec, slots, decisions });
  }
  return stack.components.flatMap(({ name }) => foreseen.get(componentId(stack.name, name)) ?? []);
}
