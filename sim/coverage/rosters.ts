/** Rare states of a change of roster. */
import { ROSTER_KEY } from '../../protocol/base/ids.ts';
import type { Message } from '../../protocol/wire/message.ts';
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
export function seeRoster(observer: Observer, { host, agent, input }: Moment): void {
  if (input.kind === 'messageReceived' && TELLING.has(input.message.kind)) return;
  const { epoch, next } = agent.core.council.roster;
  if (next !== undefined) {
    observer.joint = { epoch, by: host };
    return;
  }
  const { joint } = observer;
  if (joint?.epoch === epoch - 1 && joint.by !== host) sometimes(observer, 'concluded-by-another');
}

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
