/**
 * What `agentctl doctor` looks at. Of this host the agent tells, as the user it runs as; where none
 * answers, `agentctl` looks itself. Of the cluster only an agent can tell.
 */
import type { HostId } from '../../protocol/base/ids.ts';
import type { HostView } from '../../protocol/view/view.ts';
import type { EngineChoice } from '../engine/select.ts';

export type UserFacts = {
  readonly name: string;
  readonly uid: number;
  readonly groups: readonly string[];
};

/** Who may open a socket or a folder, by its file. */
export type FileFacts = {
  readonly owner: string;
  readonly group: string;
  /** Permission bits, e.g. 0o660. */
  readonly mode: number;
};

/** What a Docker Engine's socket came to. */
export type DockerAnswer =
  /** `driver`: how it makes cgroups; absent: it did not say. `unguardable`: why no guard can reach it. */
  | {
      readonly kind: 'answers';
      readonly api: string;
      readonly tooOld: boolean;
      readonly driver?: string;
      readonly unguardable?: string;
    }
  | { readonly kind: 'missing' | 'denied' | 'refused' | 'silent' | 'stranger' }
  | { readonly kind: 'failed'; readonly why: string };

export type EngineFacts = {
  readonly choice: EngineChoice;
  /** What the agent works with, e.g. `docker 20.10.24 (API 1.41)`. */
  readonly used?: string;
  /** In the order in which they are tried. */
  readonly sockets: readonly {
    readonly path: string;
    readonly answer: DockerAnswer;
    readonly file?: FileFacts;
  }[];
};

/** `useless`: it answers, and has no hand on what the engine runs. */
export type GuardFacts = {
  readonly socket: string;
  readonly state: 'joined' | 'useless' | 'listens' | 'missing' | 'deaf';
  readonly why?: string;
};

export type StateFacts = {
  readonly path: string;
  readonly file?: FileFacts;
  readonly writable: boolean;
  readonly freeBytes?: number;
  /** It lies in memory, and is lost when the machine starts anew. */
  readonly inMemory?: boolean;
  /** One write of 4 KiB until it was durable. */
  readonly fsyncMs?: number;
  readonly failed?: string;
};

export type PortFacts = {
  /** `HOST:PORT`. */
  readonly endpoint: string;
  readonly state: 'ours' | 'free' | 'taken' | 'failed';
  /** Who has it, as far as it can be seen: `4711 (nginx)`. */
  readonly holder?: string;
  readonly why?: string;
};

/** One real interface, and whether what is sent there by multicast comes back. */
export type InterfaceFacts = {
  readonly name: string;
  readonly address: string;
  readonly netmask: string;
  readonly multicast: 'works' | 'silent' | 'failed';
  readonly why?: string;
};

export type HostFacts = {
  readonly by: 'agent' | 'agentctl';
  readonly user: UserFacts;
  readonly mdns: boolean;
  /** Static peers of its settings. */
  readonly peers: readonly string[];
  readonly ports: readonly PortFacts[];
  readonly interfaces: readonly InterfaceFacts[];
  /** Absent where only the network was asked for. */
  readonly machine?: {
    readonly engine: EngineFacts;
    readonly guard?: GuardFacts;
    readonly state: StateFacts;
  };
};

export const OUTCOMES = ['connected', 'refused', 'silent', 'no-address'] as const;
/** Of fresh connects to all addresses known of a host; the best of them counts. */
export type Outcome = (typeof OUTCOMES)[number];

export type Reach = {
  readonly host: HostId;
  readonly outcome: Outcome;
  readonly ms?: number;
  /** What was dialed in vain. */
  readonly addresses?: readonly string[];
};

/** A host was heard by multicast, from this address. */
export type Heard = { readonly host: HostId; readonly address: string; readonly agoMs: number };

/** What one host tells about itself and the others. */
export type Report = {
  readonly version: string;
  /** Another agent runs under its identity. */
  readonly cloned: boolean;
  /** Its links that are broken on purpose; absent: none is. */
  readonly chaos?: { readonly kinds: readonly string[]; readonly leftMs: number };
  readonly mdns: boolean;
  /** Where it listens: IP addresses. */
  readonly addresses: readonly string[];
  readonly heard: readonly Heard[];
  readonly reach: readonly Reach[];
};

/** `heardMs`: how far back what was heard by multicast is news. `aheadMs`: its wall clock beside ours. */
export type Row =
  | {
      readonly host: HostId;
      readonly kind: 'told';
      readonly report: Report;
      readonly heardMs: number;
      readonly aheadMs: number;
    }
  | { readonly host: HostId; readonly kind: 'silent'; readonly why: string };

export type ClusterFacts = {
  readonly self: HostId;
  readonly hosts: readonly {
    readonly id: HostId;
    readonly name: string;
    readonly state: HostView['state'];
    readonly voter: boolean;
  }[];
  readonly quorum: boolean;
  /** Hosts that follow voters forced elsewhere. */
  readonly rivals: readonly HostId[];
  /** One for each host, this one too. */
  readonly rows: readonly Row[];
};

/** Of the agent's process, in bytes: all that it has in memory, and what of it is the heap in use. */
export type MemoryFacts = { readonly rss: number; readonly heap: number };

/** What the agent answers. */
export type AgentFacts = {
  readonly version: string;
  readonly pid: number;
  readonly memory: MemoryFacts;
  readonly host: HostFacts;
  /** Absent: it belongs to no cluster. */
  readonly cluster?: ClusterFacts;
};

/** `code`: of the system call, `TIMEOUT`, `NOT-AN-AGENT`, or `OLD`: it answers, and knows no doctor. */
export type AgentAnswer =
  | {
      readonly kind: 'answers';
      readonly version: string;
      readonly pid: number;
      readonly memory: MemoryFacts;
    }
  | {
      readonly kind: 'none';
      readonly code: string;
      /** Where the agent of this host's state folder listens instead. */
      readonly elsewhere?: string;
    };

/** Of `agentd.service`, as systemd tells; `exit`: the code with which its agent ended last, or 0. */
export type ServiceFacts = { readonly state: string; readonly exit: number };

export type FirewallFacts = {
  /** Services that are active: `ufw`, `firewalld`, `nftables`. */
  readonly services: readonly string[];
  /** Rules that drop or reject what comes in; absent: not for this user to see. */
  readonly dropping?: number;
};

/** All there is to judge. */
export type Examined = {
  readonly version: string;
  readonly user: UserFacts;
  readonly socket: { readonly path: string; readonly file?: FileFacts };
  readonly agent: AgentAnswer;
  /** Only where no agent answers on its socket; absent: it is not installed. */
  readonly service?: ServiceFacts;
  /** Why an agent would not start as its settings file is; only where none answers. */
  readonly settings?: { readonly why: string; readonly next: string };
  readonly host: HostFacts;
  readonly cluster?: ClusterFacts;
  /** By the system's own word; absent: it does not say. */
  readonly synchronized?: boolean;
  readonly firewall: FirewallFacts;
};
