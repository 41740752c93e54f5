import { expect, it } from 'vitest';
import type { ContainerSettings } from '../../../../protocol/component/container.ts';
import { hostSettings, topSettings } from '../../../../node/engine/docker/settings.ts';

/** Each setting alone, and what the engine is told. */
const TOLD: readonly (readonly [ContainerSettings, object])[] = [
  [{ user: '1000:1000' }, { User: '1000:1000' }],
  [{ workingDir: '/app' }, { WorkingDir: '/app' }],
  [{ hostname: 'db' }, { Hostname: 'db' }],
  [{ domainname: 'example.org' }, { Domainname: 'example.org' }],
  [{ stopSignal: 'SIGINT' }, { StopSignal: 'SIGINT' }],
  [{ groups: ['audio', '44'] }, { HostConfig: { GroupAdd: ['audio', '44'] } }],
  [{ init: true }, { HostConfig: { Init: true } }],
  [{ readOnly: true }, { HostConfig: { ReadonlyRootfs: true } }],
  [
    { tmpfs: [{ target: '/run', options: 'size=64m' }] },
    { HostConfig: { Tmpfs: { '/run': 'size=64m' } } },
  ],
  [{ shmBytes: 1024 }, { HostConfig: { ShmSize: 1024 } }],
  [{ privileged: true }, { HostConfig: { Privileged: true } }],
  [{ capAdd: ['NET_ADMIN'] }, { HostConfig: { CapAdd: ['NET_ADMIN'] } }],
  [{ capDrop: ['ALL'] }, { HostConfig: { CapDrop: ['ALL'] } }],
  [
    { securityOpt: ['no-new-privileges:true'] },
    { HostConfig: { SecurityOpt: ['no-new-privileges:true'] } },
  ],
  [
    { devices: [{ source: '/dev/a', target: '/dev/b', permissions: 'rw' }] },
    {
      HostConfig: {
        Devices: [{ PathOnHost: '/dev/a', PathInContainer: '/dev/b', CgroupPermissions: 'rw' }],
      },
    },
  ],
  [{ deviceRules: ['c 1:3 mr'] }, { HostConfig: { DeviceCgroupRules: ['c 1:3 mr'] } }],
  [
    { sysctls: { 'net.core.somaxconn': '1024' } },
    { HostConfig: { Sysctls: { 'net.core.somaxconn': '1024' } } },
  ],
  [
    { ulimits: [{ name: 'nofile', soft: 10, hard: -1 }] },
    { HostConfig: { Ulimits: [{ Name: 'nofile', Soft: 10, Hard: -1 }] } },
  ],
  [{ oomScoreAdj: -500 }, { HostConfig: { OomScoreAdj: -500 } }],
  [{ pid: 'host' }, { HostConfig: { PidMode: 'host' } }],
  [{ ipc: 'shareable' }, { HostConfig: { IpcMode: 'shareable' } }],
  [{ uts: 'host' }, { HostConfig: { UTSMode: 'host' } }],
  [{ userns: 'host' }, { HostConfig: { UsernsMode: 'host' } }],
  [{ cgroupns: 'private' }, { HostConfig: { CgroupnsMode: 'private' } }],
  [{ runtime: 'runsc' }, { HostConfig: { Runtime: 'runsc' } }],
  [{ dns: ['1.1.1.1'] }, { HostConfig: { Dns: ['1.1.1.1'] } }],
  [{ dnsSearch: ['example.org'] }, { HostConfig: { DnsSearch: ['example.org'] } }],
  [{ dnsOptions: ['ndots:1'] }, { HostConfig: { DnsOptions: ['ndots:1'] } }],
  [{ extraHosts: ['db:10.0.0.1'] }, { HostConfig: { ExtraHosts: ['db:10.0.0.1'] } }],
];

it.each(TOLD)('says %j as %j, and nothing else', (settings, said) => {
  const body = { ...topSettings(settings), HostConfig: hostSettings(settings) };
  expect(body).toEqual({ HostConfig: {}, ...said });
});
