/** What a doctor would see of three hosts that are well; each test spoils something of it. */
import { hostId } from '../../../protocol/base/ids.ts';
import type {
  ClusterFacts,
  EngineFacts,
  Examined,
  HostFacts,
  Outcome,
  Report,
  Row,
  StateFacts,
} from '../../../node/doctor/facts.ts';

export const ids = (count: number) =>
  Array.from({ length: count }, (_, at) => hostId(`id${at + 1}`));

const addressOf = (at: number): string => `10.0.${Math.floor(at / 200)}.${(at % 200) + 1}`;

export function report(count: number, at: number, changes: Partial<Report> = {}): Report {
  const others = ids(count).filter((_, other) => other !== at);
  return {
    version: '1.0.0',
    cloned: false,
    mdns: true,
    addresses: [addressOf(at)],
    heard: ids(count).map((host, other) => ({ host, address: addressOf(other), agoMs: 100 })),
    reach: others.map((host) => ({ host, outcome: 'connected', ms: 1 })),
    ...changes,
  };
}

export const told = (count: number, at: number, changes: Partial<Report> = {}): Row => ({
  host: hostId(`id${at + 1}`),
  kind: 'told',
  report: report(count, at, changes),
  heardMs: 700,
  aheadMs: 0,
});

export const silent = (at: number, why = 'no answer within 3.5 s'): Row => ({
  host: hostId(`id${at + 1}`),
  kind: 'silent',
  why,
});

/** Hosts h1, h2, …; `rows` by their place take the place of what would be well. */
export function cluster(
  count: number,
  rows: Readonly<Record<number, Row>> = {},
  changes: Partial<ClusterFacts> = {},
): ClusterFacts {
  return {
    self: hostId('id1'),
    hosts: ids(count).map((id, at) => ({
      id,
      name: `h${at + 1}`,
      state: 'alive',
      voter: at < 3,
    })),
    quorum: true,
    rivals: [],
    rows: ids(count).map((_, at) => rows[at] ?? told(count, at)),
    ...changes,
  };
}

/** Everybody who tells reaches everybody, except as said: `{ 2: { 0: 'silent' } }` is h3 to h1. */
export function rowsReaching(
  count: number,
  failing: Readonly<Record<number, Readonly<Record<number, Outcome>>>>,
): Readonly<Record<number, Row>> {
  return Object.fromEntries(
    Object.entries(failing).map(([from, outcomes]) => {
      const reach = report(count, Number(from)).reach.map((each) => {
        const outcome = outcomes[ids(count).indexOf(each.host)];
        return outcome === undefined ? each : { host: each.host, outcome };
      });
      return [from, told(count, Number(from), { reach })];
    }),
  );
}

export const STATE: StateFacts = {
  path: '/var/lib/millrace',
  file: { owner: 'millrace', group: 'millrace', mode: 0o700 },
  writable: true,
  freeBytes: 20_000_000_000,
  inMemory: false,
  fsyncMs: 2,
};

export const ENGINE: EngineFacts = {
  choice: 'docker',
  used: 'docker 28.0.1 (API 1.48)',
  sockets: [
    {
      path: '/var/run/docker.sock',
      file: { owner: 'root', group: 'docker', mode: 0o660 },
      answer: { kind: 'answers', api: '1.48', tooOld: false, driver: 'systemd' },
    },
  ],
};

export const HOST: HostFacts = {
  by: 'agent',
  user: { name: 'millrace', uid: 990, groups: ['millrace', 'docker'] },
  mdns: true,
  peers: [],
  ports: [{ endpoint: '0.0.0.0:7946', state: 'ours' }],
  interfaces: [{ name: 'eth0', address: '10.0.0.1', netmask: '255.255.0.0', multicast: 'works' }],
  machine: { engine: ENGINE, state: STATE },
};

export const WELL: Examined = {
  version: '1.0.0',
  user: { name: 'alice', uid: 1000, groups: ['alice', 'millrace'] },
  socket: {
    path: '/run/millrace/agent.sock',
    file: { owner: 'millrace', group: 'millrace', mode: 0o660 },
  },
  agent: {
    kind: 'answers',
    version: '1.0.0',
    pid: 4711,
    memory: { rss: 100 * 2 ** 20, heap: 20.5 * 2 ** 20 },
  },
  host: HOST,
  cluster: cluster(3),
  synchronized: true,
  firewall: { services: [], dropping: 0 },
};

/** Its agent belongs to no cluster. */
const { cluster: _, ...alone } = WELL;
export const ALONE: Examined = alone;

/** As `agentctl` looks where no agent answers. */
export function without(code: string): Examined {
  return { ...ALONE, agent: { kind: 'none', code }, host: { ...HOST, by: 'agentctl' } };
}
