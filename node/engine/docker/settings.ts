/** What a user asks of a container beyond what it runs, in the words of the Docker Engine. */
import type { ContainerCreateOptions, HostConfig } from 'dockerode';
import type { ContainerSettings, Limits } from '../../../protocol/component/container.ts';

type Said = Partial<ContainerCreateOptions>;

/** What stands at the top of the body. */
export const topSettings = (settings: ContainerSettings): Said =>
  said({
    User: settings.user,
    WorkingDir: settings.workingDir,
    Hostname: settings.hostname,
    Domainname: settings.domainname,
    StopSignal: settings.stopSignal,
  });

export const hostSettings = (settings: ContainerSettings): HostConfig =>
  said({
    Init: settings.init,
    GroupAdd: settings.groups,
    ReadonlyRootfs: settings.readOnly,
    Tmpfs:
      settings.tmpfs &&
      Object.fromEntries(settings.tmpfs.map(({ target, options }) => [target, options])),
    ShmSize: settings.shmBytes,
    Privileged: settings.privileged,
    CapAdd: settings.capAdd,
    CapDrop: settings.capDrop,
    SecurityOpt: settings.securityOpt,
    Devices: settings.devices?.map(({ source, target, permissions }) => ({
      PathOnHost: source,
      PathInContainer: target,
      CgroupPermissions: permissions,
    })),
    DeviceCgroupRules: settings.deviceRules,
    Sysctls: settings.sysctls,
    Ulimits: settings.ulimits?.map(({ name, soft, hard }) => ({
      Name: name,
      Soft: soft,
      Hard: hard,
    })),
    OomScoreAdj: settings.oomScoreAdj,
    PidMode: settings.pid,
    IpcMode: settings.ipc,
    UTSMode: settings.uts,
    UsernsMode: settings.userns,
    CgroupnsMode: settings.cgroupns,
    Runtime: settings.runtime,
    Dns: settings.dns,
    DnsSearch: settings.dnsSearch,
    DnsOptions: settings.dnsOptions,
    ExtraHosts: settings.extraHosts,
    ...limitSettings(settings.limits ?? {}),
  }) as HostConfig;

const limitSettings = (limits: Limits) => ({
  NanoCpus: limits.milliCpus === undefined ? undefined : limits.milliCpus * 1_000_000,
  CpuShares: limits.cpuShares,
  CpusetCpus: limits.cpuset,
  Memory: limits.memoryBytes,
  MemoryReservation: limits.memoryReservationBytes,
  MemorySwap: limits.memorySwapBytes,
  MemorySwappiness: limits.swappiness,
  PidsLimit: limits.pids,
  OomKillDisable: limits.oomKillDisable,
});

/** An absent key keeps what the image or the engine says. */
function said<T extends object>(all: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => value !== undefined),
  ) as never;
}
