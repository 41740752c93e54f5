/** What the services of a stack say of each other: names and dependencies. */
import type { ComponentSpec } from '../../protocol/component/spec.ts';
import { nearest } from './nearest.ts';
import type { Finding } from './problems.ts';
import type { ServiceFields } from './service/service.ts';

const STACK_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;
const SERVICE_NAME = /^[a-zA-Z0-9][a-zA-Z0-9_-]{0,62}$/;

export function isStackName(name: string): boolean {
  return STACK_NAME.test(name);
}

/** As Compose names a project after its folder. */
export function stackNameOf(folder: string): string {
  return folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9_-]/g, '')
    .replace(/^[_-]+/, '')
    .slice(0, 63);
}

export function checkServiceName(name: string): readonly Finding[] {
  if (SERVICE_NAME.test(name)) return [];
  const message = 'this name is not possible';
  const next = 'use up to 63 letters, digits, - and _, a letter or a digit first';
  return [{ path: ['services', name], on: 'key', message, next }];
}

/** Services that another one waits for to complete. */
export function awaitedServices(services: ReadonlyMap<string, ServiceFields>): Set<string> {
  const dependencies = [...services.values()].flatMap((fields) => fields.depends_on ?? []);
  return new Set(dependencies.flatMap((to) => (to.condition === 'completed' ? [to.on] : [])));
}

/** `inactive`: services that do not run, with the profiles that would make them. */
export function checkDependencies(
  components: readonly ComponentSpec[],
  inactive: ReadonlyMap<string, readonly string[]>,
): readonly Finding[] {
  const byName = new Map(components.map((component) => [component.name, component]));
  const unknown = components.flatMap(({ name, dependsOn }) =>
    dependsOn.flatMap(({ on, required }): Finding[] => {
      if (byName.has(on) || !required) return [];
      const path = ['services', name, 'depends_on', on];
      const [profile] = inactive.get(on) ?? [];
      if (profile !== undefined) {
        const why = `it has a profile that is not asked for: ${profile}`;
        const next = `ask for it with --profile ${profile}, or say required: false`;
        return [{ path, on: 'key', message: `${on} does not run`, why, next }];
      }
      const meant = nearest(on, byName.keys());
      const hint = meant === undefined ? '' : `, did you mean ${meant}?`;
      return [{ path, on: 'key', message: `there is no service ${on}${hint}` }];
    }),
  );
  const cycle = findCycle(byName);
  const [first] = cycle;
  if (first === undefined) return unknown;
  const why = 'none of them could be the first to start';
  const message = `the dependencies go in a circle, ${cycle.join(' -> ')}`;
  return [...unknown, { path: ['services', first, 'depends_on'], on: 'key', message, why }];
}

/** The first circle in the order of the file, its first name again at the end; empty if none. */
function findCycle(components: ReadonlyMap<string, ComponentSpec>): readonly string[] {
  const cleared = new Set<string>();
  const walk = (name: string, trail: readonly string[]): readonly string[] => {
    const seen = trail.indexOf(name);
    if (seen >= 0) return [...trail.slice(seen), name];
    if (cleared.has(name)) return [];
    for (const { on } of components.get(name)?.dependsOn ?? []) {
      const cycle = walk(on, [...trail, name]);
      if (cycle.length > 0) return cycle;
    }
    cleared.add(name);
    return [];
  };
  for (const name of components.keys()) {
    const cycle = walk(name, []);
    if (cycle.length > 0) return cycle;
  }
  return [];
}

/** Waiting for a health that nobody checks may be waiting for ever. */
export function adviseHealth(components: readonly ComponentSpec[]): readonly Finding[] {
  const unchecked = new Set(
    components
      .filter(({ healthcheck, heartbeat }) => (healthcheck ?? heartbeat) === undefined)
      .map(({ name }) => name),
  );
  return components.flatMap(({ name, dependsOn }) =>
    dependsOn.flatMap(({ on, condition }): Finding[] => {
      if (condition !== 'healthy' || !unchecked.has(on)) return [];
      const message = `${on} has no healthcheck in this file`;
      const why = 'unless its image has one, it never becomes healthy';
      return [{ path: ['services', name, 'depends_on', on], on: 'key', message, why }];
    }),
  );
}
