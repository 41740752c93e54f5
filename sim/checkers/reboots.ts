/**
 * S24 An agent that ends because its machine reboots says for how long it is to be waited for. Until then
 *     no leader that believes this moves a slot with a named volume from there, unless to a host that has
 *     run it all the time; and for longer nobody waits.
 */
import type { HostId, Term } from '../../protocol/base/ids.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Input } from '../../protocol/input.ts';
import { hasData } from '../../protocol/placement/fit.ts';
import type { Committed, RecordValue, Slot } from '../../protocol/record/record.ts';
import { type Micros, ofMillis } from '../event-queue.ts';
import type { Agent, Host } from '../host.ts';
import { CONFIG } from '../options.ts';
import type { Report } from './report.ts';

export type RebootChecker = {
  readonly report: Report;
  /** By the start that has said so. */
  readonly farewells: Map<string, Micros>;
  readonly ended: WeakSet<Agent>;
  /** The slots of each component and life of its stack as they were written last, and under which term. */
  readonly given: Map<string, { readonly term: Term; readonly slots: readonly Slot[] }>;
  readonly judged: WeakSet<RecordValue>;
  /** Whom each agent believed to have left after its last step, by start. */
  readonly left: WeakMap<Agent, Left>;
  /** Those that wait for somebody. */
  readonly waiting: Set<Agent>;
};

type Left = {
  readonly version: number;
  readonly starts: ReadonlyMap<HostId, string>;
  /** Those of them that are waited for, and since when. */
  readonly awaited: ReadonlyMap<string, Micros>;
};

export const createRebootChecker = (report: Report): RebootChecker => ({
  report,
  farewells: new Map(),
  ended: new WeakSet(),
  given: new Map(),
  judged: new WeakSet(),
  left: new WeakMap(),
  waiting: new Set(),
});

/** Less than what was said, by the fastest clock. */
const WAITED_MS = Math.floor(CONFIG.backWithinMs * 0.97);
/** And more, by the slowest. */
const OVERDUE = ofMillis(Math.ceil(CONFIG.backWithinMs * 1.03) + 100);

export function checkReboots(
  checker: RebootChecker,
  host: Host,
  { input, effects }: { readonly input: Input; readonly effects: readonly Effect[] },
  now: Micros,
): void {
  const { agent } = host;
  if (agent === undefined) return;
  if (input.kind === 'stopping' && input.why === 'reboot' && !checker.ended.has(agent))
    checkFarewell(checker, host, agent, effects, now);
  if (input.kind === 'stopping') checker.ended.add(agent);
  const before = checker.left.get(agent);
  const after = leftOf(agent, before, now);
  checker.left.set(agent, after);
  if (after.awaited.size > 0) checker.waiting.add(agent);
  else checker.waiting.delete(agent);
  for (const effect of effects)
    if (effect.kind === 'send' && effect.message.kind === 'write')
      judge(checker, host, effect.message, { before: before?.starts ?? after.starts, after }, now);
}

function checkFarewell(
  { report, farewells }: RebootChecker,
  { id }: Host,
  { core }: Agent,
  effects: readonly Effect[],
  now: Micros,
): void {
  if (core.cloned || core.knowledge?.isDismissed === true) return;
  farewells.set(`${id}/${core.boot}`, now);
  const isSaid = effects.some(
    ({ kind, ...rest }) =>
      kind === 'publish' &&
      'message' in rest &&
      rest.message.kind === 'rumor' &&
      rest.message.backWithinMs === CONFIG.backWithinMs,
  );
  if (!isSaid) report('S24', `${id} reboots and does not say when it is back`);
}

/** After every step. */
export function checkPatience(
  { report, left, waiting }: RebootChecker,
  { id, agent }: Host,
  now: Micros,
): void {
  if (agent === undefined || waiting.size === 0 || !waiting.has(agent)) return;
  if (agent.core.ended || agent.core.cloned || agent.core.dismissed) return;
  for (const [start, since] of left.get(agent)?.awaited ?? [])
    if (now > since + OVERDUE) report('S24', `${id} waits for ${start} for longer than it said`);
}

function leftOf({ core }: Agent, known: Left | undefined, now: Micros): Left {
  const { version, members } = core.membership;
  if (known?.version === version) return known;
  const starts = new Map<HostId, string>();
  const awaited = new Map<string, Micros>();
  for (const [id, { health, boot, backBy }] of members) {
    const start = `${id}/${boot}`;
    if (health === 'left') starts.set(id, start);
    if (backBy !== undefined) awaited.set(start, known?.awaited.get(start) ?? now);
  }
  return { version, starts, awaited };
}

/** By what was believed before the step and is after it: it was so when this was decided. */
function judge(
  { report, farewells, given, judged }: RebootChecker,
  { id: by }: Host,
  { key, value, revision }: Pick<Committed, 'key' | 'value' | 'revision'>,
  left: { readonly before: Left['starts']; readonly after: Left },
  now: Micros,
): void {
  if (value.kind !== 'component') return;
  const name = `${key} ${value.life}`;
  const last = given.get(name);
  // A leader writes again what it has read before it decides; what others wrote in vain it never had.
  const was = last?.term === revision.term ? last.slots : [];
  given.set(name, { term: revision.term, slots: value.slots });
  const isNew = !judged.has(value);
  judged.add(value);
  if (revision.seq === 0 || !isNew || !hasData(value.spec)) return;
  for (const { slot, host } of was) {
    const start = left.before.get(host);
    if (start === undefined || left.after.starts.get(host) !== start) continue;
    if (now >= (farewells.get(start) ?? -Infinity) + ofMillis(WAITED_MS)) continue;
    const to = value.slots.find((each) => each.slot === slot)?.host;
    const hadIt = was.find((each) => each.slot === slot)?.left ?? [];
    if (to === undefined || to === host || hadIt.includes(to)) continue;
    report('S24', `${by} moves ${key} ${slot}, which has data, from ${host}, which reboots`);
  }
}
