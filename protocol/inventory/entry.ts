/**
 * What a host writes into its own inventory: one map of these per host, written by its owner alone.
 * The name of an entry says its kind: `host`, `instance/STACK.COMPONENT/SLOT`, `lease/KEY`,
 * `log/N`.
 */
import type { Millis } from '../base/time.ts';
import type { ComponentId, Key, Term } from '../base/ids.ts';
import type { Labels } from '../component/label.ts';
import type { InstanceState } from '../view/view.ts';

export type Entry = HostFacts | InstanceReport | Leadership | Decision;

/** What placement needs to know of a host, and people like to. */
export type HostFacts = {
  readonly kind: 'host';
  readonly name: string;
  /** Version of the agent. */
  readonly agent: string;
  /** E.g. `docker 20.10.24 (API 1.41)`. */
  readonly engine: string;
  /** `nothing`: a witness, which votes and never gets a slot. */
  readonly runs: 'images' | 'processes' | 'nothing';
  /** A guard runs there: without one there are no strict instances. */
  readonly guard?: boolean;
  /** How long after its agent's start its engine has fallen silent; absent: it answers. */
  readonly engineSilentAfterMs?: Millis;
  /** Where its instances are published, unless their port says otherwise. */
  readonly publishAddress: string;
  /** Where other hosts reach what this one publishes on all its addresses; absent: unknown. */
  readonly address?: string;
  readonly cpuCount: number;
  readonly memoryBytes: number;
  /** As images name them, `linux` and `amd64`; absent: an agent of before says nothing of it. */
  readonly os?: string;
  readonly arch?: string;
  /** From the host's own settings. */
  readonly labels?: Labels;
};

/** The instance that now fills a slot on this host, or the last that did. */
export type InstanceReport = {
  readonly kind: 'instance';
  readonly component: ComponentId;
  readonly slot: number;
  readonly state: InstanceState;
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  readonly attempt: number;
  readonly restarts: number;
  readonly crashLoop: boolean;
  readonly revision: string;
  readonly term: Term;
  readonly engineId?: string;
  readonly pid?: number;
  /** RFC 3339 as the engine said it; for people, never compared. */
  readonly startedAt?: string;
  readonly exitCode?: number;
  readonly reason?: string;
  /** It runs though the slot was given to another host, until the leader has chosen one (`on_heal`). */
  readonly isRival?: boolean;
  /** Its policy starts it no more, until another revision of it or another run of the job. */
  readonly isOver?: boolean;
  readonly ports: readonly {
    readonly target: number;
    readonly address: string;
    readonly published: number;
    /** Absent: TCP. */
    readonly protocol?: 'udp';
  }[];
};

/** It runs, or is on its way to or from there. */
export const isGoingOn = ({ state }: InstanceReport): boolean => GOING_ON.has(state);
const GOING_ON: ReadonlySet<string> = new Set(['preparing', 'starting', 'running', 'stopping']);

/** This host leads `key` under `term`: a hint for everyone else, never a proof. */
export type Leadership = { readonly kind: 'lease'; readonly key: Key; readonly term: Term };

/** One of the host's newest decisions (`log.ts`). */
export type Decision = {
  readonly kind: 'decision';
  /** Rises by one per decision of this host and boot. */
  readonly seq: number;
  /** Since the start of its host's agent. */
  readonly afterMs: Millis;
  readonly topic: string;
  /** Ids it concerns: a component, an instance, a host, a key. */
  readonly about: readonly string[];
  readonly text: string;
};

export const HOST_ENTRY = 'host';
export const instanceEntry = (component: ComponentId, slot: number): string =>
  `instance/${component}/${slot}`;
/** Followed by a number below `DECISIONS_MAX`. */
export const LOG_ENTRY = 'log/';
/** Followed by a key. */
export const LEASE_ENTRIES = 'lease/';
export const leaseEntry = (key: Key): string => `${LEASE_ENTRIES}${key}`;

/** What an entry is about: its host, what that leads, its instances, those of one component. */
export type Matter = 'host' | 'lease' | 'instance' | `instance/${string}`;
export const instancesOf = (component: ComponentId): Matter => `instance/${component}`;

/** None of a decision: nothing else rests on it. */
export function mattersOf(name: string): readonly Matter[] {
  if (name.startsWith(LOG_ENTRY)) return NO_MATTERS;
  if (name === HOST_ENTRY) return HOST_MATTERS;
  if (!name.startsWith('instance/')) return LEASE_MATTERS;
  return ['instance', name.slice(0, name.lastIndexOf('/')) as Matter];
}
const NO_MATTERS: readonly Matter[] = [];
const HOST_MATTERS: readonly Matter[] = ['host'];
const LEASE_MATTERS: readonly Matter[] = ['lease'];
