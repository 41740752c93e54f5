/**
 * When a host ends what it runs of a destroyed stack: in reverse order of `depends_on`, on whatever hosts.
 *
 *     destroyed ──dependents have ended everywhere, or waitMs have passed──▶ told to stop
 *
 *  O1 What others depended on is ended only once no host that is believed alive or suspect tells of an
 *     instance of those that runs, or is on its way to or from there. Of a host that has not been heard
 *     since this agent started, or whose own agent has just started, nobody can say: it may run one.
 *  O2 Nothing waits for longer than its dependents may take (`dependents.ts`), counted from when this
 *     agent knows of the tombstone and of the instance; nor beyond its contract for an isolated host, nor
 *     where this agent is to end.
 *  O3 The tombstone says who depended on whom. Without one nothing waits: neither what another deploy
 *     leaves out, nor what is left of a stack that is deployed anew, nor where this host is no member.
 */
import { type ComponentId, componentId, componentOf, type HostId, stackOf } from '../base/ids.ts';
import { after, earlier, type Instant, NEVER, seconds } from '../base/time.ts';
import { endingOf } from '../component/dependents.ts';
import { HOST_ENTRY, isGoingOn } from '../inventory/entry.ts';
import { begunAtOf, entriesOf } from '../inventory/inventories.ts';
import { healthOf } from '../membership/membership.ts';
import { hasLife, type Wait } from '../reconcile/slots.ts';
import type { Turn } from '../turn.ts';
import { quorumHeardAt } from './isolation.ts';
import { know } from './know.ts';
import type { Core } from './state.ts';

/** Of destroyed stacks of which something is here: since when this agent knows of both, by name. */
export type Endings = ReadonlyMap<string, { readonly life: number; readonly since: Instant }>;

/** After its start an agent has not listed its engine yet, nor has everyone heard what it then says. */
const FRESH_MS = seconds(5);

type Ender = {
  /** What an unwanted component waits for before it is ended; undefined: nothing. */
  readonly waitOf: (component: ComponentId) => Wait | undefined;
  /** Those that were asked for. */
  readonly asked: Endings;
};

/** For one look at what runs here. */
export function createEnder(core: Core, turn: Turn): Ender {
  const asked = new Map<string, { readonly life: number; readonly since: Instant }>();
  let going: ReadonlySet<ComponentId> | undefined;
  return {
    asked,
    waitOf(component) {
      const name = stackOf(component);
      const { stacks, isDismissed } = know(core);
      const { spec, life = 0, dependents } = stacks.get(name)?.stack ?? {};
      if (isDismissed || core.guarding.yields || spec !== undefined) return undefined;
      const ending = dependents && endingOf(dependents, componentOf(component));
      if (ending === undefined) return undefined;
      const known = asked.get(name) ?? core.endings.get(name);
      const { since } = known?.life === life ? known : { since: turn.now };
      asked.set(name, { life, since });
      const until = earlier(after(since, ending.waitMs), isolatedAt(core, component));
      if (until === undefined || turn.now >= until) return undefined;
      going ??= goingOn(core);
      const first = ending.after.map((one) => componentId(name, one)).find((id) => going?.has(id));
      if (first !== undefined) return { why: `waits until ${first} has ended`, until };
      const unheard = unheardOf(core, turn);
      if (unheard === undefined) return undefined;
      const why = `waits until ${unheard.host} has said what it runs`;
      return { why, until: earlier(until, unheard.until) ?? until };
    },
  };
}

/** Components of which something runs, or is on its way to or from there; here, by what this step knows. */
function goingOn(core: Core): ReadonlySet<ComponentId> {
  const going = new Set<ComponentId>();
  for (const { host, report } of know(core).reports)
    if (isGoingOn(report) && isBelieved(core, host)) going.add(report.component);
  for (const seat of core.slots.seats.values()) if (hasLife(seat)) going.add(seat.component);
  return going;
}

/** Of others: each is a member, and neither dead nor gone. */
function isBelieved({ membership }: Core, host: HostId): boolean {
  const health = healthOf(membership, host);
  return health === 'alive' || health === 'suspect';
}

type Unheard = { readonly host: HostId; readonly until: Instant | undefined };

function unheardOf(core: Core, { now }: Turn): Unheard | undefined {
  for (const { id: host } of know(core).members) {
    if (!isBelieved(core, host)) continue;
    if (!entriesOf(core.inventories, host).has(HOST_ENTRY)) return { host, until: undefined };
    const until = after(begunAtOf(core.inventories, host) ?? NEVER, FRESH_MS);
    if (now < until) return { host, until };
  }
  return undefined;
}

/** When its contract begins to ask for something; undefined: it asks for nothing. */
function isolatedAt(core: Core, component: ComponentId): Instant | undefined {
  const contract = know(core).assignments.get(component)?.component.spec.onIsolation;
  return contract && after(quorumHeardAt(core), contract.afterMs);
}
