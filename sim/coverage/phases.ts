/** What a host is in the middle of, for the matrix of faults and phases. */
import { millis } from '../../protocol/base/time.ts';
import type { Core } from '../../protocol/core.ts';
import { turnOf } from '../../protocol/core/state.ts';
import { bootConfirmed, hasQuorum } from '../../protocol/lease/links.ts';
import { votersOf } from '../../protocol/roster/roster.ts';
import type { Micros } from '../event-queue.ts';
import { type Agent, type Host, isPaused, localNow } from '../host.ts';

export const PHASES = [
  'idle',
  'down',
  'paused',
  'joining',
  'isolated',
  'silent',
  'syncing',
  'joint',
  'proposing',
  'preparing',
  'accepting',
  'holding',
  'raising',
  'reading',
  'recommitting',
  'writing',
] as const;
export type Phase = (typeof PHASES)[number];

/** All that apply; `idle` if none does. */
export function phasesOf(host: Host, now: Micros): readonly Phase[] {
  const { agent } = host;
  if (agent === undefined) return ['down'];
  const phases = new Set<Phase>([
    ...standingOf(agent, now),
    ...holdPhases(agent.core),
    ...writerPhases(agent.core),
  ]);
  if (isPaused(host, now)) phases.add('paused');
  return phases.size === 0 ? ['idle'] : [...phases];
}

function* standingOf(agent: Agent, now: Micros): Iterable<Phase> {
  const { core } = agent;
  const { roster, proposal } = core.council;
  if (roster.epoch === 0) yield 'joining';
  else if (!hearsQuorum(agent, now)) yield 'isolated';
  if (roster.next !== undefined) yield 'joint';
  if (proposal !== undefined) yield 'proposing';
  const { leases } = core;
  if (leases === undefined || !votersOf(roster).includes(core.identity.host)) return;
  const isConfirmed = bootConfirmed(leases.links, core.identity.host, roster);
  if (localNow(agent, now) < leases.voter.readyAt || !isConfirmed) yield 'silent';
  if (!core.durable.synced) yield 'syncing';
}

/** As long as the agent itself takes for contact. */
const FRESH_MS = millis(1000);

/** Whether a majority of the voters has answered it lately. */
export function hearsQuorum(agent: Agent, now: Micros): boolean {
  const { core } = agent;
  if (core.leases === undefined) return false;
  const turn = turnOf(core, localNow(agent, now));
  return hasQuorum(core.leases.links, turn, core.council.roster, FRESH_MS);
}

function* holdPhases({ leases }: Core): Iterable<Phase> {
  for (const { term, ballot, phase } of leases?.holder.holds.values() ?? []) {
    if (term === undefined) yield phase === 'prepare' ? 'preparing' : 'accepting';
    else yield (term as number) === ballot ? 'holding' : 'raising';
  }
}

function* writerPhases({ writers }: Core): Iterable<Phase> {
  for (const { phase } of writers.values())
    if (phase === 'reading' || phase === 'recommitting' || phase === 'writing') yield phase;
}
