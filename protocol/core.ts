/**
 * The whole protocol behind three functions, driven by the agent (`node/agent.ts`) and by the
 * simulator (`sim/world.ts`) alike.
 *
 *     input ──▶ receive ─┬─ news ──▶ settle ───┬─▶ effects     nextDeadline ──▶ when to send `woken`
 *                        ├─ quiet ─▶ keepTime ─┤
 *                        └─ more waits ────────┘
 *
 * Of inputs that wait together each is received in time, and what follows from all of them is settled
 * once, with the last: an agent that falls behind does less for each.
 *
 * Determinism law: the same config, identity, seed, disk and inputs give the same effects.
 */
import { assert } from './base/assert.ts';
import { ROSTER_KEY } from './base/ids.ts';
import { after, earlier, FOREVER, type Instant, later, millis, NEVER } from './base/time.ts';
import type { Config } from './config.ts';
import { validateConfig } from './config.ts';
import type { Effect } from './effect.ts';
import type { Input } from './input.ts';
import { writeEntry } from './inventory/inventories.ts';
import { decisionEntry, decisionOf } from './inventory/log.ts';
import { committedOf } from './record/committed.ts';
import { type Leases, leasesDeadline } from './lease/leases.ts';
import { JOURNAL_MAX } from './limits.ts';
import { know } from './core/know.ts';
import { receiveMessage } from './core/messages.ts';
import { noteStall, receive } from './core/receive.ts';
import { isQuiet, isQuietMessage, keepTime, rhythmDeadline } from './core/rhythm.ts';
import { deadlineOf, settle, tendQuietly } from './core/settle.ts';
import { begin, type Core, type Identity, newCore, type Restored, turnOf } from './core/state.ts';
import { forkOf, NEVER_FORCED } from './roster/fork.ts';
import type { Turn } from './turn.ts';
import type { JournalEntry } from './view/view.ts';

export type { Core, Identity, Restored } from './core/state.ts';
export { emptyDisk, foundCluster } from './core/state.ts';

/** `config` must be valid (`validateConfig`); `restored` is what the persist effects left on disk. */
export function createCore(
  config: Config,
  identity: Identity,
  seed: number,
  restored: Restored,
): Core {
  assert(validateConfig(config).length === 0, 'the configuration has been validated');
  return newCore(config, identity, seed, restored);
}

/**
 * The first input must be `started`. Effects must be begun in order (`effect.ts`). `more`: another input
 * waits already, and is given at once.
 */
export function step(core: Core, input: Input, now: Instant, more = false): readonly Effect[] {
  const turn = turnOf(core, now);
  const leases = core.leases ?? begin(core, turn);
  if (core.cloned || core.ended) return [];
  noteStall(core, turn);
  const { roster } = core.council;
  const list = committedOf(core.committed, ROSTER_KEY);
  let quiet = isQuiet(core, leases, turn, input);
  receive(core, leases, turn, input);
  quiet = loopBack(core, leases, turn) !== 'news' && quiet;
  if (core.cloned) return turn.out.filter(({ kind }) => kind === 'journal');
  if (core.ended) {
    keepJournal(core, turn);
    return marked(core, turn.out);
  }
  const isOfHosts =
    core.council.roster !== roster || committedOf(core.committed, ROSTER_KEY) !== list;
  if (more && mayWait(input) && !isOfHosts) {
    if (!quiet) core.settleBy = NEVER;
    keepTime(core, leases, turn);
    keepJournal(core, turn);
    core.dueAt = now;
    return marked(core, turn.out);
  }
  if (quiet && now < core.settleBy) quiet = keepQuiet(core, leases, turn);
  if (!quiet || now >= core.settleBy || know(core) !== core.settled) settleAll(core, leases, turn);
  keepJournal(core, turn);
  core.dueAt = earlier(core.settleAt, rhythmDeadline(core, leases)) ?? FOREVER;
  return marked(core, turn.out);
}

/**
 * What follows from it may wait for the next input. Not of what has a host begin or end, nor of what
 * changes who votes or is a member: nothing else may be received as if that were not so yet.
 */
const mayWait = ({ kind }: Input): boolean =>
  kind !== 'started' && kind !== 'stopping' && kind !== 'yielding';

/** Says to others which fork we follow. */
function marked({ council }: Core, effects: readonly Effect[]): readonly Effect[] {
  const fork = forkOf(council.roster.epoch);
  if (fork === NEVER_FORCED) return effects;
  return effects.map((effect) =>
    effect.kind === 'send' || effect.kind === 'publish'
      ? { ...effect, message: { ...effect.message, fork } }
      : effect,
  );
}

/** When to give the next `woken`; earlier or later is harmless, undefined: never. */
export function nextDeadline(core: Core): Instant | undefined {
  if (core.leases === undefined || core.cloned || core.ended) return undefined;
  if (core.dueAt === FOREVER) return undefined;
  // Never busy: what is due already was done in the last step, or waits for an input.
  return later(core.dueAt, after(core.lastStepAt, millis(1)));
}

type Looped = 'nothing' | 'quiet' | 'news';

/** What this host says to itself arrives at once; it stays behind the persists it depends on. */
function loopBack(core: Core, leases: Leases, turn: Turn): Looped {
  let looped: Looped = 'nothing';
  for (let i = 0; i < turn.out.length;) {
    const effect = turn.out[i];
    if (effect?.kind !== 'send' || effect.to !== turn.self) {
      i += 1;
      continue;
    }
    turn.out.splice(i, 1);
    const quiet = isQuietMessage(core, leases, turn, turn.self, effect.message);
    receiveMessage(core, leases, turn, turn.self, effect.message);
    if (!quiet) looped = 'news';
    else if (looped === 'nothing') looped = 'quiet';
  }
  return looped;
}

/**
 * However quiet it is, everything is looked at so often, with a step that comes anyway: what grows true
 * by time alone, such as that a quorum was not heard for a while, has no deadline of its own.
 */
const SETTLE_EVERY_MS = millis(500);

/** A sole voter wins, writes and commits within one step; the rounds are bounded. */
const ROUNDS_MAX = 8;

/** What has a rhythm of its own; false if something came of it that all the rest is to follow. */
function keepQuiet(core: Core, leases: Leases, turn: Turn): boolean {
  keepTime(core, leases, turn);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    if (!tendQuietly(core, leases, turn)) return false;
    const looped = loopBack(core, leases, turn);
    if (looped === 'news') return false;
    if (looped === 'nothing') break;
  }
  return true;
}

function settleAll(core: Core, leases: Leases, turn: Turn): void {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    core.settled = know(core);
    settle(core, leases, turn);
    if (loopBack(core, leases, turn) === 'nothing' && know(core) === core.settled) break;
  }
  core.settleAt = deadlineOf(core, leases, turn) ?? FOREVER;
  core.leasesAt = leasesDeadline(leases, turn, core.council.roster) ?? FOREVER;
  core.settleBy = earlier(core.settleAt, after(turn.now, SETTLE_EVERY_MS)) ?? FOREVER;
}

/** Offers a decision to all others; what does not fit into the inventory would not fit there either. */
function tell(core: Core, turn: Turn, entry: JournalEntry): void {
  if (entry.kind === 'inventory') return;
  const decision = decisionOf(entry, core.startedAt);
  writeEntry(core.inventories, turn, decisionEntry(entry.seq), decision);
}

function keepJournal(core: Core, turn: Turn): void {
  for (const effect of turn.out) {
    if (effect.kind !== 'journal') continue;
    core.journalSeq += 1;
    const { topic, about, text } = effect;
    const entry = { seq: core.journalSeq, at: turn.now, kind: topic, about, text };
    core.journal.push(entry);
    tell(core, turn, entry);
  }
  if (core.journal.length > JOURNAL_MAX) core.journal.splice(0, core.journal.length - JOURNAL_MAX);
}
