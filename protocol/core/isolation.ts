/**
 * How long this host has heard no quorum of the voters, and what that means for what it runs.
 *
 *     quorum heard ──`after` without one──▶ isolated ──a quorum again──▶ asks peers, then goes on
 *
 * It counts from the newest keepalive that a quorum has acknowledged, from the start of the agent, or
 * from the end of a stall in which the agent could hear nobody, whatever came last.
 */
import type { HostId } from '../base/ids.ts';
import { after, earlier, type Instant, later, millis } from '../base/time.ts';
import type { ComponentSpec, OnIsolation } from '../component/spec.ts';
import { pullFrom } from '../inventory/inventories.ts';
import type { Leases } from '../lease/leases.ts';
import { quorumAckedAt } from '../lease/links.ts';
import { journal, type Turn } from '../turn.ts';
import { know } from './know.ts';
import type { Core } from './state.ts';

/** How long to wait for a peer's word before acting on what was known before. */
const HOLD_BACK_MS = millis(2000);
/** Peers asked what was missed. */
const ASKED_MAX = 4;

/** What the contract of a component asks for at this moment; undefined: nothing. */
export function isolationOf(
  core: Core,
  turn: Turn,
  { onIsolation }: ComponentSpec,
): OnIsolation['action'] | undefined {
  if (onIsolation === undefined) return undefined;
  const endsAt = after(quorumHeardAt(core), onIsolation.afterMs);
  return turn.now >= endsAt ? onIsolation.action : undefined;
}

/** When a quorum last acknowledged anything; the start of the agent or the end of a stall at the earliest. */
export const quorumHeardAt = (core: Core): Instant =>
  later(core.quorumHeardAt, later(core.startedAt, core.awakeAt));

/** Others may have moved what was stopped or frozen here: nothing goes on before one of them was asked. */
export function noteIsolation(core: Core, leases: Leases, turn: Turn): void {
  // Remembered: new voters have not answered yet, which is no silence.
  core.quorumHeardAt = later(core.quorumHeardAt, quorumAckedAt(leases.links, core.council.roster));
  const isIsolated = know(core).contracted.some(
    (spec) => isolationOf(core, turn, spec) !== undefined,
  );
  if (core.isolated === isIsolated) return;
  core.isolated = isIsolated;
  const text = isIsolated
    ? 'no quorum of the voters is heard: this host counts as isolated'
    : 'a quorum of the voters is heard again: asking peers what changed';
  journal(turn, 'isolation', [turn.self], text);
  if (!isIsolated) holdBack(core, turn);
}

/** Starts and thaws nothing for a while, or until a peer has told what was missed. */
export function holdBack(core: Core, turn: Turn): void {
  const others: HostId[] = [];
  for (const { id } of know(core).members) if (id !== turn.self) others.push(id);
  if (others.length === 0) return;
  core.heldBackUntil = after(turn.now, HOLD_BACK_MS);
  for (const id of others.slice(0, ASKED_MAX)) pullFrom(core.inventories, core.committed, turn, id);
}

/** When the next contract begins to ask for something. */
export function isolationDeadline(core: Core, turn: Turn): Instant | undefined {
  let deadline: Instant | undefined;
  for (const { onIsolation } of know(core).contracted) {
    if (onIsolation === undefined) continue;
    const at = after(quorumHeardAt(core), onIsolation.afterMs);
    if (at > turn.now) deadline = earlier(deadline, at);
  }
  return deadline;
}
