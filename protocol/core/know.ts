/** Derives what follows from the tables: who is a member, what must be led, who leads, what is assigned. */
import {
  type ComponentId,
  componentId,
  componentKey,
  type HostId,
  type Key,
  ROSTER_KEY,
  stackKey,
  stackOf,
  type Term,
} from '../base/ids.ts';
import { compareText } from '../base/order.ts';
import { keysWanted } from '../command/deploys.ts';
import { hasChanged } from '../inventory/inventories.ts';
import type { Inventory } from '../inventory/inventory.ts';
import { aliveHosts, healthOf } from '../membership/membership.ts';
import { type ChosenPorts, numberName, portName, protocolOf } from '../component/port.ts';
import type { ComponentSpec } from '../component/spec.ts';
import type { PortTaken } from '../placement/fit.ts';
import type { PortHolders } from '../placement/ports.ts';
import { reservedWith } from '../placement/room.ts';
import { allCommitted, committedOf } from '../record/committed.ts';
import type { Committed, Member, Revision, Slot, Stack } from '../record/record.ts';
import { specOf } from '../rollout/version.ts';
import {
  type Assignment,
  type Knowledge,
  type Load,
  NO_LOAD,
  type OfRecords,
  type Report,
  type Versions,
} from './knowledge.ts';
import type { Core } from './state.ts';

export function know(core: Core): Knowledge {
  const { knowledge } = core;
  if (knowledge !== undefined && isCurrent(core, knowledge.versions)) return knowledge;
  core.knowledge = derive(core, knowledge);
  return core.knowledge;
}

/** Asked several times in every step. */
const isCurrent = (core: Core, versions: Versions): boolean =>
  versions.membership === core.membership.version &&
  versions.facts === core.inventories.factsVersion &&
  versions.committed === core.committed.version &&
  versions.deploys === core.deploys.version &&
  versions.epoch === core.council.roster.epoch;

/** Each part anew only if something that it follows from has changed since `was` was derived. */
function derive(core: Core, was: Knowledge | undefined): Knowledge {
  const { identity, inventories } = core;
  const versions = versionsOf(core);
  const kept = (...of: readonly (keyof Versions)[]): Knowledge | undefined =>
    of.every((each) => was?.versions[each] === versions[each]) ? was : undefined;
  const since = was?.versions.facts ?? 0;
  const ofRecords: OfRecords = kept('committed') ?? readRecords(core);
  const { isMember, stacks, members } = ofRecords;
  const alive =
    kept('membership')?.alive ?? [...aliveHosts(core.membership), identity.host].sort(compareText);
  const claims = (hasChanged(inventories, 'lease', since) ? undefined : was)?.claims;
  const saidOfInstances = hasChanged(inventories, 'instance', since)
    ? undefined
    : kept('committed');
  const claimed = claims ?? claimsOf(core);
  return {
    ...ofRecords,
    versions,
    isDismissed: versions.epoch > 0 && !isMember.has(identity.host),
    alive,
    wanted: kept('committed', 'deploys', 'epoch')?.wanted ?? wantedKeys(core, stacks),
    urgent: kept('deploys')?.urgent ?? new Set(keysWanted(core.deploys)),
    claims: claimed,
    leaders: (claims && kept('membership')?.leaders) ?? leadersOf(core, claimed),
    reports: saidOfInstances?.reports ?? reportsOf(core, members),
  };
}

const versionsOf = (core: Core): Versions => ({
  committed: core.committed.version,
  membership: core.membership.version,
  facts: core.inventories.factsVersion,
  deploys: core.deploys.version,
  epoch: core.council.roster.epoch,
});

function readRecords(core: Core): OfRecords {
  const { host: self, name, peerId } = core.identity;
  const listed = committedOf(core.committed, ROSTER_KEY)?.value;
  const members: readonly Member[] =
    listed?.kind === 'members' ? listed.members : [{ id: self, name, peerId }];
  const stacks = stacksOf(allCommitted(core.committed));
  const assignments = assignmentsOf(allCommitted(core.committed), stacks);
  const here = slotsAt(assignments, ({ host, from }) => host === self || from === self);
  const rivals = slotsAt(assignments, ({ left }) => left?.includes(self) === true);
  const specs = [...here, ...rivals].map(({ spec }) => spec);
  return {
    members,
    adjusted: listed?.kind === 'members' ? (listed.adjusted ?? 0) : 0,
    isMember: new Set(members.map(({ id }) => id)),
    leaving: new Set(members.filter((each) => each.leaving === true).map(({ id }) => id)),
    stacks,
    assignments,
    here,
    rivals,
    contracted: specs.filter(({ onIsolation }) => onIsolation !== undefined),
    loads: loadsOf(assignments),
    portHolders: portHoldersOf(stacks, assignments),
  };
}

function reportsOf({ inventories }: Core, members: readonly Member[]): Knowledge['reports'] {
  return members.flatMap(({ id }) => {
    const inventory = inventories.byOwner.get(id);
    return inventory === undefined ? [] : reportsIn(id, inventory);
  });
}

type Read = { readonly version: number; readonly reports: readonly Report[] };

/** Of many inventories one has changed. */
const read = new WeakMap<Inventory, Read>();

function reportsIn(host: HostId, inventory: Inventory): readonly Report[] {
  const { version, entries } = inventory;
  const known = read.get(inventory);
  if (known?.version === version) return known.reports;
  const reports = [...entries.values()]
    .filter((entry) => entry.kind === 'instance')
    .map((report) => ({ host, report }));
  read.set(inventory, { version, reports });
  return reports;
}

type Stacks = Knowledge['stacks'];

function stacksOf(records: readonly Committed[]): Stacks {
  const stacks = new Map<string, { readonly revision: Revision; readonly stack: Stack }>();
  for (const { key, revision, value } of records)
    if (value.kind === 'stack') stacks.set(key.slice('stack/'.length), { revision, stack: value });
  return stacks;
}

function wantedKeys(core: Core, stacks: Stacks): ReadonlySet<Key> {
  if (core.council.roster.voters.length === 0) return new Set();
  const wanted = new Set<Key>([ROSTER_KEY, ...keysWanted(core.deploys)]);
  for (const [name, { stack }] of stacks) {
    if (stack.spec === undefined) continue;
    wanted.add(stackKey(name));
    for (const component of stack.spec.components)
      wanted.add(componentKey(componentId(name, component.name)));
  }
  return new Set([...wanted].sort());
}

function claimsOf({ inventories, identity }: Core): Knowledge['claims'] {
  const claims: Knowledge['claims'][number][] = [];
  for (const [host, { entries }] of inventories.byOwner)
    if (host !== identity.host && !inventories.outdated.has(host))
      for (const entry of entries.values())
        if (entry.kind === 'lease') claims.push({ ...entry, host });
  return claims.sort((a, b) => compareText(a.host, b.host));
}

function leadersOf({ membership }: Core, claims: Knowledge['claims']): Knowledge['leaders'] {
  const leaders = new Map<Key, { readonly host: HostId; readonly term: Term }>();
  for (const { host, key, term } of claims) {
    if (healthOf(membership, host) !== 'alive') continue;
    const known = leaders.get(key);
    if (known === undefined || term > known.term) leaders.set(key, { host, term });
  }
  return leaders;
}

function assignmentsOf(
  records: readonly Committed[],
  stacks: Stacks,
): ReadonlyMap<ComponentId, Assignment> {
  const assignments = new Map<ComponentId, Assignment>();
  for (const { revision, value } of records) {
    if (value.kind !== 'component') continue;
    const stack = stacks.get(stackOf(value.component))?.stack;
    const names = stack?.spec?.components.map(({ name }) => name) ?? [];
    const isVoid =
      stack !== undefined && (stack.life !== value.life || !names.includes(value.spec.name));
    assignments.set(value.component, { revision, component: value, isVoid });
  }
  return assignments;
}

type Assignments = Knowledge['assignments'];

function slotsAt(assignments: Assignments, isMeant: (slot: Slot) => boolean): Knowledge['here'] {
  const here: Knowledge['here'][number][] = [];
  for (const assignment of assignments.values()) {
    if (assignment.isVoid) continue;
    for (const slot of assignment.component.slots)
      if (isMeant(slot)) {
        const spec = specOf(assignment.component, slot);
        const revision = slot.former ?? assignment.component.revision;
        const { ports } = slot;
        here.push({ assignment, slot: slot.slot, host: slot.host, spec, revision, ports });
      }
  }
  return here;
}

/** Where it takes room: what is handed over does so until it has moved, what has ended nowhere. */
export function holdersOf({ host, from, ended }: Slot): readonly HostId[] {
  if (ended !== undefined) return [];
  return from === undefined ? [host] : [host, from];
}

const NO_PORTS: ChosenPorts = {};

/** What specs fix, those that are deployed now and those that slots still have; and what slots were given. */
function portHoldersOf(stacks: Stacks, assignments: Assignments): PortHolders {
  const fixed = new Map<string, ComponentId>();
  const chosen = new Map<string, ComponentId[]>();
  const fix = (component: ComponentId, { ports }: ComponentSpec): void => {
    for (const { published, protocol } of ports)
      if (published !== undefined) fixed.set(numberName(published, protocol), component);
  };
  for (const [name, { stack }] of stacks)
    for (const spec of stack.spec?.components ?? []) fix(componentId(name, spec.name), spec);
  for (const [id, { component, isVoid }] of assignments) {
    if (isVoid) continue;
    fix(id, component.spec);
    for (const { spec } of component.rollout?.former ?? []) fix(id, spec);
    for (const { ports = NO_PORTS } of component.slots)
      for (const [port, number] of Object.entries(ports)) {
        const name = numberName(number, protocolOf(port));
        chosen.set(name, [...(chosen.get(name) ?? []), id]);
      }
  }
  return { fixed, chosen };
}

/** Once for all components: each leader subtracts what is its own. */
export function loadsOf(assignments: Assignments): Knowledge['loads'] {
  const loads = new Map<HostId, Load>();
  for (const [by, { component, isVoid }] of assignments) {
    if (isVoid) continue;
    for (const slot of component.slots)
      for (const host of holdersOf(slot))
        loads.set(host, loadedWith(loads.get(host), by, specOf(component, slot), slot.ports));
  }
  return loads;
}

/** With one slot more. */
export function loadedWith(
  { slotCount, portsTaken, reserved }: Load = NO_LOAD,
  by: ComponentId,
  spec: ComponentSpec,
  chosen = NO_PORTS,
): Load {
  const taken = spec.ports.flatMap((port): readonly PortTaken[] => {
    const { published, protocol } = port;
    if (published !== undefined) return [{ published, protocol, by }];
    const given = chosen[portName(port)];
    return given === undefined ? [] : [{ published: given, protocol, by, givesWay: true }];
  });
  return {
    slotCount: slotCount + 1,
    portsTaken: taken.length === 0 ? portsTaken : [...portsTaken, ...taken],
    reserved: reservedWith(reserved, spec, 1),
  };
}
