/** The timings and budgets of one profile. All lengths are milliseconds. */
import { type Millis, millis, minutes, seconds } from './base/time.ts';
import type { Roster } from './roster/roster.ts';

export type Config = {
  /** Period of beats to the watchers. Smaller: quicker detection, more packets. */
  readonly beatMs: Millis;
  /** Hosts that listen for one host's beats, at most. */
  readonly watcherCountMax: number;
  /** Shortest period of gossiped heartbeats; N/20 s above 20 hosts. */
  readonly heartbeatMs: Millis;
  /** Silence of a watched host before it is probed; at least three beats. */
  readonly quietMs: Millis;
  /** How long a probe may take before its target is suspected. */
  readonly probeMs: Millis;
  /** Shortest suspicion; grows with log10 of the number of hosts. */
  readonly suspicionMinMs: Millis;
  /** Longest suspicion, as a multiple of the shortest; confirmations shorten it. */
  readonly suspicionMaxFactor: number;
  /** How long a host whose port refuses connections (agent crash) is spared the verdict `dead`. */
  readonly agentGraceMs: Millis;
  /** How much longer a suspicion lasts while the silent agent's port is open: it may only stall. */
  readonly stallGraceMs: Millis;
  /** Period of the fresh connects that keep the grace alive. */
  readonly refusedRepeatMs: Millis;
  /** T of normal leases, written into the first roster. */
  readonly termMs: Millis;
  /**
   * T of strict leases, written into the first roster. Smaller: a strict slot moves sooner, and a shorter
   * break of the network freezes its instance.
   */
  readonly strictTermMs: Millis;
  /** How long before the end of its lease a strict instance is frozen: guard's wake-up, slowest freeze (F). */
  readonly freezeMs: Millis;
  /** What must be left of its lease before a strict instance is started: F and the slowest start call. */
  readonly startMarginMs: Millis;
  /** A stall of an agent that shall freeze none of its strict instances, and is no death. */
  readonly stallMaxMs: Millis;
  /** Time to re-send an unacknowledged keepalive or ballot. */
  readonly retryMs: Millis;
  /** Bound on a clock's rate error, in parts per thousand (ρ). */
  readonly rateErrorPermille: number;
  /** Bound on a clock's reading error (δ). At least 80 (L-d). */
  readonly readErrorMs: Millis;
  /** Step by which a candidate of rank r waits longer than one of rank r - 1. */
  readonly rankStaggerMs: Millis;
  /** Period of anti-entropy, jittered by a fifth. */
  readonly pullMs: Millis;
  /** Changes of the own inventory are collected this long before they are gossiped. */
  readonly coalesceMs: Millis;
  /** Period of the engine's relist beside its events. */
  readonly relistMs: Millis;
  /** An engine that answers nothing for so long is silent. Smaller: its restart is told to all. */
  readonly engineSilentMs: Millis;
  /** First delay after an immediate restart failed; doubles up to `restartMaxMs`. */
  readonly restartMinMs: Millis;
  readonly restartMaxMs: Millis;
  /** Healthy for so long: the backoff starts anew. */
  readonly restartResetMs: Millis;
  /** More failures than this within `restartWindowMs` are a crash loop. */
  readonly restartBudget: number;
  readonly restartWindowMs: Millis;
  /** How long three members must have been up before 1 voter becomes 3. */
  readonly firstGrowthMs: Millis;
  /** How long a roster has stood, and a host been up, before voters change again. */
  readonly rosterStableMs: Millis;
  /** How long a voter has been dead before another votes instead. Smaller: a reboot costs it its vote. */
  readonly voterDeadMs: Millis;
  /** How long a host has been dead, or has left, before it is a member no more; unless it votes. */
  readonly forgetMs: Millis;
  /**
   * How long the others wait for this host when it has said that it reboots, before they move what has a
   * named volume. Smaller: a slow boot leaves its data behind.
   */
  readonly backWithinMs: Millis;
  /**
   * How long all must be calm before a slot is moved for nothing but balance, and so between two such moves.
   * Smaller: a host that is back is sooner made use of, and more is moved that would move again.
   */
  readonly rebalanceMs: Millis;
  /** How long a destroyed stack is remembered, and then that it was: longer than any message is late. */
  readonly tombstoneMs: Millis;
  /** How long a host without a quorum waits after its start before it runs what it ran before (R9). */
  readonly isolatedStartMs: Millis;
  /** How long a command may take before its outcome is given as unknown. */
  readonly commandMs: Millis;
  /** Numbers given to ports that are published without one: from this, to this. */
  readonly portFirst: number;
  readonly portLast: number;
};

/** The default profile: 2 to 200 hosts on one LAN. */
export const LAN: Config = {
  beatMs: millis(250),
  watcherCountMax: 4,
  heartbeatMs: seconds(1),
  quietMs: millis(750),
  probeMs: millis(400),
  suspicionMinMs: millis(500),
  suspicionMaxFactor: 4,
  agentGraceMs: seconds(10),
  stallGraceMs: millis(750),
  refusedRepeatMs: millis(500),
  termMs: seconds(3),
  strictTermMs: seconds(10),
  freezeMs: seconds(1),
  startMarginMs: seconds(2),
  stallMaxMs: seconds(2),
  retryMs: millis(300),
  rateErrorPermille: 10,
  readErrorMs: millis(100),
  rankStaggerMs: millis(150),
  pullMs: millis(1500),
  coalesceMs: millis(100),
  relistMs: seconds(30),
  engineSilentMs: seconds(5),
  restartMinMs: seconds(1),
  restartMaxMs: seconds(60),
  restartResetMs: seconds(60),
  restartBudget: 5,
  restartWindowMs: minutes(10),
  firstGrowthMs: seconds(2),
  rosterStableMs: seconds(60),
  voterDeadMs: minutes(5),
  forgetMs: minutes(24 * 60),
  backWithinMs: minutes(5),
  rebalanceMs: minutes(1),
  tombstoneMs: minutes(7 * 24 * 60),
  isolatedStartMs: seconds(30),
  commandMs: seconds(10),
  // Below 32768, from where Linux takes the ports of outgoing connections; and below 30000 to 32767, the range
  // of Swarm and Kubernetes, whose rules in the packet filter take a port that looks free.
  portFirst: 20_000,
  portLast: 29_999,
};

/** How long a holder may count on a voter's grant after the send of its keepalive (Th). */
export function holderTermMs(termMs: Millis, config: Config): Millis {
  const permille = config.rateErrorPermille;
  return millis(Math.floor((termMs * (1000 - permille)) / (1000 + permille)) - config.readErrorMs);
}

/** How long after one instant every lease granted before it has surely ended everywhere. */
export function leaseDrainMs(termMs: Millis, config: Config): Millis {
  const permille = config.rateErrorPermille;
  return millis(Math.ceil((termMs * (1000 + permille)) / (1000 - permille)) + config.readErrorMs);
}

/** What the first roster says of T; from then on the roster alone counts (L-c). */
export const firstTerms = ({ termMs, strictTermMs }: Config): Roster['termMs'] => ({
  normal: termMs,
  strict: strictTermMs,
});

/** The slowest start of an instance that is not frozen before it has begun. */
const START_CALL_MS = 1000;

/** The relations without which the promises do not hold; each line is one reason to refuse. */
export function validateConfig(config: Config): readonly string[] {
  const retriesMs = 3 * config.retryMs;
  const strictMs = holderTermMs(config.strictTermMs, config) - config.freezeMs;
  const rules: readonly (readonly [boolean, string])[] = [
    [
      config.readErrorMs >= 80,
      'readErrorMs must be at least 80: twice jump threshold and reading (L-d)',
    ],
    [config.quietMs >= 3 * config.beatMs, 'quietMs must be at least three beats'],
    [
      holderTermMs(config.termMs, config) > config.termMs / 4 + retriesMs,
      'termMs must leave room for a renewal and three retries within the holder term',
    ],
    [
      strictMs >= config.strictTermMs / 4 + retriesMs + config.stallMaxMs,
      'strictTermMs must leave room for a renewal, three retries and a stall before the freeze',
    ],
    [
      config.startMarginMs >= config.freezeMs + START_CALL_MS,
      'startMarginMs must leave room for a freeze and the slowest start',
    ],
    [
      config.restartMinMs > 0 && config.restartMaxMs >= config.restartMinMs,
      'restart backoff must rise',
    ],
    [
      config.quietMs + config.probeMs + config.suspicionMinMs + config.stallGraceMs >
        config.stallMaxMs + config.beatMs,
      'stallGraceMs must be long enough that the longest stall is no death',
    ],
    [config.refusedRepeatMs < config.agentGraceMs, 'refusedRepeatMs must be below agentGraceMs'],
    [config.suspicionMaxFactor >= 1, 'suspicionMaxFactor must be at least 1'],
    [
      config.rosterStableMs >= config.firstGrowthMs,
      'rosterStableMs must be at least firstGrowthMs',
    ],
    [
      config.forgetMs >= config.agentGraceMs,
      'forgetMs must be at least agentGraceMs: a crashed agent comes back',
    ],
    [
      config.portFirst > 0 && config.portLast >= config.portFirst && config.portLast < 65_536,
      'portFirst to portLast must be ports',
    ],
  ];
  return rules.filter(([holds]) => !holds).map(([, reason]) => reason);
}
