/** Docker's own swarm mode, every host a manager. */
import { MARK_VARIABLE } from '../observer.ts';
import { type Host, SLEEPER } from './engines.ts';
import type { System } from './system.ts';

const SERVICE = 'bench';
const NETWORK = 'bench';
const PORT = 2377;

/** As `docker node ls` has it. */
type Node = {
  readonly Description?: { readonly Hostname?: string };
  readonly Status?: { readonly State?: string };
  readonly ManagerStatus?: { readonly Leader?: boolean; readonly Reachability?: string };
};

export async function openSwarm(hosts: readonly Host[], mark: string): Promise<System> {
  const [first, ...others] = hosts;
  if (first === undefined) throw new Error('a swarm has at least one host');
  const listen = (host: Host) => ({
    ListenAddr: `${host.site.address}:${PORT}`,
    AdvertiseAddr: host.site.address,
  });
  await first.docker.swarmInit(listen(first));
  const swarm = (await first.docker.swarmInspect()) as { JoinTokens: { Manager: string } };
  for (const host of others)
    await host.docker.swarmJoin({
      ...listen(host),
      RemoteAddrs: [`${first.site.address}:${PORT}`],
      JoinToken: swarm.JoinTokens.Manager,
    });
  // As for each stack: `docker stack deploy` would make one.
  await first.docker.createNetwork({ Name: NETWORK, Driver: 'overlay' });
  const nodesSeenBy = async ({ docker }: Host): Promise<readonly Node[]> =>
    (await docker.listNodes()) as readonly Node[];
  return {
    name: 'Docker Swarm',
    async deploy(replicas, net) {
      await first.docker.createService({
        Name: SERVICE,
        TaskTemplate: {
          ContainerSpec: {
            Image: SLEEPER.image,
            Command: [...SLEEPER.words],
            Env: [
              `${MARK_VARIABLE}=${mark}`,
              'MILLRACE_COMPONENT=bench.sleeper',
              'MILLRACE_SLOT={{.Task.Slot}}',
              'MILLRACE_PUBLISH_ADDRESS={{.Node.Hostname}}',
            ],
            StopGracePeriod: 1e9,
          },
          // Its default waits 5 s: not what is compared here.
          RestartPolicy: { Condition: 'any', Delay: 0 },
          ...(net === 'own' && { Networks: [{ Target: NETWORK }] }),
        },
        Mode: { Replicated: { Replicas: replicas } },
      });
    },
    destroy: async () => first.docker.getService(SERVICE).remove(),
    async leader() {
      const name = (await nodesSeenBy(first)).find(({ ManagerStatus }) => ManagerStatus?.Leader)
        ?.Description?.Hostname;
      const leader = hosts.find(({ site }) => site.name === name);
      if (leader === undefined) throw new Error('the swarm has no leader');
      return leader.site;
    },
    async isWell() {
      const views = await Promise.all(hosts.map(nodesSeenBy));
      const isFine = ({ Status, ManagerStatus }: Node): boolean =>
        Status?.State === 'ready' && ManagerStatus?.Reachability === 'reachable';
      return views.every((nodes) => nodes.length === hosts.length && nodes.every(isFine));
    },
    // The whole engine: its swarm is a part of it.
    pidOn: (site) => hosts.find((host) => host.site === site)?.daemon.pid ?? 0,
    // It gives as much to a host that was lost before as to any other.
    renew: () => Promise.resolve(),
    async close() {
      await first.docker
        .getService(SERVICE)
        .remove()
        .catch(() => undefined); // it may not be there
      for (const { docker } of hosts.toReversed()) await docker.swarmLeave({ force: true });
    },
  };
}
