/**
 * The hosts of a lease walk as tables: every state of a voter or a candidate is kept once and known by
 * its number, and what an event makes of it is worked out by the real machine once, then looked up.
 */
import { hostId, type HostId } from '../../protocol/base/ids.ts';
import type { Roster } from '../../protocol/roster/roster.ts';
import type { Message } from '../../protocol/wire/message.ts';
import { type Catalog, createCatalog, kept, numberOf } from './catalog.ts';
import { PEERS } from './flights.ts';
import type { Violation } from './search.ts';
import {
  befallStanding,
  type CandidateEvent,
  copyStanding,
  holdOf,
  isFresh,
  KEY,
  mayRetry,
  printStanding,
  type Standing,
  termHeld,
} from './standing.ts';
import {
  befallVoting,
  copyVoting,
  isFading,
  isLive,
  isSilent,
  printVoting,
  promiseOf,
  type VoterEvent,
  type Voting,
} from './voting.ts';

/** What the walk must know of a candidate's state to choose the next moves. */
export type CandidateFacts = {
  readonly standing: Standing;
  /** The term under which it leads now. */
  readonly leads: number | undefined;
  readonly ballot: number | undefined;
  readonly phase: 'prepare' | 'accept' | undefined;
  readonly everWon: boolean;
  readonly mayRetry: boolean;
  /** A retry would raise its ballot. */
  readonly overtaken: boolean;
  readonly fresh: readonly boolean[];
  /** Of the ballots it has met; matters only if it may ballot again. */
  readonly highest: number;
  /** Numbers of what concerns the host alone, and each of its links. */
  readonly own: number;
  readonly links: readonly number[];
};
export type VoterFacts = {
  readonly voting: Voting;
  readonly silent: boolean;
  /** By candidate. */
  readonly live: readonly boolean[];
  readonly fading: readonly boolean[];
  /** Who is bound here, by a live binding. */
  readonly owner: HostId | undefined;
  readonly promised: number;
};
/** The next state, and what is said: to which of the others, which message, all by number. */
export type Outcome = {
  readonly next: number;
  readonly out: readonly { readonly to: number; readonly message: number }[];
  readonly wrong?: Violation;
};

export type Cast = {
  readonly roster: Roster;
  readonly hosts: readonly HostId[];
  readonly candidates: Catalog<CandidateFacts>;
  readonly voters: Catalog<VoterFacts>;
  readonly messages: Catalog<Message>;
  /** Prints of parts of a candidate's state. */
  readonly parts: Catalog<undefined>;
  readonly events: Catalog<undefined>;
  readonly outcomes: Map<number, Outcome>;
  readonly met: Set<string>;
};

export function createCast(roster: Roster, names: readonly string[]): Cast {
  return {
    roster,
    hosts: names.map(hostId),
    candidates: createCatalog(),
    voters: createCatalog(),
    messages: createCatalog(),
    parts: createCatalog(),
    events: createCatalog(),
    outcomes: new Map(),
    met: new Set(),
  };
}

export function enterCandidate(cast: Cast, host: number, standing: Standing): number {
  const { roster, candidates, parts } = cast;
  const { own, links } = printStanding(standing, roster);
  const { highest } = standing.holder;
  return numberOf(candidates, `${host} ${highest} ${own};${links.join(';')}`, () => {
    const hold = holdOf(standing);
    return {
      standing,
      leads: termHeld(standing, nameOf(cast, host), roster),
      ballot: hold?.ballot,
      phase: hold?.phase,
      everWon: hold?.term !== undefined,
      mayRetry: mayRetry(standing),
      overtaken: hold?.term !== undefined && hold.refusals.size > 0,
      fresh: roster.voters.map((voter) => isFresh(standing, voter)),
      highest,
      own: numberOf(parts, own, () => undefined),
      links: links.map((link) => numberOf(parts, link, () => undefined)),
    };
  });
}

export function enterVoter({ voters, hosts }: Cast, voting: Voting): number {
  return numberOf(voters, printVoting(voting), () => {
    const binding = voting.voter.places.get(KEY)?.binding;
    const owner =
      binding && isLive(voting, binding.session.owner) ? binding.session.owner : undefined;
    return {
      voting,
      silent: isSilent(voting),
      live: hosts.map((host) => isLive(voting, host)),
      fading: hosts.map((host) => isFading(voting, host)),
      owner,
      promised: promiseOf(voting, KEY),
    };
  });
}

const nameOf = ({ hosts }: Cast, host: number): HostId => hosts[host] as HostId;
const voterOf = ({ roster }: Cast, voter: number): HostId => roster.voters[voter] as HostId;

const STATES = 2 ** 24;

export function befallCandidate(
  cast: Cast,
  host: number,
  state: number,
  event: CandidateEvent,
  eventNumber: number,
): Outcome {
  const at = ((eventNumber * PEERS + host) * STATES + state) * 2;
  return lookUp(cast, at, () => {
    const self = nameOf(cast, host);
    const standing = copyStanding(kept(cast.candidates, state).standing);
    const { next, out } = befallStanding(standing, self, cast.roster, event);
    const said = out.flatMap((effect) => {
      if (effect.kind !== 'send') return [];
      const to = cast.roster.voters.indexOf(effect.to);
      return [{ to, message: numberOfMessage(cast, effect.message) }];
    });
    return { next: enterCandidate(cast, host, next), out: said };
  });
}

export function befallVoter(
  cast: Cast,
  host: number,
  state: number,
  event: VoterEvent,
  eventNumber: number,
): Outcome {
  const at = ((eventNumber * PEERS + host) * STATES + state) * 2 + 1;
  return lookUp(cast, at, () => {
    const before = kept(cast.voters, state);
    const from = nameOf(cast, host);
    const copy = copyVoting(before.voting);
    const { next, out } = befallVoting(copy, voterOf(cast, 0), from, event);
    const number = enterVoter(cast, next);
    const now = kept(cast.voters, number);
    noteRare(cast, before, from, event, out);
    const fell = now.promised < before.promised;
    return {
      next: number,
      out: out.map((message) => ({ to: host, message: numberOfMessage(cast, message) })),
      ...(fell ? { wrong: fallen(before, now) } : {}),
    };
  });
}

const fallen = (before: VoterFacts, now: VoterFacts): Violation => ({
  rule: 'S5',
  text: `a voter that promised ballot ${before.promised} would promise ${now.promised}`,
});

function lookUp(cast: Cast, at: number, work: () => Outcome): Outcome {
  const known = cast.outcomes.get(at);
  if (known !== undefined) return known;
  const outcome = work();
  cast.outcomes.set(at, outcome);
  return outcome;
}

const numberOfMessage = ({ messages }: Cast, message: Message): number =>
  numberOf(messages, JSON.stringify(message), () => message);

/** The clauses that matter seldom: whether the walk came by them. */
function noteRare(
  { met }: Cast,
  { owner, promised, silent }: VoterFacts,
  from: HostId,
  { kind, ...event }: VoterEvent,
  out: readonly Message[],
): void {
  if (kind !== 'heard' || !('message' in event)) return;
  const { message } = event;
  const [answer] = out;
  if (message.kind === 'accept' && answer?.kind === 'acceptAck') {
    const [item] = message.items;
    const said = answer.items[0]?.ok === true;
    if (!said && owner !== undefined && owner !== from && item && item.ballot > promised)
      met.add('an acceptance that would overwrite a live binding');
    if (!said && item && item.ballot < promised) met.add('an acceptance below the promise');
    if (!said && owner === undefined && item && item.ballot >= promised)
      met.add('an acceptance under a grant that has ended');
  }
  if (message.kind === 'prepare' && answer?.kind === 'prepareAck') {
    const status = answer.items[0]?.status;
    if (status === 'held') met.add('a prepare where another is bound');
    if (status === 'self') met.add('a prepare where the host itself is bound');
    if (silent && status === 'silent') met.add('a prepare at a silent voter');
  }
}
