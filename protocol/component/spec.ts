/**
 * What the user asks to keep running, as the core and the engines read it: normalized, with no
 * interpolation or default left to guess. Made by `node/compose` from a Compose file, carried in
 * records, decoded by `wire/`. All lengths of time are milliseconds.
 */
import type { Millis } from '../base/time.ts';
import type { ContainerSettings } from './container.ts';
import type { DataKey, FileSpec } from './file.ts';
import type { RollbackPolicy, Steering, UpdatePolicy } from './update.ts';
import type { Volume } from './volume.ts';

/** One component of a stack. Its name is the Compose service name: `[a-zA-Z0-9_-]{1,63}`. */
export type ComponentSpec = {
  readonly name: string;
  readonly mode: 'replicated' | 'global';
  /** Slots wanted, 0 or more; ignored when `mode` is `global`. */
  readonly replicas: number;
  /** Absent: only an engine that runs processes fits. */
  readonly image?: string;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
  /** What the embedded engine runs in place of `entrypoint` and `command`. */
  readonly process?: { readonly command: readonly string[]; readonly workingDir?: string };
  /** Sorted by name. */
  readonly environment: Readonly<Record<string, string>>;
  readonly ports: readonly Port[];
  readonly volumes: readonly Volume[];
  /** Absent: none. */
  readonly files?: readonly FileSpec[];
  /** Of its secrets. Absent: it has none, or they are not sealed yet. */
  readonly dataKey?: DataKey;
  readonly healthcheck?: Healthcheck;
  /** What its host asks it for; never beside a healthcheck, and in place of one its image brings along. */
  readonly heartbeat?: Heartbeat;
  /** Where each instance tells of itself, when somebody asks. Absent: nowhere. */
  readonly inspect?: Endpoint;
  readonly container?: ContainerSettings;
  readonly restart: RestartPolicy;
  /** It is to come to an end: each slot runs to completion, once. Absent: it is to run for good. */
  readonly job?: Job;
  readonly dependsOn: readonly Dependency[];
  /** How long a stop may take before SIGKILL. */
  readonly stopGraceMs: Millis;
  /** Absent: `DEFAULT_UPDATE`. */
  readonly update?: UpdatePolicy;
  /** Absent: `DEFAULT_UPDATE`. */
  readonly rollback?: RollbackPolicy;
  /** Absent: it goes by its policy. */
  readonly steering?: Steering;
  /** Absent: available, never given up lightly. `strict`: no two instances of a slot ever run at once. */
  readonly singleton?: 'strict';
  /** Absent: a host that hears no quorum of the voters keeps what it runs. */
  readonly onIsolation?: OnIsolation;
  /** Absent: of two instances of one slot the one that was assigned last stays. */
  readonly onHeal?: 'keepOldest' | 'keepLeader';
  /** Absent: any host that can run it. */
  readonly placement?: PlacementRules;
};

/** Which hosts may run it, besides what engines and ports allow. */
export type PlacementRules = {
  /** All of them hold of a host that runs it. */
  readonly constraints: readonly Constraint[];
  /** Slots of it on one host at most, from 1; absent: any number. One of a global component without `fill`. */
  readonly perHostMax?: number;
  readonly reserves?: Reservation;
  /** Of a global component: as many slots on each host as find room. It has `perHostMax` or `reserves`. */
  readonly fill?: boolean;
  /** Slots are spread evenly over the values that hosts have of these, the first of them first. */
  readonly spread?: readonly Subject[];
  /** Components of the same stack, by name: each has a slot on every host that runs it (`affinity.ts`). */
  readonly affinity?: readonly string[];
  /** The same, none of which has a slot there. */
  readonly antiAffinity?: readonly string[];
  /** Slots of which two may run move to where there are fewer of them (`../placement/rebalance.ts`). */
  readonly rebalance?: boolean;
};

/** What each slot takes of its host, whether it uses it or not; absent: nothing. */
export type Reservation = {
  /** Thousandths of a processor, from 1. */
  readonly milliCpus?: number;
  readonly memoryBytes?: number;
};

/** What a host is looked at for. Capitals do not count; what a host does not have is as good as empty. */
export type Subject =
  | { readonly kind: 'id' }
  | { readonly kind: 'hostname' }
  /** As images name it, `linux`. */
  | { readonly kind: 'os' }
  /** As images name it, `amd64`. */
  | { readonly kind: 'arch' }
  | { readonly kind: 'label'; readonly label: string };
export type Constraint = Subject & Comparison;
type Comparison = { readonly operator: '==' | '!='; readonly value: string };

/** What a host does with its instances once it has heard no quorum of the voters for `afterMs`. */
export type OnIsolation = { readonly action: 'stop' | 'freeze'; readonly afterMs: Millis };

/** Compose modes `replicated-job` and `global-job`; its `restart` is never `always` nor `unlessStopped`. */
export type Job = {
  /** One attempt may take so long; then it is ended, and the slot has failed. Absent: any time. */
  readonly timeoutMs?: Millis;
  /** Of a one-off task: what it is to find (`addresses.ts`), in the stack of the service that it is made of. */
  readonly seeks?: Sought;
};
export type Sought = { readonly stack: string; readonly dependsOn: readonly Dependency[] };

/** A port published on the host that runs the instance (Compose `mode: host`). */
export type Port = {
  readonly target: number;
  /** Absent: each slot is given one (`placement/ports.ts`). */
  readonly published?: number;
  readonly protocol: 'tcp' | 'udp';
  /** Absent: the agent's `publish_address`. */
  readonly address?: string;
};

export type Healthcheck = {
  /** `exec`: the words as they are; `shell`: one string for `/bin/sh -c`. */
  readonly test:
    | { readonly kind: 'exec'; readonly words: readonly string[] }
    | { readonly kind: 'shell'; readonly line: string };
  readonly intervalMs: Millis;
  readonly timeoutMs: Millis;
  readonly retries: number;
  readonly startPeriodMs: Millis;
};

/** A page that an instance serves over HTTP. */
export type Endpoint = {
  /** As the instance itself listens. */
  readonly port: number;
  /** Begins with a slash; what a URL cannot hold is escaped. */
  readonly path: string;
};

/** The same as a healthcheck, but that the host of the instance asks it over the network. */
export type Heartbeat = Omit<Healthcheck, 'test'> & {
  /** `http`: well when it answers with a status of 200 to 399; `tcp`: when it accepts a connection. */
  readonly target:
    | ({ readonly kind: 'http' } & Endpoint)
    | { readonly kind: 'tcp'; readonly port: number };
};

export type RestartPolicy =
  | { readonly kind: 'no' }
  | ({ readonly kind: 'always' } & Retries)
  | ({ readonly kind: 'unlessStopped' } & Retries)
  | ({ readonly kind: 'onFailure' } & Retries);

export type Retries = {
  /** Restarts since the slot was last well for `windowMs`; absent: any number. */
  readonly retryMax?: number;
  /** The least time between an end and the next start; a longer backoff stays as it is. */
  readonly delayMs?: Millis;
  /** Absent: of a job every restart counts, of others those since it was well for `restartResetMs`. */
  readonly windowMs?: Millis;
};

/** A dependency is met once at least one instance of `on`, anywhere, is in the wanted condition. */
export type Dependency = {
  readonly on: string;
  readonly condition: 'started' | 'healthy' | 'completed';
  /** False: a dependency missing from the stack is not an error. */
  readonly required: boolean;
  /** True: this component restarts when an instance of `on` is replaced or restarted by a user. */
  readonly restart: boolean;
};

/** A whole stack as deployed. */
export type StackSpec = { readonly name: string; readonly components: readonly ComponentSpec[] };
