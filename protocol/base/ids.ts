/** Branded names and counters. The casts live in the constructors here and in `wire/` decoding. */
declare const brand: unique symbol;
type Brand<T, B extends string> = T & { readonly [brand]: B };

/** A host's stable name inside the cluster, derived from its public key: `[a-z0-9]{1,32}`. */
export type HostId = Brand<string, 'HostId'>;
/** Random, minted by `cluster init`: `[a-z0-9]{1,32}`. */
export type ClusterId = Brand<string, 'ClusterId'>;
/**
 * What a lease is held on: `sys/roster`, `stack/S`, `component/S.C`, under which records are kept too, and
 * `slot/S.C/I`.
 */
export type Key = Brand<string, 'Key'>;
/** `STACK.COMPONENT`. Neither part contains a dot. */
export type ComponentId = Brand<string, 'ComponentId'>;
/** How often this host's agent has started; persisted, strictly rising. Also its session id. */
export type Boot = Brand<number, 'Boot'>;
/** Raised by its owner alone, to refute news of its death. */
export type Incarnation = Brand<number, 'Incarnation'>;
/** The number of an attempt at a lease. The ballot that a quorum accepted is the term. */
export type Ballot = Brand<number, 'Ballot'>;
/** The ballot of a leadership: strictly rising per key, the fencing token. */
export type Term = Brand<number, 'Term'>;
/** One roster's number; each change of roster raises it by one, a forced one by far more. */
export type Epoch = Brand<number, 'Epoch'>;
/** Which of the forced rosters a cluster follows (`roster/fork.ts`). */
export type Fork = Brand<number, 'Fork'>;

export const hostId = (text: string): HostId => text as HostId;
export const clusterId = (text: string): ClusterId => text as ClusterId;
export const key = (text: string): Key => text as Key;
export const componentId = (stack: string, component: string): ComponentId =>
  `${stack}.${component}` as ComponentId;
export const boot = (n: number): Boot => n as Boot;
export const incarnation = (n: number): Incarnation => n as Incarnation;
export const ballot = (n: number): Ballot => n as Ballot;
/** A ballot that a quorum accepted becomes a term. */
export const term = (n: number): Term => n as Term;
export const epoch = (n: number): Epoch => n as Epoch;
export const fork = (n: number): Fork => n as Fork;

/** Its leader changes the roster; its record is the list of members. */
export const ROSTER_KEY = key('sys/roster');
export const stackKey = (stack: string): Key => key(`stack/${stack}`);
export const componentKey = (id: ComponentId): Key => key(`component/${id}`);
/** Held by the one host that may run this slot of a strict component; it has no record. */
export const slotKey = (id: ComponentId, slot: number): Key => key(`slot/${id}/${slot}`);

export const stackOf = (id: ComponentId): string => id.slice(0, id.indexOf('.'));
export const componentOf = (id: ComponentId): string => id.slice(id.indexOf('.') + 1);

/** The component a `component/…` key names, else undefined. */
export function componentOfKey(name: Key): ComponentId | undefined {
  return name.startsWith('component/')
    ? (name.slice('component/'.length) as ComponentId)
    : undefined;
}
