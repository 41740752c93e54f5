/**
 * Every key of the Compose format, place by place, and what becomes of it here.
 *
 * A key that would change what runs, or how, is refused until it is supported. One that only labels,
 * hints or decorates is ignored with a warning. docs/compose.md tells the same to users.
 */
import type { Complaint } from '../problems.ts';
import {
  ANYTHING_BUT_LIST,
  CONTAINER_NAME,
  DEVELOP,
  FLAG,
  LIST,
  LIST_OR_MAPPING,
  LOGGING,
  MAPPING,
  NAMES,
  NUMBER,
  PORTS,
  PROVIDER,
  PULL_POLICY,
  type Shape,
  TEXT,
  TEXT_OR_ANY_LIST,
  TEXT_OR_LIST,
  TEXT_OR_MAPPING,
  TEXT_OR_TEXTS,
  TEXTS,
} from './shapes.ts';

export type Support = 'honored' | Unread;
/** `shape`: what Compose takes; anything else is an error whatever the verdict. */
export type Unread = Reason & {
  readonly verdict: 'refused' | 'ignored';
  readonly shape: Shape;
};
export type Place = {
  /** `*` stands for any key, `#` for any position in a list. */
  readonly at: readonly string[];
  readonly keys: Readonly<Record<string, Support>>;
};
type Reason = Pick<Complaint, 'why' | 'next'>;
type Why = string | Reason;

const honored = (...keys: readonly string[]) => all(keys, 'honored');
const refused = (why: Why, shape: Shape, ...keys: readonly string[]) =>
  all(keys, { verdict: 'refused', shape, ...explained(why) });
const ignored = (why: Why, shape: Shape, ...keys: readonly string[]) =>
  all(keys, { verdict: 'ignored', shape, ...explained(why) });

function all(keys: readonly string[], support: Support): Record<string, Support> {
  return Object.fromEntries(keys.map((key) => [key, support]));
}

function explained(why: Why): Reason {
  return typeof why === 'string' ? { why } : why;
}

const BUILD = {
  why: 'images are not built here',
  next: 'build it elsewhere and name it under image',
};
const NETWORK = {
  why: 'components reach each other through published ports',
  next: 'remove it',
};
const LIMITS = 'limits on memory, CPU and the like are not set yet';
const SECURITY = 'what a container may do cannot be changed yet';
const FILES = {
  why: 'files are not handed to hosts yet',
  next: 'use environment or a bind of an absolute path',
};
const HOOKS = { why: 'hooks are not run yet', next: 'do it in command' };
const WORKING_DIR = {
  why: 'a command starts where its image says',
  next: 'for a process there is x-millrace.process.working_dir',
};
const ROLLOUT = 'the way of an update cannot be chosen yet';
const STORAGE = 'volumes have no driver and no options yet';
const TELLS_ONLY = 'nothing here reads it';

const SERVICE = {
  ...honored('image', 'command', 'entrypoint', 'environment', 'ports', 'volumes', 'healthcheck'),
  ...honored('restart', 'depends_on', 'deploy', 'scale', 'stop_grace_period', 'x-millrace'),
  ...honored('env_file', 'profiles'),
  ...refused(BUILD, TEXT_OR_MAPPING, 'build'),
  ...refused(NETWORK, LIST_OR_MAPPING, 'networks', 'extra_hosts'),
  ...refused(NETWORK, TEXT, 'network_mode', 'mac_address'),
  ...refused(NETWORK, TEXT_OR_TEXTS, 'dns', 'dns_search'),
  ...refused(NETWORK, TEXTS, 'dns_opt'),
  ...refused(FILES, LIST, 'configs', 'secrets'),
  ...refused(FILES, MAPPING, 'credential_spec'),
  ...refused(LIMITS, MAPPING, 'blkio_config', 'ulimits'),
  ...refused(LIMITS, NUMBER, 'cpu_count', 'cpu_percent', 'cpu_period', 'cpu_quota', 'cpus'),
  ...refused(LIMITS, NUMBER, 'cpu_rt_period', 'cpu_rt_runtime', 'cpu_shares', 'mem_limit'),
  ...refused(LIMITS, NUMBER, 'mem_reservation', 'mem_swappiness', 'memswap_limit', 'pids_limit'),
  ...refused(LIMITS, NUMBER, 'oom_score_adj', 'shm_size'),
  ...refused(LIMITS, TEXT, 'cpuset'),
  ...refused(LIMITS, FLAG, 'oom_kill_disable'),
  ...refused(SECURITY, TEXTS, 'cap_add', 'cap_drop', 'device_cgroup_rules', 'security_opt'),
  ...refused(SECURITY, LIST, 'devices', 'group_add'),
  ...refused(SECURITY, TEXT_OR_ANY_LIST, 'gpus'),
  ...refused(SECURITY, TEXT, 'cgroup', 'cgroup_parent', 'ipc', 'isolation', 'pid', 'runtime'),
  ...refused(SECURITY, TEXT, 'user', 'userns_mode', 'uts'),
  ...refused(SECURITY, FLAG, 'privileged', 'read_only', 'use_api_socket'),
  ...refused(SECURITY, NAMES, 'sysctls'),
  ...refused(WORKING_DIR, TEXT, 'working_dir'),
  ...refused('there is no init process to add yet', FLAG, 'init'),
  ...refused('a stop sends SIGTERM', TEXT, 'stop_signal'),
  ...refused('there are no mounts in memory yet', TEXT_OR_TEXTS, 'tmpfs'),
  ...refused(STORAGE, MAPPING, 'storage_opt'),
  ...refused(STORAGE, TEXTS, 'volumes_from'),
  ...refused('hosts of several kinds are not told apart yet', TEXT, 'platform'),
  ...refused('only containers and processes run here', PROVIDER, 'provider'),
  ...refused('only containers and processes run here', LIST_OR_MAPPING, 'models'),
  ...refused(HOOKS, LIST, 'post_start', 'pre_start', 'pre_stop'),
  ...ignored(
    'an instance is named after its stack, component and slot',
    CONTAINER_NAME,
    'container_name',
  ),
  ...ignored(TELLS_ONLY, NAMES, 'annotations', 'labels'),
  ...ignored(TELLS_ONLY, TEXT_OR_LIST, 'label_file'),
  ...ignored('logs are kept by the engine of each host', FLAG, 'attach'),
  ...ignored('logs are kept by the engine of each host', LOGGING, 'logging'),
  ...ignored('components are found by address and port', TEXT, 'domainname', 'hostname'),
  ...ignored('components are found by address and port', TEXTS, 'external_links', 'links'),
  ...ignored('only ports opens a port', PORTS, 'expose'),
  ...ignored('there is no terminal', FLAG, 'stdin_open', 'tty'),
  ...ignored('an image is pulled where it is missing', PULL_POLICY, 'pull_policy'),
  ...ignored('an image is pulled where it is missing', TEXT, 'pull_refresh_after'),
  ...ignored('it is for development only', DEVELOP, 'develop'),
};

const DEPLOY = {
  ...honored('mode', 'replicas', 'restart_policy'),
  ...refused(ROLLOUT, MAPPING, 'rollback_config', 'update_config'),
  ...refused('any host may run it', MAPPING, 'placement'),
  ...refused(LIMITS, MAPPING, 'resources'),
  ...ignored('there are no virtual addresses', TEXT, 'endpoint_mode'),
  ...ignored(TELLS_ONLY, NAMES, 'labels'),
};

const MILLRACE_LATER = 'it comes with a later version';

export const PLACES: readonly Place[] = [
  {
    at: [],
    keys: {
      ...honored('name', 'services', 'volumes', 'x-millrace'),
      ...refused(NETWORK, MAPPING, 'networks'),
      ...refused(FILES, MAPPING, 'configs', 'secrets'),
      ...refused('only containers and processes run here', MAPPING, 'models'),
      ...ignored('the format has no versions any more', TEXT, 'version'),
    },
  },
  { at: ['services', '*'], keys: SERVICE },
  { at: ['services', '*', 'deploy'], keys: DEPLOY },
  {
    at: ['services', '*', 'deploy', 'restart_policy'],
    keys: {
      ...honored('condition', 'max_attempts'),
      ...ignored('attempts are spaced by the agent', TEXT, 'delay', 'window'),
    },
  },
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
      ...honored('type', 'source', 'target', 'read_only'),
      ...refused(STORAGE, MAPPING, 'bind', 'image', 'tmpfs', 'volume'),
      ...ignored(TELLS_ONLY, TEXT, 'consistency'),
    },
  },
  { at: ['services', '*', 'depends_on', '*'], keys: honored('condition', 'required', 'restart') },
  {
    at: ['services', '*', 'x-millrace'],
    keys: {
      ...honored('process', 'singleton', 'on_isolation', 'on_heal'),
      ...refused(MILLRACE_LATER, LIST, 'affinity', 'anti_affinity'),
      ...refused(MILLRACE_LATER, MAPPING, 'autoscale', 'heartbeat', 'inspect'),
      ...refused(MILLRACE_LATER, TEXT, 'placement', 'replicas'),
    },
  },
  { at: ['services', '*', 'x-millrace', 'on_isolation'], keys: honored('action', 'after') },
  { at: ['services', '*', 'x-millrace', 'process'], keys: honored('command', 'working_dir') },
  {
    at: ['volumes', '*'],
    keys: {
      ...honored('driver'),
      ...refused(STORAGE, MAPPING, 'driver_opts'),
      ...refused(STORAGE, ANYTHING_BUT_LIST, 'external'),
      ...refused(STORAGE, TEXT, 'name'),
      ...ignored(TELLS_ONLY, NAMES, 'labels'),
    },
  },
  {
    at: ['x-millrace'],
    keys: { ...honored('on_isolation'), ...refused(MILLRACE_LATER, TEXT, 'cluster') },
  },
  { at: ['x-millrace', 'on_isolation'], keys: honored('action', 'after') },
];
