/** Everything that can happen to the core. Named in the past tense; results of effects come back so. */
import type { ComponentId, HostId, Key } from './base/ids.ts';
import type { Millis } from './base/time.ts';
import type { Change } from './command/adjusts.ts';
import type { Addresses } from './component/addresses.ts';
import type { StackSpec } from './component/spec.ts';
import type { Warrant } from './guard/guard.ts';
import type { Expected } from './record/record.ts';
import type { Message } from './wire/message.ts';

export type Input =
  /** First input ever of a core. Its effects begin with the persist of `boot` and ceiling. */
  | { readonly kind: 'started' }
  /**
   * The agent is to end, and not to be back in a moment: what is strict ends here first, so that others
   * may have it at once. `stopping` follows when `hasYielded` (`core/strict.ts`), or when patience ends.
   */
  | { readonly kind: 'yielding' }
  /** The agent is about to end, as it was asked to: the last input of a core. */
  | { readonly kind: 'stopping'; readonly why: StopReason }
  /** The deadline passed; early or late is harmless. */
  | { readonly kind: 'woken' }
  | { readonly kind: 'messageReceived'; readonly from: HostId; readonly message: Message }
  /** From gossip: `from` is the peer that handed it on, not its author. */
  | { readonly kind: 'gossipReceived'; readonly from: HostId; readonly message: Message }
  | { readonly kind: 'peerConnected'; readonly host: HostId }
  | { readonly kind: 'peerDisconnected'; readonly host: HostId }
  /** Outcome of a `connectProbe`: a fresh connect to the agent's own port. */
  | {
      readonly kind: 'connectProbed';
      readonly host: HostId;
      readonly outcome: 'connected' | 'refused' | 'silent';
    }
  /** The whole truth of the engine about this host's instances; replaces what was believed. */
  | { readonly kind: 'instancesListed'; readonly instances: readonly Observed[] }
  /** A `startInstance` succeeded, or the engine reports one running. */
  | { readonly kind: 'instanceStarted'; readonly instance: Observed }
  /** A `startInstance` failed and left nothing behind. `permanent`: the same again cannot help. */
  | {
      readonly kind: 'instanceRefused';
      readonly component: ComponentId;
      readonly slot: number;
      readonly attempt: number;
      readonly permanent: boolean;
      readonly reason: string;
    }
  | {
      readonly kind: 'instanceExited';
      readonly engineId: string;
      readonly exitCode: number;
      readonly oomKilled: boolean;
      /** That was sent to it through the engine before, by us or by someone else, e.g. `SIGTERM`. */
      readonly signal?: string;
    }
  | {
      readonly kind: 'instanceHealthChanged';
      readonly engineId: string;
      readonly health: 'starting' | 'healthy' | 'unhealthy';
    }
  /** Its processes stand still, or go on: as asked, or by someone else. */
  | { readonly kind: 'instanceFrozen'; readonly engineId: string }
  | { readonly kind: 'instanceThawed'; readonly engineId: string }
  /** Someone else has changed it while it runs; `drift` as in `Observed`. */
  | { readonly kind: 'instanceDrifted'; readonly engineId: string; readonly drift?: string }
  | { readonly kind: 'instanceRemoved'; readonly engineId: string }
  /** Its driver has asked the engine, so long ago, whether it is there; asked again every other second. */
  | { readonly kind: 'engineAsked'; readonly agoMs: Millis; readonly answered: boolean }
  /** A guard answers; of earlier warrants it knows nothing. */
  | { readonly kind: 'guardJoined' }
  /** The guard will act by this warrant. */
  | { readonly kind: 'guardAcknowledged'; readonly key: Key; readonly warrant: Warrant }
  /** The guard has been silent for a second, or is gone. */
  | { readonly kind: 'guardLost' }
  /** A user asked this agent; answered by the effect `reply` with the same id. */
  | { readonly kind: 'commandGiven'; readonly commandId: string; readonly command: Command };

/**
 * `restart`: the agent is back in a moment, as after a crash. `stop`: nobody is to wait until it returns.
 * `reboot`: its machine goes down, with all that runs there, and is back within `backWithinMs`.
 */
export type StopReason = 'restart' | 'stop' | 'reboot';

export type Command =
  | {
      readonly kind: 'deploy';
      readonly deployId: string;
      readonly spec: StackSpec;
      /** By the clock of this machine, for people to read. */
      readonly at?: string;
      readonly expect?: Expected;
    }
  | {
      readonly kind: 'destroy';
      readonly deployId: string;
      readonly stack: string;
      readonly expect?: Expected;
    }
  /** `to` (else this host) shall lead it; `force`: its leader is not asked. */
  | { readonly kind: 'lead'; readonly key: Key; readonly to?: HostId; readonly force: boolean }
  /** This host shall give away all it has, and be a member no more. */
  | { readonly kind: 'leave' }
  /** A host that does not come back shall be a member no more. */
  | { readonly kind: 'forget'; readonly host: HostId }
  /** A host gets these labels, or loses them (undefined), or is to be given slots or not. */
  | { readonly kind: 'adjust'; readonly host: HostId; readonly change: Change }
  /** This host alone shall vote, as most voters are gone for good. `forceId`: random, below 2²⁴. */
  | { readonly kind: 'forceVoters'; readonly forceId: number }
  /** Of an instance on this very host: replaced without being counted as a failure. */
  | { readonly kind: 'restart'; readonly component: ComponentId; readonly slot: number };

/** One instance of ours as the engine reports it. */
export type Observed = {
  readonly engineId: string;
  readonly component: ComponentId;
  readonly slot: number;
  readonly attempt: number;
  readonly revision: string;
  readonly term: number;
  readonly state: 'created' | 'running' | 'paused' | 'exited';
  readonly health: 'none' | 'starting' | 'healthy' | 'unhealthy';
  readonly pid?: number;
  readonly startedAt?: string;
  readonly exitCode?: number;
  /** What it was told of those it depends on. Absent: nothing, or it was made before that was kept. */
  readonly addresses?: Addresses;
  /** While it runs: what is not as it was made, in words. Absent: nothing, as far as can be seen. */
  readonly drift?: string;
  readonly ports: readonly {
    readonly target: number;
    readonly address: string;
    readonly published: number;
    /** Absent: TCP. */
    readonly protocol?: 'udp';
  }[];
};
