/**
 * When a checker is to look. Most steps are beats and their like, after which next to nothing is new: a
 * checker that says what it looks at is spared those in which none of it was there or has changed.
 *
 * One that says nothing is asked after every step: whoever judges by the time must be, and whoever looks
 * at state of which nothing tells that it has changed. In a new life of an agent everything is new.
 */
import { assert } from '../../protocol/base/assert.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Input } from '../../protocol/input.ts';
import type { Roster } from '../../protocol/roster/roster.ts';
import type { Proposal } from '../../protocol/roster/acceptor.ts';
import type { Message } from '../../protocol/wire/message.ts';
import type { Agent, Host } from '../host.ts';

/**
 * Parts of a host's state: its roster and what it proposes instead, the records it knows as committed
 * and has followed, what it believes of the others, its own inventory and journal.
 */
export type Aspect = 'roster' | 'records' | 'beliefs' | 'own';

/** Any of it. Sent or published makes no difference. */
export type Occasion = {
  readonly sees?: readonly Aspect[];
  readonly on?: readonly Input['kind'][];
  readonly hears?: readonly Message['kind'][];
  readonly does?: readonly Effect['kind'][];
  readonly says?: readonly Message['kind'][];
};

export type Step = { readonly input: Input; readonly effects: readonly Effect[] };

/** Sets of checkers, a bit each: the first of them is bit 0. */
type Due = number;
type ByName<Name> = ReadonlyMap<Name, Due>;

/** Whom to ask on which occasion. */
export type Agenda = {
  readonly all: Due;
  readonly always: Due;
  readonly sees: { readonly [aspect in Aspect]: Due };
  readonly on: ByName<Input['kind']>;
  readonly hears: ByName<Message['kind']>;
  readonly does: ByName<Effect['kind']>;
  readonly says: ByName<Message['kind']>;
};

const BITS = 31;

/** Undefined: every step. */
export function agendaOf(occasions: readonly (Occasion | undefined)[]): Agenda {
  assert(occasions.length <= BITS, 'each checker has its bit');
  const gathered = <Name>(of: (one: Occasion) => readonly Name[] | undefined): ByName<Name> => {
    const due = new Map<Name, Due>();
    for (const [at, one] of occasions.entries())
      for (const name of (one && of(one)) ?? []) due.set(name, (due.get(name) ?? 0) | (1 << at));
    return due;
  };
  const sees = gathered(({ sees: aspects }) => aspects);
  return {
    all: 2 ** occasions.length - 1,
    always: occasions.reduce((due, one, at) => (one === undefined ? due | (1 << at) : due), 0),
    sees: {
      roster: sees.get('roster') ?? 0,
      records: sees.get('records') ?? 0,
      beliefs: sees.get('beliefs') ?? 0,
      own: sees.get('own') ?? 0,
    },
    on: gathered(({ on }) => on),
    hears: gathered(({ hears }) => hears),
    does: gathered(({ does }) => does),
    says: gathered(({ says }) => says),
  };
}

/** What tells whether an aspect of a host has changed, as it was after its last step. */
export type Standing = {
  readonly life: Agent;
  roster: Roster;
  proposal: Proposal | undefined;
  committed: number;
  followed: number;
  beliefs: number;
  ownBoot: number;
  own: number;
  journal: number;
};

/** After a step of the host; by its index, how each stood. */
export function dueAfter(agenda: Agenda, standings: Standing[], host: Host, step: Step): Due {
  const { agent } = host;
  const standing = standings[host.index];
  if (agent === undefined || standing?.life !== agent) {
    if (agent !== undefined) standings[host.index] = standingOf(agent);
    return agenda.all;
  }
  return agenda.always | dueByStep(agenda, step) | dueByState(agenda, standing);
}

function dueByStep({ on, hears, does, says }: Agenda, { input, effects }: Step): Due {
  let due = on.get(input.kind) ?? 0;
  if (input.kind === 'messageReceived' || input.kind === 'gossipReceived')
    due |= hears.get(input.message.kind) ?? 0;
  for (const effect of effects) {
    due |= does.get(effect.kind) ?? 0;
    if (effect.kind === 'send' || effect.kind === 'publish')
      due |= says.get(effect.message.kind) ?? 0;
  }
  return due;
}

function standingOf(life: Agent): Standing {
  const { council, committed, followedVersion, membership, inventories, journalSeq } = life.core;
  const own = inventories.byOwner.get(life.core.identity.host);
  return {
    life,
    roster: council.roster,
    proposal: council.proposal,
    committed: committed.version,
    followed: followedVersion,
    beliefs: membership.version,
    ownBoot: own?.boot ?? 0,
    own: own?.version ?? 0,
    journal: journalSeq,
  };
}

function dueByState({ sees }: Agenda, was: Standing): Due {
  const { council, committed, followedVersion, membership, inventories, journalSeq, identity } =
    was.life.core;
  let due: Due = 0;
  if (was.roster !== council.roster || was.proposal !== council.proposal) {
    was.roster = council.roster;
    was.proposal = council.proposal;
    due |= sees.roster;
  }
  if (was.committed !== committed.version || was.followed !== followedVersion) {
    was.committed = committed.version;
    was.followed = followedVersion;
    due |= sees.records;
  }
  if (was.beliefs !== membership.version) {
    was.beliefs = membership.version;
    due |= sees.beliefs;
  }
  const { boot, version } = inventories.byOwner.get(identity.host) ?? { boot: 0, version: 0 };
  if (was.own !== version || was.ownBoot !== boot || was.journal !== journalSeq) {
    was.own = version;
    was.ownBoot = boot;
    was.journal = journalSeq;
    due |= sees.own;
  }
  return due;
}
