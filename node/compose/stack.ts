/** What the services of a stack say of each other: names, dependencies and who shares hosts with whom. */
import { circleIn } from '../../protocol/base/circle.ts';
import { type AffinityFault, affinityFaults } from '../../protocol/component/affinity.ts';
import type { ComponentSpec } from '../../protocol/component/spec.ts';
import { nearest } from './nearest.ts';
import type { Complaint, Finding } from './problems.ts';
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
  const cycle = circleIn(
    new Map(components.map((each) => [each.name, each.dependsOn.map(({ on }) => on)])),
  );
  const [first] = cycle;
  if (first === undefined) return unknown;
  const why = 'none of them could be the first to start';
  const message = `the dependencies go in a circle, ${cycle.join(' -> ')}`;
  return [...unknown, { path: ['services', first, 'depends_on'], on: 'key', message, why }];
}

/** What services say of each other under `affinity` and `anti_affinity`. */
export function checkAffinity(
  components: readonly ComponentSpec[],
  inactive: ReadonlyMap<string, readonly string[]>,
): readonly Finding[] {
  return affinityFaults(components).map((fault): Finding => {
    const { component, bond, index, kind } = fault;
    const path = ['services', component, 'x-millrace', KEYS[bond], index];
    const complaint =
      kind === 'missing' ? noService(fault.on, components, inactive) : FAULTS[kind](fault);
    return { path, on: 'value', ...complaint };
  });
}

const KEYS = { affinity: 'affinity', antiAffinity: 'anti_affinity' } as const;

const FAULTS = {
  itself: ({ bond, on }) =>
    bond === 'affinity'
      ? {
          message: `${on} cannot follow itself`,
          why: 'the first of its instances would have nowhere to go',
          next: 'remove it',
        }
      : {
          message: `${on} cannot keep away from itself`,
          why: 'it has to be somewhere',
          next: 'for one instance on a host write deploy.placement.max_replicas_per_node: 1',
        },
  both: ({ on }) => ({
    message: `${on} is under affinity too`,
    why: 'no host both runs it and does not',
    next: 'leave one of the two out',
  }),
  twice: ({ on }) => ({
    message: `${on} is named twice`,
    why: 'once says all of it',
    next: 'remove one of the two',
  }),
  circle: ({ circle }) => ({
    message: `affinity and anti_affinity go in a circle, ${circle.join(' -> ')}`,
    why: 'whoever names another goes by where that one is, and none of them could be placed first',
    next: 'of two that are to share no host, or one, only one has to name the other',
  }),
} as const satisfies Record<
  Exclude<AffinityFault['kind'], 'missing'>,
  (fault: AffinityFault) => Complaint
>;

function noService(
  on: string,
  components: readonly ComponentSpec[],
  inactive: ReadonlyMap<string, readonly string[]>,
): Complaint {
  const [profile] = inactive.get(on) ?? [];
  if (profile !== undefined) {
    const why = `it has a profile that is not asked for: ${profile}`;
    return { message: `${on} does not run`, why, next: `ask for it with --profile ${profile}` };
  }
  const names = components.map(({ name }) => name);
  const meant = nearest(on, names);
  const next = meant === undefined ? 'name a service of this stack' : `did you mean ${meant}?`;
  return { message: `there is no service ${on}`, next };
}

/** A health that nobody checks is there as soon as it runs (`protocol/component/dependency.ts`). */
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
      const why = 'unless its image has one, it counts as healthy as soon as it runs';
      return [{ path: ['services', name, 'depends_on', on], on: 'key', message, why }];
    }),
  );
}
