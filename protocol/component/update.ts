/** How a changed spec comes to the slots that run: what `rollout/` obeys. */
import { type Millis, millis, seconds } from '../base/time.ts';
import type { ComponentSpec } from './spec.ts';
import { staysBehind } from './volume.ts';

export type UpdatePolicy = {
  /** Slots replaced at a time; 0: all. More is quicker, and takes more of them away at once. */
  readonly parallelism: number;
  /** Rest between the end of one batch and the next. */
  readonly delayMs: Millis;
  readonly order: 'stopFirst' | 'startFirst';
  /** How long a new instance has to stand before its slot counts as done. */
  readonly monitorMs: Millis;
  readonly onFailure: 'pause' | 'continue' | 'rollback';
  /** Share of the slots whose new instance may fail, in millionths: 0 to 1,000,000. */
  readonly failuresMaxPpm: number;
};

/** How what was taken back makes room for the version before: that one is not taken back in turn. */
export type RollbackPolicy = Omit<UpdatePolicy, 'onFailure'> & {
  readonly onFailure: 'pause' | 'continue';
};

/**
 * What users say of a rollout while it goes on. A Compose file says nothing of it, so that with the next
 * deploy of one none of it holds.
 */
export type Steering = {
  /** Nothing more is to be taken. */
  readonly held?: boolean;
  /** It is to go on where it was paused, and to try again what was taken back; told from a word before. */
  readonly resumed?: string;
  /** The revision that a user has taken back with this spec: it makes room by `rollback`. */
  readonly undoes?: string;
};

/** As Swarm has both. */
export const DEFAULT_UPDATE: RollbackPolicy = {
  parallelism: 1,
  delayMs: millis(0),
  order: 'stopFirst',
  monitorMs: seconds(5),
  onFailure: 'pause',
  failuresMaxPpm: 0,
};

/**
 * Whether other rules hold slots of both to the same: a strict one to its lease, one with a named volume to
 * its host. Where they do not, one spec replaces the other at once, in all slots.
 */
export const isBoundAlike = (a: ComponentSpec, b: ComponentSpec): boolean =>
  a.singleton === b.singleton && a.volumes.some(staysBehind) === b.volumes.some(staysBehind);

/** Why no second instance can stand beside the one that it replaces; undefined: it can. */
export function whyStopFirst(
  spec: Pick<ComponentSpec, 'mode' | 'ports' | 'volumes' | 'singleton'>,
): string | undefined {
  if (spec.mode === 'global') return 'it has one slot on every host';
  if (spec.singleton === 'strict') return 'it is a strict singleton';
  const port = spec.ports.find(({ published }) => published !== undefined);
  if (port !== undefined) return `port ${port.published} is fixed, and fits once on a host`;
  const volume = spec.volumes.find(({ kind }) => kind === 'named');
  if (volume !== undefined) return `volume ${volume.source} has room for one at a time`;
  return undefined;
}
