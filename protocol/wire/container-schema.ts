/** Settings of containers, as part of the specs users deploy (`spec-schema.ts`). */
import { ITEMS_MAX, STACK_CHARS_MAX } from '../limits.ts';
import { boolean, list, literal, object, optional, record, text, whole } from './schema.ts';

/** Ends up in an engine, where a zero character would end it early. */
const line = text(STACK_CHARS_MAX, /^[^\0]*$/);
const lines = list(line, ITEMS_MAX);
const name = text(STACK_CHARS_MAX, /^[^=\0]+$/);
const values = record(name, line, ITEMS_MAX);
const limit = whole(-1, Number.MAX_SAFE_INTEGER);

const tmpfs = object({ target: line, options: line });
const device = object({ source: line, target: line, permissions: text(3, /^[rwm]{1,3}$/) });
const ulimit = object({ name, soft: limit, hard: limit });
const subnet = object({ subnet: line, range: optional(line), gateway: optional(line) });
const network = object({
  name: line,
  external: boolean,
  internal: boolean,
  ipv6: boolean,
  subnets: list(subnet, ITEMS_MAX),
  aliases: lines,
  address: optional(line),
  address6: optional(line),
});

const size = whole(0, Number.MAX_SAFE_INTEGER);
const limits = object({
  milliCpus: optional(size),
  cpuShares: optional(size),
  cpuset: optional(line),
  memoryBytes: optional(size),
  memoryReservationBytes: optional(size),
  memorySwapBytes: optional(limit),
  swappiness: optional(whole(0, 100)),
  pids: optional(size),
  oomKillDisable: optional(boolean),
});

export const containerSettings = object({
  user: optional(line),
  groups: optional(lines),
  workingDir: optional(line),
  hostname: optional(line),
  domainname: optional(line),
  init: optional(boolean),
  stopSignal: optional(line),
  labels: optional(values),
  readOnly: optional(boolean),
  tmpfs: optional(list(tmpfs, ITEMS_MAX)),
  shmBytes: optional(size),
  privileged: optional(boolean),
  capAdd: optional(lines),
  capDrop: optional(lines),
  securityOpt: optional(lines),
  devices: optional(list(device, ITEMS_MAX)),
  deviceRules: optional(lines),
  sysctls: optional(values),
  ulimits: optional(list(ulimit, ITEMS_MAX)),
  oomScoreAdj: optional(whole(-1000, 1000)),
  pid: optional(literal('host')),
  ipc: optional(literal('host', 'private', 'shareable', 'none')),
  uts: optional(literal('host')),
  userns: optional(literal('host')),
  cgroupns: optional(literal('host', 'private')),
  runtime: optional(line),
  dns: optional(lines),
  dnsSearch: optional(lines),
  dnsOptions: optional(lines),
  extraHosts: optional(lines),
  networkMode: optional(literal('host', 'none', 'bridge')),
  networks: optional(list(network, ITEMS_MAX)),
  limits: optional(limits),
});
