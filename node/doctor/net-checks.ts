/** Can this host be connected to, and do firewalls explain what was found. */
import { type Check, letIn, not, ok } from './check.ts';
import type { AgentAnswer, Examined, FirewallFacts, PortFacts } from './facts.ts';

export const checkPorts = ({ host, agent }: Examined): readonly Check[] =>
  host.ports.map((port) => checkPort(port, agent));

function checkPort({ endpoint, state, holder, why }: PortFacts, agent: AgentAnswer): Check {
  const port = endpoint.split(':').at(-1) ?? '';
  const see = `sudo ss -ltnp 'sport = :${port}'`;
  switch (state) {
    case 'ours':
      return ok('port', `the agent listens on TCP ${endpoint}`);
    case 'free':
      return ok('port', `TCP ${endpoint} is free; nobody listens there now`);
    case 'failed':
      return not(
        'fail',
        'port',
        `nobody can listen on TCP ${endpoint} (${why ?? '?'})`,
        'ip addr      shows the addresses of this host; listen: in /etc/millrace/agent.yaml',
      );
    case 'taken': {
      const found = `TCP ${endpoint} is taken by ${holder ?? 'a process that this user may not see'}`;
      // An agent that does not answer may be the one that has it.
      const isOpen = agent.kind === 'none' && holder === undefined;
      return not(
        isOpen ? 'unknown' : 'fail',
        'port',
        found,
        `${see}      or another port: agentd --listen 0.0.0.0:PORT`,
      );
    }
  }
}

/** A hint: rules are not read. `findings`: what else was found of the network. */
export function checkFirewall(
  { firewall, host, cluster }: Examined,
  findings: readonly Check[],
): Check {
  const active = activeIn(firewall);
  if (active === undefined) return ok('firewall', noneIn(firewall));
  const port = host.ports[0]?.endpoint.split(':').at(-1) ?? '7946';
  const fix = `${letIn(firewall, `${Number(port)}/tcp`)} && ${letIn(firewall, '5353/udp')}`;
  if (findings.some(({ verdict }) => verdict === 'fail' || verdict === 'warn'))
    return not('warn', 'firewall', `${active}, which may be the cause of what was found`, fix);
  if (cluster === undefined || cluster.rows.length < 2)
    return not('unknown', 'firewall', `${active}: it must let TCP ${port} and UDP 5353 in`, fix);
  return ok('firewall', `${active}, and lets in what is needed`);
}

function activeIn({ services, dropping = 0 }: FirewallFacts): string | undefined {
  const rules = dropping === 0 ? [] : [`iptables drops some of what comes in`];
  const all = [...services.map((service) => `${service} is active`), ...rules];
  return all.length === 0 ? undefined : all.join(', ');
}

const noneIn = ({ dropping }: FirewallFacts): string =>
  dropping === undefined
    ? 'neither ufw, firewalld nor nftables is active; the rules of iptables are for root to see'
    : 'neither ufw, firewalld nor nftables is active, and iptables drops nothing that comes in';
