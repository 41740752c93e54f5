/** What one seed stands for. `swarm.ts` draws it. */
import { millis, seconds } from '../protocol/base/time.ts';
import { type Config, LAN } from '../protocol/config.ts';
import type { StackSpec } from '../protocol/component/spec.ts';
import type { Message } from '../protocol/wire/message.ts';

/** A fault that comes again and again: `everyMs` on average, each for up to `lastMs`. */
export type Recurring = { readonly everyMs: number; readonly lastMs: number };

export type Ambush = { readonly after: 'won' | Message['kind']; readonly permille: number };

export type Options = {
  readonly seed: number;
  readonly hostCount: number;
  /** How many of the hosts vote from the beginning; one of them is the founder of a new cluster. */
  readonly voterCount: 1 | 3 | 5;
  /** All hosts are members from the beginning, as if they had joined long ago; else only those that vote. */
  readonly hasJoined?: true;
  /** The last host is a witness: it votes, and runs nothing. */
  readonly witness?: true;
  /** How long faults go on. */
  readonly stormMs: number;
  /** Those that are drawn begin then; undefined: at once. */
  readonly stormFromMs?: number;
  /** Then everything heals, or only a majority of the voters and a host to run things: the rest stays as it is. */
  readonly calm: 'all' | 'core';
  readonly ratesPermille: readonly number[];
  readonly transport: 'datagram' | 'stream';
  /** Gossip goes to everyone at once, or over a mesh of gossipsub. */
  readonly gossip: 'direct' | 'mesh';
  /** Hosts know each other's addresses, or find them by mDNS. */
  readonly discovery: 'known' | 'mdns';
  readonly delayMeanMs: number;
  readonly lossPermille: number;
  /** Only messages of this kind are lost and held up; undefined: all. */
  readonly lossOnly?: Message['kind'];
  readonly duplicatePermille: number;
  /** So many messages are held up, for up to `tailMs`. */
  readonly tailPermille: number;
  readonly tailMs: number;
  /** Longest fsync. */
  readonly fsyncMs: number;
  /** Mean life of an instance that ends by itself. */
  readonly lifeMs?: number;
  /** Faults that strike again and again, by kind. */
  readonly recurring: { readonly [kind in Plague]?: Recurring };
  /** Faults strike whoever leads rather than anyone. */
  readonly seeksLeaders: boolean;
  /** A host is struck just after it did this, so many times of a thousand. */
  readonly ambush?: Ambush;
  /** While one voter becomes three this is disturbed; all but the founder start within so long. */
  readonly growth?: { readonly startsWithinMs: number };
  /** Voters are lost for so long that others vote instead, this often. */
  readonly turnover?: { readonly everyMs: number };
  /** Users forget hosts that are gone, this often, and the cluster does after so long. */
  readonly members?: { readonly everyMs: number; readonly forgetMs: number };
  /** Sessions of leaders lapse at one voter after the other, this often, while others try. */
  readonly bias?: { readonly everyMs: number };
  /** Most voters are lost for long, and one host is made the only voter, this often. */
  readonly disaster?: { readonly everyMs: number };
  /** So many users look at rollouts and say what they want of them, and so much is deployed that never works. */
  readonly rollouts?: { readonly wordPermille: number; readonly dudPermille: number };
  /** Someone has a hand on the engines, this often; some change each instance that starts, for up to so long. */
  readonly drift?: Recurring;
  /** So many pairs of components of a stack are to share hosts, or to share none. */
  readonly affinity?: { readonly pairPermille: number };
  /** So many components publish ports, most of them without a number of their own. */
  readonly ports?: { readonly permille: number };
  /** So many components ask to be balanced; there are more slots of each then. */
  readonly balance?: { readonly askPermille: number };
  /** What others depend on is published, and so many of those follow it. */
  readonly follows?: { readonly permille: number };
  /** How long destroyed stacks are remembered; only where no message is late by as much. */
  readonly tombstoneMs?: number;
  /** Of the detector, instead of its own: 1 makes every suspicion as short as the shortest. */
  readonly suspicionMaxFactor?: number;
  readonly workload:
    | {
        readonly kind: 'random';
        readonly everyMs: number;
        readonly stackCount: number;
        /** So many components are strict singletons; undefined: a share of them. */
        readonly strictPermille?: number;
      }
    /** These stacks are deployed once, at the beginning. */
    | { readonly kind: 'given'; readonly stacks: readonly StackSpec[] };
};

export const isWitness = ({ witness, hostCount }: Options, index: number): boolean =>
  witness === true && index === hostCount - 1;

/** Kinds of faults that recur. */
export type Plague =
  | 'partitions'
  | 'links'
  | 'clogs'
  | 'resets'
  | 'crashes'
  | 'upgrades'
  | 'leads'
  | 'hostLosses'
  | 'pauses'
  | 'suspends'
  | 'lags'
  | 'disks'
  | 'exits'
  | 'engines'
  | 'guards'
  | 'hangs'
  | 'reboots'
  | 'drains';

/** Shorter waits than in production where only patience is at stake. */
export const CONFIG: Config = {
  ...LAN,
  relistMs: seconds(5),
  restartMaxMs: seconds(5),
  // Reached before the backoff has grown to its longest, so that the one is not hidden by the other.
  restartBudget: 2,
  isolatedStartMs: seconds(10),
  commandMs: millis(6000),
  // Short enough that voters are replaced, and replaced again, within one storm.
  rosterStableMs: seconds(3),
  voterDeadMs: seconds(8),
  backWithinMs: seconds(8),
  // So few that slots come to want the same.
  portLast: LAN.portFirst + 26,
  rebalanceMs: seconds(4),
};

export const configOf = ({ members, suspicionMaxFactor, tombstoneMs }: Options): Config => ({
  ...CONFIG,
  ...(members === undefined ? {} : { forgetMs: millis(members.forgetMs) }),
  ...(suspicionMaxFactor === undefined ? {} : { suspicionMaxFactor }),
  ...(tombstoneMs === undefined ? {} : { tombstoneMs: millis(tombstoneMs) }),
});

/** A cluster in which nothing goes wrong. */
export const quiet = (seed: number, hostCount: number, stormMs: number): Options => ({
  seed,
  hostCount,
  voterCount: 1,
  stormMs,
  calm: 'all',
  ratesPermille: [],
  transport: 'datagram',
  gossip: 'direct',
  discovery: 'known',
  delayMeanMs: 1,
  lossPermille: 0,
  duplicatePermille: 0,
  tailPermille: 0,
  tailMs: 0,
  fsyncMs: 3,
  recurring: {},
  seeksLeaders: false,
  workload: { kind: 'random', everyMs: 60_000, stackCount: 1 },
});
