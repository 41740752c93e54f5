/** All checks in the order in which they are read: what comes first may explain what follows. */
import {
  checkAgent,
  checkCaller,
  checkChaos,
  checkClock,
  checkCluster,
  checkIdentity,
  checkSettings,
  checkVersions,
} from './agent-checks.ts';
import type { Check, Verdict } from './check.ts';
import type { Examined } from './facts.ts';
import { checkMachine } from './machine-checks.ts';
import { checkMulticast } from './multicast-checks.ts';
import { checkFirewall, checkPorts } from './net-checks.ts';
import { checkReach } from './reach-checks.ts';

export function checksOf(examined: Examined, net: boolean): readonly Check[] {
  const network = [...checkPorts(examined), ...checkMulticast(examined), ...checkReach(examined)];
  const firewall = checkFirewall(examined, network);
  const agent = checkAgent(examined);
  if (net) return [agent, ...checkChaos(examined), ...network, firewall];
  return [
    agent,
    ...checkSettings(examined),
    checkCaller(examined),
    ...checkMachine(examined),
    checkClock(examined),
    ...checkCluster(examined),
    ...checkIdentity(examined),
    ...checkVersions(examined),
    ...checkChaos(examined),
    ...network,
    firewall,
  ];
}

/** The worst of them: `unknown` is worse than well, and no failure. */
export function overall(checks: readonly Check[]): Verdict {
  const order: readonly Verdict[] = ['fail', 'warn', 'unknown'];
  return order.find((verdict) => checks.some((check) => check.verdict === verdict)) ?? 'ok';
}
