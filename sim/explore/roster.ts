/**
 * Every order of what can happen while one voter becomes three, within bounds: two hosts that propose,
 * and not the same three, new voters that fetch what the old one knows, a host that leads under the
 * old roster and one that wants to under the new, messages in any order or never, crashes.
 *
 * S1 at most one leads, so no two quorums that can grant at once are disjoint · S7 one roster per
 * epoch, and nobody votes before it has merged the old voter's state · S11 what was committed before
 * is on every voter that counts.
 */
import { hostId } from '../../protocol/base/ids.ts';
import { createCatalog, kept, numberOf } from './catalog.ts';
import { hostOf, messageOf, voterOf } from './flights.ts';
import { type AgentEvent, foundAgent, rosterOf, votersFor } from './growing.ts';
import {
  act,
  afterMove,
  conclude,
  deliver,
  type Draft,
  enter,
  factsOf,
  HOSTS,
  type RosterBounds,
  type RosterMove,
  type RosterNode,
  type Stage,
} from './roster-node.ts';
import type { Space } from './search.ts';
import { KEY } from './standing.ts';
import { NOW } from './voting.ts';

/** Whom each host has seen up for long: the second and the first do not want the same voters. */
const STEADY = [
  ['a', 'b', 'c'],
  ['a', 'b', 'd'],
  ['a', 'b', 'c'],
].map((names) => names.map(hostId));
/** The last has tried before: its first ballot is above what the founder promised. */
const CEILINGS = [0, 0, 5000];
const MEMBERS = ['a', 'b', 'c', 'd'];

export function rosterSpace(bounds: RosterBounds): Space<RosterNode, RosterMove> {
  const stage: Stage = {
    agents: createCatalog(),
    messages: createCatalog(),
    adopted: createCatalog(),
    outcomes: new Map(),
    met: new Set(),
  };
  return {
    start: startOf(stage, bounds),
    moves: (node) => movesOf(stage, node),
    after: (node, move) => afterMove(stage, node, move),
    key: keyOf,
    violation: ({ wrong }) => wrong,
    tell: (_node, move) => tellMove(stage, move),
    met: stage.met,
  };
}

/** The sole voter is `a`; `b` leads the key by its vote, and all have a session with it. */
function startOf(stage: Stage, bounds: RosterBounds): RosterNode {
  const agents = HOSTS.map((host, at) =>
    enter(stage, foundAgent(host, MEMBERS, CEILINGS[at] ?? 0)),
  );
  const draft: Draft = { stage, agents, mail: new Set(), ballots: [1, 1, 1], wrong: undefined };
  const [founder = hostId('a')] = HOSTS;
  for (const host of HOSTS.keys()) {
    act(draft, host, { kind: 'keepalive', to: founder });
    act(draft, host, { kind: 'settled' });
  }
  act(draft, 1, { kind: 'try' });
  while (draft.mail.size > 0) for (const flight of draft.mail) deliver(draft, flight, false);
  const none = numberOf(stage.adopted, '', () => new Map());
  const node: RosterNode = { agents, mail: [], left: bounds, adopted: none, wrong: undefined };
  return conclude(draft, node, bounds);
}

function movesOf(stage: Stage, { agents, mail, left }: RosterNode): readonly RosterMove[] {
  const moves: RosterMove[] = [];
  for (const flight of mail) {
    moves.push({ kind: 'deliver', flight, late: false });
    if (left.lateAnswers > 0) moves.push({ kind: 'deliver', flight, late: true });
  }
  for (const [host, state] of agents.entries()) {
    const { agent } = factsOf(stage, state);
    for (const event of eventsOf(stage, agents, left, host))
      moves.push({ kind: 'act', host, event });
    const { adoptedSince } = agent.core.council;
    if (adoptedSince === NOW) moves.push({ kind: 'drain', host });
    if (NOW < agent.leases.voter.readyAt) moves.push({ kind: 'speak', host });
  }
  return moves;
}

function eventsOf(
  stage: Stage,
  agents: readonly number[],
  left: RosterBounds,
  host: number,
): readonly AgentEvent[] {
  const events: AgentEvent[] = [];
  const { agent } = factsOf(stage, agents[host]);
  const { council } = agent.core;
  const { holder, links } = agent.leases;
  const steady = STEADY[host] ?? [];
  if (council.proposal === undefined && (left.changes[host] ?? 0) > 0)
    events.push({ kind: 'govern', steady });
  if (council.proposal !== undefined && left.insists > 0) events.push({ kind: 'insist', steady });
  const hold = holder.holds.get(KEY);
  if ((left.ballots[host] ?? 0) > 0 && council.roster.epoch >= left.triesFrom) {
    if (hold === undefined) events.push({ kind: 'try' });
    else if (hold.term === undefined) events.push({ kind: 'timeOut' });
  }
  for (const to of votersFor(agent)) {
    const link = links.byVoter.get(to);
    const known =
      link?.sessions.normal.last === NOW && link.synced && link.epoch === council.roster.epoch;
    const at = HOSTS.indexOf(to);
    if (at < 0 || at === host) continue;
    const learns = rosterOf(factsOf(stage, agents[at]).agent).epoch > council.roster.epoch;
    const asks = (left.changes[host] ?? 0) > 0 || (left.ballots[host] ?? 0) > 0;
    if (learns || (asks && !known)) events.push({ kind: 'keepalive', to });
  }
  if (left.crashes > 0) events.push({ kind: 'crash' });
  return events;
}

const keyOf = ({ agents, mail, left, adopted }: RosterNode): string => {
  const { changes, ballots, insists, crashes, lateAnswers } = left;
  const budget = `${changes.join()} ${ballots.map((n) => Math.max(n, 0)).join()} ${insists} ${crashes} ${lateAnswers}`;
  return `${agents.join(' ')}|${mail.join(' ')}|${budget} ${adopted}`;
};

function tellMove(stage: Stage, move: RosterMove): string {
  switch (move.kind) {
    case 'deliver': {
      const message = kept(stage.messages, messageOf(move.flight));
      const late = move.late ? ', the answer is held up' : '';
      const [from, to] = [HOSTS[hostOf(move.flight)], HOSTS[voterOf(move.flight)]];
      return `${message.kind} of ${from} reaches ${to}${late}`;
    }
    case 'act':
      return `${HOSTS[move.host]} ${DEEDS[move.event.kind]}${'to' in move.event ? ` ${move.event.to}` : ''}`;
    case 'drain':
      return `T has passed since ${HOSTS[move.host]} knew that the old voters adopted the joint roster`;
    case 'speak':
      return `the silence of ${HOSTS[move.host]} is over`;
  }
}

const DEEDS: Readonly<Record<AgentEvent['kind'], string>> = {
  heard: 'hears something',
  govern: 'looks whether the roster should change',
  insist: 'proposes again with a higher ballot',
  drained: 'has waited T',
  try: 'tries for the key',
  timeOut: 'gives its ballot up after T/2',
  keepalive: 'sends a keepalive to',
  settled: 'has its answer',
  fade: 'stops counting',
  uncarry: 'stops counting what an earlier roster gave',
  expire: 'ends a session',
  speak: 'may speak again',
  crash: 'crashes and starts again',
};
