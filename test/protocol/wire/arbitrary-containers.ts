/** What only containers have, and what is mounted into them, for fast-check. */
import * as fc from 'fast-check';
import { compareText } from '../../../protocol/base/order.ts';
import type { ContainerSettings, Limits, Network } from '../../../protocol/component/container.ts';
import {
  PROPAGATIONS,
  type Volume,
  type VolumeMaking,
} from '../../../protocol/component/volume.ts';
import { maybe, object, type Of, specText, specTexts, word } from './arbitrary.ts';

const values = fc
  .dictionary(fc.stringMatching(/^[a-z][a-z0-9._]{0,10}$/), specText, { maxKeys: 3 })
  .map((made) => Object.fromEntries(Object.entries(made).sort(([a], [b]) => compareText(a, b))));
const limit = fc.integer({ min: -1, max: 1_000_000 });

const network: Of<Network> = object<Network>({
  name: specText,
  external: fc.boolean(),
  internal: fc.boolean(),
  ipv6: fc.boolean(),
  subnets: fc.array(
    object<Network['subnets'][number]>({
      subnet: specText,
      range: maybe(specText),
      gateway: maybe(specText),
    }),
    { maxLength: 2 },
  ),
  aliases: specTexts,
  address: maybe(specText),
  address6: maybe(specText),
});

export const containerSettings: Of<ContainerSettings> = object<ContainerSettings>({
  user: maybe(specText),
  groups: maybe(specTexts),
  workingDir: maybe(specText),
  hostname: maybe(specText),
  domainname: maybe(specText),
  init: maybe(fc.boolean()),
  stopSignal: maybe(specText),
  labels: maybe(values),
  readOnly: maybe(fc.boolean()),
  tmpfs: maybe(fc.array(fc.record({ target: specText, options: specText }), { maxLength: 2 })),
  shmBytes: maybe(fc.nat()),
  privileged: maybe(fc.boolean()),
  capAdd: maybe(specTexts),
  capDrop: maybe(specTexts),
  securityOpt: maybe(specTexts),
  devices: maybe(
    fc.array(
      fc.record({ source: specText, target: specText, permissions: word('r', 'rw', 'rwm') }),
      { maxLength: 2 },
    ),
  ),
  deviceRules: maybe(specTexts),
  sysctls: maybe(values),
  ulimits: maybe(
    fc.array(fc.record({ name: word('nofile', 'core'), soft: limit, hard: limit }), {
      maxLength: 2,
    }),
  ),
  oomScoreAdj: maybe(fc.integer({ min: -1000, max: 1000 })),
  pid: maybe(word('host')),
  ipc: maybe(word('host', 'private', 'shareable', 'none')),
  uts: maybe(word('host')),
  userns: maybe(word('host')),
  cgroupns: maybe(word('host', 'private')),
  runtime: maybe(specText),
  dns: maybe(specTexts),
  dnsSearch: maybe(specTexts),
  dnsOptions: maybe(specTexts),
  extraHosts: maybe(specTexts),
  networkMode: maybe(word('host', 'none', 'bridge')),
  networks: maybe(fc.array(network, { maxLength: 2 })),
  limits: maybe(
    object<Limits>({
      milliCpus: maybe(fc.nat()),
      cpuShares: maybe(fc.nat()),
      cpuset: maybe(specText),
      memoryBytes: maybe(fc.nat()),
      memoryReservationBytes: maybe(fc.nat()),
      memorySwapBytes: maybe(limit),
      swappiness: maybe(fc.nat(100)),
      pids: maybe(fc.nat()),
      oomKillDisable: maybe(fc.boolean()),
    }),
  ),
});

const mount = { source: specText, target: specText, readOnly: fc.boolean() };
type VolumeOf<Kind> = Extract<Volume, { kind: Kind }>;
const namedVolume: Of<VolumeOf<'named'>> = object<VolumeOf<'named'>>({
  kind: word('named'),
  ...mount,
  made: maybe(
    object<VolumeMaking>({
      name: maybe(specText),
      external: maybe(fc.boolean()),
      driver: maybe(specText),
      options: maybe(values),
    }),
  ),
  noCopy: maybe(fc.boolean()),
  subpath: maybe(specText),
});
const bindVolume: Of<VolumeOf<'bind'>> = object<VolumeOf<'bind'>>({
  kind: word('bind'),
  ...mount,
  propagation: maybe(word(...PROPAGATIONS)),
  createsPath: maybe(fc.boolean()),
});

export const volume: Of<Volume> = fc.oneof(namedVolume, bindVolume);
