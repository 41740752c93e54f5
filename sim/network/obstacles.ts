/** What faults put in the way of messages, and take out again. */
import type { Message } from '../../protocol/wire/message.ts';
import { schedule } from '../event-queue.ts';
import type { HostIndex, Way } from '../strike.ts';
import type { Network } from './network.ts';
import { wayOf, type WayState } from './ways.ts';

const stateOf = ({ medium }: Network, [from, to]: Way): WayState => wayOf(medium.ways, from, to);

export const isCut = (network: Network, from: HostIndex, to: HostIndex): boolean =>
  stateOf(network, [from, to]).cuts > 0;

/** What stands in one direction of one link. */
export type Obstacle = 'none' | 'loss' | 'blocked';
export function obstacleOf(network: Network, from: HostIndex, to: HostIndex): Obstacle {
  const way = stateOf(network, [from, to]);
  if (way.cuts > 0 || way.clogs.length > 0) return 'blocked';
  return way.lossy.length > 0 ? 'loss' : 'none';
}

/** Cuts these ways, and returns how to join them again. */
export function cut(network: Network, ways: readonly Way[]): () => void {
  const states = ways.map((way) => stateOf(network, way));
  for (const state of states) state.cuts += 1;
  return () => {
    for (const state of states) state.cuts = Math.max(0, state.cuts - 1);
  };
}

/** Holds what is sent these ways; it arrives all at once in the end. */
export function clog(network: Network, ways: readonly Way[], only?: Message['kind']): () => void {
  const added = ways.map((way) => {
    const state = stateOf(network, way);
    const one = { only, held: [] };
    state.clogs = [...state.clogs, one];
    return { state, one };
  });
  return () => {
    for (const { state, one } of added) {
      state.clogs = state.clogs.filter((each) => each !== one);
      letGo(network, one.held);
    }
  };
}

function letGo({ medium }: Network, held: (() => void)[]): void {
  for (const run of held.splice(0)) schedule(medium.queue, medium.queue.now, run);
}

export function lossy(
  network: Network,
  ways: readonly Way[],
  permille: number,
  only?: Message['kind'],
): () => void {
  const one = { permille, only };
  const states = ways.map((way) => stateOf(network, way));
  for (const state of states) state.lossy = [...state.lossy, one];
  return () => {
    for (const state of states) state.lossy = state.lossy.filter((each) => each !== one);
  };
}

/** The storm is over between these hosts; everything else stays as it is. */
export function calmAmong(network: Network, core: ReadonlySet<HostIndex>): void {
  for (const from of core)
    for (const to of core) {
      if (from === to) continue;
      const state = stateOf(network, [from, to]);
      const { clogs } = state;
      Object.assign(state, { calm: true, cuts: 0, lossy: [], clogs: [] });
      for (const { held } of clogs) letGo(network, held);
    }
}
