/** Views of clusters as an agent would tell them, to render and to serve. */
import {
  type ClusterId,
  componentId,
  clusterId,
  epoch,
  type HostId,
  hostId,
  term,
} from '../../../protocol/base/ids.ts';
import { millis } from '../../../protocol/base/time.ts';
import type {
  ClusterView,
  ComponentView,
  HostView,
  InstanceView,
  SlotView,
} from '../../../protocol/view/view.ts';
import type { EventBody, StatusBody } from '../../../node/http/api.ts';

const CLUSTER: ClusterId = clusterId('k3x9');
const DAY_MS = 86_400_000;

/** Host `h1` has the id `id1aaaa`: its name is no prefix of it. */
export const idOf = (name: string): HostId => hostId(`id${name.slice(1)}aaaa`);

export function host(name: string, changes: Partial<HostView> = {}): HostView {
  return {
    id: idOf(name),
    name,
    self: false,
    voter: false,
    witness: false,
    state: 'alive',
    sinceMs: millis(12 * DAY_MS),
    heardMsAgo: millis(200),
    engine: 'docker 20.10.24 (API 1.41)',
    agent: '0.4.1',
    instances: 1,
    ...changes,
  };
}

/** Component `shop.web` of `slots` that run healthy on these hosts, one each. */
export function component(
  name: string,
  hosts: readonly string[],
  changes: Partial<ComponentView> = {},
): ComponentView {
  const [stack = '', short = ''] = name.split('.');
  const id = componentId(stack, short);
  return {
    id,
    wanted: hosts.length,
    running: hosts.length,
    healthy: hosts.length,
    revision: '9f3c1e2d77ab10c4',
    leader: { host: idOf('h2'), term: term(12) },
    slots: hosts.map((on, at) => filled(`${id}.${at + 1}`, on)),
    ...changes,
  };
}

export function filled(id: string, on: string, changes: Partial<InstanceView> = {}): SlotView {
  const slot = Number(id.slice(id.lastIndexOf('.') + 1));
  return { slot, host: idOf(on), instance: instance(id, on, changes) };
}

export function instance(id: string, on: string, changes: Partial<InstanceView>): InstanceView {
  return {
    id,
    host: idOf(on),
    state: 'running',
    health: 'healthy',
    attempt: 1,
    restarts: 0,
    crashLoop: false,
    engineId: `c0ffee-${id}`,
    revision: '9f3c1e2d77ab10c4',
    term: term(12),
    ports: [],
    ...changes,
  };
}

export function cluster(changes: Partial<ClusterView> = {}): ClusterView {
  return {
    cluster: CLUSTER,
    from: idOf('h2'),
    ageMs: millis(400),
    agree: 2,
    peers: 2,
    roster: { epoch: epoch(3), voters: [idOf('h1'), idOf('h2'), idOf('h3')] },
    quorum: true,
    leaders: [],
    hosts: [host('h1'), host('h2', { self: true, voter: true }), host('h3')],
    stacks: [],
    ...changes,
  };
}

export function event(at: string, kind: string, about: readonly string[], text: string): EventBody {
  return { at, host: idOf('h2'), host_name: 'h2', boot: 1, seq: 1, kind, about, text };
}

export function status(view: ClusterView, events: readonly EventBody[] = []): StatusBody {
  return {
    schema: 'millrace/status/1',
    generated_at: '2026-11-21T00:41:10Z',
    view: { from: view.from, age_ms: view.ageMs, agree: view.agree, peers: view.peers },
    data: { cluster: view, events },
  };
}

/** Two stacks-worth of trouble in one: `db` sat alone on h5, which is dead; h3 is doubted. */
export function degraded(): StatusBody {
  const hosts = [
    host('h1', { voter: true, instances: 2 }),
    host('h2', { self: true, voter: true, instances: 3 }),
    host('h3', { state: 'suspect', sinceMs: millis(900), heardMsAgo: millis(1900), instances: 2 }),
    host('h5', { state: 'dead', sinceMs: millis(38_000), heardMsAgo: millis(40_000), voter: true }),
  ];
  const components = [
    component('shop.web', ['h1', 'h2', 'h2']),
    component('shop.worker', ['h1', 'h2', 'h3'], { wanted: 'all' }),
    component('shop.db', ['h5'], {
      running: 0,
      healthy: 0,
      note: 'waits until the lease of h5 has ended (22 s), then is placed on h3',
      leader: { host: idOf('h1'), term: term(31) },
    }),
  ];
  const events = [
    event('2026-11-21T00:40:29Z', 'healthy', ['shop.web.2'], 'on id2aaaa after 3.4 s'),
    event(
      '2026-11-21T00:40:33Z',
      'dead',
      [idOf('h5')],
      '2.1 s after its last heartbeat, confirmed by id1aaaa and id3aaaa',
    ),
  ];
  const view = cluster({
    hosts,
    agree: 2,
    peers: 3,
    stacks: [{ name: 'shop', revision: '4.7', components }],
  });
  return status(view, events);
}

/** One healthy stack on three hosts. */
export function healthy(): StatusBody {
  const components = [component('shop.web', ['h1', 'h2']), component('shop.api', ['h3'])];
  return status(cluster({ stacks: [{ name: 'shop', revision: '4.7', components }] }));
}
