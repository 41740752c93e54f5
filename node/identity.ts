/** Who this host is to the others, and who they are to it. */
import { arch, cpus, platform, totalmem } from 'node:os';
import type { HostId } from '../protocol/base/ids.ts';
import { know } from '../protocol/core/know.ts';
import type { Core, Identity } from '../protocol/core.ts';
import type { HostFacts } from '../protocol/inventory/entry.ts';
import { votersOf } from '../protocol/roster/roster.ts';
import { type AgentSettings, VERSION } from './config.ts';
import type { Engine } from './engine/engine.ts';
import { parseEndpoint, reachableAt } from './network/addresses.ts';
import { type Credentials, hostIdOf } from './token.ts';

type About = {
  readonly settings: AgentSettings;
  readonly credentials: Credentials;
  readonly peerId: string;
  readonly engine: Engine;
};

export function identityOf({ settings, credentials, peerId, engine }: About): Identity {
  const { publishAddress } = settings;
  const address = reachableAt(publishAddress, settings.listen.map(parseEndpoint));
  const facts: HostFacts = {
    kind: 'host',
    name: settings.name,
    agent: VERSION,
    engine: engine.version,
    runs: settings.witness ? 'nothing' : engine.kind === 'docker' ? 'images' : 'processes',
    publishAddress,
    ...(address === undefined ? {} : { address }),
    cpuCount: cpus().length,
    memoryBytes: totalmem(),
    os: platform(),
    arch: ARCHES[arch()] ?? arch(),
    ...(Object.keys(settings.labels).length === 0 ? {} : { labels: settings.labels }),
  };
  return {
    host: hostIdOf(peerId),
    cluster: credentials.cluster,
    name: settings.name,
    peerId,
    facts,
  };
}

/** Images name it otherwise than Node does. */
const ARCHES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** Of whom we believe that they live. */
export function otherMembers(core: Core): readonly HostId[] {
  const { alive, isMember } = know(core);
  return alive.filter((host) => host !== core.identity.host && isMember.has(host));
}

export function votersFirst({ council }: Core, hosts: readonly HostId[]): readonly HostId[] {
  const voters = new Set(votersOf(council.roster));
  return [
    ...hosts.filter((host) => voters.has(host)),
    ...hosts.filter((host) => !voters.has(host)),
  ];
}
