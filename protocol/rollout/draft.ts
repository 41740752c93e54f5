/** What a leader has before it while it decides on a rollout, and what its parts have in common. */
import type { ComponentId, HostId } from '../base/ids.ts';
import type { Instant } from '../base/time.ts';
import type { ComponentSpec } from '../component/spec.ts';
import type { UpdatePolicy } from '../component/update.ts';
import type { InstanceReport } from '../inventory/entry.ts';
import type { Component, Rollout, Slot, Version } from '../record/record.ts';

/** What a leader has seen itself, and its successor sees anew (U6). */
export type Watch = {
  /** The revision that the rest is about. */
  revision: string;
  /** Instances on trial that are well, and since when. */
  readonly wellSince: Map<string, Instant>;
  /** Since when none is on trial. */
  restingSince: Instant | undefined;
};
export const createWatch = (): Watch => ({
  revision: '',
  wellSince: new Map(),
  restingSince: undefined,
});

export type RolloutRequest = {
  readonly component: ComponentId;
  /** What the stack asks for. */
  readonly wanted: Version;
  /** When that was deployed, as it was said there. */
  readonly at?: string | undefined;
  /** As last committed, of this life of its stack. */
  readonly current: Component | undefined;
  /** What the host of a slot says of it; undefined: nothing, or it is not alive. */
  readonly reportOf: (slot: Slot) => InstanceReport | undefined;
  readonly isAlive: (host: HostId) => boolean;
  /** Whether one more slot of this spec would find a place. */
  readonly hasRoom: (spec: ComponentSpec) => boolean;
  readonly watch: Watch;
  readonly now: Instant;
};

export type Draft = {
  readonly request: RolloutRequest;
  policy: UpdatePolicy;
  target: Version;
  slots: readonly Slot[];
  former: readonly Version[];
  failed: readonly number[];
  forgiven: number;
  paused: string | undefined;
  refused: Rollout['refused'];
  readonly notes: string[];
  dueAt: Instant | undefined;
};

/** U8: nothing more is taken. */
export const isHalted = ({ paused, request: { wanted } }: Draft): boolean =>
  paused !== undefined || isHeld(wanted);
export const isHeld = ({ spec: { steering } }: Version): boolean => steering?.held === true;

/** Beyond the wanted number: it stands in, or goes. */
export const isExtra = ({ spec: { mode, replicas } }: Version, { slot }: Slot): boolean =>
  mode !== 'global' && slot > replicas;

export const isUnderWay = ({ former, trial }: Slot): boolean =>
  former !== undefined || trial === true;

export function marked(slot: Slot, { former, trial }: Pick<Slot, 'former' | 'trial'>): Slot {
  const { former: _, trial: __, ...bare } = slot;
  return {
    ...bare,
    ...(former === undefined ? {} : { former }),
    ...(trial === true ? { trial } : {}),
  };
}

/** It serves, or did what it had to. */
export function stands({ request: { reportOf } }: Draft, slot: Slot): boolean {
  const report = reportOf(slot);
  return report !== undefined && isWell(report);
}

export const isWell = ({ state, health }: InstanceReport): boolean =>
  state === 'complete' || (state === 'running' && (health === 'healthy' || health === 'none'));
