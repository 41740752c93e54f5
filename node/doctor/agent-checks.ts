/** Does the agent answer, may this user ask it, and is it one of a cluster that can decide. */
import { type Check, not, ok, untold } from './check.ts';
import type { ClusterFacts, Examined, FileFacts, Row, ServiceFacts, UserFacts } from './facts.ts';

const START = 'sudo systemctl start agentd      or in this terminal: agentctl agent start';

const NO_ANSWER: Readonly<Record<string, readonly [found: string, fix: string]>> = {
  ENOENT: ['there is no socket at', START],
  ECONNREFUSED: ['nobody listens any more on', START],
  TIMEOUT: [
    'the agent hangs or is stopped: it does not answer on',
    'sudo systemctl kill -s SIGCONT agentd      or start it anew: sudo systemctl restart agentd',
  ],
  'NOT-AN-AGENT': [
    'something else answers on',
    'agentctl --socket PATH doctor      with the path that the agent was told',
  ],
  OLD: [
    'an agent of an older version answers on',
    'agentctl agent start --takeover      starts the one of this version',
  ],
};

export function checkAgent({ agent, socket, version, service }: Examined): Check {
  if (agent.kind === 'none') {
    if (agent.code === 'EACCES' || agent.code === 'EPERM')
      return untold('agent', `this user may not ask on ${socket.path}`);
    if (agent.elsewhere !== undefined)
      return not(
        'fail',
        'agent',
        `the agent of this host listens on ${agent.elsewhere}, not on ${socket.path}`,
        `agentctl --socket ${agent.elsewhere} doctor`,
      );
    const [found, fix] = NO_ANSWER[agent.code] ?? [`(${agent.code}) no answer on`, START];
    const ended = service !== undefined && service.exit !== 0;
    return not(
      'fail',
      'agent',
      `${found} ${socket.path}${serviceIn(service)}`,
      ended ? 'journalctl -u agentd -n 20      says why; then sudo systemctl restart agentd' : fix,
    );
  }
  const { rss, heap } = agent.memory;
  const memory = `${inMib(rss)} of memory, ${inMib(heap)} of it heap`;
  const found = `agent ${agent.version} answers on ${socket.path}, pid ${agent.pid}, ${memory}`;
  if (agent.version === version) return ok('agent', found);
  const fix = 'agentctl agent start --takeover      starts the one of this version';
  return not('warn', 'agent', `${found}; this agentctl is ${version}`, fix);
}

const inMib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** 3 is `agentctl agent stop`. */
function serviceIn(service: ServiceFacts | undefined): string {
  if (service === undefined) return '';
  const { state, exit } = service;
  return `; its service is ${state}${exit === 0 ? '' : `, and it ended with ${exit} last`}`;
}

/** Codes of agents that took the connection. */
const HEARD: ReadonlySet<string> = new Set(['TIMEOUT', 'NOT-AN-AGENT', 'OLD']);

/** A file that cannot be read keeps an agent from starting. */
export const checkSettings = ({ settings }: Examined): readonly Check[] =>
  settings === undefined ? [] : [not('fail', 'settings', settings.why, settings.next)];

/** May this user command the agent, and who else may. */
export function checkCaller({ agent, socket, user }: Examined): Check {
  const { file, path } = socket;
  const isDenied = agent.kind === 'none' && (agent.code === 'EACCES' || agent.code === 'EPERM');
  if (isDenied) return denied(path, file, user);
  const isTaken = agent.kind === 'answers' || HEARD.has(agent.code);
  if (!isTaken || file === undefined)
    return untold('caller', `whether ${user.name} may ask the agent`);
  const who = `${file.owner}:${file.group} ${file.mode.toString(8).padStart(4, '0')}`;
  if ((file.mode & 0o002) !== 0)
    return not(
      'warn',
      'caller',
      `everybody on this host may command the agent: ${path} is ${who}`,
      `sudo chmod 660 ${path}`,
    );
  return ok('caller', `${user.name} may ask the agent (${who})`);
}

function denied(path: string, file: FileFacts | undefined, { name, groups }: UserFacts): Check {
  const group = file?.group ?? 'millrace';
  const found = `${name} (in ${groups.join(' ')}) may not open ${path}: it is for the group ${group}`;
  // Nobody is added to root's own group.
  const fix =
    group === 'root'
      ? 'sudo agentctl doctor'
      : `sudo usermod -aG ${group} ${name}, then log in again`;
  return not('fail', 'caller', found, fix);
}

export function checkCluster({ agent, cluster }: Examined): readonly Check[] {
  if (agent.kind === 'none')
    return [untold('cluster', 'whether a majority of the voters is heard')];
  if (cluster === undefined)
    return [
      not(
        'warn',
        'cluster',
        'this host belongs to no cluster',
        'agentctl cluster init      or, with the token of a cluster: agentctl cluster join TOKEN',
      ),
    ];
  const { hosts, quorum, rivals } = cluster;
  const voters = hosts.filter(({ voter }) => voter);
  const lost = voters.filter(({ state }) => state !== 'alive').map(({ name }) => name);
  const alive = `${voters.length - lost.length} of ${voters.length} voters alive`;
  const checks = quorum
    ? [ok('cluster', `${hosts.length} hosts, ${alive}: a majority is heard`)]
    : [not('fail', 'cluster', `no majority of the voters is heard, ${alive}`, toRegain(lost))];
  if (rivals.length === 0) return checks;
  const names = rivals.map((id) => nameIn(cluster, id)).join(' ');
  const found = `${names} follow voters that were forced elsewhere`;
  return [
    ...checks,
    not('fail', 'cluster', found, 'agentctl cluster voters force      on one side'),
  ];
}

const toRegain = (lost: readonly string[]): string =>
  lost.length === 0
    ? 'agentctl cluster voters show      again in ten seconds: this agent may just have started'
    : `sudo systemctl start agentd      on ${lost.join(' ')}; if they are gone for good: agentctl cluster voters force`;

export const nameIn = ({ hosts }: ClusterFacts, id: string): string =>
  hosts.find((host) => host.id === id)?.name ?? id;

export type Told = Extract<Row, { readonly kind: 'told' }>;

export const toldIn = ({ rows }: ClusterFacts): readonly Told[] =>
  rows.filter((row) => row.kind === 'told');

/** One identity, one host; and names that people can tell apart. */
export function checkIdentity({ agent, cluster, host }: Examined): readonly Check[] {
  if (cluster === undefined)
    return agent.kind === 'none' ? [untold('identity', 'whether a host runs twice')] : [];
  const told = toldIn(cluster);
  const state = host.machine?.state.path ?? 'its state folder';
  const cloned = told
    .filter(({ report }) => report.cloned)
    .map((row) =>
      not(
        'fail',
        'identity',
        `${nameIn(cluster, row.host)} runs twice: its state was copied, and the older one of the two serves nothing`,
        `on the copy: sudo systemctl stop agentd && sudo mv ${state} ${state}.copied && sudo systemctl start agentd, then agentctl cluster join TOKEN; then on the other: sudo systemctl restart agentd`,
      ),
    );
  const names = cluster.hosts.map(({ name }) => name);
  const doubled = [...new Set(names.filter((name, at) => names.indexOf(name) !== at))];
  const alike = doubled.map((name) =>
    not(
      'warn',
      'identity',
      `several hosts are called ${name}: only their ids tell them apart`,
      'name: NAME in /etc/millrace/agent.yaml of one of them, then sudo systemctl restart agentd',
    ),
  );
  const found = [...cloned, ...alike];
  return found.length > 0
    ? found
    : [ok('identity', `no host runs twice, by ${told.length} of them`)];
}

/** What explains all else, and ends by itself. */
export function checkChaos({ agent, cluster }: Examined): readonly Check[] {
  if (cluster === undefined)
    return agent.kind === 'none' ? [untold('chaos', 'which links are broken on purpose')] : [];
  const told = toldIn(cluster);
  const found = told.flatMap(({ host, report: { chaos } }) => {
    if (chaos === undefined) return [];
    const left = `for ${Math.ceil(chaos.leftMs / 1000)} s more at most`;
    const what = `${nameIn(cluster, host)} breaks its links on purpose, ${left}`;
    return [not('warn', 'chaos', `${what}: ${chaos.kinds.join(', ')}`, 'agentctl chaos stop')];
  });
  return found.length > 0
    ? found
    : [ok('chaos', `no link is broken on purpose, by ${told.length} of the hosts`)];
}

export function checkVersions({ agent, cluster }: Examined): readonly Check[] {
  if (cluster === undefined)
    return agent.kind === 'none' ? [untold('versions', 'which versions the hosts run')] : [];
  const told = toldIn(cluster);
  const versions = new Map<string, string[]>();
  for (const { host, report } of told) {
    const names = versions.get(report.version) ?? [];
    versions.set(report.version, [...names, nameIn(cluster, host)]);
  }
  const [only] = versions.keys();
  if (versions.size <= 1) return [ok('versions', `all that answer run ${only ?? '?'}`)];
  const lists = [...versions].map(([version, names]) => `${version} on ${names.join(' ')}`);
  const fix = 'install the newest version on all of them; agentctl host ls shows what each runs';
  return [not('warn', 'versions', `versions differ: ${lists.join(', ')}`, fix)];
}

/** Only the rate of a clock matters to the cluster, and one look cannot tell it: the time is news. */
export function checkClock({ synchronized, cluster }: Examined): Check {
  const apart = cluster === undefined ? '' : `; ${wallClocks(cluster)}`;
  if (synchronized === true) return ok('clock', `it follows a time server${apart}`);
  if (synchronized === false)
    return not(
      'warn',
      'clock',
      `it follows no time server${apart}`,
      'sudo timedatectl set-ntp true',
    );
  const found = `the system does not say whether its clock follows a time server${apart}`;
  return not('unknown', 'clock', found, 'timedatectl');
}

function wallClocks(cluster: ClusterFacts): string {
  const others = toldIn(cluster).filter(({ host }) => host !== cluster.self);
  const [worst] = others.toSorted((a, b) => Math.abs(b.aheadMs) - Math.abs(a.aheadMs));
  if (worst === undefined) return 'no other wall clock to compare with';
  const { host, aheadMs } = worst;
  const ms = Math.round(Math.abs(aheadMs));
  if (ms < 1000) return `the wall clocks of ${others.length + 1} hosts are ${ms} ms apart`;
  const side = aheadMs > 0 ? 'ahead of' : 'behind';
  return `the wall clock of ${nameIn(cluster, host)} is ${(ms / 1000).toFixed(1)} s ${side} this one, which harms only the times shown`;
}
