/** Whoever looks on at one run, and what it has seen so far. */
import type { HostId, Key } from '../../protocol/base/ids.ts';
import type { DiskWrite, Effect } from '../../protocol/effect.ts';
import type { Input } from '../../protocol/input.ts';
import type { Panel } from '../checkers/panel.ts';
import type { Micros } from '../event-queue.ts';
import type { Agent, Host } from '../host.ts';
import type { World } from '../world.ts';
import type { Mark } from './marks.ts';
import type { Phase } from './phases.ts';

export type Observer = {
  readonly world: World;
  readonly panel: Panel;
  readonly seen: Set<Mark>;
  readonly matrix: Map<string, Map<Phase, number>>;
  /** Some fault was present until then, or its effects were. */
  faultyUntil: Micros;
  readonly lives: Map<Host, Life>;
  /** Who won each key last. */
  readonly leaders: Map<Key, { readonly host: Host; readonly life: Agent }>;
  /** What each voter has promised last for each key, and in which life. */
  readonly promises: Map<string, { readonly ballot: number; readonly life: Agent }>;
  /** The highest joint epoch, and who has brought it about. */
  joint: { readonly epoch: number; readonly by: Host } | undefined;
  /** Hosts that know that they are forgotten. */
  readonly dismissed: Set<HostId>;
  /** Writes that were under way when their agent ended. */
  readonly cut: Map<Host, readonly DiskWrite[]>;
  /** Deploys whose outcome was unknown to whoever asked, and of those asked again though committed. */
  readonly unknown: Map<string, Key>;
  readonly askedAgain: Set<string>;
};

/** What is remembered of one life of one agent. */
export type Life = {
  readonly agent: Agent;
  /** When to look at its state the next time. */
  lookAt: Micros;
  /** The version of its beliefs at the last look, and whom it believed dead. */
  membership: number;
  dead: ReadonlyMap<HostId, number>;
  readonly left: Set<HostId>;
  /** Of each owner, the version that a gap in its changes was met at. */
  readonly gaps: Map<HostId, number>;
  /** Since when it votes without being synced. */
  unsyncedSince: Micros | undefined;
  listed: boolean;
  /** Seats whose instances ran beside the ones that had been given their slots. */
  readonly rivals: Set<string>;
  /** By seat, the instance that was told where something no longer is, as long as that lasts. */
  readonly moved: Map<string, string>;
};

/** One step of one host, as the observer is told of it. */
export type Moment = {
  readonly host: Host;
  readonly agent: Agent;
  readonly life: Life;
  readonly input: Input;
  readonly effects: readonly Effect[];
  readonly now: Micros;
};

export const createObserver = (world: World, panel: Panel): Observer => ({
  world,
  panel,
  seen: new Set(),
  matrix: new Map(),
  faultyUntil: 0,
  lives: new Map(),
  leaders: new Map(),
  promises: new Map(),
  joint: undefined,
  dismissed: new Set(),
  cut: new Map(),
  unknown: new Map(),
  askedAgain: new Set(),
});

/** This run has been there. */
export const sometimes = ({ seen }: Observer, mark: Mark): void => void seen.add(mark);

export function lifeOf({ lives }: Observer, host: Host, agent: Agent): Life {
  const known = lives.get(host);
  if (known?.agent === agent) return known;
  const life: Life = {
    agent,
    lookAt: 0,
    membership: -1,
    dead: new Map(),
    left: new Set(),
    gaps: new Map(),
    unsyncedSince: undefined,
    listed: false,
    rivals: new Set(),
    moved: new Map(),
  };
  lives.set(host, life);
  return life;
}
