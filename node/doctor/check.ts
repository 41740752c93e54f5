/** What a check comes to. */
import type { FirewallFacts } from './facts.ts';

/** `unknown`: it could not be looked at; never taken for well. */
export type Verdict = 'ok' | 'warn' | 'fail' | 'unknown';

export type Check = {
  /** Stable, for scripts: `agent`, `engine`, `reach`, … A check may find several things. */
  readonly check: string;
  readonly verdict: Verdict;
  readonly found: string;
  /** What to type; absent where it is well. */
  readonly fix?: string;
};

export const ok = (check: string, found: string): Check => ({ check, verdict: 'ok', found });
export const not = (
  verdict: Exclude<Verdict, 'ok'>,
  check: string,
  found: string,
  fix: string,
): Check => ({ check, verdict, found, fix });

/** For what an agent alone can tell. */
export const untold = (check: string, found: string): Check =>
  not('unknown', check, found, ASK_AGAIN);

export const ASK_AGAIN = 'agentctl doctor      again, once the agent answers';

/** How to let something in where a firewall may be in its way. */
export function letIn({ services }: FirewallFacts, what: '5353/udp' | `${number}/tcp`): string {
  const [port, protocol] = what.split('/');
  if (services.includes('ufw')) return `sudo ufw allow ${what}`;
  if (services.includes('firewalld'))
    return `sudo firewall-cmd --permanent --add-port=${what} && sudo firewall-cmd --reload`;
  return `sudo iptables -I INPUT -p ${protocol} --dport ${port} -j ACCEPT`;
}
