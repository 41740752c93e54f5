/** May a slot run on a host, and why not. Each filter explains itself; the first that objects is told. */
import type { ComponentId, HostId } from '../base/ids.ts';
import { compareText } from '../base/order.ts';
import type { ComponentSpec } from '../component/spec.ts';
import { staysBehind } from '../component/volume.ts';
import type { HostFacts } from '../inventory/entry.ts';
import type { Slot } from '../record/record.ts';
import { brokenConstraint } from './constraint.ts';
import { type Neighbor, whyNotBeside, whyNotStay } from './neighbor.ts';
import { NOTHING_RESERVED, noRoom, type Reserved, reservedWith } from './room.ts';

export type PortTaken = {
  readonly published: number;
  readonly protocol: 'tcp' | 'udp';
  /** The component that publishes it there. */
  readonly by: string;
  /** It was chosen for a slot, which is given another as soon as a spec fixes it (P3). */
  readonly givesWay?: true;
};

/** A member as placement sees it. */
export type PlacementHost = {
  readonly id: HostId;
  readonly name: string;
  /** Suspects count as alive. */
  readonly alive: boolean;
  /** Not alive, for it reboots and is to be back: what has a named volume waits there. */
  readonly awaited?: boolean;
  /** It has asked to leave the cluster: it is given nothing, and what it has goes where it fits. */
  readonly leaving?: boolean;
  /** As users have set it: nothing new comes there, and from one that is drained everything goes. */
  readonly availability?: 'cordoned' | 'draining';
  /** Why it is taken only where no other host fits. */
  readonly restless?: string;
  /** Absent until its inventory is known. */
  readonly facts?: HostFacts;
  /** Slots that all **other** components have there. */
  readonly slotCount: number;
  /** Ports that all **other** components publish there. */
  readonly portsTaken: readonly PortTaken[];
  /** What the slots of all **other** components reserve there. */
  readonly reserved: Reserved;
  /** The components that this one follows. */
  readonly neighbors: readonly Neighbor[];
};

const LEAVES = 'it leaves the cluster';
export const DRAINED = 'it is drained';
const CORDONED = 'it is cordoned';
const REBOOTS = 'it reboots';
const SILENT = 'its engine does not answer';

/** Why a new slot of `spec` cannot go there; undefined: it can. `own`: slots it already has there. */
export function whyNotPlace(
  spec: ComponentSpec,
  host: PlacementHost,
  own: readonly number[],
): string | undefined {
  if (!host.alive) return host.awaited === true ? REBOOTS : 'dead or gone';
  if (host.leaving === true) return LEAVES;
  if (host.availability !== undefined) return host.availability === 'draining' ? DRAINED : CORDONED;
  if (host.facts === undefined) return 'its engine is not known yet';
  if (host.facts.engineSilentAfterMs !== undefined) return SILENT;
  return (
    whyNotRun(spec, host.facts) ??
    brokenConstraint(spec, { ...host, facts: host.facts }) ??
    whyNotBeside(host.neighbors) ??
    portTaken(spec, host) ??
    portOwn(spec, own) ??
    tooMany(spec, own) ??
    noRoom(spec, host.facts, reservedWith(host.reserved, spec, own.length))
  );
}

/**
 * Why a slot that is there must leave. Stricter to itself than a new one is: what is not known does
 * not move anything, nor does what others have come to reserve, and of two components that got the same port at once only the later by name goes.
 */
export function whyNotKeep(
  component: ComponentId,
  spec: ComponentSpec,
  host: PlacementHost | undefined,
  own: readonly number[],
): string | undefined {
  if (host === undefined) return 'no longer a member';
  if (!host.alive && host.awaited === true) return hasData(spec) ? undefined : REBOOTS;
  if (!host.alive) return 'dead or gone';
  if (host.leaving === true) return LEAVES;
  const portsTaken = host.portsTaken.filter(
    ({ by, givesWay }) => givesWay !== true && compareText(by, component) < 0,
  );
  return (
    unsuited(spec, host) ??
    portTaken(spec, { portsTaken }) ??
    portOwn(spec, own) ??
    tooMany(spec, own) ??
    // From a drained host it is handed over, whatever else speaks against that host.
    (host.availability === 'draining' ? DRAINED : whyNotStay(host.neighbors))
  );
}

function unsuited(spec: ComponentSpec, { facts, ...host }: PlacementHost): string | undefined {
  if (facts === undefined) return undefined;
  return whyNotRun(spec, facts) ?? brokenConstraint(spec, { ...host, facts });
}

/** It has a volume that stays where it is when the slot moves. */
export const hasData = ({ volumes }: ComponentSpec): boolean => volumes.some(staysBehind);

function whyNotRun(spec: ComponentSpec, { runs, engine, guard }: HostFacts): string | undefined {
  if (runs === 'nothing') return 'a witness: it votes and runs nothing';
  if (spec.singleton === 'strict' && guard !== true)
    return 'no guard runs there, and it is a strict singleton';
  if (runs === 'images')
    return spec.image === undefined ? `${engine} runs images only, and it names none` : undefined;
  const words = [spec.process?.command, spec.entrypoint, spec.command];
  if (words.some((list) => list !== undefined && list.length > 0)) return undefined;
  return `${engine} runs processes only, and it has no command`;
}

function portTaken(
  spec: ComponentSpec,
  { portsTaken }: Pick<PlacementHost, 'portsTaken'>,
): string | undefined {
  for (const { published, protocol } of spec.ports) {
    const taken = portsTaken.find(
      (port) => port.published === published && port.protocol === protocol,
    );
    if (taken === undefined) continue;
    const until = taken.givesWay === true ? ', until that has been given another' : '';
    return `port ${published}/${protocol} is taken there by ${taken.by}${until}`;
  }
  return undefined;
}

/** More than its own rules allow on one host. */
function tooMany(
  { mode, placement: { perHostMax = Infinity, fill } = { constraints: [] } }: ComponentSpec,
  own: readonly number[],
): string | undefined {
  if (mode === 'global' && fill !== true)
    return own[0] === undefined ? undefined : `slot ${own[0]} is there already`;
  if (own.length < perHostMax) return undefined;
  return `it has max_replicas_per_node: ${perHostMax} of its slots`;
}

/** A fixed port fits once on a host. */
function portOwn(spec: ComponentSpec, own: readonly number[]): string | undefined {
  const fixed = spec.ports.find(({ published }) => published !== undefined);
  if (fixed === undefined || own[0] === undefined) return undefined;
  return `port ${fixed.published}/${fixed.protocol} is taken there by its own slot ${own[0]}`;
}

/** Those that do not flap; if there are none, all. */
export function steadyOf(fitting: readonly PlacementHost[]): readonly PlacementHost[] {
  const steady = fitting.filter(({ restless }) => restless === undefined);
  return steady.length > 0 ? steady : fitting;
}

/** What a slot waits with. */
type Specs = (slot: Slot) => ComponentSpec;
/** What a slot that is taken over is made from, and a new one. */
export const specAt = (
  { spec, specOf }: { readonly spec: ComponentSpec; readonly specOf?: Specs },
  was: Slot | undefined,
): ComponentSpec => (was === undefined ? spec : (specOf?.(was) ?? spec));

/** What returns to a host takes its room there back. `own`: slots that stay there. */
export const crowdedOut = (
  spec: ComponentSpec,
  host: PlacementHost | undefined,
  own: readonly number[],
): string | undefined =>
  host?.facts && noRoom(spec, host.facts, reservedWith(NOTHING_RESERVED, spec, own.length));

/**
 * A strict slot would only wait elsewhere: its key is not released while it is being started (X4). A job
 * may have been begun.
 */
export const mayBeStuck = ({ mode, singleton, job }: ComponentSpec): boolean =>
  mode !== 'global' && singleton !== 'strict' && job === undefined;
