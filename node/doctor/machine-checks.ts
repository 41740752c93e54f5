/** What an agent needs of its machine: an engine, a guard where it was told of one, a disk. */
import { type Check, not, ok } from './check.ts';
import type {
  DockerAnswer,
  EngineFacts,
  Examined,
  GuardFacts,
  HostFacts,
  StateFacts,
} from './facts.ts';

const MIB = 1_048_576;
const FREE_FAIL_BYTES = 64 * MIB;
const FREE_WARN_BYTES = 1024 * MIB;
/** A voter answers once its disk has; at a tenth of this a lease of 3 s is renewed late. */
const FSYNC_FAIL_MS = 2_000;
const FSYNC_WARN_MS = 100;
const SETTINGS = '/etc/millrace/agent.yaml';

export function checkMachine({ host }: Examined): readonly Check[] {
  const { machine } = host;
  if (machine === undefined) return [];
  const { engine, guard, state } = machine;
  return [checkEngine(engine, host), ...checkGuard(guard, engine), ...checkState(state, host)];
}

type Socket = EngineFacts['sockets'][number];

function checkEngine({ choice, used, sockets }: EngineFacts, host: HostFacts): Check {
  if (choice === 'process') return ok('engine', 'the embedded process engine, which needs nothing');
  const serving = sockets.find(({ answer }) => answer.kind === 'answers' && !answer.tooOld);
  if (serving !== undefined) return ok('engine', servingIn(serving, used));
  const telling = sockets.find(({ answer }) => answer.kind !== 'missing') ?? sockets[0];
  if (telling === undefined)
    return not(
      'fail',
      'engine',
      'no socket of a Docker Engine is known',
      `docker_socket: in ${SETTINGS}`,
    );
  if (choice === 'auto' && telling.answer.kind === 'missing')
    return ok('engine', `no Docker Engine at ${telling.path}: the embedded process engine is used`);
  const [found, fix] = trouble(telling, host);
  const isOthers = host.by === 'agentctl' && telling.answer.kind === 'denied';
  if (isOthers)
    return not(
      'unknown',
      'engine',
      `${found}; whether the agent may is not known`,
      'sudo agentctl doctor',
    );
  return not(choice === 'auto' ? 'warn' : 'fail', 'engine', found, fix);
}

function servingIn({ path, answer }: Socket, used: string | undefined): string {
  if (answer.kind !== 'answers') return path;
  const driver = answer.driver === undefined ? '' : `, cgroup driver ${answer.driver}`;
  return `${used ?? `a Docker Engine (API ${answer.api})`} answers on ${path}${driver}`;
}

function trouble({ path, answer, file }: Socket, { user }: HostFacts): readonly [string, string] {
  switch (answer.kind) {
    case 'missing':
      return [`there is no ${path}`, 'sudo systemctl start docker'];
    case 'refused':
      return [`nobody listens on ${path}`, 'sudo systemctl start docker'];
    case 'denied': {
      const group = file?.group ?? 'docker';
      const found = `${user.name} (in ${user.groups.join(' ')}) may not open ${path}, which is for the group ${group}`;
      return [found, `sudo usermod -aG ${group} ${user.name} && sudo systemctl restart agentd`];
    }
    case 'silent':
      return [
        `the Docker Engine takes connections on ${path} and does not answer`,
        'sudo systemctl restart docker',
      ];
    case 'stranger':
      return [`what answers on ${path} is no Docker Engine`, `docker_socket: PATH in ${SETTINGS}`];
    case 'failed':
      return [`${path}: ${answer.why}`, 'sudo journalctl -u docker -n 50'];
    case 'answers':
      return [
        `the Docker Engine on ${path} speaks API ${answer.api}, which is too old`,
        'upgrade it',
      ];
  }
}

function checkGuard(guard: GuardFacts | undefined, engine: EngineFacts): readonly Check[] {
  if (guard === undefined) return [];
  const { socket, state, why } = guard;
  const unguardable = engine.sockets.map(({ answer }) => unguardableIn(answer)).find(Boolean);
  if (unguardable !== undefined)
    return [
      not(
        'warn',
        'guard',
        `no strict singleton runs here: ${unguardable}`,
        'docker info      shows its cgroup driver',
      ),
    ];
  const start = 'sudo systemctl restart agentd-guard';
  switch (state) {
    case 'joined':
      return [ok('guard', `the guard on ${socket} has a hand on what the engine runs`)];
    case 'listens':
      return [ok('guard', `a guard listens on ${socket}`)];
    case 'useless':
      return [not('warn', 'guard', `no strict singleton runs here: ${why ?? ''}`, start)];
    case 'missing':
      return [
        not(
          'fail',
          'guard',
          `there is no guard on ${socket}: no strict singleton runs here`,
          start,
        ),
      ];
    case 'deaf':
      return [
        not(
          'fail',
          'guard',
          `the guard does not answer on ${socket}, or its socket is for others`,
          start,
        ),
      ];
  }
}

const unguardableIn = (answer: DockerAnswer): string | undefined =>
  answer.kind === 'answers' ? answer.unguardable : undefined;

function checkState(state: StateFacts, { by, user }: HostFacts): readonly Check[] {
  const { path, file, writable, failed, inMemory } = state;
  if (file === undefined)
    return [
      not(
        by === 'agent' ? 'fail' : 'unknown',
        'state',
        `there is no ${path}, or ${user.name} may not see it`,
        'MILLRACE_STATE=DIR agentctl doctor      with the state folder of the agent',
      ),
    ];
  const who = `${path} is ${file.owner}:${file.group} ${file.mode.toString(8).padStart(4, '0')}`;
  if (!writable) return [unwritable(who, path, { by, user })];
  const fix = `sudo chmod 700 ${path}`;
  const access =
    (file.mode & 0o022) !== 0
      ? not('warn', 'state', `others may change what this host remembers: ${who}`, fix)
      : ok('state', who);
  if (inMemory === true)
    return [
      not(
        'warn',
        'state',
        `${path} lies in memory: with the machine's next start this is a new host`,
        `state: DIR on a disk, in ${SETTINGS}`,
      ),
      ...checkDisk(state),
    ];
  if (failed !== undefined)
    return [
      access,
      not(
        'fail',
        'disk',
        `cannot write to ${path}: ${failed}`,
        `df -h ${path} && sudo dmesg | tail`,
      ),
    ];
  return [access, ...checkDisk(state)];
}

function unwritable(
  who: string,
  path: string,
  { by, user }: Pick<HostFacts, 'by' | 'user'>,
): Check {
  const found = `${who}: ${user.name} may not write there`;
  return by === 'agent'
    ? not(
        'fail',
        'state',
        found,
        `sudo chown -R ${user.name} ${path} && sudo systemctl restart agentd`,
      )
    : not('unknown', 'state', `${found}; the agent may be another user`, 'sudo agentctl doctor');
}

function checkDisk({ path, freeBytes = 0, fsyncMs }: StateFacts): readonly Check[] {
  const free = `${Math.round(freeBytes / MIB)} MiB free`;
  const room = `df -h ${path}      and make room there`;
  if (freeBytes < FREE_WARN_BYTES)
    return [
      not(freeBytes < FREE_FAIL_BYTES ? 'fail' : 'warn', 'disk', `only ${free} at ${path}`, room),
    ];
  if (fsyncMs === undefined) return [ok('disk', free)];
  const found = `${free}, a durable write took ${fsyncMs.toFixed(1)} ms`;
  if (fsyncMs < FSYNC_WARN_MS) return [ok('disk', found)];
  const fix = 'sudo iotop -ao      shows who keeps the disk busy';
  return [
    not(fsyncMs < FSYNC_FAIL_MS ? 'warn' : 'fail', 'disk', `${found}: leases wait for it`, fix),
  ];
}
