/**
 * Every key of the Compose format, place by place, and what becomes of it here.
 *
 * A key that would change what runs, or how, is refused until it is supported. One that only labels,
 * hints or decorates is ignored with a warning. docs/compose.md tells the same to users.
 */
import type { Complaint } from '../problems.ts';

export type Support = 'honored' | ({ readonly verdict: 'refused' | 'ignored' } & Reason);
export type Place = {
  /** `*` stands for any key and any position. */
  readonly at: readonly string[];
  readonly keys: Readonly<Record<string, Support>>;
};
type Reason = Pick<Complaint, 'why' | 'next'>;

const honored = (...keys: readonly string[]) => all(keys, 'honored');
const refused = (reason: string | Reason, ...keys: readonly string[]) =>
  all(keys, { verdict: 'refused', ...explained(reason) });
const ignored = (reason: string | Reason, ...keys: readonly string[]) =>
  all(keys, { verdict: 'ignored', ...explained(reason) });

function all(keys: readonly string[], support: Support): Record<string, Support> {
  return Object.fromEntries(keys.map((key) => [key, support]));
}

function explained(reason: string | Reason): Reason {
  return typeof reason === 'string' ? { why: reason } : reason;
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
  ...refused(BUILD, 'build'),
  ...refused(NETWORK, 'networks', 'network_mode', 'extra_hosts', 'dns', 'dns_opt', 'dns_search'),
  ...refused(NETWORK, 'mac_address'),
  ...refused(FILES, 'configs', 'secrets', 'credential_spec'),
  ...refused(LIMITS, 'blkio_config', 'cpu_count', 'cpu_percent', 'cpu_period', 'cpu_quota'),
  ...refused(LIMITS, 'cpu_rt_period', 'cpu_rt_runtime', 'cpu_shares', 'cpus', 'cpuset'),
  ...refused(LIMITS, 'mem_limit', 'mem_reservation', 'mem_swappiness', 'memswap_limit'),
  ...refused(LIMITS, 'oom_kill_disable', 'oom_score_adj', 'pids_limit', 'shm_size', 'ulimits'),
  ...refused(SECURITY, 'cap_add', 'cap_drop', 'cgroup', 'cgroup_parent', 'device_cgroup_rules'),
  ...refused(SECURITY, 'devices', 'gpus', 'group_add', 'ipc', 'isolation', 'pid', 'privileged'),
  ...refused(SECURITY, 'read_only', 'runtime', 'security_opt', 'sysctls', 'use_api_socket'),
  ...refused(SECURITY, 'user', 'userns_mode', 'uts'),
  ...refused(WORKING_DIR, 'working_dir'),
  ...refused('there is no init process to add yet', 'init'),
  ...refused('a stop sends SIGTERM', 'stop_signal'),
  ...refused('there are no mounts in memory yet', 'tmpfs'),
  ...refused(STORAGE, 'storage_opt', 'volumes_from'),
  ...refused('hosts of several kinds are not told apart yet', 'platform'),
  ...refused('only containers and processes run here', 'provider', 'models'),
  ...refused(HOOKS, 'post_start', 'pre_start', 'pre_stop'),
  ...ignored('an instance is named after its stack, component and slot', 'container_name'),
  ...ignored(TELLS_ONLY, 'annotations', 'label_file', 'labels'),
  ...ignored('logs are kept by the engine of each host', 'attach', 'logging'),
  ...ignored('components are found by address and port', 'domainname', 'hostname', 'links'),
  ...ignored('components are found by address and port', 'external_links'),
  ...ignored('only ports opens a port', 'expose'),
  ...ignored('there is no terminal', 'stdin_open', 'tty'),
  ...ignored('an image is pulled where it is missing', 'pull_policy', 'pull_refresh_after'),
  ...ignored('it is for development only', 'develop'),
};

const DEPLOY = {
  ...honored('mode', 'replicas'),
  ...refused(ROLLOUT, 'rollback_config', 'update_config'),
  ...refused('any host may run it', 'placement'),
  ...refused(LIMITS, 'resources'),
  ...refused({ why: 'attempts are spaced by the agent', next: 'use restart' }, 'restart_policy'),
  ...ignored('there are no virtual addresses', 'endpoint_mode'),
  ...ignored(TELLS_ONLY, 'labels'),
};

const MILLRACE_LATER = 'it comes with a later version';

export const PLACES: readonly Place[] = [
  {
    at: [],
    keys: {
      ...honored('name', 'services', 'volumes', 'x-millrace'),
      ...refused(NETWORK, 'networks'),
      ...refused(FILES, 'configs', 'secrets'),
      ...refused('only containers and processes run here', 'models'),
      ...ignored('the format has no versions any more', 'version'),
    },
  },
  { at: ['services', '*'], keys: SERVICE },
  { at: ['services', '*', 'deploy'], keys: DEPLOY },
  { at: ['services', '*', 'env_file', '*'], keys: honored('path', 'required', 'format') },
  {
    at: ['services', '*', 'healthcheck'],
    keys: {
      ...honored('test', 'interval', 'timeout', 'retries', 'start_period', 'disable'),
      ...ignored('checks come every interval', 'start_interval'),
    },
  },
  {
    at: ['services', '*', 'ports', '*'],
    keys: {
      ...honored('target', 'published', 'host_ip', 'protocol', 'mode'),
      ...ignored(TELLS_ONLY, 'app_protocol', 'name'),
    },
  },
  {
    at: ['services', '*', 'volumes', '*'],
    keys: {
      ...honored('type', 'source', 'target', 'read_only'),
      ...refused(STORAGE, 'bind', 'image', 'tmpfs', 'volume'),
      ...ignored(TELLS_ONLY, 'consistency'),
    },
  },
  { at: ['services', '*', 'depends_on', '*'], keys: honored('condition', 'required', 'restart') },
  {
    at: ['services', '*', 'x-millrace'],
    keys: {
      ...honored('process', 'singleton', 'on_isolation', 'on_heal'),
      ...refused(MILLRACE_LATER, 'affinity', 'anti_affinity', 'autoscale', 'heartbeat', 'inspect'),
      ...refused(MILLRACE_LATER, 'placement', 'replicas'),
    },
  },
  { at: ['services', '*', 'x-millrace', 'on_isolation'], keys: honored('action', 'after') },
  { at: ['services', '*', 'x-millrace', 'process'], keys: honored('command', 'working_dir') },
  {
    at: ['volumes', '*'],
    keys: {
      ...honored('driver'),
      ...refused(STORAGE, 'driver_opts', 'external', 'name'),
      ...ignored(TELLS_ONLY, 'labels'),
    },
  },
  {
    at: ['x-millrace'],
    keys: { ...honored('on_isolation'), ...refused(MILLRACE_LATER, 'cluster') },
  },
  { at: ['x-millrace', 'on_isolation'], keys: honored('action', 'after') },
];
