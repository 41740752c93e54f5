/**
 * S14 Tables, lists and messages keep their bounds, what is not answered is asked again no faster than
 *     its pace, and nobody is woken for nothing.
 */
import {
  COMMANDS_MAX,
  DECISIONS_MAX,
  DELTA_OPS_MAX,
  DEPLOY_IDS_MAX,
  ENTRIES_MAX,
  FAVORS_MAX,
  ITEMS_MAX,
  JOURNAL_MAX,
  MEMBERS_MAX,
  PLACES_MAX,
  RECORDS_MAX,
} from '../../protocol/limits.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Core } from '../../protocol/core.ts';
import type { Inventory } from '../../protocol/inventory/inventory.ts';
import { showRevision } from '../../protocol/record/record.ts';
import type { Message } from '../../protocol/wire/message.ts';
import { type Micros, ofMillis } from '../event-queue.ts';
import type { Host } from '../host.ts';
import type { Report } from './report.ts';

export type BoundChecker = {
  readonly report: Report;
  steps: number;
  /** Since then: questions, by host, addressee and question; and how often each host was woken. */
  since: Micros;
  readonly asked: Map<string, number>;
  readonly woken: number[];
};

export const createBoundChecker = (report: Report): BoundChecker => ({
  report,
  steps: 0,
  since: 0,
  asked: new Map(),
  woken: [],
});

/** Sizes change slowly: every so many steps. */
const LOOK_EVERY = 256;

export function checkSizes(checker: BoundChecker, host: Host): void {
  checker.steps += 1;
  if (checker.steps % LOOK_EVERY !== 0 || host.agent === undefined) return;
  for (const [what, size, sizeMax] of sizesOf(host.agent.core))
    if (size > sizeMax)
      checker.report('S14', `${host.id} keeps ${size} ${what}, ${sizeMax} are the most`);
}

/** Keepalives remembered per voter; ends and attempts remembered per host. */
const SENT_MAX = 32;
const EARLY_ENDS_MAX = 100;
const REMOVED_MAX = 100;
const PAST_ATTEMPTS_MAX = 1000;

const sizesOf = (core: Core): readonly (readonly [string, number, number])[] => [
  ['journal entries', core.journal.length, JOURNAL_MAX],
  ['members', core.membership.members.size, MEMBERS_MAX],
  ['probes for others', core.membership.favors.size, FAVORS_MAX],
  ['records', core.committed.byKey.size, RECORDS_MAX],
  ['registers', core.registers.size, RECORDS_MAX],
  ['commands', core.deploys.errands.size, COMMANDS_MAX],
  ['ends of unknown instances', core.slots.earlyEnds.size, EARLY_ENDS_MAX],
  ['instances that are gone', core.slots.removed.size, REMOVED_MAX],
  ['past attempts', core.slots.pastAttempts.size, PAST_ATTEMPTS_MAX],
  ['promises', core.leases?.voter.places.size ?? 0, PLACES_MAX],
  ...[...core.inventories.byOwner.values()].map(
    ({ entries }) => ['entries of one inventory', entries.size, ENTRIES_MAX] as const,
  ),
  ...[...core.inventories.byOwner.values()].map(
    (known) => ['decisions of one start', countDecisions(known), DECISIONS_MAX] as const,
  ),
  ...[...core.inventories.past.values()].map(
    ({ length }) => ['decisions of earlier starts', length, DECISIONS_MAX] as const,
  ),
  ...[...(core.leases?.links.byVoter.values() ?? [])].map(
    ({ sessions: { normal, strict } }) =>
      ['keepalives unanswered', Math.max(normal.sent.size, strict.sent.size), SENT_MAX] as const,
  ),
];

function countDecisions({ entries }: Inventory): number {
  let count = 0;
  for (const { kind } of entries.values()) if (kind === 'decision') count += 1;
  return count;
}

const WINDOW_MS = 3000;

function openWindow(checker: BoundChecker, now: Micros): void {
  if (now <= checker.since + ofMillis(WINDOW_MS)) return;
  checker.asked.clear();
  checker.woken.length = 0;
  checker.since = now;
}

/** A deadline that stands in the past wakes its host a thousand times a second; 200 in all were seen. */
const WOKEN_MAX = 1000;

/** Whoever has nothing to do sleeps. */
export function checkWoken(checker: BoundChecker, host: Host, now: Micros): void {
  openWindow(checker, now);
  const times = (checker.woken[host.index] ?? 0) + 1;
  checker.woken[host.index] = times;
  if (times > WOKEN_MAX)
    checker.report('S14', `${host.id} is woken ${times} times within ${WINDOW_MS} ms`);
}

type Listless = Exclude<
  Message,
  | Record<'items', unknown>
  | Record<'bindings', unknown>
  | Record<'keys', unknown>
  | Record<'deployIds', unknown>
  | Record<'ops', unknown>
>['kind'];

/** The most frequent kinds; they hold no list, and are no question that is repeated. */
const BARE: ReadonlySet<Message['kind']> = new Set<Listless>([
  'beat',
  'heartbeat',
  'keepalive',
  'probe',
  'probeAck',
]);

/** As it is asked for: behind a slow write messages leave in a crowd. */
export function checkMessage(checker: BoundChecker, host: Host, effect: Effect, now: Micros): void {
  if (effect.kind !== 'send' && effect.kind !== 'publish') return;
  const { message } = effect;
  if (BARE.has(message.kind)) return;
  checkLists(checker, host, message);
  const question = effect.kind === 'send' ? questionOf(message) : undefined;
  if (question === undefined || effect.kind !== 'send') return;
  openWindow(checker, now);
  const name = `${host.index} ${effect.to} ${question}`;
  const times = (checker.asked.get(name) ?? 0) + 1;
  checker.asked.set(name, times);
  if (times > TIMES_MAX)
    checker.report(
      'S14',
      `${host.id} asks ${effect.to} ${times} times within ${WINDOW_MS} ms: ${question}`,
    );
}

/** Every 300 ms, and now and then once more because something else has changed. */
const TIMES_MAX = 20;

function checkLists({ report }: BoundChecker, { id }: Host, message: Message): void {
  const within = (what: string, { length }: readonly unknown[], most: number): void => {
    if (length > most)
      report('S14', `${id} sends ${length} ${what} in one ${message.kind}, ${most} are the most`);
  };
  if ('items' in message) return within('items', message.items, ITEMS_MAX);
  if ('bindings' in message) return within('bindings', message.bindings, ITEMS_MAX);
  if ('keys' in message) return within('keys', message.keys, ITEMS_MAX);
  if ('deployIds' in message) return within('deploy ids', message.deployIds, DEPLOY_IDS_MAX);
  if ('ops' in message) return within('changes', message.ops, DELTA_OPS_MAX);
  if (message.kind !== 'delta') return;
  for (const { ops } of message.inventories) within('changes', ops, DELTA_OPS_MAX);
}

/** What is repeated until it is answered. */
function questionOf(message: Message): string | undefined {
  const { kind } = message;
  if (kind === 'prepare' || kind === 'accept')
    return `${kind} ${message.items[0]?.key} ${message.items[0]?.ballot}`;
  if (kind === 'read') return `${kind} ${message.key} ${message.term}`;
  if (kind === 'write') return `${kind} ${message.key} ${showRevision(message.revision)}`;
  if (kind === 'push')
    return `${kind} ${message.record.key} ${showRevision(message.record.revision)}`;
  if (kind === 'rosterPrepare' || kind === 'rosterAccept') return `${kind} ${message.ballot.n}`;
  return kind === 'syncPull' ? `${kind} ${message.after}` : undefined;
}
