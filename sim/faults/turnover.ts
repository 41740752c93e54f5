/**
 * Voters are lost one after the other, each for so long that another votes instead; and now and then
 * whoever is about to change the roster falls in the middle of it. Chance hardly ever keeps one voter
 * away for long enough while a majority of the others is well.
 */
import { ROSTER_KEY } from '../../protocol/base/ids.ts';
import { exponential, happens, pick, type Stream, streamOf, within } from '../choice.ts';
import { ofMillis, scheduleDeed } from '../event-queue.ts';
import type { Host, Outward } from '../host.ts';
import { CONFIG } from '../options.ts';
import type { HostIndex, Strike, Way } from '../strike.ts';
import type { World } from '../world.ts';

export type Turnover = {
  readonly world: World;
  readonly strike: (strike: Strike) => void;
  readonly draw: Stream;
  /** The highest joint epoch that was told so far: each change is struck once, or not at all. */
  epoch: number;
};

const T = CONFIG.termMs;
/** Until a silent host is dead for everybody, and another has been chosen. */
const AWAY_MS = 3000 + CONFIG.voterDeadMs + CONFIG.rosterStableMs;

/** From now on, as long as the storm goes on. */
export function replaceVoters(
  world: World,
  strike: (strike: Strike) => void,
): Turnover | undefined {
  const { turnover: often } = world.options;
  if (often === undefined) return undefined;
  const draw = streamOf(world.choices, 'storm/turnover');
  const turnover: Turnover = { world, strike, draw, epoch: 0 };
  keepLosing(turnover, often.everyMs);
  return turnover;
}

function keepLosing(turnover: Turnover, everyMs: number): void {
  const { world, strike, draw } = turnover;
  const at = world.queue.now + 1 + exponential(draw, ofMillis(everyMs));
  scheduleDeed(world.queue, at, () => {
    if (world.core !== undefined) return;
    const voters = votersUp(world);
    if (voters.length > 0) {
      const { index: host } = pick(draw, voters);
      const forMs = AWAY_MS + within(draw, 0, 4 * T);
      strike({ kind: pick(draw, ['lose', 'lose', 'pause', 'suspend'] as const), host, forMs });
      if (happens(draw, 400)) returnDeaf(turnover, host, forMs);
    }
    keepLosing(turnover, everyMs);
  });
}

/**
 * It comes back and is heard, but hears nothing of its removal; another voter is lost just then, so
 * that it may be added again before it has heard that it was ever removed.
 */
function returnDeaf({ world, strike, draw }: Turnover, host: HostIndex, forMs: number): void {
  scheduleDeed(world.queue, world.queue.now + ofMillis(forMs), () => {
    const others = votersUp(world).filter(({ index }) => index !== host);
    if (world.core !== undefined || others.length === 0) return;
    const ways = world.hosts.filter(({ index }) => index !== host);
    const deafMs = AWAY_MS + within(draw, 0, 2 * T);
    strike({ kind: 'cut', ways: ways.map(({ index }): Way => [index, host]), forMs: deafMs });
    strike({ kind: 'lose', host: pick(draw, others).index, forMs: 2 * AWAY_MS });
  });
}

/** Those who run, by the newest roster that anyone knows; none if the others were no majority. */
function votersUp({ hosts, byId }: World): readonly Host[] {
  const rosters = hosts.flatMap(({ agent }) => agent?.core.council.roster ?? []);
  const [newest] = rosters.toSorted((a, b) => b.epoch - a.epoch);
  const voters = newest?.voters ?? [];
  const up = voters.flatMap((voter) => byId.get(voter) ?? []).filter(({ agent }) => agent);
  return 2 * (up.length - 1) > voters.length ? up : [];
}

/** Told of whatever leaves a host. */
export function interrupt(turnover: Turnover, host: Host, effect: Outward): void {
  const { world, strike, draw } = turnover;
  if (effect.kind !== 'send' || effect.message.kind !== 'rosterChosen') return;
  const { roster } = effect.message;
  const leads = host.agent?.core.writers.has(ROSTER_KEY) === true;
  if (world.core !== undefined || !leads || roster.next === undefined) return;
  if (roster.epoch <= turnover.epoch) return;
  turnover.epoch = roster.epoch;
  if (!happens(draw, 300)) return;
  const forMs = within(draw, 10, pick(draw, [100, T, 3 * T]));
  const kind = pick(draw, ['crash', 'pause', 'lose'] as const);
  scheduleDeed(world.queue, world.queue.now + ofMillis(within(draw, 1, T)), () => {
    if (world.core === undefined && host.agent !== undefined)
      strike({ kind, host: host.index, forMs });
  });
}
