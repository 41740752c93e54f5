/**
 * A tape as text, and back. A file may come from anyone and from another version: whatever does not
 * look like a tape is refused with a reason, before anything runs.
 */
import type { Change } from '../protocol/command/adjusts.ts';
import { LABELS_MAX } from '../protocol/limits.ts';
import { fail, ok, type Result } from '../protocol/base/result.ts';
import {
  boolean,
  byKind,
  decode,
  type DecodeError,
  list,
  literal,
  object,
  optional,
  refusal,
  type Schema,
  text,
  where,
  whole,
  within,
} from '../protocol/wire/schema.ts';
import { expected } from '../protocol/wire/record-schema.ts';
import { stackSpec } from '../protocol/wire/spec-schema.ts';
import { deployId, labelName, labels, stackName } from '../protocol/wire/vocabulary.ts';
import { FORCE_IDS } from '../protocol/roster/fork.ts';
import type { Draws } from './choice.ts';
import { MESSAGE_KINDS } from './message-kinds.ts';
import type { Options, Plague } from './options.ts';
import type { Strike, Way } from './strike.ts';
import type { Deed, Tape } from './tape.ts';
import type { Errand } from './workload.ts';

/** What happened, why, what to do next. */
export type TapeError = { readonly what: string; readonly why: string; readonly next: string };

const HOSTS_MAX = 1000;
const STACKS_MAX = 1000;
const DEEDS_MAX = 1_000_000;
const SITES_MAX = 100_000;
const DRAWS_MAX = 50_000_000;
/** A century in milliseconds; in microseconds it is a safe integer still. */
const TIME_MS_MAX = 100 * 366 * 86_400_000;

const ms = whole(0, TIME_MS_MAX);
const permille = whole(0, 1000);
const host = whole(0, HOSTS_MAX - 1);
const count = whole(0, 1_000_000);
const messageKind = literal(...MESSAGE_KINDS);

const way: Schema<Way> = (value) => {
  const pair = list(host, 2)(value);
  if (!pair.ok) return pair;
  const [from, to] = pair.value;
  if (from === undefined || to === undefined) return refusal('form', 'a way is [from, to]');
  return ok([from, to]);
};
const ways = list(way, HOSTS_MAX * HOSTS_MAX);

const change: Schema<Change> = byKind({
  label: object({ kind: literal('label'), set: labels, unset: list(labelName, LABELS_MAX) }),
  availability: object({
    kind: literal('availability'),
    to: literal('active', 'cordoned', 'draining'),
  }),
});

const ofHost = { host, forMs: ms };
const strike: Schema<Strike> = byKind({
  cut: object({ kind: literal('cut'), ways, forMs: ms }),
  clog: object({ kind: literal('clog'), ways, forMs: ms }),
  lossy: object({
    kind: literal('lossy'),
    ways,
    forMs: ms,
    permille,
    only: optional(messageKind),
  }),
  reset: object({ kind: literal('reset'), a: host, b: host }),
  crash: object({ kind: literal('crash'), ...ofHost }),
  upgrade: object({ kind: literal('upgrade'), ...ofHost, clean: boolean }),
  lead: object({ kind: literal('lead'), host, nth: count, to: host, force: boolean }),
  forget: object({ kind: literal('forget'), host, of: host }),
  adjust: object({ kind: literal('adjust'), host, of: host, change }),
  leave: object({ kind: literal('leave'), host }),
  force: object({ kind: literal('force'), host, forceId: whole(1, FORCE_IDS - 1) }),
  stop: object({ kind: literal('stop'), ...ofHost }),
  reboot: object({ kind: literal('reboot'), ...ofHost }),
  lose: object({ kind: literal('lose'), ...ofHost }),
  pause: object({ kind: literal('pause'), ...ofHost }),
  suspend: object({ kind: literal('suspend'), ...ofHost }),
  lag: object({ kind: literal('lag'), ...ofHost, lagMs: ms }),
  disk: object({
    kind: literal('disk'),
    ...ofHost,
    fault: literal('slow', 'error', 'full', 'lost'),
  }),
  exit: object({ kind: literal('exit'), host, nth: count, how: literal('exit', 'unhealthy') }),
  crashLoop: object({ kind: literal('crashLoop'), ...ofHost }),
  drift: object({
    kind: literal('drift'),
    ...ofHost,
    nth: count,
    how: literal('changed', 'frozen', 'stopped', 'removed', 'restarted', 'eachChanged'),
  }),
  engineHang: object({ kind: literal('engineHang'), ...ofHost }),
  guard: object({ kind: literal('guard'), ...ofHost, fault: literal('dies', 'hangs', 'slow') }),
  engineRestart: object({
    kind: literal('engineRestart'),
    ...ofHost,
    instances: literal('survive', 'die'),
  }),
} satisfies { readonly [K in Strike['kind']]: Schema<Extract<Strike, { readonly kind: K }>> });

const expect = optional(expected);
const errand: Schema<Errand> = object({
  stack: stackName,
  given: byKind({
    deploy: object({ kind: literal('deploy'), deployId, spec: stackSpec, expect }),
    destroy: object({ kind: literal('destroy'), deployId, stack: stackName, expect }),
  }),
  attempt: count,
} satisfies Every<Errand>);

const at = whole(0, TIME_MS_MAX * 1000);
const isPlanned = optional(boolean);
const deed: Schema<Deed> = byKind({
  strike: object({ at, isPlanned, kind: literal('strike'), strike }),
  command: object({ at, isPlanned, kind: literal('command'), host, errand }),
});

/** Every field, so that none is forgotten here when it comes. */
type Every<T> = { readonly [name in keyof Required<T>]: unknown };

const recurring = optional(object({ everyMs: ms, lastMs: ms }));
const plagues: Schema<Options['recurring']> = object({
  partitions: recurring,
  links: recurring,
  clogs: recurring,
  resets: recurring,
  crashes: recurring,
  upgrades: recurring,
  leads: recurring,
  hostLosses: recurring,
  pauses: recurring,
  suspends: recurring,
  lags: recurring,
  disks: recurring,
  exits: recurring,
  engines: recurring,
  guards: recurring,
  hangs: recurring,
  reboots: recurring,
  drains: recurring,
} satisfies { readonly [kind in Plague]: unknown });

const voterCount: Schema<Options['voterCount']> = (value) =>
  value === 1 || value === 3 || value === 5 ? ok(value) : refusal('range', 'neither 1, 3 nor 5');

const yes: Schema<true> = (value) => (value === true ? ok(value) : refusal('type', 'not `true`'));

const after: Schema<'won' | (typeof MESSAGE_KINDS)[number]> = literal('won', ...MESSAGE_KINDS);

const options: Schema<Options> = where(
  object({
    seed: whole(0, 2 ** 32),
    hostCount: whole(1, HOSTS_MAX),
    voterCount,
    hasJoined: optional(yes),
    witness: optional(yes),
    stormMs: ms,
    stormFromMs: optional(ms),
    calm: literal('all', 'core'),
    ratesPermille: list(whole(-1000, 1000), HOSTS_MAX),
    transport: literal('datagram', 'stream'),
    gossip: literal('direct', 'mesh'),
    discovery: literal('known', 'mdns'),
    delayMeanMs: ms,
    lossPermille: permille,
    lossOnly: optional(messageKind),
    duplicatePermille: permille,
    tailPermille: permille,
    tailMs: ms,
    fsyncMs: ms,
    lifeMs: optional(ms),
    recurring: plagues,
    seeksLeaders: boolean,
    ambush: optional(object({ after, permille })),
    growth: optional(object({ startsWithinMs: ms })),
    turnover: optional(object({ everyMs: ms })),
    members: optional(object({ everyMs: ms, forgetMs: ms })),
    bias: optional(object({ everyMs: ms })),
    disaster: optional(object({ everyMs: ms })),
    rollouts: optional(object({ wordPermille: permille, dudPermille: permille })),
    drift: recurring,
    affinity: optional(object({ pairPermille: permille })),
    ports: optional(object({ permille })),
    balance: optional(object({ askPermille: permille })),
    follows: optional(object({ permille })),
    suspicionMaxFactor: optional(count),
    tombstoneMs: optional(ms),
    workload: byKind({
      random: object({
        kind: literal('random'),
        everyMs: ms,
        stackCount: count,
        strictPermille: optional(permille),
      }),
      given: object({ kind: literal('given'), stacks: list(stackSpec, STACKS_MAX) }),
    }),
  } satisfies Every<Options>),
  ({ hostCount, voterCount: voters }) =>
    voters > hostCount ? `${voters} voters of ${hostCount} hosts` : undefined,
);

const numbers = list(whole(0, 2 ** 32), DRAWS_MAX);
const siteName = text(256, /^[\x21-\x7e]+$/);
const draws: Schema<Draws> = (value) => {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refusal('type', 'expected the numbers of each choice point by its name');
  const entries = Object.entries(value);
  if (entries.length > SITES_MAX) return refusal('too-large', `${entries.length} choice points`);
  const drawn: [string, readonly number[]][] = [];
  for (const [site, given] of entries) {
    const name = siteName(site);
    if (!name.ok) return fail(within(JSON.stringify(site.slice(0, 64)), name.error));
    const read = numbers(given);
    if (!read.ok) return fail(within(site, read.error));
    drawn.push([site, read.value]);
  }
  return ok(Object.fromEntries(drawn));
};

const FORMAT = 1;
const format: Schema<typeof FORMAT> = (value) =>
  value === FORMAT ? ok(value) : refusal('version', `expected ${FORMAT}`);

const tape: Schema<Tape> = object({
  format,
  options,
  deeds: list(deed, DEEDS_MAX),
  draws,
} satisfies Every<Tape>);

/** Reads the text of a file. */
export function parseTape(written: string): Result<Tape, TapeError> {
  let json: unknown;
  try {
    json = JSON.parse(written);
  } catch (error) {
    return refuse({
      code: 'syntax',
      path: '',
      message: error instanceof Error ? error.message : '',
    });
  }
  const read = decode(tape, json);
  return read.ok ? read : refuse(read.error);
}

function refuse({ code, path, message }: DecodeError): Result<Tape, TapeError> {
  const why = path === '' ? message : `${path}: ${message}`;
  if (code === 'syntax')
    return fail({
      what: 'this is not a tape: it is no JSON',
      why,
      next: 'give the file that a failing seed has left, as it was written',
    });
  if (code === 'version' || code === 'unknown')
    return fail({
      what: 'this tape is of another version of the simulator',
      why,
      next: 'replay it with the version that wrote it, or run its seed again to get a new one',
    });
  return fail({
    what: 'this is not a tape that can be replayed',
    why,
    next: 'run its seed again to get a new one',
  });
}

/** One line for each deed and each choice point: what changed between two tapes can be seen. */
export function printTape({ format: number, options: drawn, deeds, draws: sites }: Tape): string {
  const lines = (items: readonly string[]): string =>
    items.length === 0 ? '' : `\n${items.join(',\n')}\n`;
  const points = Object.entries(sites).map(
    ([site, values]) => `${JSON.stringify(site)}:${JSON.stringify(values)}`,
  );
  return [
    `{"format":${number},`,
    `"options":${JSON.stringify(drawn)},`,
    `"deeds":[${lines(deeds.map((one) => JSON.stringify(one)))}],`,
    `"draws":{${lines(points)}}}\n`,
  ].join('\n');
}
