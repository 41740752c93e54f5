/** One service, as far as docs/compose.md says that it is honored. */

/** `1m30s`, `500ms`. */
export type Duration = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}` | (string & {});

/** `Name`, `Volume`: the services and volumes that it may refer to. */
export type Service<Name extends string = never, Volume extends string = never> = {
  readonly image?: string;
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
  readonly healthcheck?: Healthcheck;
  readonly restart?: 'no' | 'always' | 'unless-stopped' | 'on-failure' | `on-failure:${number}`;
  readonly depends_on?: readonly Name[] | { readonly [Key in Name]?: Dependency };
  readonly deploy?: Deploy;
  /** Default 10s. */
  readonly stop_grace_period?: Duration;
  readonly profiles?: readonly string[];
  readonly 'x-millrace'?: Millrace;
};

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
    }
  | {
      readonly type: 'bind';
      /** Absolute, and there on every host that may run it. */
      readonly source: `/${string}`;
      readonly target: string;
      readonly read_only?: boolean;
    };

export type VolumeOptions = { readonly driver?: 'local' } | null;

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
  | { readonly mode: 'global'; readonly restart_policy?: RestartPolicy }
  | {
      readonly mode?: 'replicated';
      readonly replicas?: number;
      readonly restart_policy?: RestartPolicy;
    };

export type RestartPolicy =
  | { readonly condition: 'any' | 'none' }
  | { readonly condition: 'on-failure'; readonly max_attempts?: number };

/** What the Compose format has no words for. */
export type Millrace = {
  /** What the embedded engine runs in place of a container. */
  readonly process?: {
    readonly command: string | readonly [string, ...string[]];
    readonly working_dir?: string;
  };
} & (
  | { readonly singleton: 'strict' }
  | {
      readonly singleton?: 'available';
      readonly on_isolation?:
        | 'keep'
        | 'stop'
        | 'freeze'
        | { readonly action: 'stop' | 'freeze'; readonly after?: Duration };
      readonly on_heal?: 'keep_oldest' | 'keep_newest' | 'keep_leader';
    }
);
