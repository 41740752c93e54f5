/**
 * The whole protocol behind three functions, driven by the agent (`node/agent.ts`) and by the
 * simulator (`sim/world.ts`) alike.
 *
 *     input ──▶ receive ──▶ settle ──▶ effects        nextDeadline ──▶ when to send `woken`
 *
 * Determinism law: the same config, identity, seed, disk and inputs give the same effects.
 */
import { assert } from './base/assert.ts';
import { after, FOREVER, type Instant, later, millis } from './base/time.ts';
import type { Config } from './config.ts';
import { validateConfig } from './config.ts';
import type { Effect } from './effect.ts';
import type { Input } from './input.ts';
import type { Leases } from './lease/leases.ts';
import { JOURNAL_MAX } from './limits.ts';
import { know } from './core/know.ts';
import { receiveMessage } from './core/messages.ts';
import { noteStall, receive } from './core/receive.ts';
import { deadlineOf, settle } from './core/settle.ts';
import { begin, type Core, type Identity, newCore, type Restored, turnOf } from './core/state.ts';
import type { Turn } from './turn.ts';
import type { Message } from './wire/message.ts';

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

/** The first input must be `started`. Effects must be begun in order (`effect.ts`). */
export function step(core: Core, input: Input, now: Instant): readonly Effect[] {
  const turn = turnOf(core, now);
  const leases = core.leases ?? begin(core, turn);
  if (core.cloned) return [];
  noteStall(core, turn);
  const known = core.knowledge;
  receive(core, leases, turn, input);
  const looped = loopBack(core, leases, turn);
  if (core.cloned) return turn.out.filter(({ kind }) => kind === 'journal');
  const quiet = isQuiet(input) && !looped && know(core) === known;
  if (!quiet || now >= core.dueAt) {
    settleAll(core, leases, turn);
    core.dueAt = deadlineOf(core, leases, turn) ?? FOREVER;
  }
  keepJournal(core, turn);
  return turn.out;
}

/**
 * Messages that come most often and, as long as nothing we know changes by them, only move deadlines
 * away: what they ask for can wait for the deadline at hand.
 */
const QUIET: ReadonlySet<Message['kind']> = new Set([
  'beat',
  'probe',
  'heartbeat',
  'keepalive',
  'pull',
]);

const isQuiet = (input: Input): boolean =>
  (input.kind === 'messageReceived' || input.kind === 'gossipReceived') &&
  QUIET.has(input.message.kind);

/** When to give the next `woken`; earlier or later is harmless, undefined: never. */
export function nextDeadline(core: Core): Instant | undefined {
  if (core.leases === undefined || core.cloned) return undefined;
  if (core.dueAt === FOREVER) return undefined;
  // Never busy: what is due already was done in the last step, or waits for an input.
  return later(core.dueAt, after(core.lastStepAt, millis(1)));
}

/** What this host says to itself arrives at once; it stays behind the persists it depends on. */
function loopBack(core: Core, leases: Leases, turn: Turn): boolean {
  let looped = false;
  for (let i = 0; i < turn.out.length;) {
    const effect = turn.out[i];
    if (effect?.kind !== 'send' || effect.to !== turn.self) {
      i += 1;
      continue;
    }
    turn.out.splice(i, 1);
    receiveMessage(core, leases, turn, turn.self, effect.message);
    looped = true;
  }
  return looped;
}

/** A sole voter wins, writes and commits within one step; the rounds are bounded. */
const ROUNDS_MAX = 8;

function settleAll(core: Core, leases: Leases, turn: Turn): void {
  for (let round = 0; round < ROUNDS_MAX; round++) {
    settle(core, leases, turn);
    if (!loopBack(core, leases, turn)) return;
  }
}

function keepJournal(core: Core, turn: Turn): void {
  for (const effect of turn.out) {
    if (effect.kind !== 'journal') continue;
    core.journalSeq += 1;
    const { topic, about, text } = effect;
    core.journal.push({ seq: core.journalSeq, at: turn.now, kind: topic, about, text });
  }
  if (core.journal.length > JOURNAL_MAX) core.journal.splice(0, core.journal.length - JOURNAL_MAX);
}
