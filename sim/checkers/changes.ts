/**
 * S7 A change of voters is begun only where it is due and can do no harm: one voter is replaced that has
 *    been believed dead for long, or leaves, or two are added; by hosts that have been up for long, after a rest;
 *    and a majority of the new voters are such of before as answer.
 */
import { type HostId, ROSTER_KEY } from '../../protocol/base/ids.ts';
import { NEVER } from '../../protocol/base/time.ts';
import type { Core } from '../../protocol/core.ts';
import { HOST_ENTRY } from '../../protocol/inventory/entry.ts';
import { entriesOf } from '../../protocol/inventory/inventories.ts';
import { ackedAt } from '../../protocol/lease/links.ts';
import type { Proposal } from '../../protocol/roster/acceptor.ts';
import { majority, type Roster } from '../../protocol/roster/roster.ts';
import { type Agent, type Host, localNow } from '../host.ts';
import type { Micros } from '../event-queue.ts';
import { CONFIG } from '../options.ts';
import type { Report } from './report.ts';

export type ChangeChecker = {
  readonly report: Report;
  /** The last attempt of each host at a joint roster. */
  readonly attempts: Map<Host, Proposal>;
  /** When each host, in its present life, took over its roster, by its own clock. */
  readonly adopted: Map<Host, Adopted>;
};

type Adopted = { readonly life: Agent; readonly roster: Roster; readonly at: number };

export const createChangeChecker = (report: Report): ChangeChecker => ({
  report,
  attempts: new Map(),
  adopted: new Map(),
});

/** After a step. */
export function checkChange(checker: ChangeChecker, host: Host, now: Micros): void {
  const { agent } = host;
  if (agent === undefined) return;
  const { roster, proposal } = agent.core.council;
  const at = localNow(agent, now);
  const known = checker.adopted.get(host);
  const adopted =
    known?.life === agent && known.roster === roster ? known : { life: agent, roster, at };
  checker.adopted.set(host, adopted);
  if (proposal?.wanted.next === undefined || checker.attempts.get(host) === proposal) return;
  checker.attempts.set(host, proposal);
  const next = proposal.wanted.next;
  const why = whyNoStep(proposal.base, next) ?? whyNotNow(adopted, next, at);
  if (why !== undefined) checker.report('S7', `${host.id} asks for ${next.join(' ')}: ${why}`);
}

function whyNoStep(base: Roster, next: readonly HostId[]): string | undefined {
  if (base.next !== undefined) return 'another change is not concluded';
  const { voters } = base;
  const added = next.filter((host) => !voters.includes(host));
  const removed = voters.filter((host) => !next.includes(host));
  const isStep =
    (added.length === 2 && removed.length === 0) || (added.length === 1 && removed.length === 1);
  return isStep ? undefined : `from ${voters.join(' ')} that is no single step`;
}

function whyNotNow(
  { life: { core }, roster: { voters }, at: stoodSince }: Adopted,
  next: readonly HostId[],
  at: number,
): string | undefined {
  const isFirst = voters.length === 1;
  const restMs = isFirst ? CONFIG.firstGrowthMs : CONFIG.rosterStableMs;
  const leaver = voters.find((id) => isLeaving(core, id) && !next.includes(id));
  if (leaver !== undefined) return whyNotYet(core, voters, next, at);
  if (!isFirst && at - stoodSince < restMs) return `the roster has stood for ${at - stoodSince} ms`;
  const fresh = next.find((id) => !voters.includes(id) && aliveMs(core, id, at) < restMs);
  if (fresh !== undefined) return `${fresh} has not been up for ${restMs} ms`;
  const witness = next.find((id) => !voters.includes(id) && isWitness(core, id));
  const others = [core.identity.host, ...core.membership.members.keys()].filter(
    (id) => !voters.includes(id) && !isWitness(core, id) && aliveMs(core, id, at) >= restMs,
  );
  // One that is doubted in this very step may have been doubted before they were chosen.
  const isDoubted = (id: HostId): boolean => core.membership.members.get(id)?.health === 'suspect';
  const spare = others.find((id) => !next.includes(id) && !isDoubted(id));
  if (witness !== undefined && spare !== undefined)
    return `${witness} is a witness, and ${spare} could vote`;
  const { voterDeadMs } = CONFIG;
  const spared = voters.find((id) => !next.includes(id) && deadMs(core, id, at) < voterDeadMs);
  if (spared !== undefined) return `${spared} has not been dead for ${voterDeadMs} ms`;
  if (isFirst || core.leases === undefined) return undefined;
  const { links } = core.leases;
  const answers = (id: HostId): boolean => at - ackedAt(links, id) <= 1000;
  const isSafe = majority(next, (id) => voters.includes(id) && answers(id));
  return isSafe ? undefined : 'too few of its voters answer';
}

/** A voter leaves: it need not be dead, and the roster need not rest. */
function whyNotYet(
  core: Core,
  voters: readonly HostId[],
  next: readonly HostId[],
  at: number,
): string | undefined {
  const { firstGrowthMs } = CONFIG;
  const fresh = next.find((id) => !voters.includes(id) && aliveMs(core, id, at) < firstGrowthMs);
  if (fresh !== undefined) return `${fresh} has not been up for ${firstGrowthMs} ms`;
  if (voters.length === 1 || core.leases === undefined) return undefined;
  const { links } = core.leases;
  const answers = (id: HostId): boolean => at - ackedAt(links, id) <= 1000;
  const isSafe = majority(next, (id) => voters.includes(id) && answers(id));
  return isSafe ? undefined : 'too few of its voters answer';
}

function isLeaving({ committed }: Core, id: HostId): boolean {
  const list = committed.byKey.get(ROSTER_KEY)?.value;
  return list?.kind === 'members' && list.members.some((each) => each.id === id && each.leaving);
}

function aliveMs({ identity, membership, startedAt }: Core, id: HostId, at: number): number {
  if (id === identity.host) return at - startedAt;
  const member = membership.members.get(id);
  // Believed alive before it was ever heard, it is given no vote.
  if (member?.health === 'alive')
    return member.lastHeardAt === NEVER ? -Infinity : at - member.since;
  // Doubted in this very step, after it was chosen.
  return member?.health === 'suspect' && member.since >= at ? Infinity : -Infinity;
}

function isWitness({ identity, inventories }: Core, id: HostId): boolean {
  const own = id === identity.host ? identity.facts : entriesOf(inventories, id).get(HOST_ENTRY);
  return own?.kind === 'host' && own.runs === 'nothing';
}

/** Who is no member is dead for ever. */
function deadMs({ identity, membership }: Core, id: HostId, at: number): number {
  if (id === identity.host) return -Infinity;
  const member = membership.members.get(id);
  if (member === undefined) return Infinity;
  return member.health === 'dead' || member.health === 'left' ? at - member.since : -Infinity;
}
