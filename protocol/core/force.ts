/**
 * Disaster recovery: most of the voters are gone for good, so nothing can be decided any more, not even
 * who should vote instead. A user makes this host the only voter; others join it by the ordinary rules.
 *
 *     quorum lost ──force──▶ agent ends ──starts again──▶ silent for the longest T ──▶ sole voter
 *
 * What this host knows as committed it keeps; what others were told and it was not is lost.
 *
 *  E1 Only where no quorum of the voters has been heard for `FORCE_MISSED_MS`; by a sole voter also where
 *     rivals are heard, as it alone may have granted anything.
 *  E2 The roster, the promise of every ballot of an earlier generation, the silence and the records are
 *     on disk in one write, before anybody is told.
 *  E3 Nothing is granted before every lease that the lost voters may have granted has run out.
 *
 * Source: README.md §7, "Forced rosters".
 */
import { ballot, type HostId, ROSTER_KEY } from '../base/ids.ts';
import { between, millis, seconds } from '../base/time.ts';
import type { CommandResult } from '../effect.ts';
import { healthOf } from '../membership/membership.ts';
import { allCommitted } from '../record/committed.ts';
import { seedRegisters } from '../record/register.ts';
import {
  ballotFloor,
  forcedEpoch,
  forkOf,
  GENERATIONS_MAX,
  generationOf,
  showEpoch,
} from '../roster/fork.ts';
import { type Roster, votersOf } from '../roster/roster.ts';
import { journal, type Turn } from '../turn.ts';
import { rivalsOf } from './forks.ts';
import { quorumHeardAt } from './isolation.ts';
import { know } from './know.ts';
import type { Core } from './state.ts';

/** Longer than any short trouble: forcing what would have come back by itself only loses. */
export const FORCE_MISSED_MS = seconds(10);

/** Nothing is done after it but by a new start of the agent. */
export function onForceVoters(core: Core, turn: Turn, commandId: string, forceId: number): void {
  const reply = (result: CommandResult): void => {
    turn.out.push({ kind: 'reply', commandId, result });
  };
  const why = whyNot(core, turn);
  if (why !== undefined) return reply({ kind: 'refused', code: why[0], why: why[1] });
  const { roster } = core.council;
  const { termMs } = roster;
  const forced: Roster = {
    epoch: forcedEpoch(roster.epoch, forceId),
    voters: [turn.self],
    termMs,
  };
  const { durable } = core;
  durable.synced = true;
  durable.ceiling = ballot(Math.max(durable.ceiling, ballotFloor(forkOf(forced.epoch))));
  durable.maxTermMs = millis(Math.max(durable.maxTermMs, termMs.normal, termMs.strict)); // E3
  turn.out.push({
    kind: 'persist',
    writes: [
      { name: 'roster', value: forced },
      { name: 'host', value: { ...durable } },
      ...seedRegisters(core.registers, allCommitted(core.committed)),
    ],
  });
  const text = `epoch ${showEpoch(forced.epoch)}: a user makes ${turn.self} the only voter, instead of ${votersOf(roster).join(' ')}`;
  journal(turn, 'roster', [ROSTER_KEY, turn.self], text);
  core.ended = true;
  reply({ kind: 'forced', epoch: forced.epoch, silentMs: durable.maxTermMs });
}

type Reason = readonly [code: string, why: string];

/** E1 */
function whyNot(core: Core, turn: Turn): Reason | undefined {
  const { roster } = core.council;
  if (roster.epoch === 0 || know(core).isDismissed)
    return ['no-member', 'this host is a member of no cluster'];
  const missedMs = between(quorumHeardAt(core), turn.now);
  if (missedMs < FORCE_MISSED_MS && !mayEndRivalry(core, turn))
    return [
      'quorum-heard',
      `a majority of the voters has been missed for ${missedMs} ms only, of ${FORCE_MISSED_MS}`,
    ];
  const better = betterVoter(core, turn);
  if (better !== undefined)
    return ['voter-alive', `${better} is alive and has a vote, so it knows more than this host`];
  if (generationOf(forkOf(roster.epoch)) >= GENERATIONS_MAX)
    return ['too-often', `the voters were forced ${GENERATIONS_MAX} times`];
  return undefined;
}

/** Of two forks of one generation one must be forced above the other, though its voters are well. */
const mayEndRivalry = (core: Core, { self, now }: Turn): boolean =>
  votersOf(core.council.roster).every((voter) => voter === self) && rivalsOf(core, now).length > 0;

/** Whatever was acknowledged is on some voter's disk; all others only hear of it. */
function betterVoter({ council, membership }: Core, { self }: Turn): HostId | undefined {
  const voters = votersOf(council.roster);
  if (voters.includes(self)) return undefined;
  return voters.find((voter) => healthOf(membership, voter) === 'alive');
}
