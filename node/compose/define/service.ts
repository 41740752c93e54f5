/** One service, as far as docs/compose.md says that it is honored. */
import type { Propagation } from '../../../protocol/component/volume.ts';

/** `1m30s`, `500ms`. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}` | (string & {});

/** `Name`, `Volume`: the services and volumes that it may refer to. */
export type Service<Name extends string = never, Volume extends string = never> = {
  readonly image?: string;
  /** The folder of its Dockerfile, or how its image is built. */
  readonly build?: string | Build;
  /** One line is split as a shell would split it; no shell runs it. */
  readonly command?: string | readonly string[];
  readonly entrypoint?: string | readonly string[];
  /** `null`: taken from where it is deployed. */
  readonly environment?: Readonly<Record<string, string | number | boolean | null>>;
  readonly env_file?: string | readonly (string | EnvFile)[];
  readonly ports?: readonly (string | number | LongPort)[];
  readonly volumes?: readonly (
    | `${Volume}:/${string}`
    | `/${string}:/${string}`
    | LongVolume<Volume>
  )[];
  /** Of the stack. */
  readonly configs?: readonly (string | FilePlace)[];
  readonly secrets?: readonly (string | FilePlace)[];
  readonly healthcheck?: Healthcheck;
  readonly restart?: 'no' | 'always' | 'unless-stopped' | 'on-failure' | `on-failure:${number}`;
  readonly depends_on?: readonly Name[] | { readonly [Key in Name]?: Dependency };
  readonly deploy?: Deploy;
  /** `linux/amd64` */
  readonly platform?: `${string}/${string}`;
  /** Default 10s. */
  readonly stop_grace_period?: Duration;
  readonly profiles?: readonly string[];
  /** Names of networks of the stack. */
  readonly networks?: readonly string[] | Readonly<Record<string, Attachment | null>>;
  readonly network_mode?: 'host' | 'none' | 'bridge';
  readonly 'x-millrace'?: Millrace<Name>;
} & Container;

export type Build = {
  readonly context?: string;
  readonly dockerfile?: string;
  readonly dockerfile_inline?: string;
  /** `null`: taken from where it is deployed. */
  readonly args?: Readonly<Record<string, string | number | boolean | null>>;
  readonly labels?: Readonly<Record<string, string | number | boolean>>;
  readonly target?: string;
  readonly network?: string;
  readonly tags?: readonly string[];
  readonly no_cache?: boolean;
  readonly pull?: boolean;
};

/** What only a container has; processes have none of it. */
export type Container = {
  readonly user?: string;
  readonly group_add?: readonly (string | number)[];
  readonly working_dir?: string;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly init?: boolean;
  readonly stop_signal?: string;
  readonly labels?: Readonly<Record<string, string | number | boolean>>;
  readonly read_only?: boolean;
  readonly tmpfs?: string | readonly string[];
  readonly shm_size?: Size;
  readonly cpus?: Cpus;
  readonly cpu_shares?: number;
  readonly cpuset?: string;
  readonly mem_limit?: Size;
  readonly mem_reservation?: Size;
  readonly memswap_limit?: Size;
  readonly mem_swappiness?: number;
  readonly pids_limit?: number;
  readonly oom_kill_disable?: boolean;
  readonly privileged?: boolean;
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly security_opt?: readonly string[];
  readonly devices?: readonly (string | Device)[];
  readonly device_cgroup_rules?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string | number>>;
  readonly ulimits?: Readonly<Record<string, number | { soft: number; hard: number }>>;
  readonly oom_score_adj?: number;
  readonly pid?: 'host';
  readonly ipc?: 'host' | 'private' | 'shareable' | 'none';
  readonly uts?: 'host';
  readonly userns_mode?: 'host';
  readonly cgroup?: 'host' | 'private';
  readonly runtime?: string;
  readonly dns?: string | readonly string[];
  readonly dns_search?: string | readonly string[];
  readonly dns_opt?: readonly string[];
  readonly extra_hosts?: Readonly<Record<string, string>> | readonly string[];
};

/** Bytes, or `64m`, `1.5gb`. */
export type Size = number | `${number}${'b' | `${'k' | 'm' | 'g' | 't'}${'' | 'b'}`}`;

export type Device = {
  readonly source: string;
  readonly target?: string;
  readonly permissions?: string;
};

export type Attachment = {
  readonly aliases?: readonly string[];
  readonly ipv4_address?: string;
  readonly ipv6_address?: string;
};

export type NetworkOptions = {
  readonly name?: string;
  readonly driver?: 'bridge';
  readonly external?: boolean;
  readonly internal?: boolean;
  readonly enable_ipv6?: boolean;
  readonly ipam?: {
    readonly config?: readonly {
      readonly subnet: string;
      readonly ip_range?: string;
      readonly gateway?: string;
    }[];
  };
} | null;

export type EnvFile = {
  readonly path: string;
  readonly required?: boolean;
  readonly format?: 'raw';
};

export type LongPort = {
  readonly target: number;
  /** Absent: any free one. */
  readonly published?: number;
  readonly host_ip?: string;
  readonly protocol?: 'tcp' | 'udp';
  /** Published on the hosts that run it; anything else is told with a warning. */
  readonly mode: 'host';
};

export type LongVolume<Volume extends string> =
  | {
      readonly type: 'volume';
      readonly source: Volume;
      readonly target: string;
      readonly read_only?: boolean;
      readonly volume?: { readonly nocopy?: boolean; readonly subpath?: string };
    }
  | {
      readonly type: 'tmpfs';
      readonly target: string;
      /** `mode` in octal, `0700`. */
      readonly tmpfs?: { readonly size?: Size; readonly mode?: string };
    }
  | {
      readonly type: 'bind';
      /** Absolute, and there on every host that may run it. */
      readonly source: `/${string}`;
      readonly target: string;
      readonly read_only?: boolean;
      readonly bind?: { readonly propagation?: Propagation; readonly create_host_path?: boolean };
    };

export type VolumeOptions = {
  readonly name?: string;
  readonly driver?: string;
  readonly driver_opts?: Readonly<Record<string, string | number>>;
  readonly external?: boolean;
} | null;

/** `uid` and `gid` are numbers, `mode` is octal, `0440`. */
export type FilePlace = {
  readonly source: string;
  readonly target?: string;
  readonly uid?: string;
  readonly gid?: string;
  readonly mode?: string;
};

/** What is in it. */
export type ConfigOptions =
  | { readonly name?: string; readonly file: string }
  | { readonly name?: string; readonly content: string }
  | { readonly name?: string; readonly environment: string };

export type SecretOptions =
  | { readonly name?: string; readonly file: string }
  | { readonly name?: string; readonly environment: string };

export type Healthcheck =
  | {
      readonly test:
        | string
        | readonly ['CMD', string, ...string[]]
        | readonly ['CMD-SHELL', string]
        | readonly ['NONE'];
      readonly interval?: Duration;
      readonly timeout?: Duration;
      readonly retries?: number;
      readonly start_period?: Duration;
    }
  | { readonly disable: true };

export type Dependency = {
  readonly condition: 'service_started' | 'service_healthy' | 'service_completed_successfully';
  readonly required?: boolean;
  readonly restart?: boolean;
};

export type Deploy =
  | {
      readonly mode: 'global' | 'global-job';
      readonly restart_policy?: RestartPolicy;
      readonly placement?: Pick<Placement, 'constraints'>;
      readonly resources?: Resources;
      readonly update_config?: UpdateConfig;
      readonly rollback_config?: RollbackConfig;
    }
  | {
      readonly mode?: 'replicated' | 'replicated-job';
      readonly replicas?: number;
      readonly restart_policy?: RestartPolicy;
      readonly placement?: Placement;
      readonly resources?: Resources;
      readonly update_config?: UpdateConfig;
      readonly rollback_config?: RollbackConfig;
    };

/** What it may take of its host, and what is kept free for it there. */
export type Resources = {
  readonly limits?: { readonly cpus?: Cpus; readonly memory?: Size; readonly pids?: number };
  readonly reservations?: { readonly cpus?: Cpus; readonly memory?: Size };
};

/** Processors, `0.5`. */
export type Cpus = number | `${number}`;

/** Which hosts may run it. */
export type Placement = {
  readonly constraints?: readonly Constraint[];
  readonly max_replicas_per_node?: number;
  /** Instances are spread evenly over the values of these, the first of them first. */
  readonly preferences?: readonly { readonly spread: Subject }[];
};

type Subject = `node.${'id' | 'hostname' | 'platform.os' | 'platform.arch' | `labels.${string}`}`;

export type Constraint = `${Subject}${'==' | '!='}${string}`;

/** How a changed service comes to what runs. */
export type UpdateConfig = {
  /** Default 1; 0: all at once. */
  readonly parallelism?: number;
  /** Default 0s. */
  readonly delay?: Duration;
  /** Default stop-first. */
  readonly order?: 'stop-first' | 'start-first';
  /** Default 5s. */
  readonly monitor?: Duration;
  /** Default pause. */
  readonly failure_action?: 'pause' | 'continue' | 'rollback';
  /** 0 to 1, default 0. */
  readonly max_failure_ratio?: number;
};

/** How what was taken back makes room for the version before. */
export type RollbackConfig = Omit<UpdateConfig, 'failure_action'> & {
  /** Default pause. */
  readonly failure_action?: 'pause' | 'continue';
};

export type RestartPolicy = {
  /** Default: `any`, of a job `on-failure`, which must not be `any`. */
  readonly condition?: 'any' | 'on-failure' | 'none';
  readonly max_attempts?: number;
  readonly delay?: Duration;
  readonly window?: Duration;
};

/** What the host of an instance asks it for over the network. `port`: default the only one published. */
export type Heartbeat = (
  | { readonly path: `/${string}`; readonly port?: number }
  | { readonly tcp: number }
) & {
  /** Default 2s. */
  readonly every?: Duration;
  /** Default 1s. */
  readonly timeout?: Duration;
  /** Default 3. */
  readonly miss?: number;
  /** Default 10s. */
  readonly start_period?: Duration;
};

/** What a host that hears no majority does with what it runs. `after`: default 10s. */
export type OnIsolation =
  | 'keep'
  | 'stop'
  | 'freeze'
  | { readonly action: 'stop' | 'freeze'; readonly after?: Duration };

/** What the Compose format has no words for. */
export type Millrace<Name extends string = never> = {
  /** What the embedded engine runs in place of a container. */
  readonly process?: {
    readonly command: string | readonly [string, ...string[]];
    readonly working_dir?: string;
  };
  /** Of a job: one attempt may take so long. */
  readonly timeout?: Duration;
  /** As many as find room on every host, by their reservations or `max_replicas_per_node`. */
  readonly replicas?: 'fill';
  /** In place of a healthcheck. */
  readonly heartbeat?: Heartbeat;
  /** What `agentctl inspect` fetches. */
  readonly inspect?: { readonly path: `/${string}`; readonly port?: number };
  /** Every host that runs it runs these too. */
  readonly affinity?: readonly Name[];
  /** No host that runs it runs one of these. */
  readonly anti_affinity?: readonly Name[];
} & (
  | { readonly singleton: 'strict'; readonly rebalance?: false }
  | {
      readonly singleton?: 'available';
      /** Once all is calm instances move to hosts that have fewer, one by one. */
      readonly rebalance?: boolean;
      readonly on_isolation?: OnIsolation;
      readonly on_heal?: 'keep_oldest' | 'keep_newest' | 'keep_leader';
    }
);
