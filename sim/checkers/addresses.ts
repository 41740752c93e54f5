/**
 * S36 A start is told where what its component depends on is found by what its host knows then, and nothing
 *     else: all that others who are believed alive say to be well, or else to run. An instance is replaced
 *     for that only where its component follows, once for 5 s nothing that it was told was true. It is not
 *     started with nothing to go by within 10 s after what it follows was there (N1 to N5).
 *
 * The rules are read here once more, from the inventories themselves. What a host has itself it may have
 * seen come and go within the step, so that of itself less is asked for.
 */
import {
  type ComponentId,
  componentId,
  type HostId,
  stackKey,
  stackOf,
} from '../../protocol/base/ids.ts';
import type { PortAddresses } from '../../protocol/component/addresses.ts';
import type { ComponentSpec, Dependency } from '../../protocol/component/spec.ts';
import type { Effect } from '../../protocol/effect.ts';
import { HOST_ENTRY, type InstanceReport } from '../../protocol/inventory/entry.ts';
import { entriesOf } from '../../protocol/inventory/inventories.ts';
import { committedOf } from '../../protocol/record/committed.ts';
import { currentOf, type Seat } from '../../protocol/reconcile/table.ts';
import { seatName } from '../engine/engine.ts';
import type { Micros } from '../event-queue.ts';
import { type Agent, type Host, localNow } from '../host.ts';
import type { Report } from './report.ts';
import type { Start } from './starts.ts';

/** When something that an instance was told was last true, or it was first seen. */
type Truth = { readonly engineId: string; readonly atMs: number };

export type AddressChecker = {
  readonly report: Report;
  readonly truths: WeakMap<Seat, Truth>;
  /** By life of an agent and component, when an instance of it was last known to run. */
  readonly seen: WeakMap<Agent, Map<ComponentId, number>>;
  /** The last look of a core at its slots that was judged. */
  readonly rounds: WeakMap<Agent, number>;
};

export const createAddressChecker = (report: Report): AddressChecker => ({
  report,
  truths: new WeakMap(),
  seen: new WeakMap(),
  rounds: new WeakMap(),
});

const LOST_MS = 5000;
const AWAITED_MS = 10_000;

export function checkAddresses(
  checker: AddressChecker,
  host: Host,
  effects: readonly Effect[],
  now: Micros,
): void {
  const { agent } = host;
  if (agent === undefined || checker.rounds.get(agent) === agent.core.slots.round) return;
  checker.rounds.set(agent, agent.core.slots.round);
  const atMs = localNow(agent, now);
  for (const effect of effects) {
    if (effect.kind === 'startInstance') {
      const wrong = wrongAddresses(agent, effect);
      if (wrong !== undefined) checker.report('S36', `${host.id} ${wrong}`);
      const rash = rashStart(checker, agent, effect, atMs);
      if (rash !== undefined) checker.report('S36', `${host.id} ${rash}`);
    }
    if (effect.kind === 'stopInstance') checkStop(checker, host, agent, effect.engineId, atMs);
  }
  for (const seat of agent.core.slots.seats.values()) {
    noteSeen(checker, agent, seat, atMs);
    noteTruth(checker, agent, seat, atMs);
  }
}

/** Where one port is found, as somebody says. */
type Line = {
  readonly port: Omit<PortAddresses, 'at'>;
  readonly address: string;
  readonly isOwn: boolean;
  readonly isSuspect: boolean;
  readonly isWell: boolean;
};

const followed = ({ dependsOn }: ComponentSpec): readonly Dependency[] =>
  dependsOn.filter(({ condition }) => condition !== 'completed');

const isOf = (a: Omit<PortAddresses, 'at'>, b: Omit<PortAddresses, 'at'>): boolean =>
  a.on === b.on && a.target === b.target && a.protocol === b.protocol;

/** What runs by the inventories of all that are not gone. */
function linesOf(agent: Agent, component: ComponentId, on: string): readonly Line[] {
  const { core } = agent;
  const self = core.identity.host;
  return [...core.membership.members.keys(), self].flatMap((id) => {
    const isOwn = id === self;
    const health = isOwn ? 'alive' : core.membership.members.get(id)?.health;
    if (health !== 'alive' && health !== 'suspect') return [];
    return [...entriesOf(core.inventories, id).values()].flatMap((entry): readonly Line[] => {
      if (entry.kind !== 'instance' || entry.state !== 'running') return [];
      if (entry.component !== componentId(stackOf(component), on)) return [];
      return entry.ports.flatMap((port): readonly Line[] => {
        const address = reachedAt(agent, id, port);
        if (address === undefined) return [];
        const { target, protocol = 'tcp' } = port;
        const isWell = entry.health === 'none' || entry.health === 'healthy';
        const isSuspect = health === 'suspect';
        return [{ port: { on, target, protocol }, address, isOwn, isSuspect, isWell }];
      });
    });
  });
}

type Bound = InstanceReport['ports'][number];

/** Here everything is bound on all addresses of a host, or on its loopback. */
function reachedAt({ core }: Agent, id: HostId, { address, published }: Bound): string | undefined {
  const isOwn = id === core.identity.host;
  if (address === '127.0.0.1') return isOwn ? `127.0.0.1:${published}` : undefined;
  const entry = isOwn ? core.identity.facts : entriesOf(core.inventories, id).get(HOST_ENTRY);
  return entry?.kind === 'host' && entry.address !== undefined
    ? `${entry.address}:${published}`
    : undefined;
}

/** Undefined: it is told what it is to be told. */
function wrongAddresses(agent: Agent, start: Start): string | undefined {
  const { component, slot, spec, addresses } = start;
  const what = `starts ${seatName(component, slot)} and tells it`;
  const dependencies = followed(spec);
  if ((addresses === undefined) !== (dependencies.length === 0))
    return `${what} ${addresses === undefined ? 'nothing' : 'of others'}`;
  const lines = dependencies.flatMap(({ on }) => linesOf(agent, component, on));
  for (const port of addresses ?? []) {
    const known = lines.filter((line) => isOf(line.port, port) && !line.isSuspect);
    const some = port.at.some((address) => known.find((line) => line.address === address)?.isWell);
    for (const [nth, address] of port.at.entries()) {
      const line = known.find((each) => each.address === address);
      if (line === undefined && !wasHere(agent, component, port, address))
        return `${what} that ${port.on} is at ${address}, which nobody says`;
      if (line?.isWell === false && some) return `${what} of ${address}, which is not well`;
      if (
        line?.isOwn === true &&
        nth > 0 &&
        known.some((each) => !each.isOwn && each.address === port.at[0])
      )
        return `${what} of others before its own host`;
    }
    if (new Set(port.at).size < port.at.length) return `${what} the same twice`;
  }
  const missed = lines.find(
    ({ port, address, isOwn, isSuspect, isWell }) =>
      isWell &&
      !isOwn &&
      !isSuspect &&
      addresses?.find((told) => isOf(told, port))?.at.includes(address) !== true,
  );
  return missed && `${what} nothing of ${missed.port.on} at ${missed.address}`;
}

/** Undefined: it knows something of all that it follows, or has waited for it. */
function rashStart(
  { seen }: AddressChecker,
  agent: Agent,
  { component, slot, spec, addresses }: Start,
  atMs: number,
): string | undefined {
  const value = committedOf(agent.core.committed, stackKey(stackOf(component)))?.value;
  const stack = value?.kind === 'stack' ? value.spec : undefined;
  for (const { on, restart } of followed(spec)) {
    const isPublished = stack?.components.find(({ name }) => name === on)?.ports.length !== 0;
    if (!restart || !isPublished || addresses?.some((port) => port.on === on) === true) continue;
    const agoMs = atMs - (seen.get(agent)?.get(componentId(stackOf(component), on)) ?? -Infinity);
    if (agoMs < AWAITED_MS)
      return `starts ${seatName(component, slot)} and tells it nothing of ${on}, which was there ${agoMs} ms ago`;
  }
  return undefined;
}

function noteSeen({ seen }: AddressChecker, agent: Agent, seat: Seat, atMs: number): void {
  const spec = seat.desired?.spec;
  const life = seen.get(agent) ?? new Map<ComponentId, number>();
  for (const { on } of spec === undefined ? [] : followed(spec))
    if (linesOf(agent, seat.component, on).some(({ isSuspect }) => !isSuspect))
      life.set(componentId(stackOf(seat.component), on), atMs);
  seen.set(agent, life);
}

/** An instance that this host has or had. */
function wasHere(
  agent: Agent,
  component: ComponentId,
  port: PortAddresses,
  address: string,
): boolean {
  const { core } = agent;
  const on = componentId(stackOf(component), port.on);
  return [...core.slots.seats.values()]
    .filter((seat) => seat.component === on)
    .some((seat) =>
      [...seat.instances.values()].some(({ observed }) =>
        observed.ports.some((bound) => reachedAt(agent, core.identity.host, bound) === address),
      ),
    );
}

function checkStop(
  { report, truths }: AddressChecker,
  host: Host,
  { core }: Agent,
  engineId: string,
  atMs: number,
): void {
  const seat = core.slots.byEngineId.get(engineId);
  const { stop } = seat?.instances.get(engineId) ?? {};
  // Told once more, as it still runs.
  if (seat === undefined || stop?.why !== 'readdressed' || stop.at < atMs) return;
  const where = `${seatName(seat.component, seat.slot)} on ${host.id} is replaced for what it was told`;
  const spec = seat.desired?.spec;
  if (spec?.job !== undefined) report('S36', `${where}, and is of a job`);
  if (spec !== undefined && !followed(spec).some(({ restart }) => restart))
    report('S36', `${where}, and follows nothing`);
  const truth = truths.get(seat);
  const lostMs = truth?.engineId === engineId ? atMs - truth.atMs : 0;
  if (lostMs < LOST_MS) report('S36', `${where}, which was true ${lostMs} ms ago`);
}

/** Whether something that it was told is true now, of each port that it follows and that is there. */
function noteTruth({ truths }: AddressChecker, agent: Agent, seat: Seat, atMs: number): void {
  const current = currentOf(seat);
  const spec = seat.desired?.spec;
  const follows = spec === undefined ? [] : followed(spec).filter(({ restart }) => restart);
  if (current === undefined || follows.length === 0) return;
  const { engineId, addresses = [] } = current.observed;
  const known = truths.get(seat);
  const lines = follows.flatMap(({ on }) => linesOf(agent, seat.component, on));
  const isTrue = lines.every(
    ({ port }) =>
      !lines.some((line) => isOf(line.port, port) && !line.isSuspect) ||
      lines.some(
        (line) =>
          isOf(line.port, port) &&
          addresses.find((told) => isOf(told, port))?.at.includes(line.address) === true,
      ),
  );
  if (isTrue || known?.engineId !== engineId) truths.set(seat, { engineId, atMs });
}
