/** What a scenario can speak of by name: hosts, stacks, components, and the seats of components. */
import {
  componentId,
  type ComponentId,
  componentKey,
  type Key,
  ROSTER_KEY,
  stackKey,
} from '../../protocol/base/ids.ts';
import { fail, ok, type Result } from '../../protocol/base/result.ts';
import type { StackSpec } from '../../protocol/component/spec.ts';
import type { HostIndex } from '../strike.ts';

export type Names = {
  /** By index, as they are called. */
  readonly hosts: readonly string[];
  readonly stacks: ReadonlySet<string>;
  readonly components: ReadonlySet<ComponentId>;
};

/** A component, or one slot of it. */
export type Seat = { readonly component: ComponentId; readonly slot?: number };

export function namesIn(hostCount: number, stacks: readonly StackSpec[]): Names {
  const components = stacks.flatMap(({ name, components: specs }) =>
    specs.map((spec) => componentId(name, spec.name)),
  );
  return {
    hosts: Array.from({ length: hostCount }, (_, index) => hostNameOf(index)),
    stacks: new Set(stacks.map(({ name }) => name)),
    components: new Set(components),
  };
}

export const hostNameOf = (host: HostIndex): string => `h${host + 1}`;

export function parseHost({ hosts }: Names, text: string): Result<HostIndex, string> {
  const index = hosts.indexOf(text);
  return index < 0 ? fail(`there is no host "${text}": they are ${listedHosts(hosts)}`) : ok(index);
}

const LISTED_MAX = 12;

export const listedHosts = (hosts: readonly string[]): string =>
  [...hosts.slice(0, LISTED_MAX), ...(hosts.length > LISTED_MAX ? ['…'] : [])].join(', ');

/** What has a leader: a stack, a component, or `roster`. */
export function parseKey(names: Names, text: string): Result<Key, string> {
  if (text === 'roster') return ok(ROSTER_KEY);
  if (names.stacks.has(text)) return ok(stackKey(text));
  const component = componentNamed(names, text);
  if (component !== undefined) return ok(componentKey(component));
  return fail(`nothing called "${text}" has a leader: ${listed(names)}, and roster do`);
}

/** `shop.web`, or its second slot `shop.web.2`. */
export function parseSeat(names: Names, text: string): Result<Seat, string> {
  const whole = componentNamed(names, text);
  if (whole !== undefined) return ok({ component: whole });
  const [, name = '', slot] = /^(.+)\.([1-9]\d{0,4})$/.exec(text) ?? [];
  const component = componentNamed(names, name);
  if (component !== undefined) return ok({ component, slot: Number(slot) });
  return fail(`no component is called "${text}": there are ${[...names.components].join(', ')}`);
}

const componentNamed = ({ components }: Names, text: string): ComponentId | undefined =>
  components.has(text as ComponentId) ? (text as ComponentId) : undefined;

const listed = ({ stacks, components }: Names): string => [...stacks, ...components].join(', ');
