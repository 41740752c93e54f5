/** How a container is to be made: keys of a service that its engine alone reads. */
import { posix } from 'node:path';
import * as z from 'zod';
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import type {
  ContainerSettings,
  Device,
  Tmpfs,
  Ulimit,
} from '../../../protocol/component/container.ts';
import {
  array,
  bytes,
  complain,
  expected,
  findingsOf,
  flag,
  integer,
  kindOf,
  line,
  mapping,
  namedTexts,
  pairs,
  text,
  texts,
  ways,
} from '../fields.ts';
import type { Complaint } from '../problems.ts';

/** What a list says twice is said once. */
const once = texts.transform((all): readonly string[] => [...new Set(all)]);
const oneOrMore = ways<readonly string[]>('text or a list of texts', {
  text: text.transform((only) => [only]),
  list: once,
});
const groups = array(z.union([text, z.number()])).transform((all) => [...new Set(all.map(String))]);

/** Namespaces: `theirs` are right in Compose and not done here. */
function oneOf<const Word extends string>(words: readonly Word[], theirs: RegExp) {
  const what = words.join(' or ');
  return line(what, (written): Result<Word, Complaint> => {
    const found = words.find((word) => word === written);
    if (found !== undefined) return ok(found);
    if (!theirs.test(written)) return fail({ message: expected(what, written) });
    const why = 'no two instances share one';
    return fail({ message: `"${written}" is not supported`, why, unsupported: true });
  });
}
const SHARED = /^(service|container):/;

const CAPABILITY = /^(ALL|(CAP_)?[A-Z_]+)$/i;
const capabilities = once.refine((all) => all.every((name) => CAPABILITY.test(name)), {
  error: 'expected names of capabilities such as NET_ADMIN',
});

const SIGNAL = /^(SIG)?[A-Z0-9+-]{1,12}$/i;
const signal = text.refine((written) => SIGNAL.test(written), {
  error: 'expected the name or the number of a signal, such as SIGINT',
});

function tmpfsOf(written: string): Result<Tmpfs, Complaint> {
  const [target = '', ...options] = written.split(':');
  if (posix.isAbsolute(target)) return ok({ target, options: options.join(':') });
  const next = 'write /path/inside[:size=64m,mode=1777]';
  return fail({ message: `the path inside must begin with /, got "${written}"`, next });
}
const tmpfs = ways<readonly Tmpfs[]>('text or a list of texts', {
  text: line('text', tmpfsOf).transform((only) => [only]),
  list: array(line('text', tmpfsOf)),
});

const PERMISSIONS = /^[rwm]{1,3}$/;
const deviceNext = 'write /dev/NAME[:/dev/INSIDE[:rwm]]';

function deviceOf(written: string): Result<Device, Complaint> {
  const [source = '', target = source, permissions = 'rwm', ...more] = written.split(':');
  const fits = more.length === 0 && PERMISSIONS.test(permissions);
  if (!fits) return fail({ message: `expected a device, got "${written}"`, next: deviceNext });
  return checkDevice({ source, target, permissions });
}
function checkDevice(device: Device): Result<Device, Complaint> {
  const { source, target } = device;
  if (posix.isAbsolute(source) && posix.isAbsolute(target)) return ok(device);
  const message = `"${source}" is no path of a device`;
  return fail({ message, next: deviceNext, unsupported: true });
}
const device: z.ZodType<Device> = ways('a device such as /dev/ttyUSB0', {
  text: line('text', deviceOf),
  mapping: mapping({
    source: text,
    target: text.optional(),
    permissions: text
      .refine((written) => PERMISSIONS.test(written), { error: 'expected some of rwm' })
      .optional(),
  }).transform(({ source, target = source, permissions = 'rwm' }, context): Device => {
    const checked = checkDevice({ source, target, permissions });
    return checked.ok ? checked.value : complain(context, checked.error);
  }),
});

const LIMIT_MAX = 2 ** 53 - 1;
const limit = integer(-1, LIMIT_MAX);
const both = mapping({ soft: limit, hard: limit });
const ulimits = pairs.transform((entries, context): readonly Ulimit[] =>
  entries.map(([name, value]) => {
    const read =
      kindOf(value) === 'mapping'
        ? both.safeParse(value)
        : limit.transform((only) => ({ soft: only, hard: only })).safeParse(value);
    if (read.success) return { name, ...read.data };
    for (const { path, on: _, ...complaint } of findingsOf(read.error, [name]))
      complain(context, complaint, path);
    return { name, soft: 0, hard: 0 };
  }),
);

/** `NAME:ADDRESS`, as the engine takes it; Compose takes `NAME=ADDRESS` too, and one name for many. */
const EXTRA = /^([^:=\s]+)[:=](\S+)$/;
const extraHosts = ways<readonly string[]>('a mapping or a list of NAME=ADDRESS', {
  list: array(
    line('NAME=ADDRESS', (written): Result<string, Complaint> => {
      const [, name, address] = EXTRA.exec(written) ?? [];
      if (name === undefined) return fail({ message: expected('NAME=ADDRESS', written) });
      return ok(`${name}:${address?.replace(/^\[(.*)\]$/, '$1')}`);
    }),
  ).transform((all) => [...new Set(all)]),
  mapping: pairs.transform((entries, context) =>
    entries.flatMap(([name, value]) => {
      const read = oneOrMore.safeParse(value);
      if (read.success) return read.data.map((address) => `${name}:${address}`);
      return complain(context, { message: expected('an address', value) }, [name]);
    }),
  ),
});

const hostname = text.transform((written, context) => {
  if (!written.includes('{{')) return written;
  const message = 'expected the name of a host; templates are not filled in';
  return complain(context, { message, unsupported: true });
});

/** Docker's own command reads these, and gives the engine something else. */
const securityOptions = texts.transform((all, context): readonly string[] => {
  for (const [index, option] of all.entries()) {
    const complaint = securityComplaint(option);
    if (complaint !== undefined) complain(context, complaint, [index]);
  }
  return [...new Set(all)];
});

function securityComplaint(option: string): Complaint | undefined {
  const message = `"${option}" is not supported`;
  if (/^systempaths[:=]/.test(option)) {
    const why = 'which paths of the kernel are hidden cannot be chosen';
    return { message, why, next: 'leave it out', unsupported: true };
  }
  if (!/^seccomp[:=](?!(?:unconfined|builtin)$|\s*\{)/.test(option)) return undefined;
  const next = 'write what is in it behind seccomp=, or use builtin or unconfined';
  return { message, why: 'the file of a profile is not read', next, unsupported: true };
}

/** Those by which we know our containers. */
const OURS = 'io.millrace.';
const labels = namedTexts.transform((all, context) => {
  for (const name of Object.keys(all)) {
    if (!name.startsWith(OURS)) continue;
    const message = `labels that begin with ${OURS} are ours`;
    complain(context, { message, next: 'choose another name' }, [name]);
  }
  return all;
});

/** Of `serviceField`. */
export const containerFields = {
  user: text.optional(),
  group_add: groups.optional(),
  working_dir: text.optional(),
  hostname: hostname.optional(),
  domainname: hostname.optional(),
  init: flag.optional(),
  stop_signal: signal.optional(),
  labels: labels.optional(),
  read_only: flag.optional(),
  tmpfs: tmpfs.optional(),
  shm_size: bytes.optional(),
  privileged: flag.optional(),
  cap_add: capabilities.optional(),
  cap_drop: capabilities.optional(),
  security_opt: securityOptions.optional(),
  devices: array(device).optional(),
  device_cgroup_rules: once.optional(),
  sysctls: namedTexts.optional(),
  ulimits: ulimits.optional(),
  oom_score_adj: integer(-1000, 1000).optional(),
  pid: oneOf(['host'], SHARED).optional(),
  ipc: oneOf(['host', 'private', 'shareable', 'none'], SHARED).optional(),
  uts: oneOf(['host'], SHARED).optional(),
  userns_mode: oneOf(['host'], SHARED).optional(),
  cgroup: oneOf(['host', 'private'], SHARED).optional(),
  runtime: text.optional(),
  dns: oneOrMore.optional(),
  dns_search: oneOrMore.optional(),
  dns_opt: once.optional(),
  extra_hosts: extraHosts.optional(),
};

type Fields = {
  readonly [Key in keyof typeof containerFields]?: z.output<(typeof containerFields)[Key]>;
};

const NAMES = {
  user: 'user',
  group_add: 'groups',
  working_dir: 'workingDir',
  hostname: 'hostname',
  domainname: 'domainname',
  init: 'init',
  stop_signal: 'stopSignal',
  labels: 'labels',
  read_only: 'readOnly',
  tmpfs: 'tmpfs',
  shm_size: 'shmBytes',
  privileged: 'privileged',
  cap_add: 'capAdd',
  cap_drop: 'capDrop',
  security_opt: 'securityOpt',
  devices: 'devices',
  device_cgroup_rules: 'deviceRules',
  sysctls: 'sysctls',
  ulimits: 'ulimits',
  oom_score_adj: 'oomScoreAdj',
  pid: 'pid',
  ipc: 'ipc',
  uts: 'uts',
  userns_mode: 'userns',
  cgroup: 'cgroupns',
  runtime: 'runtime',
  dns: 'dns',
  dns_search: 'dnsSearch',
  dns_opt: 'dnsOptions',
  extra_hosts: 'extraHosts',
} as const satisfies Record<keyof Fields, keyof ContainerSettings>;

/** Undefined: nothing is asked for. */
export function readContainer(
  fields: Fields,
  more: Pick<ContainerSettings, 'networks' | 'networkMode' | 'limits'>,
): ContainerSettings | undefined {
  const settings: Record<string, unknown> = { ...more };
  for (const [key, name] of Object.entries(NAMES)) {
    const value = fields[key as keyof Fields];
    if (!asksNothing(value)) settings[name] = value;
  }
  return Object.keys(settings).length === 0 ? undefined : settings;
}

/** `privileged: false` and an empty list are what is so anyway. */
const asksNothing = (value: unknown): boolean =>
  value === undefined ||
  value === false ||
  (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
