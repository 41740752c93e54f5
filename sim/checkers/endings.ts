/**
 * S34 Of a destroyed stack a host ends what others depended on only once, by what it knows, nothing of those
 *     goes on anywhere, or they have had their time; and it waits for no longer than that.
 */
import {
  type ComponentId,
  componentId,
  componentKey,
  componentOf,
  type Key,
  stackKey,
  stackOf,
} from '../../protocol/base/ids.ts';
import type { Dependent } from '../../protocol/component/dependents.ts';
import { quorumHeardAt } from '../../protocol/core/isolation.ts';
import type { DiskWrite, Effect } from '../../protocol/effect.ts';
import { HOST_ENTRY } from '../../protocol/inventory/entry.ts';
import { begunAtOf, entriesOf } from '../../protocol/inventory/inventories.ts';
import type { Committed, Stack } from '../../protocol/record/record.ts';
import { isLive } from '../../protocol/reconcile/instance.ts';
import type { Seat } from '../../protocol/reconcile/table.ts';
import { seatName } from '../engine/engine.ts';
import type { Micros } from '../event-queue.ts';
import { type Agent, type Host, localNow } from '../host.ts';
import type { Report } from './report.ts';

/** What one agent has seen of tombstones. */
type Life = {
  /** When it knew of each first, by stack and life. */
  readonly known: Map<string, number>;
  /** Since when each of its seats has something that is not wanted, and is not told to stop. */
  readonly idle: Map<Seat, { readonly tomb: string; readonly atMs: number }>;
  /** Instances that were told to stop: what is told again was judged then. */
  readonly judged: Set<string>;
  /** Each stack as the last step has left it; while one is judged, as its effects so far have. */
  readonly stacks: Map<Key, Stack>;
  /** Of the committed records at the last look. */
  version: number;
};

export type EndingChecker = { readonly report: Report; readonly lives: WeakMap<Agent, Life> };

export const createEndingChecker = (report: Report): EndingChecker => ({
  report,
  lives: new WeakMap(),
});

/** Beyond the grace of each level. */
const MARGIN_MS = 5000;
/** An agent that is younger may have more to tell. */
const FRESH_MS = 5000;
/** An agent acts by its deadlines, which are no later. */
const SLACK_MS = 1000;

export function checkEndings(
  { report, lives }: EndingChecker,
  host: Host,
  effects: readonly Effect[],
  now: Micros,
): void {
  const { agent } = host;
  if (agent === undefined) return;
  const life = lives.get(agent) ?? begunWith(agent);
  lives.set(agent, life);
  const atMs = localNow(agent, now);
  // Between two messages of many nothing is done yet.
  if (agent.isBehind) return lookAtStacks(life, agent);
  noteTombs(life, agent, atMs);
  for (const effect of effects) {
    // A stack may be destroyed and deployed several times in one step.
    if (effect.kind === 'persist') noteStacks(life, effect.writes);
    if (effect.kind === 'stopInstance') judgeStop(report, host, agent, life, effect, atMs);
  }
  lookAtStacks(life, agent);
  for (const seat of agent.core.slots.seats.values())
    lookAtIdle(report, host, agent, life, seat, atMs);
}

function begunWith(agent: Agent): Life {
  const life: Life = {
    known: new Map(),
    idle: new Map(),
    judged: new Set(),
    stacks: new Map(),
    version: -1,
  };
  lookAtStacks(life, agent);
  return life;
}

function noteTombs({ known }: Life, { core }: Agent, atMs: number): void {
  for (const { key, value } of core.committed.byKey.values())
    if (value.kind === 'stack' && value.dependents !== undefined) {
      const tomb = `${key} ${value.life}`;
      if (!known.has(tomb)) known.set(tomb, atMs);
    }
}

function lookAtStacks(life: Life, { core: { committed } }: Agent): void {
  if (life.version === committed.version) return;
  life.version = committed.version;
  life.stacks.clear();
  for (const { key, value } of committed.byKey.values())
    if (value.kind === 'stack') life.stacks.set(key, value);
}

function noteStacks({ stacks }: Life, writes: readonly DiskWrite[]): void {
  for (const { name, value } of writes) {
    const record = name.startsWith('committed/') ? (value as Committed | undefined) : undefined;
    if (record?.value.kind === 'stack') stacks.set(record.key, record.value);
  }
}

function judgeStop(
  report: Report,
  { id }: Host,
  agent: Agent,
  life: Life,
  { engineId }: Extract<Effect, { readonly kind: 'stopInstance' }>,
  atMs: number,
): void {
  if (life.judged.has(engineId)) return;
  life.judged.add(engineId);
  const seat = agent.core.slots.byEngineId.get(engineId);
  if (seat?.instances.get(engineId)?.stop?.why !== 'unwanted') return;
  const early = whyEarly(agent, life, seat, atMs);
  if (early !== undefined)
    report('S34', `${id} ends ${seatName(seat.component, seat.slot)} before ${early}`);
}

function lookAtIdle(
  report: Report,
  { id }: Host,
  agent: Agent,
  { known, idle, stacks }: Life,
  seat: Seat,
  atMs: number,
): void {
  const tomb = tombOf(agent, stacks, seat.component);
  const live = [...seat.instances.values()].filter(isLive);
  const waits =
    tomb !== undefined &&
    seat.desired === undefined &&
    seat.starting === undefined &&
    live.length > 0 &&
    live.every(({ stop }) => stop === undefined);
  if (!waits || !agent.core.slots.listed) return void idle.delete(seat);
  const was = idle.get(seat);
  const since = was?.tomb === tomb.name ? was : { tomb: tomb.name, atMs };
  idle.set(seat, since);
  const waitedMs = atMs - Math.max(since.atMs, known.get(tomb.name) ?? atMs);
  const mostMs = waitOf(tomb.dependents, componentOf(seat.component));
  if (waitedMs > mostMs + SLACK_MS)
    report(
      'S34',
      `${id} has not ended ${seat.name} after ${waitedMs} ms, the most is ${mostMs} ms`,
    );
}

type Tomb = { readonly name: string; readonly dependents: readonly Dependent[] };

/** Of a component of a destroyed stack in which some depended on others. */
function tombOf({ core }: Agent, stacks: Life['stacks'], component: ComponentId): Tomb | undefined {
  const key = stackKey(stackOf(component));
  const value = stacks.get(key);
  if (value?.dependents === undefined || core.dismissed) return undefined;
  return { name: `${key} ${value.life}`, dependents: value.dependents };
}

/** What was to be there first; undefined: nothing. */
function whyEarly(
  agent: Agent,
  { known, stacks }: Life,
  seat: Seat,
  atMs: number,
): string | undefined {
  const { core } = agent;
  const { component } = seat;
  const tomb = tombOf(agent, stacks, component);
  if (tomb === undefined || core.guarding.yields) return undefined;
  const others = before(tomb.dependents, componentOf(component));
  if (others.length === 0) return undefined;
  const waitedMs = atMs - (known.get(tomb.name) ?? atMs);
  if (waitedMs >= waitOf(tomb.dependents, componentOf(component))) return undefined;
  const record = core.committed.byKey.get(componentKey(component))?.value;
  const contract = record?.kind === 'component' ? record.spec.onIsolation : undefined;
  if (contract !== undefined && atMs >= quorumHeardAt(core) + contract.afterMs) return undefined;
  const ids = others.map((name) => componentId(stackOf(component), name));
  const here = [...core.slots.seats.values()].find(
    (one) => ids.includes(one.component) && runs(one),
  );
  if (here !== undefined) return `${here.name} has ended`;
  for (const [peer, { health }] of core.membership.members) {
    if (health === 'dead' || health === 'left') continue;
    const entries = entriesOf(core.inventories, peer);
    for (const [name, entry] of entries)
      if (entry.kind === 'instance' && ids.includes(entry.component) && GOES_ON.has(entry.state))
        return `${name} has ended on ${peer}`;
    const begunAt = begunAtOf(core.inventories, peer) ?? -Infinity;
    if (!entries.has(HOST_ENTRY) || atMs < begunAt + FRESH_MS)
      return `${peer} has said what it runs`;
  }
  return undefined;
}

const runs = ({ starting, instances }: Seat): boolean =>
  starting !== undefined || [...instances.values()].some(isLive);
const GOES_ON: ReadonlySet<string> = new Set(['preparing', 'starting', 'running', 'stopping']);

/** All that depended on it, found by asking until nothing new is found. */
function before(dependents: readonly Dependent[], name: string): readonly string[] {
  const found = new Set([name]);
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const each of dependents) if (each.on.some((on) => found.has(on))) found.add(each.name);
  }
  found.delete(name);
  return [...found];
}

/** The longest way through those that depended on it; nobody in the swarm depends in a circle. */
const waitOf = (dependents: readonly Dependent[], name: string): number =>
  Math.max(
    0,
    ...dependents
      .filter(({ on }) => on.includes(name))
      .map((each) => waitOf(dependents, each.name) + each.graceMs + MARGIN_MS),
  );
