/**
 * One agent in a roster walk: the core's own routing, its council, leases and registers, and its disk.
 * What does not concern the change of voters stays as it was at the start.
 */
import {
  type Boot,
  clusterId,
  hostId,
  type HostId,
  key,
  ROSTER_KEY,
} from '../../protocol/base/ids.ts';
import { sorted } from '../../protocol/base/order.ts';
import { after, millis, NEVER } from '../../protocol/base/time.ts';
import { LAN } from '../../protocol/config.ts';
import { receiveMessage } from '../../protocol/core/messages.ts';
import { decodeRestored } from '../../protocol/core/restore.ts';
import { begin, type Core, foundCluster, newCore } from '../../protocol/core/state.ts';
import { heldUntil } from '../../protocol/lease/hold.ts';
import { acquire, tend } from '../../protocol/lease/holder.ts';
import type { Leases } from '../../protocol/lease/leases.ts';
import { sendKeepalives } from '../../protocol/lease/links.ts';
import { fetchState, govern } from '../../protocol/roster/council.ts';
import { type Roster, votersOf } from '../../protocol/roster/roster.ts';
import type { Turn } from '../../protocol/turn.ts';
import type { Message } from '../../protocol/wire/message.ts';
import type { Violation } from './search.ts';
import {
  ageLink,
  copyHolder,
  copyLinks,
  KEY,
  LONG_AGO,
  printLink,
  printVotes,
  restTimers,
  SOON,
} from './standing.ts';
import { ageSession, copyVoter, NOW, printVoter, turnAt } from './voting.ts';

const RECORD = key('stack/shop');

export type Agent = { readonly core: Core; readonly leases: Leases; readonly disk: Disk };
type Disk = ReadonlyMap<string, unknown>;

export type AgentEvent =
  | Lived
  | { readonly kind: 'crash' }
  /** Its silence after the crash is over (V3). */
  | { readonly kind: 'speak' };

/** What happens to a running agent. */
type Lived =
  | { readonly kind: 'heard'; readonly from: HostId; readonly message: Message }
  /** As the leader of the roster it looks whether a change is due; these members have been up. */
  | { readonly kind: 'govern'; readonly steady: readonly HostId[] }
  /** Its attempt at a roster has gone unanswered for long. */
  | { readonly kind: 'insist'; readonly steady: readonly HostId[] }
  /** The leases granted before the joint roster was adopted are over (Q4). */
  | { readonly kind: 'drained' }
  | { readonly kind: 'try' | 'timeOut' }
  /** To this one, and to itself. */
  | { readonly kind: 'keepalive'; readonly to: HostId }
  /** Its keepalive was answered, or will not be. */
  | { readonly kind: 'settled' }
  /** What it counted on at the voter is over. */
  | { readonly kind: 'fade'; readonly voter: HostId; readonly before?: Boot }
  /** T has passed for what it counted under an earlier roster. */
  | { readonly kind: 'uncarry' }
  /** The session it granted is over. */
  | { readonly kind: 'expire'; readonly host: HostId };

export type Said = readonly { readonly to: HostId; readonly message: Message }[];

/**
 * A cluster of one voter, `names[0]`, which has a record; the others are members. `ceiling`: ballots of
 * this host begin above.
 */
export function foundAgent(name: string, names: readonly string[], ceiling: number): Agent {
  const [founder = name] = names;
  const { roster } = foundCluster(hostId(founder), LAN);
  const members = names.map((id) => ({ id: hostId(id), name: id, peerId: id }));
  const revision = { term: 1, seq: 1 };
  const disk = new Map<string, unknown>([
    ['host', { boot: 0, ceiling, maxTermMs: LAN.termMs, synced: name === founder }],
    ['roster', roster],
    [`committed/${ROSTER_KEY}`, { key: ROSTER_KEY, revision, value: { kind: 'members', members } }],
  ]);
  const stack = { kind: 'stack', life: 1, since: { term: 1, seq: 1 } };
  if (name === founder)
    disk.set(`record/${RECORD}`, { promised: 1, revision, value: stack, deployIds: [] });
  return startAgent(name, disk, 'speaks');
}

/** `speaks`: the silence after a start is over already. */
function startAgent(name: string, disk: Disk, voice: 'speaks' | 'silent'): Agent {
  const restored = decodeRestored(disk, LAN);
  if (!restored.ok) throw new Error(`no agent can start from this disk: ${restored.error.message}`);
  const identity = {
    host: hostId(name),
    cluster: clusterId('explored'),
    name,
    peerId: name,
    facts: {
      kind: 'host',
      name,
      agent: '',
      engine: '',
      runs: 'images',
      publishAddress: '',
      cpuCount: 1,
      memoryBytes: 1,
    },
  } as const;
  const core = newCore(LAN, identity, 1, restored.value);
  const turn = turnAt(identity.host, core.boot);
  const leases = begin(core, turn);
  const agent = { core, leases, disk: keep(disk, turn) };
  return voice === 'speaks' ? audible(agent) : agent;
}

function audible({ core, leases, disk }: Agent): Agent {
  const anew = { ...leases, voter: { ...leases.voter, readyAt: NOW } };
  return { core: { ...core, leases: anew }, leases: anew, disk };
}

function keep(disk: Disk, { out }: Turn): Disk {
  const kept = new Map(disk);
  for (const effect of out)
    if (effect.kind === 'persist')
      for (const { name, value } of effect.writes)
        if (value === undefined) kept.delete(name);
        else kept.set(name, value);
  return kept;
}

export function copyAgent({ core, leases, disk }: Agent): Agent {
  const durable = { ...core.durable };
  const { council } = core;
  const { proposal, sync } = council;
  const copy: Leases = {
    durable,
    voter: copyVoter(leases.voter, durable),
    links: copyLinks(leases.links),
    holder: copyHolder(leases.holder, durable),
    candidacies: leases.candidacies,
  };
  return {
    disk,
    leases: copy,
    core: {
      ...core,
      durable,
      leases: copy,
      registers: new Map(core.registers),
      council: {
        ...council,
        proposal: proposal && {
          ...proposal,
          promises: new Map(proposal.promises),
          accepts: new Set(proposal.accepts),
        },
        sync: sync && { ...sync, done: new Set(sync.done), after: new Map(sync.after) },
      },
    },
  };
}

export function printAgent({ core, leases, disk }: Agent): string {
  const { roster, acceptor, proposal, highest, sync, adoptedSince } = core.council;
  const hold = leases.holder.holds.get(KEY);
  const held = hold && [hold.ballot, hold.phase, hold.term, hold.carriedUntil];
  const { promises, accepts, ballot, wanted, proposed } = proposal ?? {};
  const attempt = proposal && [
    ballot,
    wanted,
    proposed,
    sorted(promises ?? new Map<HostId, unknown>()),
    [...(accepts ?? [])].sort(),
  ];
  const fetched = sync && [[...sync.done].sort(), sorted(sync.after)];
  const links = sorted(leases.links.byVoter).map(([voter, link]) => {
    const { epoch, synced } = link;
    return `${voter} ${epoch} ${synced} ${printLink(link)} ${printVotes(hold, voter)}`;
  });
  const council = [roster, acceptor, attempt, highest, fetched, adoptedSince];
  return JSON.stringify([
    core.identity.host,
    printVoter(leases.voter),
    council,
    core.durable,
    leases.holder.highest,
    held,
    links,
    sorted(core.registers),
    sorted(disk),
  ]);
}

/** What the event makes of the agent and makes it say to others. */
export function befallAgent(
  agent: Agent,
  event: AgentEvent,
): { readonly next: Agent; readonly out: Said; readonly wrong?: Violation } {
  const { core, leases } = agent;
  const { host } = core.identity;
  const turn = turnAt(host, core.boot);
  if (event.kind === 'crash') return { next: startAgent(host, agent.disk, 'silent'), out: [] };
  if (event.kind === 'speak') return { next: audible(agent), out: [] };
  happen(core, leases, turn, event);
  listenToItself(core, leases, turn);
  fetchState(core.council, turn, core.durable);
  tend(leases.holder, leases.links, turn, core.council.roster);
  listenToItself(core, leases, turn);
  rest(core, leases);
  const out = turn.out.flatMap((effect) =>
    effect.kind === 'send' ? [{ to: effect.to, message: effect.message }] : [],
  );
  const wrong = wronged(core, out);
  const next = { ...agent, disk: keep(agent.disk, turn) };
  return { next, out, ...(wrong === undefined ? {} : { wrong }) };
}

function happen(core: Core, leases: Leases, turn: Turn, event: Lived): void {
  const { council } = core;
  const { holder, links } = leases;
  const hold = holder.holds.get(KEY);
  switch (event.kind) {
    case 'heard':
      // Grants are counted per host, so that it does not matter whose session was opened first.
      leases.voter.grantCount = leases.voter.sessions.normal.get(event.from)?.grant.count ?? 0;
      return receiveMessage(core, leases, turn, event.from, event.message);
    case 'insist':
      if (council.proposal !== undefined)
        council.proposal = { ...council.proposal, startedAt: LONG_AGO, resendAt: LONG_AGO };
      return look(core, leases, turn, event.steady);
    case 'govern':
      return look(core, leases, turn, event.steady);
    case 'drained':
      if (council.adoptedSince !== undefined) council.adoptedSince = LONG_AGO;
      return;
    case 'try':
      return acquire(holder, links, turn, council.roster, [KEY]);
    case 'timeOut':
      if (hold !== undefined) hold.startedAt = LONG_AGO;
      return;
    case 'keepalive':
      links.seq = 0; // it is answered before anything else happens
      for (const [voter, { sessions }] of links.byVoter)
        sessions.normal.sentAt = voter === event.to || voter === turn.self ? NEVER : NOW;
      return sendKeepalives(links, turn, council.roster);
    case 'settled':
      for (const { sessions } of links.byVoter.values()) sessions.normal.sent.clear();
      return;
    case 'fade':
      return ageLink(links, event.voter, event.before);
    case 'uncarry':
      if (hold !== undefined && hold.carriedUntil <= after(NOW, LAN.termMs))
        hold.carriedUntil = NEVER;
      return;
    case 'expire':
      return ageSession(leases.voter, event.host, 'expire');
  }
}

function look(core: Core, { links }: Leases, turn: Turn, steady: readonly HostId[]): void {
  const hosts = steady.map((id) => ({ id, aliveMs: LAN.firstGrowthMs, witness: false }));
  const electorate = { hosts, answers: () => true, stoodMs: millis(0) };
  govern(core.council, turn, { links, durable: core.durable, electorate, isAlive: () => true });
}

/** As the core does: what a host says to itself arrives at once. */
function listenToItself(core: Core, leases: Leases, turn: Turn): void {
  for (let i = 0; i < turn.out.length;) {
    const effect = turn.out[i];
    if (effect?.kind !== 'send' || effect.to !== turn.self) {
      i += 1;
      continue;
    }
    turn.out.splice(i, 1);
    receiveMessage(core, leases, turn, turn.self, effect.message);
  }
}

/** Timers run out when the walk says so. */
function rest({ council }: Core, { holder, voter }: Leases): void {
  voter.grantCount = 0;
  const hold = holder.holds.get(KEY);
  if (hold !== undefined) restTimers(hold);
  if (council.sync !== undefined) council.sync.resendAt = SOON;
  if (council.proposal !== undefined)
    council.proposal = { ...council.proposal, resendAt: SOON, startedAt: NOW };
}

/** What only a voter that has merged the old voters' state may say. */
const VOTES: ReadonlySet<Message['kind']> = new Set([
  'prepareAck',
  'acceptAck',
  'readAck',
  'writeAck',
  'syncPage',
]);

function wronged({ durable, identity, registers }: Core, out: Said): Violation | undefined {
  const { host } = identity;
  const vote = out.find(({ message }) => VOTES.has(message.kind));
  if (!durable.synced && vote !== undefined)
    return { rule: 'S7', text: `${host} has merged nothing yet, and answers ${vote.message.kind}` };
  if (durable.synced && registers.get(RECORD)?.revision === undefined)
    return { rule: 'S11', text: `${host} votes without the record that was committed before` };
  return undefined;
}

/** The term under which it leads now, by its own clock. */
export function termLed({ core, leases }: Agent): number | undefined {
  const { holder, links } = leases;
  const turn = turnAt(core.identity.host, core.boot);
  const until = heldUntil(holder, links, turn, core.council.roster, KEY);
  return NOW < until ? holder.holds.get(KEY)?.term : undefined;
}

export const rosterOf = ({ core }: Agent): Roster => core.council.roster;
export const votersFor = ({ core }: Agent): readonly HostId[] => votersOf(core.council.roster);
