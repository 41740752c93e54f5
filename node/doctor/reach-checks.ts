/** Whether every host can connect to every other, and whose fault it is where one cannot. */
import type { HostId } from '../../protocol/base/ids.ts';
import { nameIn } from './agent-checks.ts';
import { type Check, letIn, not, ok, untold } from './check.ts';
import type { ClusterFacts, Examined, FirewallFacts, PortFacts } from './facts.ts';
import { type Matrix, matrixOf, type Pair } from './matrix.ts';
import { shown } from './shown.ts';

const FINDINGS_MAX = 10;

export function checkReach({ agent, cluster, firewall, host }: Examined): readonly Check[] {
  if (cluster === undefined)
    return agent.kind === 'none' ? [untold('reach', 'which hosts reach each other')] : [];
  const left = cluster.hosts.filter(({ state }) => state === 'left').map(({ name }) => name);
  const gone =
    left.length === 0
      ? []
      : [
          not(
            'warn',
            'reach',
            `the agent of ${shown(left)} was stopped by a user`,
            `sudo systemctl start agentd      on ${shown(left)}`,
          ),
        ];
  const matrix = matrixOf(cluster);
  if (matrix.hosts.length < 2) return [...gone, ok('reach', 'this host is alone in its cluster')];
  const context = { cluster, matrix, open: openPort(host.ports, firewall) };
  const found = matrix.hosts.flatMap(({ id }) => judge(id, context));
  if (found.length === 0)
    return [
      ...gone,
      ok('reach', `each of ${matrix.hosts.length} hosts reaches each other${slowest(cluster)}`),
    ];
  const more = found.length - FINDINGS_MAX;
  const rest =
    more > 0
      ? [not('fail', 'reach', `${more} more hosts are in trouble`, 'agentctl doctor net --json')]
      : [];
  return [...gone, ...found.slice(0, FINDINGS_MAX), ...rest];
}

type Context = {
  readonly cluster: ClusterFacts;
  readonly matrix: Matrix;
  /** The command that opens the agent's port on this host. */
  readonly open: string;
};

/** What is wrong with one host as the others and it itself tell. */
function judge(id: HostId, { cluster, matrix, open }: Context): readonly Check[] {
  const name = nameIn(cluster, id);
  const dialed = matrix.into(id).filter(({ cell }) => cell !== 'unknown');
  const failed = dialed.filter(({ cell }) => cell !== 'connected');
  const row = cluster.rows.find(({ host }) => host === id);
  if (dialed.length > 0 && failed.length === dialed.length && row?.kind !== 'told')
    return [unreached(name, failed)];
  const isSelf = id === cluster.self;
  const there = isSelf ? open : `${open}      on ${name}`;
  const checks =
    failed.length === 0 ? [] : [blocked(name, failed, dialed.length, { cluster, there })];
  // One that cannot be reached from here could not be asked.
  if (row?.kind === 'told' || failed.some(({ from }) => from === cluster.self)) return checks;
  const why = row === undefined ? 'it is no member yet' : row.why;
  const fix = `sudo systemctl restart agentd      on ${name}; its instances run on`;
  return [
    ...checks,
    not('fail', 'reach', `${name} takes connections, and its agent does not tell (${why})`, fix),
  ];
}

function unreached(name: string, failed: readonly Pair[]): Check {
  const kinds = new Set(failed.map(({ cell }) => cell));
  if (kinds.has('refused'))
    return not(
      'fail',
      'reach',
      `${name} refuses connections: its machine runs, no agent does`,
      `sudo systemctl start agentd      on ${name}`,
    );
  if (kinds.has('silent'))
    return not(
      'fail',
      'reach',
      `${name} is reached by nobody: it is down, cut off, or lets nobody in`,
      `ping ${name}; if it answers, there: agentctl doctor net`,
    );
  return not(
    'fail',
    'reach',
    `no host that tells knows an address of ${name}`,
    `agentctl doctor net      on ${name}`,
  );
}

function blocked(
  name: string,
  failed: readonly Pair[],
  dialedCount: number,
  { cluster, there }: { readonly cluster: ClusterFacts; readonly there: string },
): Check {
  const names = shown(failed.map(({ from }) => nameIn(cluster, from)));
  const how = [...new Set(failed.map(({ cell }) => WORDS[cell] ?? cell))].sort().join(', ');
  const whole =
    failed.length === dialedCount ? ', though it tells through its own connections' : '';
  const verb = failed.length === 1 ? 'does' : 'do';
  return not('fail', 'reach', `${names} ${verb} not reach ${name} (${how})${whole}`, there);
}

const WORDS: Readonly<Record<string, string>> = {
  silent: 'no answer',
  'no-address': 'no address known',
};

function openPort(ports: readonly PortFacts[], firewall: FirewallFacts): string {
  const port = Number(ports[0]?.endpoint.split(':').at(-1) ?? 7946);
  return letIn(firewall, `${port}/tcp`);
}

function slowest({ rows }: ClusterFacts): string {
  const times = rows.flatMap((row) =>
    row.kind === 'told' ? row.report.reach.map(({ ms = 0 }) => ms) : [],
  );
  return `, the slowest connect took ${Math.max(0, ...times).toFixed(1)} ms`;
}
