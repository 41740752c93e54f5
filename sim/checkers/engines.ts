/**
 * S23 A host whose engine has answered nothing for ten seconds says so, and one whose engine has answered
 *     for three does not. No leader gives a slot to a host that it knows to say so, unless that one has
 *     run it all the time.
 */
import type { HostId } from '../../protocol/base/ids.ts';
import type { Effect } from '../../protocol/effect.ts';
import { HOST_ENTRY } from '../../protocol/inventory/entry.ts';
import { allEntries, entriesOf } from '../../protocol/inventory/inventories.ts';
import type { Committed, RecordValue } from '../../protocol/record/record.ts';
import { type Micros, ofMillis } from '../event-queue.ts';
import type { Agent, Host } from '../host.ts';
import { type Given, slotsBefore } from './given.ts';
import type { Report } from './report.ts';

export type EngineChecker = {
  readonly report: Report;
  readonly lives: WeakMap<Agent, Life>;
  readonly given: Given;
  /** Assignments that were judged as they were decided on; repeated, they are judged by later news. */
  readonly judged: WeakSet<RecordValue>;
};

type Life = {
  /** It has taken its steps in time since then. */
  awakeSince: Micros;
  lastStepAt: Micros;
  /** Whom it knew to have a silent engine after its last step, and as of which facts. */
  silent: ReadonlySet<HostId>;
  factsVersion: number;
};

export const createEngineChecker = (report: Report): EngineChecker => ({
  report,
  lives: new WeakMap(),
  given: new Map(),
  judged: new WeakSet(),
});

const SAID_WITHIN = ofMillis(10_000);
const UNSAID_WITHIN = ofMillis(3000);
const STALL = ofMillis(1000);

export function checkEngines(
  checker: EngineChecker,
  host: Host,
  effects: readonly Effect[],
  now: Micros,
): void {
  const { agent } = host;
  if (agent === undefined) return;
  const life = lifeOf(checker, agent, now);
  if (host.lagMs > 0 || now - life.lastStepAt > STALL) life.awakeSince = now;
  life.lastStepAt = now;
  const before = life.silent;
  look(life, agent);
  if (!agent.core.ended && !agent.core.cloned && !agent.core.dismissed)
    checkWord(checker, host, life, now);
  for (const effect of effects)
    if (effect.kind === 'send' && effect.message.kind === 'write')
      judge(checker, host, effect.message, { before, after: life.silent });
}

function lifeOf({ lives }: EngineChecker, agent: Agent, now: Micros): Life {
  const known = lives.get(agent);
  if (known !== undefined) return known;
  const life = { awakeSince: now, lastStepAt: now, silent: new Set<HostId>(), factsVersion: -1 };
  lives.set(agent, life);
  return life;
}

export const saysSilent = ({ core }: Pick<Agent, 'core'>, id: HostId): boolean => {
  const facts = entriesOf(core.inventories, id).get(HOST_ENTRY);
  return facts?.kind === 'host' && facts.engineSilentAfterMs !== undefined;
};

/** What it says of its own engine. */
function checkWord(
  { report }: EngineChecker,
  { id, engine: { awaySince, backAt } }: Host,
  { awakeSince, silent }: Life,
  now: Micros,
): void {
  const says = silent.has(id);
  const forUs = now - Math.max(awakeSince, awaySince ?? backAt);
  const isWrong = awaySince === undefined ? says : !says;
  if (!isWrong || forUs <= (says ? UNSAID_WITHIN : SAID_WITHIN)) return;
  const text = `for ${Math.round(forUs / 1000)} ms`;
  if (awaySince !== undefined)
    report('S23', `the engine of ${id} has answered nothing ${text}, and ${id} does not say so`);
  else report('S23', `the engine of ${id} has answered ${text}, and ${id} calls it silent`);
}

function look(life: Life, agent: Agent): void {
  const { inventories } = agent.core;
  if (life.factsVersion === inventories.factsVersion) return;
  life.factsVersion = inventories.factsVersion;
  const all = allEntries(inventories).map(([id]) => id);
  life.silent = new Set(all.filter((id) => saysSilent(agent, id)));
}

/** By what was known before the step and is after it: it was so when this was decided. */
function judge(
  { report, given, judged }: EngineChecker,
  host: Host,
  { key, value, revision }: Pick<Committed, 'key' | 'value' | 'revision'>,
  silent: { readonly before: ReadonlySet<HostId>; readonly after: ReadonlySet<HostId> },
): void {
  if (value.kind !== 'component') return;
  const before = slotsBefore(given, host, { key, value });
  const isNew = !judged.has(value);
  judged.add(value);
  if (revision.seq === 0 || !isNew) return;
  const fresh = value.slots.find(({ slot, host: at }) => {
    const had = before.some(
      (each) => each.slot === slot && (each.host === at || each.left?.includes(at) === true),
    );
    return !had && silent.before.has(at) && silent.after.has(at);
  });
  if (fresh !== undefined)
    report('S23', `${host.id} gives ${key} ${fresh.slot} to ${fresh.host}, whose engine is silent`);
}
