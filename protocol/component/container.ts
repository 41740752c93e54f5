/**
 * What only a container has: how its engine is to make it. The embedded engine makes nothing of it.
 * Fields are absent where the user has said nothing: the image and the engine have defaults of their own.
 */
export type ContainerSettings = {
  /** A name or a number, `USER[:GROUP]`. */
  readonly user?: string;
  readonly groups?: readonly string[];
  /** Where its command starts. */
  readonly workingDir?: string;
  readonly hostname?: string;
  readonly domainname?: string;
  /** A first process that hands on signals and reaps what is left. */
  readonly init?: boolean;
  readonly stopSignal?: string;
  /** The labels that users give; ours are laid over them. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly readOnly?: boolean;
  readonly tmpfs?: readonly Tmpfs[];
  readonly shmBytes?: number;
  readonly privileged?: boolean;
  readonly capAdd?: readonly string[];
  readonly capDrop?: readonly string[];
  readonly securityOpt?: readonly string[];
  readonly devices?: readonly Device[];
  readonly deviceRules?: readonly string[];
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly ulimits?: readonly Ulimit[];
  /** -1000 to 1000. */
  readonly oomScoreAdj?: number;
  readonly pid?: 'host';
  readonly ipc?: 'host' | 'private' | 'shareable' | 'none';
  readonly uts?: 'host';
  readonly userns?: 'host';
  readonly cgroupns?: 'host' | 'private';
  readonly runtime?: string;
  readonly dns?: readonly string[];
  readonly dnsSearch?: readonly string[];
  readonly dnsOptions?: readonly string[];
  /** `NAME:ADDRESS`. */
  readonly extraHosts?: readonly string[];
  /** `bridge`: the engine's own, where nobody is found by name. */
  readonly networkMode?: 'host' | 'none' | 'bridge';
  /** Absent, with no mode either: the stack's own. */
  readonly networks?: readonly Network[];
  readonly limits?: Limits;
};

/** What it may take of its host; absent: as much as there is. */
export type Limits = {
  /** Thousandths of a processor. */
  readonly milliCpus?: number;
  /** Its weight where processors are short, 1024 by default. */
  readonly cpuShares?: number;
  /** Numbers of processors, `0-3,6`. */
  readonly cpuset?: string;
  readonly memoryBytes?: number;
  /** What it is held to where memory is short. */
  readonly memoryReservationBytes?: number;
  /** Memory and swap together; -1: any swap. */
  readonly memorySwapBytes?: number;
  /** 0 to 100. */
  readonly swappiness?: number;
  /** Processes and threads. */
  readonly pids?: number;
  readonly oomKillDisable?: boolean;
};

/** A network of the host that runs the instance; on another host it is another one. */
export type Network = {
  /** As the engine calls it. */
  readonly name: string;
  /** A user has made it. */
  readonly external: boolean;
  /** Nothing beyond the host is reached through it. */
  readonly internal: boolean;
  readonly ipv6: boolean;
  /** None: the engine chooses. */
  readonly subnets: readonly Subnet[];
  /** Names by which it is found there, beside that of its component. */
  readonly aliases: readonly string[];
  readonly address?: string;
  readonly address6?: string;
};

export type Subnet = {
  readonly subnet: string;
  readonly range?: string;
  readonly gateway?: string;
};

/** `options` as `mount` takes them, `size=64m,mode=1777`. */
export type Tmpfs = { readonly target: string; readonly options: string };

/** `permissions`: some of `rwm`. */
export type Device = {
  readonly source: string;
  readonly target: string;
  readonly permissions: string;
};

/** -1: no limit. */
export type Ulimit = { readonly name: string; readonly soft: number; readonly hard: number };
