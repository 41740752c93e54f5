/** Rare states of a change of roster. */
import { ROSTER_KEY } from '../../protocol/base/ids.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Message } from '../../protocol/wire/message.ts';
import { forkOf, NEVER_FORCED } from '../../protocol/roster/fork.ts';
import { votersOf } from '../../protocol/roster/roster.ts';
import { ofMillis } from '../event-queue.ts';
import type { Agent } from '../host.ts';
import { CONFIG } from '../options.ts';
import { type Moment, type Observer, sometimes } from './observer.ts';

const isUnsynced = ({ core }: Agent): boolean =>
  !core.durable.synced && votersOf(core.council.roster).includes(core.identity.host);

/** A host is asked for its vote. */
export function seeQuestion(
  observer: Observer,
  { agent }: Moment,
  message: Extract<Message, { readonly kind: 'prepare' | 'accept' | 'read' | 'write' }>,
): void {
  if (isUnsynced(agent) && message.epoch === agent.core.council.roster.epoch)
    sometimes(observer, 'unsynced-asked');
}

/** A host is told which roster is chosen: in answer to what? */
export function seeRosterTold(observer: Observer, { input, agent }: Moment): void {
  if (input.kind !== 'messageReceived' || !('epoch' in input.message)) return;
  const { kind, epoch } = input.message;
  const isVote = kind === 'prepare' || kind === 'accept' || kind === 'read' || kind === 'write';
  if (isVote && epoch < agent.core.council.roster.epoch) sometimes(observer, 'old-epoch-answered');
}

/** Those by which a host hears of a roster that was chosen elsewhere. */
const TELLING: ReadonlySet<Message['kind']> = new Set<Message['kind']>([
  'rosterChosen',
  'rosterPrepare',
  'rosterAccept',
  'welcome',
]);

/** A host takes over a roster. */
export function seeRoster(observer: Observer, moment: Moment): void {
  const { host, agent, input } = moment;
  if (agent.core.ended) return seeForced(observer, agent);
  seeVoters(observer, moment);
  if (input.kind === 'messageReceived' && TELLING.has(input.message.kind)) return;
  const { epoch, next } = agent.core.council.roster;
  if (next !== undefined) {
    observer.joint = { epoch, by: host };
    return;
  }
  const { joint } = observer;
  if (joint?.epoch === epoch - 1 && joint.by !== host) sometimes(observer, 'concluded-by-another');
}

/** It has just been made the only voter. */
function seeForced(observer: Observer, { core }: Agent): void {
  const { roster } = core.council;
  sometimes(observer, 'voters-forced');
  if (!votersOf(roster).includes(core.identity.host)) sometimes(observer, 'forced-without-a-vote');
  if (forkOf(roster.epoch) !== NEVER_FORCED) sometimes(observer, 'forced-again');
}

function seeVoters(observer: Observer, { host: { id }, agent, effects }: Moment): void {
  const { chosen } = observer.panel.rosters;
  const { epoch, voters, next } = agent.core.council.roster;
  if (forkOf(epoch) !== NEVER_FORCED && effects.some(forgets))
    sometimes(observer, 'outlived-followed');
  const before = chosen.get(epoch - 2)?.voters ?? [];
  if (next === undefined && before.length === 3 && voters.length === 5)
    sometimes(observer, 'five-voters');
  if (next === undefined && before.length > 1 && before.length === voters.length)
    sometimes(observer, 'voter-replaced');
  const votes = votersOf(agent.core.council.roster).includes(id);
  if (votes && agent.core.identity.facts.runs === 'nothing') sometimes(observer, 'witness-votes');
  if (effects.some(forgets)) sometimes(observer, votes ? 'removal-missed' : 'voter-wiped');
  const wasRemoved = [...chosen.values()].some(
    (old) => old.epoch < epoch && old.next?.includes(id) === false && old.voters.includes(id),
  );
  if (wasRemoved && next === undefined && votes) sometimes(observer, 'voter-added-again');
}

/** Takes over a roster, and drops what it has as a voter. */
const forgets = (effect: Effect): boolean =>
  effect.kind === 'persist' &&
  effect.writes.length > 1 &&
  effect.writes.some(({ name }) => name === 'roster');

export function seeProposal(observer: Observer, { agent }: Moment): void {
  const { proposal } = agent.core.council;
  if (proposal?.proposed !== undefined && proposal.proposed !== proposal.wanted)
    sometimes(observer, 'roster-taken-over');
}

/** An agent is about to end. */
export function seeCouncillorEnd(observer: Observer, agent: Agent): void {
  const { council, writers } = agent.core;
  if (council.roster.next !== undefined && writers.has(ROSTER_KEY))
    sometimes(observer, 'joint-leader-ended');
  if (isUnsynced(agent)) sometimes(observer, 'unsynced-ended');
}

export function lookAtRosters(observer: Observer, { host, agent, life, now }: Moment): void {
  const { roster } = agent.core.council;
  if (isUnsynced(agent)) {
    life.unsyncedSince ??= now;
    if (now - life.unsyncedSince > ofMillis(CONFIG.termMs)) sometimes(observer, 'synced-late');
  }
  if (roster.epoch > 0 && host.id !== `h${host.index + 1}`)
    sometimes(observer, 'lost-disk-returned');
}
