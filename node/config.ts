/**
 * What this agent is told to be: defaults, then `agent.yaml` (snake_case), then flags. Every key has
 * a default; an unknown key or a wrong value is an error that names file, line and remedy.
 */
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { parseArgs } from 'node:util';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import packageJson from '../package.json' with { type: 'json' };
import { millis } from '../protocol/base/time.ts';
import { type Config, LAN } from '../protocol/config.ts';
import { type Labels, LABEL_NAME, LABEL_VALUE } from '../protocol/component/label.ts';
import { LABELS_MAX } from '../protocol/limits.ts';
import type { EngineChoice } from './engine/select.ts';
import { parseEndpoint, parsePeer } from './network/addresses.ts';
import type { LogLevel } from './log.ts';
import { defaultPaths, findState, ownSocket, type Paths } from './paths.ts';
import { StartupError } from './startup-error.ts';

export const VERSION: string = packageJson.version;

export type AgentSettings = {
  /** Shown to people; default: the machine's host name. */
  readonly name: string;
  readonly state: string;
  readonly socket: string;
  readonly engine: EngineChoice;
  readonly dockerSocket?: string;
  /** Where published ports are bound; default `0.0.0.0`. */
  readonly publishAddress: string;
  /** `IP:PORT` of the agent's own port; default: every real interface, port 7946. */
  readonly listen: readonly string[];
  readonly mdns: boolean;
  /** Multiaddrs or `HOST:PORT` dialed besides what mDNS finds. */
  readonly peers: readonly string[];
  readonly logLevel: LogLevel;
  /** How long the roster has stood before voters change again; see `Config`. */
  readonly rosterStableMs: number;
  /** How long a voter is dead before another votes instead. */
  readonly voterDeadMs: number;
  readonly backWithinMs: number;
  /** How long all must be calm before a component that asks for it is balanced. */
  readonly rebalanceMs: number;
  /** How long a host has been gone before it is a member no more. */
  readonly forgetMs: number;
  /** What constraints of components may ask for: `node.labels.NAME`. */
  readonly labels: Labels;
  /** Votes and runs nothing; default: no. */
  readonly witness: boolean;
  /** The socket of this host's guard; undefined: there is none, and no strict singleton runs here. */
  readonly guard?: string;
  /** Whether members may break this agent's links on purpose; default: no. */
  readonly allowChaos: boolean;
  /** How long a join looks for a member that lets this host in; agentctl waits for 90 s at most. */
  readonly joinTimeoutMs: number;
};

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
const SECONDS = 'must be a number of seconds, 1 to 60';
const DAY = 'must be a number of seconds, 2 to 86400';
const ofDay = z.number(DAY).min(2, DAY).max(86_400, DAY);
const BACK = 'must be a number of seconds, 0 to 86400';
const YEAR = 'must be a number of seconds, 10 to 31536000';
const LABEL =
  'must be a name of letters, digits, _ . - and /, and a value of at most 63 characters';
const isLabel = ([name, value]: readonly [string, string]): boolean =>
  LABEL_NAME.test(name) && LABEL_VALUE.test(value);
const FILE = z.strictObject({
  name: z
    .string()
    .regex(
      /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/,
      'must be letters, digits, dots and dashes, at most 63',
    )
    .optional(),
  state: z.string().optional(),
  socket: z.string().optional(),
  engine: z.enum(['auto', 'docker', 'process']).optional(),
  docker_socket: z.string().optional(),
  publish_address: z.union([z.ipv4(), z.ipv6()], 'must be an IP address').optional(),
  listen: z.array(z.string()).optional(),
  mdns: z.boolean().optional(),
  peers: z.array(z.string()).optional(),
  log_level: z.enum(LEVELS).optional(),
  labels: z
    .record(z.string(), z.union([z.string(), z.number(), z.boolean()], LABEL).transform(String))
    .refine((all) => Object.entries(all).every(isLabel), LABEL)
    .refine((all) => Object.keys(all).length <= LABELS_MAX, `at most ${LABELS_MAX} labels`)
    .optional(),
  witness: z.boolean().optional(),
  guard: z.string().optional(),
  allow_chaos: z.boolean().optional(),
  roster_stable_s: ofDay.optional(),
  voter_dead_s: ofDay.optional(),
  rebalance_after_s: ofDay.optional(),
  back_within_s: z.number(BACK).min(0, BACK).max(86_400, BACK).optional(),
  forget_s: z.number(YEAR).min(10, YEAR).max(31_536_000, YEAR).optional(),
  join_timeout_s: z.number(SECONDS).min(1, SECONDS).max(60, SECONDS).optional(),
});
export type FileSettings = z.infer<typeof FILE>;

const OPTIONS = {
  config: { type: 'string' },
  state: { type: 'string' },
  socket: { type: 'string' },
  name: { type: 'string' },
  engine: { type: 'string' },
  'docker-socket': { type: 'string' },
  'publish-address': { type: 'string' },
  listen: { type: 'string', multiple: true },
  peer: { type: 'string', multiple: true },
  'no-mdns': { type: 'boolean' },
  'log-level': { type: 'string' },
  'join-timeout': { type: 'string' },
  witness: { type: 'boolean' },
  guard: { type: 'string' },
  version: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** What `--help` prints; `paths` are those of whoever runs it. */
export const usage = (paths: Paths): string => `usage: agentd [options]
       agentd guard PATH

  --config FILE            settings (default ${paths.config})
  --state DIR              what this host must remember (default ${paths.state})
  --socket PATH            where agentctl reaches this agent (default ${paths.socket})
  --name NAME              shown to people (default: the host name)
  --engine ENGINE          auto, docker or process (default auto: Docker if it answers)
  --docker-socket PATH     (default: MILLRACE_DOCKER_SOCKET, DOCKER_HOST, /var/run/docker.sock)
  --publish-address IP     where published ports are bound (default 0.0.0.0)
  --listen IP:PORT         the agent's own port, repeatable (default: every real interface, 7946)
  --peer ADDRESS           HOST:PORT or multiaddr, dialed besides what mDNS finds, repeatable
  --no-mdns                neither announce nor look for peers by multicast
  --log-level LEVEL        ${LEVELS.join('|')} (default info)
  --join-timeout SECONDS   how long a join looks for its cluster, 1 to 60 (default 30)
  --witness                vote and run nothing: two hosts and a witness lose any one and go on
  --guard PATH             the socket of this host's guard, for strict singletons; start it with
                           agentd guard PATH
  --version, --help
`;

const DEFAULT_LISTEN = '0.0.0.0:7946';
const JOIN_TIMEOUT_S = 30;

export type Invoked =
  | { readonly kind: 'run'; readonly settings: AgentSettings }
  | { readonly kind: 'print'; readonly text: string };

/** Throws a `StartupError` with code `usage` or `bad-address` for anything that cannot be meant. */
export function readSettings(args: readonly string[]): Invoked {
  const flags = readFlags(args);
  if (flags.help === true) return { kind: 'print', text: usage(defaultPaths()) };
  if (flags.version === true) return { kind: 'print', text: `agentd ${VERSION}\n` };
  const file = readFile(flags.config);
  const told: unknown = {
    ...file,
    ...given('name', flags.name),
    ...given('state', flags.state),
    ...given('socket', flags.socket),
    ...given('engine', flags.engine),
    ...given('docker_socket', flags['docker-socket']),
    ...given('publish_address', flags['publish-address']),
    ...given('listen', flags.listen),
    ...given('peers', flags.peer),
    ...given('guard', flags.guard),
    ...given('log_level', flags['log-level']),
    ...given('join_timeout_s', numberIn(flags['join-timeout'])),
    ...(flags['no-mdns'] === true ? { mdns: false } : {}),
    ...(flags.witness === true ? { witness: true } : {}),
  };
  const settings = settingsOf(check(told, 'the command line'));
  // Said now, not when the host joins a cluster.
  settings.listen.forEach(parseEndpoint);
  settings.peers.forEach(parsePeer);
  return { kind: 'run', settings };
}

/** A flag's text as the number it reads as; what reads as none is refused with the flag's name. */
const numberIn = (text: string | undefined): unknown =>
  text === undefined || text.trim() === '' ? text : Number(text);

const given = (name: string, value: unknown): Record<string, unknown> =>
  value === undefined ? {} : { [name]: value };

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, strict: true }).values;
  } catch (error) {
    throw misuse(error instanceof Error ? error.message : String(error), 'agentd --help');
  }
}

function readFile(named: string | undefined): FileSettings {
  const path = named ?? defaultPaths().config;
  if (!existsSync(path)) {
    if (named === undefined) return {};
    throw misuse(`there is no file ${path}`, 'give the path of a settings file to --config');
  }
  const document = parseDocument(readFileSync(path, 'utf8'));
  const [problem] = document.errors;
  if (problem !== undefined) throw misuse(`${path}: ${problem.message}`, `correct ${path}`);
  return check(document.toJS() ?? {}, path);
}

function check(value: unknown, where: string): FileSettings {
  const checked = FILE.safeParse(value);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const at = issue?.path.join('.') ?? '';
  throw misuse(
    `${where}: ${at === '' ? '' : `${at}: `}${issue?.message ?? 'not valid'}`,
    'agentd --help',
  );
}

function settingsOf(file: FileSettings): AgentSettings {
  return {
    name: file.name ?? (hostname().split('.')[0] || 'host'),
    state: file.state ?? findState(),
    socket: file.socket ?? ownSocket(),
    engine: file.engine ?? 'auto',
    ...(file.docker_socket === undefined ? {} : { dockerSocket: file.docker_socket }),
    publishAddress: file.publish_address ?? '0.0.0.0',
    listen: file.listen ?? [DEFAULT_LISTEN],
    mdns: file.mdns ?? true,
    peers: file.peers ?? [],
    logLevel: file.log_level ?? 'info',
    labels: file.labels ?? {},
    witness: file.witness ?? false,
    allowChaos: file.allow_chaos ?? false,
    ...(file.guard === undefined ? {} : { guard: file.guard }),
    rosterStableMs:
      file.roster_stable_s === undefined ? LAN.rosterStableMs : 1000 * file.roster_stable_s,
    voterDeadMs: file.voter_dead_s === undefined ? LAN.voterDeadMs : 1000 * file.voter_dead_s,
    backWithinMs: file.back_within_s === undefined ? LAN.backWithinMs : 1000 * file.back_within_s,
    rebalanceMs:
      file.rebalance_after_s === undefined ? LAN.rebalanceMs : 1000 * file.rebalance_after_s,
    forgetMs: file.forget_s === undefined ? LAN.forgetMs : 1000 * file.forget_s,
    joinTimeoutMs: 1000 * (file.join_timeout_s ?? JOIN_TIMEOUT_S),
  };
}

/** What of the protocol's timings an agent is told; all else is the profile's. */
export const configOf = (settings: AgentSettings): Config => ({
  ...LAN,
  rosterStableMs: millis(settings.rosterStableMs),
  voterDeadMs: millis(settings.voterDeadMs),
  forgetMs: millis(settings.forgetMs),
  backWithinMs: millis(settings.backWithinMs),
  rebalanceMs: millis(settings.rebalanceMs),
});

function misuse(why: string, next: string): StartupError {
  return new StartupError({ code: 'usage', what: 'agentd cannot start as told', why, next });
}
