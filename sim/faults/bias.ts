/**
 * Faults that go together. A leader's keepalives are lost on their way to some voters, and a little
 * later to some more, each time for somewhat longer than a lease: sessions lapse in two waves. When
 * another host then tries for one of its keys, ballots of the leader are lost to some of these voters,
 * and answers of some to the rival. Chance alone hardly ever does so much at once: it takes this to
 * find the acceptance that overwrites another's live binding.
 */
import { votersOf } from '../../protocol/roster/roster.ts';
import type { Attempt, Message } from '../../protocol/wire/message.ts';
import { below, exponential, happens, pick, type Stream, streamOf, within } from '../choice.ts';
import { type Micros, ofMillis, scheduleDeed } from '../event-queue.ts';
import type { Host, Outward } from '../host.ts';
import { CONFIG } from '../options.ts';
import type { HostIndex, Strike, Way } from '../strike.ts';
import type { World } from '../world.ts';

export type Bias = {
  readonly world: World;
  readonly strike: (strike: Strike) => void;
  readonly draw: Stream;
  /** Against whom, as soon as it has sent its next keepalives. */
  next: Host | undefined;
  /** What goes on now. */
  plot: Plot | undefined;
};

/** Who leads, until the last of its sessions that shall lapse has done so. */
type Plot = {
  readonly leader: Host;
  readonly until: Micros;
  /** Voters to which its ballots are lost, and voters whose answers are lost to its rivals. */
  readonly deaf: readonly HostIndex[];
  readonly unheard: readonly HostIndex[];
  /** Those that have tried already. */
  readonly rivals: Set<Host>;
};

const T = CONFIG.termMs;

/** From now on, as long as the storm goes on. */
export function conspire(world: World, strike: (strike: Strike) => void): Bias | undefined {
  const { bias: often } = world.options;
  if (often === undefined) return undefined;
  const draw = streamOf(world.choices, 'storm/bias');
  const bias: Bias = { world, strike, draw, next: undefined, plot: undefined };
  keepPlotting(bias, often.everyMs);
  return bias;
}

function keepPlotting(bias: Bias, everyMs: number): void {
  const { world, draw } = bias;
  const at = world.queue.now + 1 + exponential(draw, ofMillis(everyMs));
  scheduleDeed(world.queue, at, () => {
    if (world.core !== undefined) return;
    const leaders = world.hosts.filter(({ agent }) => (agent?.core.writers.size ?? 0) > 0);
    if (leaders.length > 0) bias.next = pick(draw, leaders);
    keepPlotting(bias, everyMs);
  });
}

function begin(bias: Bias, leader: Host): void {
  const { world, draw } = bias;
  const afterMs = within(draw, 0, 20) + pick(draw, [T / 4, T / 4, T / 3, T / 2, 0]);
  const forMs = T + within(draw, 0, pick(draw, [40, 40, 40, T / 3]));
  const voters = shuffled(draw, votersBeside(bias, leader));
  const first = voters.splice(0, pick(draw, [1, 2, 2]));
  const second = voters.splice(0, pick(draw, [1, 1, 2]));
  const both = [...second, ...voters];
  const until = world.queue.now + ofMillis(afterMs + forMs);
  const deaf = pick(draw, [[], both, both]);
  const unheard = pick(draw, [[], second, second]);
  bias.plot = { leader, until, deaf, unheard, rivals: new Set() };
  lose(bias, waysTo(first, leader), 'keepalive', { afterMs: 0, forMs });
  lose(bias, waysTo(second, leader), 'keepalive', { afterMs, forMs });
}

/** Told of whatever leaves a host. */
export function meddle(bias: Bias, host: Host, effect: Outward): void {
  if (effect.kind !== 'send' || bias.world.core !== undefined) return;
  const { message } = effect;
  if (message.kind === 'prepare') outwit(bias, host, message.items);
  const isIdle = bias.plot === undefined || bias.world.queue.now > bias.plot.until;
  if (message.kind !== 'keepalive' || bias.next !== host || !isIdle) return;
  bias.next = undefined;
  begin(bias, host);
}

/** A host tries for keys: for one that is led, and with a ballot that may win? */
function outwit(bias: Bias, rival: Host, items: readonly Attempt[]): void {
  const { world, draw, plot } = bias;
  if (plot === undefined || rival === plot.leader || plot.rivals.has(rival)) return;
  const { leader, until, rivals, deaf } = plot;
  if (world.queue.now > until) return;
  const held = leader.agent?.core.leases?.holder.holds;
  if (!items.some(({ key, ballot }) => ballot > (held?.get(key)?.ballot ?? ballot))) return;
  if (rivals.size === 0) {
    const forMs = pick(draw, [T, T / 2, 2 * T]);
    for (const only of ['prepare', 'accept'] as const)
      if (happens(draw, 900)) lose(bias, waysTo(deaf, leader), only, { afterMs: 0, forMs });
  }
  rivals.add(rival);
  const forMs = Math.ceil((until - world.queue.now) / 1000);
  const unheard = plot.unheard.map((voter): Way => [voter, rival.index]);
  lose(bias, unheard, 'prepareAck', { afterMs: 0, forMs });
}

const waysTo = (wave: readonly HostIndex[], { index }: Host): readonly Way[] =>
  wave.map((voter): Way => [index, voter]);

/** The voters that the host knows of, without itself. */
function votersBeside({ world }: Bias, { agent, index }: Host): readonly HostIndex[] {
  if (agent === undefined) return [];
  return votersOf(agent.core.council.roster).flatMap((voter) => {
    const host = world.byId.get(voter);
    return host === undefined || host.index === index ? [] : [host.index];
  });
}

function shuffled(draw: Stream, hosts: readonly HostIndex[]): HostIndex[] {
  const left = [...hosts];
  return hosts.flatMap(() => left.splice(below(draw, left.length), 1));
}

function lose(
  { world, strike }: Bias,
  ways: readonly Way[],
  only: Message['kind'],
  { afterMs, forMs }: { readonly afterMs: number; readonly forMs: number },
): void {
  const wanted = ways.filter(([from, to]) => from !== to);
  if (wanted.length === 0) return;
  scheduleDeed(world.queue, world.queue.now + 1 + ofMillis(afterMs), () => {
    if (world.core !== undefined) return;
    strike({ kind: 'lossy', ways: wanted, permille: 1000, only, forMs });
  });
}
