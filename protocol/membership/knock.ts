/**
 * Fresh connects to the ports of silent agents: ours, and what the other watchers tell of theirs.
 * `grace.ts` says what they mean.
 */
import type { HostId } from '../base/ids.ts';
import { journal, send, type Turn } from '../turn.ts';
import type { Knock } from '../wire/message.ts';
import { afterConnect, type ConnectOutcome, NO_GRACE, sparedUntil } from './grace.ts';
import { eyesNeeded } from './suspicion.ts';
import { circleOf, gracesOf, isWatcher, type Membership, otherWatchers } from './table.ts';

/** The outcome counts only while we doubt the host. */
export function onConnectProbed(
  m: Membership,
  turn: Turn,
  about: HostId,
  outcome: ConnectOutcome,
): void {
  const watch = m.watched.get(about);
  const member = m.members.get(about);
  if (watch === undefined || member === undefined) return;
  if (watch.probe === undefined && watch.insistAt === undefined) return;
  take(m, turn, { about, by: turn.self, outcome });
  const { boot } = member;
  for (const watcher of otherWatchers(m, turn, about))
    send(turn, watcher, { kind: 'knock', about, boot, outcome });
}

/** What another watcher saw counts if it is about the life of the agent that we know. */
export function onKnock(m: Membership, turn: Turn, by: HostId, knock: Knock): void {
  const { about, boot, outcome } = knock;
  if (!m.watched.has(about) || m.members.get(about)?.boot !== boot) return;
  if (isWatcher(m, turn, by, about)) take(m, turn, { about, by, outcome });
}

type Seen = { readonly about: HostId; readonly by: HostId; readonly outcome: ConnectOutcome };

function take(m: Membership, turn: Turn, { about, by, outcome }: Seen): void {
  const was = isSpared(m, turn, about);
  const graces = m.graces.get(about) ?? new Map();
  m.graces.set(about, graces);
  graces.set(by, afterConnect(graces.get(by) ?? NO_GRACE, outcome, turn.now, turn.config));
  const is = isSpared(m, turn, about);
  if (is === was) return;
  const text = is
    ? `its agent is gone but its host answers: spared for ${turn.config.agentGraceMs / 1000} s`
    : 'its host answers no more: spared no longer';
  journal(turn, 'health', [about], text);
}

function isSpared(m: Membership, turn: Turn, about: HostId): boolean {
  const need = eyesNeeded(circleOf(m, turn.config));
  return turn.now < sparedUntil(gracesOf(m, about), need, turn.config);
}
