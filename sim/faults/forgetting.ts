/**
 * Hosts are away for long, mostly such as do not vote, and users ask that some be forgotten: those that
 * are gone, and now and then one that is not; or tell one to leave.
 */
import { votersOf } from '../../protocol/roster/roster.ts';
import { exponential, happens, pick, type Stream, streamOf, within } from '../choice.ts';
import { ofMillis, scheduleDeed } from '../event-queue.ts';
import type { Host } from '../host.ts';
import { CONFIG } from '../options.ts';
import type { Strike } from '../strike.ts';
import type { World } from '../world.ts';

const AWAY_MAX_MS = 30_000;

/** From now on, as long as the storm goes on. */
export function keepForgetting(world: World, strike: (strike: Strike) => void): void {
  const { members } = world.options;
  if (members === undefined) return;
  const draw = streamOf(world.choices, 'storm/members');
  const next = (): void => {
    const at = world.queue.now + 1 + exponential(draw, ofMillis(members.everyMs));
    scheduleDeed(world.queue, at, () => {
      if (world.core !== undefined) return;
      const struck = pick(draw, DRAWS)(world, draw);
      if (struck !== undefined) strike(struck);
      next();
    });
  };
  next();
}

type Draw = (world: World, draw: Stream) => Strike | undefined;

const up = ({ hosts }: World): readonly Host[] => hosts.filter(({ agent }) => agent !== undefined);

const away: Draw = (world, draw) => {
  const spare = up(world).filter((host) => !votes(world, host));
  const from = happens(draw, 800) ? spare : up(world);
  if (from.length === 0) return undefined;
  const kind = pick(draw, ['lose', 'lose', 'crash', 'suspend', 'stop'] as const);
  const forMs = within(draw, CONFIG.termMs, AWAY_MAX_MS);
  return { kind, host: pick(draw, from).index, forMs };
};

const forget: Draw = (world, draw) => {
  const down = world.hosts.filter(({ agent }) => agent === undefined);
  const of = down.length > 0 && happens(draw, 800) ? down : up(world);
  if (up(world).length === 0) return undefined;
  return { kind: 'forget', host: pick(draw, up(world)).index, of: pick(draw, of).index };
};

const leave: Draw = (world, draw) =>
  up(world).length === 0 ? undefined : { kind: 'leave', host: pick(draw, up(world)).index };

const DRAWS: readonly Draw[] = [away, away, forget, forget, leave];

/** By any roster that somebody follows. */
const votes = ({ hosts }: World, { id }: Host): boolean =>
  hosts.some(
    ({ agent }) => agent !== undefined && votersOf(agent.core.council.roster).includes(id),
  );
