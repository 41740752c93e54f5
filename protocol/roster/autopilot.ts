/**
 * Which hosts should vote: a function of what the leader of `sys/roster` knows. One step at a time.
 *
 *     hosts that are not dead for good   1, 2   3 to 6   7 and more
 *     voters                               1       3          5
 *
 * Invariants:
 *  A1 The number of voters is odd; one is replaced, or two are added. It never falls: a majority of
 *     fewer need not have what a majority of all has stored.
 *  A2 After a change the voters of before that answer now are a majority: no quorum needs a newcomer,
 *     who has still to be synced. A change of one voter alone cannot promise that.
 *  A3 A majority of the voters of before answers: without one nothing could be decided.
 *
 * Source: README.md §7; Consul's autopilot.
 */
import type { HostId } from '../base/ids.ts';
import { compareText, rendezvous } from '../base/order.ts';
import type { Millis } from '../base/time.ts';
import type { Config } from '../config.ts';
import { majority } from './roster.ts';

/** A member, as far as its vote is concerned. Neither length: it is doubted, or was never heard. */
export type Elector = {
  readonly id: HostId;
  /** How long it has been heard and believed alive. */
  readonly aliveMs?: Millis;
  /** How long it has been believed dead. */
  readonly deadMs?: Millis;
  /** It runs nothing: it votes only where too few others can. */
  readonly witness: boolean;
  /** It has asked to leave: others vote in its stead, at once. */
  readonly leaving?: boolean;
};

export type Electorate = {
  /** Every member, ourselves among them. */
  readonly hosts: readonly Elector[];
  /** Whether this voter has answered us just now. */
  readonly answers: (voter: HostId) => boolean;
  /** How long the roster has stood, as far as we know. */
  readonly stoodMs: Millis;
};

/** `voters`: sorted. `why`: for people. */
export type Wish = { readonly voters: readonly HostId[]; readonly why: string };

/** `voters`: of a roster that is not being changed. Undefined: they should stay as they are. */
export function wantedVoters(
  voters: readonly HostId[],
  electorate: Electorate,
  config: Config,
): Wish | undefined {
  const farewell = relief(voters, electorate, config);
  if (voters.length === 1) return farewell ?? firstGrowth(voters, electorate, config);
  if (farewell !== undefined && isSafe(voters, farewell, electorate)) return farewell;
  if (electorate.stoodMs < config.rosterStableMs) return undefined;
  const wish = repair(voters, electorate, config) ?? growth(voters, electorate, config);
  return wish !== undefined && isSafe(voters, wish, electorate) ? wish : undefined;
}

/** A voter that leaves is replaced as soon as somebody has been up for a moment; the last one too. */
function relief(
  voters: readonly HostId[],
  electorate: Electorate,
  { firstGrowthMs }: Config,
): Wish | undefined {
  const { hosts } = electorate;
  const leaver = voters.find((voter) =>
    hosts.some(({ id, leaving }) => leaving === true && id === voter),
  );
  const [instead] = newcomers(voters, electorate, firstGrowthMs);
  if (leaver === undefined || instead === undefined) return undefined;
  const kept = voters.filter((voter) => voter !== leaver);
  return sorted([...kept, instead], `${leaver} leaves: ${instead} votes instead`);
}

/** A2, A3. */
function isSafe(voters: readonly HostId[], wish: Wish, { answers }: Electorate): boolean {
  const stays = (voter: HostId): boolean => voters.includes(voter) && answers(voter);
  return majority(voters, answers) && majority(wish.voters, stays);
}

/** One voter becomes three as soon as three members have been up for a while. */
function firstGrowth(
  voters: readonly HostId[],
  electorate: Electorate,
  { firstGrowthMs }: Config,
): Wish | undefined {
  const steady = steadyFor(electorate, firstGrowthMs).map(({ id }) => id);
  if (!voters.every((voter) => steady.includes(voter))) return undefined;
  const why = `${electorate.hosts.length} hosts: three of them vote`;
  return withMore(voters, newcomers(voters, electorate, firstGrowthMs), why);
}

/** A voter that is dead for good is replaced as soon as there is somebody to vote instead. */
function repair(
  voters: readonly HostId[],
  electorate: Electorate,
  config: Config,
): Wish | undefined {
  const dead = voters.find((voter) => isDead(electorate, voter, config));
  const [instead] = newcomers(voters, electorate, config.rosterStableMs);
  if (dead === undefined || instead === undefined) return undefined;
  const kept = voters.filter((voter) => voter !== dead);
  return sorted([...kept, instead], `${dead} is dead: ${instead} votes instead`);
}

function growth(
  voters: readonly HostId[],
  electorate: Electorate,
  config: Config,
): Wish | undefined {
  const hosts = electorate.hosts.filter(
    ({ id, leaving }) => leaving !== true && !isDead(electorate, id, config),
  );
  if (voters.length >= targetOf(hosts.length)) return undefined;
  const why = `${hosts.length} hosts: ${voters.length + 2} of them vote`;
  return withMore(voters, newcomers(voters, electorate, config.rosterStableMs), why);
}

/** A witness is a host like any other here. */
const targetOf = (hostCount: number): number => (hostCount < 3 ? 1 : hostCount < 7 ? 3 : 5);

/** Two more, if there are two. */
function withMore(
  voters: readonly HostId[],
  others: readonly HostId[],
  why: string,
): Wish | undefined {
  const two = others.slice(0, 2);
  return two.length === 2 ? sorted([...voters, ...two], why) : undefined;
}

const sorted = (voters: readonly HostId[], why: string): Wish => ({
  voters: voters.toSorted(compareText),
  why,
});

const steadyFor = ({ hosts }: Electorate, lengthMs: Millis): readonly Elector[] =>
  hosts.filter(
    ({ aliveMs, leaving }) => leaving !== true && aliveMs !== undefined && aliveMs >= lengthMs,
  );

/** Who could vote besides, best first: witnesses last. Every leader finds the same. */
function newcomers(
  voters: readonly HostId[],
  electorate: Electorate,
  lengthMs: Millis,
): readonly HostId[] {
  const steady = steadyFor(electorate, lengthMs).filter(({ id }) => !voters.includes(id));
  const ranked = (isWitness: boolean): readonly HostId[] => {
    const alike = steady.filter(({ witness }) => witness === isWitness);
    return rendezvous(
      'voters',
      alike.map(({ id }) => id),
    );
  };
  return [...ranked(false), ...ranked(true)];
}

/** For good, as far as anybody can tell. Who is no member any more is. */
function isDead({ hosts }: Electorate, host: HostId, { voterDeadMs }: Config): boolean {
  const known = hosts.find(({ id }) => id === host);
  return known === undefined || (known.deadMs !== undefined && known.deadMs >= voterDeadMs);
}
