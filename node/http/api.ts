/**
 * The local API: JSON over HTTP on the agent's unix socket, spoken by `agentctl` alone.
 *
 *   GET  /v1/status                       StatusBody
 *   GET  /v1/cluster                      ClusterBody
 *   POST /v1/cluster/init  InitRequest    ClusterBody            409 already-member
 *   POST /v1/cluster/join  JoinRequest    ClusterBody            400 bad-token, 409, 504 no-cluster-found
 *   POST /v1/deploy        DeployRequest  DeployBody             409 refused, 504 unknown
 *   POST /v1/plan          PlanRequest    PlanBody
 *   POST /v1/destroy       DestroyRequest DeployBody             404, 409 refused, 504 unknown
 *   POST /v1/cluster/leave {}             ActionBody             409 refused, 504 not-leaving-yet
 *   POST /v1/cluster/voters/force {}      ActionBody             409 refused
 *   POST /v1/hosts/:id/forget  {}         ActionBody             404, 409 refused, 504 not-forgotten-yet
 *   POST /v1/hosts/:id/labels  LabelsRequest  ActionBody          404, 409 refused, 504 not-adjusted-yet
 *   POST /v1/hosts/:id/availability AvailabilityRequest ActionBody  the same
 *   POST /v1/lead          LeadRequest    LeadBody               404, 409 refused, 504 not-led-yet
 *   POST /v1/instances/:id/kill    KillRequest   ActionBody      404, 409 not-running, 502 failed-there
 *   POST /v1/instances/:id/restart {}            ActionBody      404, 409 job-ended, 502 failed-there
 *   POST /v1/instances/:id/exec    frames     frames (`exec/frames.ts`), both streamed  404, 409 not-running
 *   POST /v1/instances/:id/input   bytes      application/x-ndjson of InputBody, one line  404, 409 not-running
 *   GET  /v1/hosts/:id/logs?subject=ID&follow=0|1&previous=0|1&tail=N&since=TIME  application/x-ndjson of LogBody  404
 *   GET  /v1/bundles/:hash                BundleBody
 *   POST /v1/bundles/:hash bytes          BundleBody             409 context-not-kept
 *   POST /v1/hosts/:id/build BuildRequest application/x-ndjson of BuildBody
 *   GET  /v1/events?since_ms=N&follow=0|1&about=ID               application/x-ndjson of EventBody
 *   GET  /v1/inspect?subject=ID           InspectBody            404
 *   GET  /v1/instances/:id/page           PageBody               404, 409 no-page not-running, 502 page-…
 *   POST /v1/doctor        DoctorRequest  AgentFacts (`doctor/facts.ts`)
 *   POST /v1/agent/stop    AgentStopBody  ActionBody
 *   POST /v1/chaos         ChaosRequest   ChaosBody              409 chaos-not-allowed chaos-stopped, 502 chaos-not-told
 *
 * Wherever `:id` or `subject` stands, the full id is meant: `agentctl` resolves prefixes.
 * An error is `ErrorBody` with the status above; `code` and `exit` are stable.
 */
import type { Labels } from '../../protocol/component/label.ts';
import type { Endpoint, StackSpec } from '../../protocol/component/spec.ts';
import type { Expected } from '../../protocol/record/record.ts';
import type { ClusterView, InstanceView } from '../../protocol/view/view.ts';

/** What went wrong in three parts, and the exit code of `agentctl` that goes with it. */
export type ErrorBody = {
  readonly error: {
    readonly code: string;
    readonly what: string;
    readonly why: string;
    readonly next: string;
    readonly exit: number;
  };
};

/** `net`: of the network alone. */
export type DoctorRequest = { readonly net: boolean };

/** `returns`: another agent takes this one's place at once, so nobody is told that it leaves. */
export type AgentStopBody = { readonly returns?: boolean };

/** Wraps everything that is one agent's view of the cluster. */
export type Viewed<T> = {
  readonly schema: string;
  /** RFC 3339. */
  readonly generated_at: string;
  readonly view: {
    readonly from: string;
    readonly age_ms: number;
    readonly agree: number;
    readonly peers: number;
  };
  readonly data: T;
};

/** `events`: the last five minutes as this host knows them, newest last. */
export type StatusBody = Viewed<{
  readonly cluster: ClusterView;
  readonly events: readonly EventBody[];
}>;

export type ClusterBody = {
  readonly cluster: string;
  readonly host: string;
  readonly name: string;
  readonly token: string;
  readonly voters: readonly string[];
  readonly members: readonly {
    readonly id: string;
    readonly name: string;
    readonly peer_id: string;
  }[];
  readonly service_type: string;
  readonly addresses: readonly string[];
  /**
   * What this agent has counted since its start; only ever rising, more may be added. Of peers that
   * do not speak as they should: `rejected_connections` (handshakes that failed: another secret, or
   * none), `rejected_streams` (cut off at a malformed or too large frame), `undecodable` (frames and
   * gossip that are no message), `bad_requests` (requests that cannot be read), `strangers` (messages
   * of hosts that hold the secret and are no members).
   */
  readonly counters: Readonly<Record<string, number>>;
};

export type InitRequest = Record<string, never>;
/** `peers`: `HOST:PORT` or multiaddrs to dial where multicast does not reach. */
export type JoinRequest = { readonly token: string; readonly peers: readonly string[] };

/** What is in the secrets of a stack that are not sealed, by name, in base64. */
type Secrets = { readonly secrets?: Readonly<Record<string, string>> };

/** `expect`: refused as `stale` unless this revision still stands; `none`: unless there is no stack. */
export type DeployRequest = Secrets & {
  readonly stack: StackSpec;
  readonly deploy_id: string;
  readonly expect?: Expected;
};
export type DestroyRequest = {
  readonly stack: string;
  readonly deploy_id: string;
  readonly expect?: Expected;
};
/** `revision`: the committed revision, `TERM.SEQ`. `changed` false: the stack was so already. */
export type DeployBody = {
  readonly deploy_id: string;
  readonly revision: string;
  readonly changed: boolean;
};

/** `to`: a host id; absent: the host asked. `force`: its leader is not asked. */
export type LeadRequest = {
  readonly key: string;
  readonly to?: string;
  readonly force: boolean;
};
/** Who leads the key now. */
export type LeadBody = {
  readonly key: string;
  readonly host: string;
  readonly host_name: string;
  readonly term: number;
};

export type KillRequest = { readonly signal: string };
/** What a deploy would place, move and not place, by the agent that was asked. */
export type PlanRequest = Secrets & { readonly stack: StackSpec };
export type PlanBody = {
  readonly components: readonly {
    readonly id: string;
    /** What its instances would be made from. */
    readonly revision: string;
    readonly decisions: readonly {
      readonly kind: 'placed' | 'moved' | 'removed' | 'unplaceable' | 'withheld' | 'ended';
      readonly slot: number;
      readonly host?: string;
      readonly host_name?: string;
      readonly text: string;
      /** Those that cannot first; at most 32 of them. */
      readonly rejected: readonly {
        readonly host: string;
        readonly host_name: string;
        readonly why: string;
      }[];
    }[];
  }[];
};

export type LabelsRequest = {
  readonly set: Labels;
  /** As the host's own settings have them. */
  readonly unset: readonly string[];
};
export type AvailabilityRequest = { readonly to: 'active' | 'cordoned' | 'draining' };
/** What was done and what will happen next, in words. */
export type ActionBody = { readonly done: string; readonly next: string };

/**
 * `ways`: pairs of host ids, from the first to the second. `ask`: whether the hosts allow it at all.
 * `period`: as an answer said; nothing is done once all faults have been ended since.
 */
export type ChaosRequest =
  | { readonly kind: 'ask'; readonly period?: number | undefined }
  | { readonly kind: 'end' }
  | {
      readonly kind: 'reset';
      readonly period: number;
      readonly ways: readonly (readonly [string, string])[];
    }
  | {
      readonly kind: 'cut' | 'clog' | 'lossy';
      readonly period: number;
      readonly ways: readonly (readonly [string, string])[];
      readonly for_ms: number;
      readonly permille?: number | undefined;
      readonly only?: string | undefined;
    };
/** Names of hosts. `silent`: did not answer, their faults end by themselves. */
export type ChaosBody = {
  readonly told: readonly string[];
  readonly silent: readonly string[];
  readonly period: number;
};

/** Once all that came in is given, or nobody is there to read it; `failed`: why it was not. */
export type InputBody = { readonly failed?: string };

/** A line that an instance of that host has printed, or why its lines are not read, or no further. */
export type LogBody =
  | {
      readonly instance: string;
      /** Counts the instances of this slot on that host. */
      readonly attempt: number;
      /** RFC 3339 by the clock of that host; absent: its engine keeps no times. */
      readonly at?: string;
      readonly output: 'stdout' | 'stderr';
      readonly line: string;
    }
  | { readonly failed: string; readonly at?: never };

/** Whether that agent has what an image is built from. */
export type BundleBody = { readonly kept: boolean };
export type BuildRequest = { readonly image: string };
/**
 * What the builder of that host says, and at last what came of it: `built` is false where the image was
 * there. `unheard`: it is not known, for that host does not answer.
 */
export type BuildBody =
  | { readonly line: string }
  | { readonly built: boolean }
  | { readonly failed: string }
  | { readonly unheard: string };

export type EventBody = {
  /** RFC 3339, by the clock of the host that wrote it. */
  readonly at: string;
  readonly host: string;
  readonly host_name: string;
  /** The start of its agent: how often it has started. */
  readonly boot: number;
  readonly seq: number;
  readonly kind: string;
  readonly about: readonly string[];
  readonly text: string;
  /**
   * Names of the hosts that tell it in its place, because it is gone or has started again since; then
   * `at` is by their clocks.
   */
  readonly witnesses?: readonly string[];
};

export type InspectBody = Viewed<{
  readonly kind: 'stack' | 'component' | 'instance' | 'host';
  readonly record: unknown;
  readonly instances: readonly InstanceView[];
  /** Of a component or instance: where each tells of itself. Absent: nowhere. */
  readonly endpoint?: Endpoint;
}>;

/** What an instance of `host` tells of itself, as it came. */
export type PageBody = {
  readonly schema: string;
  readonly instance: string;
  readonly host: string;
  readonly text: string;
};
