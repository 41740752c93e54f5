/**
 * The networks of stacks on one Docker Engine. Each is a bridge of this host, made when the first
 * container that is on it is made here, and removed some time after the last. Agents that share an engine
 * share them, as they share volumes.
 */
import type { ContainerCreateOptions, NetworkInspectInfo } from 'dockerode';
import type { Network } from '../../../protocol/component/container.ts';
import { EngineError, type InstanceRequest } from '../engine.ts';
import type { Bounds, Connection } from './connection.ts';
import type { Endpoints } from './drift.ts';
import { isNameAmbiguous, statusOf, toEngineError } from './failure.ts';
import { isOurNetwork, NETWORK_FILTER, networkLabels, networkName, stackOf } from './labels.ts';

/** While agents that share an engine begin a stack all at once. */
const TRIES_MAX = 5;

export interface Networks {
  /** What `create` is told: the mode, or the first network; the others are joined. */
  bodyOf(request: InstanceRequest): ContainerCreateOptions;
  /** Where it is to be found on each network it is to be on. */
  endpointsOf(request: InstanceRequest): Endpoints;
  /**
   * Makes those that are missing, then runs what needs them. Rejects with `conflict` where another's has
   * the name. Where one is there twice for a moment, it runs again.
   */
  on<T>(request: InstanceRequest, limits: Bounds, run: () => Promise<T>): Promise<T>;
  /** Before the container is started. */
  join(id: string, request: InstanceRequest, limits: Bounds): Promise<void>;
  /**
   * Removes those that no container of `used` was on, now and when this was called last. What others
   * still use the engine keeps. Returns whether there may be more to remove.
   */
  sweep(used: ReadonlySet<string>, limits: Bounds): Promise<boolean>;
}

export function createNetworks(connection: Connection): Networks {
  const { docker } = connection;
  /** By name: there is or was a moment ago, or is being made. */
  const known = new Map<string, Promise<void>>();
  const unused = new Set<string>();

  async function find(name: string, limits: Bounds): Promise<readonly NetworkInspectInfo[]> {
    // The filter of the engine takes parts of names too.
    const found = await connection.call(limits, (cut) =>
      docker.listNetworks({ filters: { name: [name] }, abortSignal: cut }),
    );
    return found.filter(({ Name }) => Name === name);
  }

  async function ensureOne(network: Network, stack: string, limits: Bounds): Promise<void> {
    const { name, external } = network;
    const there = await find(name, limits);
    if (external && there.length === 0) throw missing(limits.what, name);
    if (external) return;
    if (!there.every(({ Labels }) => isOurNetwork(Labels ?? {}))) throw foreign(limits.what, name);
    if (there.length === 1) return;
    if (there.length === 0) await make(network, stack, limits);
    await removeDoubles(await find(name, limits), limits);
  }

  async function make(network: Network, stack: string, limits: Bounds): Promise<void> {
    await connection.call(limits, (cut) =>
      docker
        .createNetwork(apart({ ...bodyOf(network), Labels: networkLabels(stack) }, cut))
        .catch((error: unknown) => {
          // Another agent of this engine was faster.
          if (statusOf(error) !== 409) throw error;
        }),
    );
  }

  /** Engines before 25 let two clients that ask at once make two of one name. One in use stays. */
  async function removeDoubles(
    there: readonly NetworkInspectInfo[],
    limits: Bounds,
  ): Promise<void> {
    const youngestFirst = there.filter(({ Labels }) => isOurNetwork(Labels ?? {})).sort(byAge);
    let left = there.length;
    for (const { Id } of youngestFirst) if (left > 1 && (await removeIdle(Id, limits))) left--;
  }

  /** Returns whether it is gone: what others still use the engine keeps. */
  const removeIdle = (id: string, limits: Bounds): Promise<boolean> =>
    connection.call(limits, (cut) =>
      docker
        .getNetwork(id)
        .remove({ abortSignal: cut })
        .then(
          () => true,
          (error: unknown) => {
            if (statusOf(error) === undefined) throw error;
            return statusOf(error) === 404;
          },
        ),
    );

  async function ensure(request: InstanceRequest, limits: Bounds): Promise<void> {
    for (const network of networksOf(request)) {
      const { name } = network;
      unused.delete(name); // whoever is to be on it is not listed yet
      const made = known.get(name) ?? ensureOne(network, stackOf(request.labels), limits);
      known.set(name, made);
      await made.catch((error: unknown) => {
        known.delete(name);
        throw error;
      });
    }
  }

  const withNetworks: Networks['on'] = async (request, limits, run) => {
    if (request.spec.container?.networkMode !== undefined) return run();
    for (let tries = 1; ; tries++) {
      await ensure(request, limits);
      try {
        return await run();
      } catch (error) {
        // They may have been removed under us.
        for (const { name } of networksOf(request)) known.delete(name);
        const { cause } = toEngineError(limits.what, error);
        if (tries === TRIES_MAX || !isNameAmbiguous(cause)) throw error;
      }
    }
  };

  return {
    bodyOf(request) {
      const { networkMode } = request.spec.container ?? {};
      if (networkMode !== undefined) return { HostConfig: { NetworkMode: networkMode } };
      const [first] = networksOf(request);
      return {
        HostConfig: { NetworkMode: first.name },
        NetworkingConfig: { EndpointsConfig: { [first.name]: endpointOf(request, first) } },
      };
    },
    endpointsOf(request) {
      const { networkMode } = request.spec.container ?? {};
      if (networkMode !== undefined) return { [networkMode]: { aliases: [] } };
      const all = networksOf(request).map((network) => [network.name, placeOf(request, network)]);
      return Object.fromEntries(all) as Endpoints;
    },
    on: withNetworks,
    async join(id, request, limits) {
      if (request.spec.container?.networkMode !== undefined) return;
      for (const network of networksOf(request).slice(1)) {
        const body = { Container: id, EndpointConfig: endpointOf(request, network) };
        await withNetworks(request, limits, () =>
          connection.call(limits, (cut) =>
            docker.getNetwork(network.name).connect(apart(body, cut)),
          ),
        );
      }
    },
    async sweep(used, limits) {
      const ours = await connection.call(limits, (cut) =>
        docker.listNetworks({ filters: { label: [...NETWORK_FILTER] }, abortSignal: cut }),
      );
      const idle = ours.filter(({ Name }) => !used.has(Name));
      for (const { Name, Id } of idle) {
        if (!unused.has(Name)) continue;
        known.delete(Name);
        await removeIdle(Id, limits);
      }
      const isNew = idle.some(({ Name }) => !unused.has(Name));
      unused.clear();
      for (const { Name } of idle) unused.add(Name);
      return isNew;
    },
  };
}

const byAge = (a: NetworkInspectInfo, b: NetworkInspectInfo): number =>
  Date.parse(b.Created) - Date.parse(a.Created) || (a.Id < b.Id ? 1 : -1);

/** Else dockerode would repeat the whole body in the address. */
const apart = <Body extends object>(body: Body, cut: AbortSignal) =>
  ({ _query: {}, _body: body, abortSignal: cut }) as unknown as Body;

/** A stack that names none has one of its own. */
function networksOf(request: InstanceRequest): readonly [Network, ...Network[]] {
  const [first, ...more] = request.spec.container?.networks ?? [];
  if (first !== undefined) return [first, ...more];
  const name = networkName(request.labels, 'default');
  return [{ name, external: false, internal: false, ipv6: false, subnets: [], aliases: [] }];
}

const bodyOf = ({ name, internal, ipv6, subnets }: Network) => ({
  Name: name,
  CheckDuplicate: true,
  Driver: 'bridge',
  Internal: internal,
  EnableIPv6: ipv6,
  ...(subnets.length > 0 && {
    IPAM: {
      Driver: 'default',
      Config: subnets.map(({ subnet, range, gateway }) => ({
        Subnet: subnet,
        ...(range !== undefined && { IPRange: range }),
        ...(gateway !== undefined && { Gateway: gateway }),
      })),
    },
  }),
});

const placeOf = (
  { spec }: InstanceRequest,
  { aliases, address, address6 }: Network,
): Endpoints[string] => ({
  aliases: [...new Set([spec.name, ...aliases])],
  ...(address !== undefined && { address }),
  ...(address6 !== undefined && { address6 }),
});

const endpointOf = (request: InstanceRequest, network: Network) => {
  const { aliases, address, address6 } = placeOf(request, network);
  return {
    Aliases: aliases,
    ...((address ?? address6) !== undefined && {
      IPAMConfig: {
        ...(address !== undefined && { IPv4Address: address }),
        ...(address6 !== undefined && { IPv6Address: address6 }),
      },
    }),
  };
};

const missing = (what: string, name: string): EngineError =>
  new EngineError(
    'failed',
    `${what}: there is no network ${name} on this host, and it is said to be external; ` +
      `make it here with docker network create ${name}`,
  );

const foreign = (what: string, name: string): EngineError =>
  new EngineError(
    'conflict',
    `${what}: a network ${name} exists on this host and is not ours; ` +
      'remove it, or say external: true to join it',
  );
