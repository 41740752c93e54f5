/**
 * Every key of the Compose format, place by place, and what becomes of it here.
 *
 * A key that would change what runs, or how, is refused until it is supported. One that only labels,
 * hints or decorates is ignored with a warning. docs/compose.md tells the same to users.
 */
import type { Complaint } from '../problems.ts';
import {
  CONTAINER_NAME,
  DEVELOP,
  FLAG,
  LIST,
  LIST_OR_MAPPING,
  LOGGING,
  MAPPING,
  NAMES,
  NUMBER,
  PLAIN_NUMBER,
  PORTS,
  PROVIDER,
  PULL_POLICY,
  type Shape,
  TEXT,
  TEXT_LIST,
  TEXT_OR_ANY_LIST,
  TEXT_OR_LIST,
  TEXTS,
} from './shapes.ts';

export type Support = 'honored' | Unread;
/** `shape`: what Compose takes; anything else is an error whatever the verdict. */
export type Unread = Reason & {
  readonly verdict: 'refused' | 'ignored';
  readonly shape: Shape;
  /** The reason, where it is another one by the value and what stands beside it; undefined: it is done. */
  readonly reasonIn?: ReasonIn;
};
export type Place = {
  /** `*` stands for any key, `#` for any position in a list. */
  readonly at: readonly string[];
  readonly keys: Readonly<Record<string, Support>>;
};
type Reason = Pick<Complaint, 'why' | 'next'>;
type ReasonIn = (value: unknown, beside: object) => Reason | undefined;
type Why = string | Reason;

const honored = (...keys: readonly string[]) => all(keys, 'honored');
const refused = (why: Why, shape: Shape, ...keys: readonly string[]) =>
  all(keys, { verdict: 'refused', shape, ...explained(why) });
const ignored = (why: Why, shape: Shape, ...keys: readonly string[]) =>
  all(keys, { verdict: 'ignored', shape, ...explained(why) });
const ignoredIn = (reasonIn: ReasonIn, shape: Shape, ...keys: readonly string[]) =>
  all(keys, { verdict: 'ignored', shape, reasonIn });

function all(keys: readonly string[], support: Support): Record<string, Support> {
  return Object.fromEntries(keys.map((key) => [key, support]));
}

function explained(why: Why): Reason {
  return typeof why === 'string' ? { why } : why;
}

/** What is done anyway is worth no word; what is built is never pulled. */
function pullReason(value: unknown, beside: object): Reason | undefined {
  if (value === 'missing' || value === 'if_not_present') return undefined;
  const isBuilt = 'build' in beside && beside.build !== null;
  return { why: isBuilt ? BUILT : PULLED };
}

const PULLED = 'an image is pulled where it is missing';
const BUILT = 'its image is built where its files have changed, and never pulled';
const BUILDER = "the builder of each host's engine does not do it";
const CACHE = 'each host has a cache of its own';
const ADDRESS = 'the engine of each host chooses it';
const LIMITS = {
  why: 'only some limits can be set',
  next: 'use cpus, cpu_shares, mem_limit or pids_limit',
};
const DEVICES = 'devices and kinds of resources are not counted';
const SECURITY = 'it cannot be chosen yet';
const HOOKS = { why: 'hooks are not run yet', next: 'do it in command' };
const DRIVER_OPTIONS = 'a network is a plain bridge';
const IMAGES = 'images are not mounted';
const MOUNT = 'it cannot be chosen yet';
const STORAGE = "a container has its engine's storage and its own volumes";
const TELLS_ONLY = 'nothing here reads it';

const SERVICE = {
  ...honored('image', 'command', 'entrypoint', 'environment', 'ports', 'volumes', 'healthcheck'),
  ...honored('restart', 'depends_on', 'deploy', 'scale', 'stop_grace_period', 'x-millrace'),
  ...honored('env_file', 'profiles', 'platform'),
  ...honored('build'),
  ...honored('user', 'group_add', 'working_dir', 'hostname', 'domainname', 'init', 'stop_signal'),
  ...honored('labels', 'read_only', 'tmpfs', 'shm_size', 'privileged', 'cap_add', 'cap_drop'),
  ...honored('security_opt', 'devices', 'device_cgroup_rules', 'sysctls', 'ulimits'),
  ...honored('oom_score_adj', 'pid', 'ipc', 'uts', 'userns_mode', 'cgroup', 'runtime'),
  ...honored('dns', 'dns_search', 'dns_opt', 'extra_hosts'),
  ...honored('networks', 'network_mode'),
  ...refused(ADDRESS, TEXT, 'mac_address'),
  ...honored('configs', 'secrets'),
  ...refused('only Windows knows them', MAPPING, 'credential_spec'),
  ...refused(LIMITS, MAPPING, 'blkio_config'),
  ...honored('cpus', 'cpu_shares', 'cpuset', 'mem_limit', 'mem_reservation', 'memswap_limit'),
  ...honored('mem_swappiness', 'pids_limit', 'oom_kill_disable'),
  ...refused(LIMITS, NUMBER, 'cpu_count', 'cpu_percent', 'cpu_period', 'cpu_quota'),
  ...refused(LIMITS, NUMBER, 'cpu_rt_period', 'cpu_rt_runtime'),
  ...refused(SECURITY, TEXT_OR_ANY_LIST, 'gpus'),
  ...refused(SECURITY, TEXT, 'cgroup_parent', 'isolation'),
  ...refused(SECURITY, FLAG, 'use_api_socket'),
  ...refused(STORAGE, MAPPING, 'storage_opt'),
  ...refused(STORAGE, TEXTS, 'volumes_from'),
  ...refused('only containers and processes run here', PROVIDER, 'provider'),
  ...refused('only containers and processes run here', LIST_OR_MAPPING, 'models'),
  ...refused(HOOKS, LIST, 'post_start', 'pre_start', 'pre_stop'),
  ...ignored(
    'an instance is named after its stack, component and slot',
    CONTAINER_NAME,
    'container_name',
  ),
  ...ignored(TELLS_ONLY, NAMES, 'annotations'),
  ...ignored(TELLS_ONLY, TEXT_OR_LIST, 'label_file'),
  ...ignored('logs are kept by the engine of each host', FLAG, 'attach'),
  ...ignored('logs are kept by the engine of each host', LOGGING, 'logging'),
  ...ignored(
    'its networks say by which names a service is found',
    TEXTS,
    'external_links',
    'links',
  ),
  ...ignored('only ports opens a port', PORTS, 'expose'),
  ...ignored('there is no terminal', FLAG, 'stdin_open', 'tty'),
  ...ignoredIn(pullReason, PULL_POLICY, 'pull_policy'),
  ...ignored(PULLED, TEXT, 'pull_refresh_after'),
  ...ignored('it is for development only', DEVELOP, 'develop'),
};

const DEPLOY = {
  ...honored('mode', 'replicas', 'restart_policy', 'placement', 'resources'),
  ...honored('update_config', 'rollback_config'),
  ...ignored('there are no virtual addresses', TEXT, 'endpoint_mode'),
  ...ignored(TELLS_ONLY, NAMES, 'labels'),
};

const STORES = 'secrets come with their stack, from no store of others';
const FILE_PLACE = honored('source', 'target', 'uid', 'gid', 'mode');
const FILE = {
  ...honored('name', 'file', 'environment', 'external'),
  ...refused('what is in it is taken as it is', TEXT, 'template_driver'),
  ...ignored(TELLS_ONLY, NAMES, 'labels'),
};

const MILLRACE_LATER = 'it comes with a later version';

export const PLACES: readonly Place[] = [
  {
    at: [],
    keys: {
      ...honored('name', 'services', 'networks', 'volumes', 'configs', 'secrets'),
      ...honored('x-millrace'),
      ...refused('only containers and processes run here', MAPPING, 'models'),
      ...ignored('the format has no versions any more', TEXT, 'version'),
    },
  },
  { at: ['services', '*'], keys: SERVICE },
  {
    at: ['services', '*', 'build'],
    keys: {
      ...honored('context', 'dockerfile', 'dockerfile_inline', 'args', 'labels', 'target'),
      ...honored('network', 'tags', 'no_cache', 'pull'),
      ...refused('what is built from comes from one folder', NAMES, 'additional_contexts'),
      ...refused(BUILDER, NAMES, 'ssh'),
      ...refused(BUILDER, LIST, 'entitlements', 'secrets'),
      ...refused(BUILDER, FLAG, 'privileged'),
      ...refused(BUILDER, TEXT, 'isolation'),
      ...refused(BUILDER, MAPPING, 'ulimits'),
      ...refused(BUILDER, NUMBER, 'shm_size'),
      ...refused(BUILDER, LIST_OR_MAPPING, 'extra_hosts'),
      ...ignored(CACHE, TEXT_LIST, 'cache_from', 'cache_to'),
      ...ignored(CACHE, TEXT_OR_LIST, 'no_cache_filter'),
      ...ignored('each host builds for its own platform', TEXT_LIST, 'platforms'),
      ...ignored(TELLS_ONLY, FLAG, 'provenance', 'sbom'),
    },
  },
  { at: ['services', '*', 'deploy'], keys: DEPLOY },
  {
    at: ['services', '*', 'deploy', 'restart_policy'],
    keys: {
      ...honored('condition', 'max_attempts', 'delay', 'window'),
    },
  },
  {
    at: ['services', '*', 'deploy', 'placement'],
    keys: {
      ...honored('constraints', 'max_replicas_per_node', 'preferences'),
    },
  },
  { at: ['services', '*', 'deploy', 'placement', 'preferences', '#'], keys: honored('spread') },
  { at: ['services', '*', 'deploy', 'resources'], keys: honored('limits', 'reservations') },
  {
    at: ['services', '*', 'deploy', 'resources', 'limits'],
    keys: honored('cpus', 'memory', 'pids'),
  },
  {
    at: ['services', '*', 'deploy', 'resources', 'reservations'],
    keys: {
      ...honored('cpus', 'memory'),
      ...refused(DEVICES, LIST, 'devices', 'generic_resources'),
    },
  },
  ...['update_config', 'rollback_config'].map((way) => ({
    at: ['services', '*', 'deploy', way],
    keys: {
      ...honored('parallelism', 'delay', 'order'),
      ...honored('monitor', 'failure_action', 'max_failure_ratio'),
    },
  })),
  { at: ['services', '*', 'env_file', '#'], keys: honored('path', 'required', 'format') },
  {
    at: ['services', '*', 'healthcheck'],
    keys: {
      ...honored('test', 'interval', 'timeout', 'retries', 'start_period', 'disable'),
      ...ignored('checks come every interval', TEXT, 'start_interval'),
    },
  },
  {
    at: ['services', '*', 'ports', '#'],
    keys: {
      ...honored('target', 'published', 'host_ip', 'protocol', 'mode'),
      ...ignored(TELLS_ONLY, TEXT, 'app_protocol', 'name'),
    },
  },
  {
    at: ['services', '*', 'volumes', '#'],
    keys: {
      ...honored('type', 'source', 'target', 'read_only', 'bind', 'volume', 'tmpfs'),
      ...refused(IMAGES, MAPPING, 'image'),
      ...ignored(TELLS_ONLY, TEXT, 'consistency'),
    },
  },
  {
    at: ['services', '*', 'devices', '#'],
    keys: honored('source', 'target', 'permissions'),
  },
  {
    at: ['services', '*', 'networks', '*'],
    keys: {
      ...honored('aliases', 'ipv4_address', 'ipv6_address'),
      ...refused(ADDRESS, TEXTS, 'link_local_ips'),
      ...refused(ADDRESS, TEXT, 'mac_address', 'interface_name'),
      ...refused(DRIVER_OPTIONS, MAPPING, 'driver_opts'),
      ...ignored('the first network named is the first one joined', PLAIN_NUMBER, 'priority'),
      ...ignored('the first network named is the first one joined', PLAIN_NUMBER, 'gw_priority'),
    },
  },
  { at: ['services', '*', 'ulimits', '*'], keys: honored('soft', 'hard') },
  {
    at: ['services', '*', 'volumes', '#', 'bind'],
    keys: {
      ...honored('propagation', 'create_host_path'),
      ...refused(MOUNT, TEXT, 'recursive', 'selinux'),
    },
  },
  {
    at: ['services', '*', 'volumes', '#', 'volume'],
    keys: { ...honored('nocopy', 'subpath'), ...ignored(TELLS_ONLY, NAMES, 'labels') },
  },
  { at: ['services', '*', 'volumes', '#', 'tmpfs'], keys: honored('size', 'mode') },
  { at: ['services', '*', 'depends_on', '*'], keys: honored('condition', 'required', 'restart') },
  {
    at: ['services', '*', 'x-millrace'],
    keys: {
      ...honored('process', 'singleton', 'on_isolation', 'on_heal', 'timeout', 'replicas'),
      ...honored('heartbeat', 'inspect', 'affinity', 'anti_affinity', 'rebalance'),
      ...refused(MILLRACE_LATER, MAPPING, 'autoscale'),
      ...refused(MILLRACE_LATER, TEXT, 'placement'),
    },
  },
  { at: ['services', '*', 'x-millrace', 'on_isolation'], keys: honored('action', 'after') },
  {
    at: ['services', '*', 'x-millrace', 'heartbeat'],
    keys: honored('path', 'port', 'tcp', 'every', 'timeout', 'miss', 'start_period'),
  },
  { at: ['services', '*', 'x-millrace', 'inspect'], keys: honored('port', 'path') },
  { at: ['services', '*', 'x-millrace', 'process'], keys: honored('command', 'working_dir') },
  {
    at: ['volumes', '*'],
    keys: {
      ...honored('name', 'driver', 'driver_opts', 'external'),
      ...ignored(TELLS_ONLY, NAMES, 'labels'),
    },
  },
  { at: ['services', '*', 'configs', '#'], keys: FILE_PLACE },
  { at: ['services', '*', 'secrets', '#'], keys: FILE_PLACE },
  { at: ['configs', '*'], keys: { ...FILE, ...honored('content') } },
  { at: ['configs', '*', 'external'], keys: honored('name') },
  {
    at: ['secrets', '*'],
    keys: {
      ...FILE,
      ...refused(STORES, TEXT, 'driver'),
      ...refused(STORES, MAPPING, 'driver_opts'),
    },
  },
  { at: ['secrets', '*', 'external'], keys: honored('name') },
  { at: ['volumes', '*', 'external'], keys: honored('name') },
  { at: ['networks', '*', 'external'], keys: honored('name') },
  {
    at: ['networks', '*'],
    keys: {
      ...honored('name', 'driver', 'external', 'internal', 'enable_ipv6', 'ipam'),
      ...refused(DRIVER_OPTIONS, MAPPING, 'driver_opts'),
      ...ignored('there is always IPv4', FLAG, 'enable_ipv4'),
      ...ignored(TELLS_ONLY, NAMES, 'labels'),
      ...ignored('nobody else joins it', FLAG, 'attachable'),
    },
  },
  {
    at: ['networks', '*', 'ipam'],
    keys: {
      ...honored('config'),
      ...refused(DRIVER_OPTIONS, TEXT, 'driver'),
      ...refused(DRIVER_OPTIONS, MAPPING, 'options'),
    },
  },
  {
    at: ['networks', '*', 'ipam', 'config', '#'],
    keys: {
      ...honored('subnet', 'ip_range', 'gateway'),
      ...refused(ADDRESS, MAPPING, 'aux_addresses'),
    },
  },
  {
    at: ['x-millrace'],
    keys: { ...honored('on_isolation'), ...refused(MILLRACE_LATER, TEXT, 'cluster') },
  },
  { at: ['x-millrace', 'on_isolation'], keys: honored('action', 'after') },
];
