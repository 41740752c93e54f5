/**
 * Whose messages count where voters were forced: only those of hosts that follow the same fork. Whoever
 * follows an earlier generation is told ours, and follows it; who follows another of the same generation
 * is not listened to, nor it to us, until a user forces the voters once more.
 *
 *  E4 A roster of a higher generation ends whatever is held by the votes of the one before.
 *  E5 Two forks of one generation exchange nothing.
 *
 * Source: README.md §7, "Forced rosters".
 */
import type { HostId } from '../base/ids.ts';
import { after, between, type Instant, millis } from '../base/time.ts';
import { forkOf, generationOf, isRival, NEVER_FORCED } from '../roster/fork.ts';
import { journal, send, type Turn } from '../turn.ts';
import type { Message } from '../wire/message.ts';
import type { Core } from './state.ts';

/** What is heard of a higher generation: who votes now, and that one is no member any more. */
const HEARD_FROM_ABOVE: ReadonlySet<Message['kind']> = new Set(['rosterChosen', 'dismissed']);
/** How often one host is told which voters it should follow. */
const TOLD_EVERY_MS = millis(500);
/** So long after its last word a host is no rival any more: it may have come round. */
const RIVAL_MS = millis(10_000);

/** Whether what a member says is for us. */
export function followsOurs(core: Core, turn: Turn, from: HostId, message: Message): boolean {
  const { roster } = core.council;
  const [ours, theirs] = [forkOf(roster.epoch), message.fork ?? NEVER_FORCED];
  if (ours === theirs || roster.epoch === 0) return true;
  if (isRival(ours, theirs)) {
    noteRival(core, turn, from);
    return false;
  }
  if (generationOf(theirs) > generationOf(ours)) return HEARD_FROM_ABOVE.has(message.kind);
  const toldAt: Instant | undefined = core.outlivedToldAt.get(from);
  if (toldAt !== undefined && turn.now < after(toldAt, TOLD_EVERY_MS)) return false;
  core.outlivedToldAt.set(from, turn.now);
  send(turn, from, { kind: 'rosterChosen', roster });
  return false;
}

function noteRival({ rivals }: Core, turn: Turn, from: HostId): void {
  const heardAt = rivals.get(from);
  rivals.set(from, turn.now);
  if (heardAt !== undefined && between(heardAt, turn.now) < RIVAL_MS) return;
  const text = `${from} follows voters that were forced elsewhere: neither side listens to the other`;
  journal(turn, 'roster', [from], text);
}

/** Hosts that were heard of late and follow voters that were forced elsewhere. */
export const rivalsOf = ({ rivals }: Core, now: Instant): readonly HostId[] =>
  [...rivals].filter(([, heardAt]) => between(heardAt, now) < RIVAL_MS).map(([host]) => host);
