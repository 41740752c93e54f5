/**
 * What a user would notice of a run: how long each component was there, how long the same slot ran
 * twice, how long one was missing. Seen from outside by looking ten times a second.
 *
 * An instance serves while it runs, is not known to be unhealthy, and its machine is on, awake and
 * can be reached by another one. A component is watched from when all of it served for the first time.
 */
import { componentId, type ComponentId } from '../../protocol/base/ids.ts';
import type { ComponentSpec, StackSpec } from '../../protocol/component/spec.ts';
import { running } from '../engine/engine.ts';
import { type Host, isAsleep } from '../host.ts';
import { isCut } from '../network/obstacles.ts';
import type { Scene } from '../run.ts';
import type { HostIndex } from '../strike.ts';
import type { Deed } from '../tape.ts';
import type { World } from '../world.ts';

/** Of one component in one run; all lengths are milliseconds. */
export type Measures = {
  readonly component: ComponentId;
  readonly watchedMs: number;
  /** Of these at least one instance served. */
  readonly upMs: number;
  /** All that were wanted did. */
  readonly fullMs: number;
  /** The same slot on two machines that were on. */
  readonly longestDoubleMs: number;
  /** How long slots were missing that came back on another host. */
  readonly failoversMs: readonly number[];
  /** The same for those that came back where they were. */
  readonly restartsMs: readonly number[];
  /** Slots that were missing in the end. */
  readonly missing: number;
};

type Absence = { readonly sinceMs: number; readonly last: HostIndex };
type Tally = {
  readonly component: ComponentId;
  spec: ComponentSpec;
  /** The names of the seats that it wants, unless it has one on each host. */
  seatNames: readonly string[];
  isWatched: boolean;
  watchedMs: number;
  upMs: number;
  fullMs: number;
  longestDoubleMs: number;
  readonly failoversMs: number[];
  readonly restartsMs: number[];
  /** Where each seat served last. */
  readonly seats: Map<string, HostIndex>;
  readonly absences: Map<string, Absence>;
  readonly doubles: Map<string, number>;
};

export type Gauge = {
  readonly tallies: Map<ComponentId, Tally>;
  lookedAtMs: number;
};

export function createGauge(stacks: readonly StackSpec[]): Gauge {
  const gauge: Gauge = { tallies: new Map(), lookedAtMs: 0 };
  for (const stack of stacks) want(gauge, stack);
  return gauge;
}

/** From now on this is asked for. */
function want(gauge: Gauge, { name, components }: StackSpec): void {
  forget(gauge, name, new Set(components.map((spec) => spec.name)));
  for (const spec of components) {
    const component = componentId(name, spec.name);
    const known = gauge.tallies.get(component);
    if (known === undefined) gauge.tallies.set(component, createTally(component, spec));
    else wish(known, spec);
  }
}

/** Nobody misses what is not wanted any more. */
function forget(gauge: Gauge, stack: string, kept: ReadonlySet<string>): void {
  for (const tally of gauge.tallies.values()) {
    if (tally.component !== componentId(stack, tally.spec.name) || kept.has(tally.spec.name))
      continue;
    wish(tally, { ...tally.spec, mode: 'replicated', replicas: 0 });
  }
}

function wish(tally: Tally, spec: ComponentSpec): void {
  tally.spec = spec;
  tally.seatNames = seatNamesOf(spec);
}

function seatNamesOf({ job, mode, replicas }: ComponentSpec): readonly string[] {
  if (job !== undefined || mode === 'global') return []; // a job comes to an end
  return Array.from({ length: replicas }, (_, i) => `${i + 1}`);
}

export function noteDeed(gauge: Gauge, deed: Deed): void {
  if (deed.kind !== 'command') return;
  const { given } = deed.errand;
  if (given.kind === 'deploy') want(gauge, given.spec);
  else forget(gauge, given.stack, new Set());
}

const createTally = (component: ComponentId, spec: ComponentSpec): Tally => ({
  component,
  spec,
  seatNames: seatNamesOf(spec),
  isWatched: false,
  watchedMs: 0,
  upMs: 0,
  fullMs: 0,
  longestDoubleMs: 0,
  failoversMs: [],
  restartsMs: [],
  seats: new Map(),
  absences: new Map(),
  doubles: new Map(),
});

export const measuresOf = ({ tallies }: Gauge): readonly Measures[] =>
  [...tallies.values()].map(({ component, absences, ...tally }) => ({
    component,
    watchedMs: tally.watchedMs,
    upMs: tally.upMs,
    fullMs: tally.fullMs,
    longestDoubleMs: tally.longestDoubleMs,
    failoversMs: tally.failoversMs,
    restartsMs: tally.restartsMs,
    missing: absences.size,
  }));

export function gaugeAt(gauge: Gauge, { atMs, world }: Scene): void {
  const sinceMs = atMs - gauge.lookedAtMs;
  gauge.lookedAtMs = atMs;
  const powered = world.hosts.filter((host) => !host.lost && !isAsleep(host, world.queue.now));
  const reached = powered.filter((host) => isReached(world, host, powered));
  const serving = seatsOn(gauge, reached, ({ spec }, { slot, health }, at) =>
    health === 'none' || health === 'healthy' ? seatName(spec, slot, at) : undefined,
  );
  const present = seatsOn(gauge, powered, (_, { slot }) => `${slot}`);
  for (const tally of gauge.tallies.values()) {
    const { component } = tally;
    const served = serving.get(component) ?? new Map<string, readonly HostIndex[]>();
    const wanted = wantedSeats(tally, reached);
    noteService(tally, served, wanted, sinceMs);
    noteAbsences(tally, served, wanted, atMs);
    noteDoubles(tally, present.get(component), sinceMs);
  }
}

/** Somebody can talk with it, in both directions. */
function isReached({ network, hosts }: World, { index }: Host, powered: readonly Host[]): boolean {
  if (hosts.length === 1) return true;
  return powered.some(
    (other) =>
      other.index !== index &&
      !isCut(network, index, other.index) &&
      !isCut(network, other.index, index),
  );
}

/** Of each component, the hosts of each of its seats. */
type Seats = Map<ComponentId, Map<string, readonly HostIndex[]>>;

/** A global component is wanted on each host, in whichever slots. */
const seatName = ({ mode }: ComponentSpec, slot: number, at: HostIndex): string =>
  mode === 'global' ? `@${at}` : `${slot}`;

/** `nameIn`: the seat that an instance fills; undefined: none. */
function seatsOn(
  gauge: Gauge,
  hosts: readonly Host[],
  nameIn: (
    tally: Tally,
    instance: ReturnType<typeof running>[number],
    at: HostIndex,
  ) => string | undefined,
): Seats {
  const seats: Seats = new Map();
  for (const { engine, index } of hosts)
    for (const instance of running(engine)) {
      const { component } = instance;
      const tally = gauge.tallies.get(component);
      const seat = tally === undefined ? undefined : nameIn(tally, instance, index);
      if (seat === undefined) continue;
      const own = seats.get(component) ?? new Map<string, readonly HostIndex[]>();
      seats.set(component, own);
      own.set(seat, [...(own.get(seat) ?? []), index]);
    }
  return seats;
}

const wantedSeats = ({ spec, seatNames }: Tally, reached: readonly Host[]): readonly string[] =>
  spec.job === undefined && spec.mode === 'global'
    ? reached.map(({ index }) => `@${index}`)
    : seatNames;

type Served = ReadonlyMap<string, readonly HostIndex[]>;

function noteService(
  tally: Tally,
  served: Served,
  wanted: readonly string[],
  sinceMs: number,
): void {
  const isFull = wanted.length > 0 && wanted.every((seat) => served.has(seat));
  if (tally.isWatched && wanted.length > 0) {
    tally.watchedMs += sinceMs;
    if (served.size > 0) tally.upMs += sinceMs;
    if (isFull) tally.fullMs += sinceMs;
  }
  tally.isWatched ||= isFull;
}

/** A seat is missed from when it serves no more until it does somewhere. */
function noteAbsences(tally: Tally, served: Served, wanted: readonly string[], atMs: number): void {
  const { seats, absences } = tally;
  for (const seat of seats.keys())
    if (!wanted.includes(seat)) {
      seats.delete(seat);
      absences.delete(seat);
    }
  for (const seat of wanted) {
    const places = served.get(seat);
    const last = seats.get(seat);
    const absence = absences.get(seat);
    if (places === undefined) {
      if (last !== undefined && absence === undefined) absences.set(seat, { sinceMs: atMs, last });
      continue;
    }
    const isBack = absence !== undefined && places.includes(absence.last);
    if (absence !== undefined)
      (isBack ? tally.restartsMs : tally.failoversMs).push(atMs - absence.sinceMs);
    absences.delete(seat);
    seats.set(seat, last !== undefined && places.includes(last) ? last : (places[0] ?? 0));
  }
}

function noteDoubles(tally: Tally, present: Served | undefined, sinceMs: number): void {
  const { doubles } = tally;
  for (const seat of doubles.keys())
    if ((present?.get(seat)?.length ?? 0) < 2) doubles.delete(seat);
  for (const [seat, places] of present ?? []) {
    if (places.length < 2) continue;
    // It has begun at some time between two looks.
    const lengthMs = (doubles.get(seat) ?? 0) + sinceMs;
    doubles.set(seat, lengthMs);
    tally.longestDoubleMs = Math.max(tally.longestDoubleMs, lengthMs);
  }
}
