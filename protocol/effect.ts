/**
 * Everything the core asks of its driver. Effects are begun in order and `persist` is a barrier:
 * nothing behind it, of this step or a later one, begins until the write is durable; what has
 * waited meanwhile is written together (`gatherWrites`). Only messages
 * for which `promisesNothing` holds may overtake it, and not the first of a start. Every other effect
 * is only begun; its outcome comes back as an `Input`.
 */
import type { ComponentId, Epoch, HostId, Key, Term } from './base/ids.ts';
import type { Instant, Millis } from './base/time.ts';
import type { Addresses } from './component/addresses.ts';
import type { ComponentSpec } from './component/spec.ts';
import type { Warrant } from './guard/guard.ts';
import type { Setting } from './record/record.ts';
import type { DeployOutcome, Message } from './wire/message.ts';

export type Effect =
  /** One durable transaction. `value` undefined deletes. */
  | { readonly kind: 'persist'; readonly writes: readonly DiskWrite[] }
  | { readonly kind: 'send'; readonly to: HostId; readonly message: Message }
  /** To everyone, by gossip. */
  | { readonly kind: 'publish'; readonly message: Message }
  /** A fresh connect to the agent port of `host`, within `probeMs`; answered by `connectProbed`. */
  | { readonly kind: 'connectProbe'; readonly host: HostId }
  /** Keep connections to exactly these peers. */
  | {
      readonly kind: 'keepPeers';
      readonly peers: readonly { readonly host: HostId; readonly peerId: string }[];
    }
  | {
      readonly kind: 'startInstance';
      readonly component: ComponentId;
      readonly slot: number;
      readonly attempt: number;
      readonly revision: string;
      readonly term: Term;
      readonly spec: ComponentSpec;
      /** Where it finds what it depends on, as this host knows; absent: it depends on nothing. */
      readonly addresses?: Addresses;
    }
  /** Asks it to end, then kills it after `graceMs`; answered by `instanceExited`. */
  | { readonly kind: 'stopInstance'; readonly engineId: string; readonly graceMs: number }
  /** Stops its processes where they are; answered by `instanceFrozen`. May be repeated. */
  | { readonly kind: 'freezeInstance'; readonly engineId: string }
  /** Lets them go on; answered by `instanceThawed`. May be repeated. */
  | { readonly kind: 'thawInstance'; readonly engineId: string }
  /** Removes an ended instance; answered by `instanceRemoved`. */
  | { readonly kind: 'removeInstance'; readonly engineId: string }
  /** Asks the engine for everything; answered by `instancesListed`. */
  | { readonly kind: 'listInstances' }
  | { readonly kind: 'reply'; readonly commandId: string; readonly result: CommandResult }
  /**
   * The guard is to let instances of this strict slot run by this warrant, whose `until` is ours;
   * absent: by none. Answered by `guardAcknowledged` where there is one.
   */
  | { readonly kind: 'guardSlot'; readonly key: Key; readonly warrant?: Warrant }
  /** A lease won, renewed or ended: `validUntil` is the instant from which we no longer hold it. */
  | {
      readonly kind: 'leaseChanged';
      readonly key: Key;
      readonly term: Term;
      readonly event: 'won' | 'renewed' | 'ended';
      readonly validUntil: Instant;
    }
  /** One line for the decision log. */
  | {
      readonly kind: 'journal';
      readonly topic: string;
      readonly about: readonly string[];
      readonly text: string;
    };

export type DiskWrite = { readonly name: string; readonly value: unknown };

export type CommandResult =
  | DeployOutcome
  /** Who leads the key asked about now. */
  | { readonly kind: 'led'; readonly host: HostId; readonly term: Term }
  | { readonly kind: 'forgotten'; readonly host: HostId }
  /** The list of members says that this host leaves; the rest takes its time. */
  | { readonly kind: 'leaving' }
  /** The list of members says so. */
  | { readonly kind: 'adjusted'; readonly host: HostId; readonly setting: Setting }
  /** It is the only voter from its next start on, and grants nothing for so long then. */
  | { readonly kind: 'forced'; readonly epoch: Epoch; readonly silentMs: Millis }
  | { readonly kind: 'restarting' }
  | { readonly kind: 'noSuchInstance' };

/**
 * Of effects that have waited for a write, all further writes become one, in the place of the first: each is
 * durable earlier than it was asked to be, and nothing that stands behind one begins before it is.
 */
export function gatherWrites(waiting: Effect[]): void {
  const first = waiting.findIndex(({ kind }) => kind === 'persist');
  if (first < 0) return;
  const writes = waiting.flatMap((effect) => (effect.kind === 'persist' ? effect.writes : []));
  const others = waiting.slice(first).filter(({ kind }) => kind !== 'persist');
  waiting.splice(first, waiting.length, { kind: 'persist', writes }, ...others);
}

/** Messages of the detector: true whatever is on the disk, so they never wait for it. */
export const promisesNothing = ({ kind }: Message): boolean => PROMISE_NOTHING.has(kind);

const PROMISE_NOTHING: ReadonlySet<Message['kind']> = new Set([
  'beat',
  'probe',
  'probeAck',
  'probeFor',
  'probeForAck',
  'knock',
]);
