/**
 * The timeline of a scenario file: at some time something is done, for a while, perhaps again and
 * again. Each verb is one row of a table.
 */
import * as z from 'zod';
import type { StackSpec } from '../../../protocol/component/spec.ts';
import { MESSAGE_KINDS } from '../../../sim/message-kinds.ts';
import type { Act, Between, HostFault, Timed } from '../../../sim/scenario/act.ts';
import { type Names, parseSeat } from '../../../sim/scenario/names.ts';
import { parseWho, type Who, whoForms } from '../../../sim/scenario/who.ts';
import { duration, findingsOf, flag, integer, kindOf } from '../../compose/fields.ts';
import type { Finding, Path } from '../../compose/problems.ts';
import { choice, oneOrMore, share, span, strict, unknownKey } from './scenario-fields.ts';

/** What the lines of a timeline are read with. */
export type TimelineContext = {
  readonly names: Names;
  /** Length of the run. */
  readonly forMs: number;
  /** The stack of a Compose file named there; undefined: it has told its own problems. */
  readonly stackOf: (file: string, path: Path) => StackSpec | undefined;
  /** Told of whatever is wrong. */
  readonly find: (finding: Finding) => void;
};

const REPEATS_MAX = 1000;
const TIMES = {
  at: duration,
  for: span.optional(),
  every: span.optional(),
  times: integer(1, REPEATS_MAX).optional(),
};

type Line = {
  /** What stands behind the verb. */
  readonly value: unknown;
  readonly rest: Readonly<Record<string, unknown>>;
  readonly path: Path;
  readonly forMs: number;
  readonly context: TimelineContext;
};
type Verb = {
  /** Keys beside the verb and the times. */
  readonly keys: z.ZodRawShape;
  /** Where the line gives no other; else it goes on until all faults end. */
  readonly forMs?: number;
  readonly act: (line: Line) => Act | undefined;
};

const host = (fault: (line: Line) => HostFault, keys: z.ZodRawShape = {}): Verb => ({
  keys,
  act(line) {
    const who = whoOf(line, line.value, line.path);
    return who === undefined ? undefined : { kind: 'host', who, fault: fault(line) };
  },
});

const lasting = (
  kind: 'crash' | 'stop' | 'reboot' | 'lose' | 'pause' | 'suspend' | 'crashLoop' | 'engineHang',
) => host(({ forMs }) => ({ kind, forMs }));

const ending = (how: 'exit' | 'unhealthy'): Verb => ({
  keys: {},
  act({ value, path, context }) {
    const seat = parseSeat(context.names, String(value));
    if (seat.ok) return { kind: 'exit', seat: seat.value, how };
    context.find({ path, on: 'value', message: seat.error });
    return undefined;
  },
});

const between = (make: (between: Between, line: Line) => Act, keys: z.ZodRawShape = {}): Verb => ({
  keys,
  act(line) {
    const ways = betweenOf(line);
    return ways === undefined ? undefined : make(ways, line);
  },
});

const VERBS: Readonly<Record<string, Verb>> = {
  cut: between((ways, { forMs }) => ({ kind: 'cut', between: ways, forMs })),
  clog: between((ways, { forMs }) => ({ kind: 'clog', between: ways, forMs })),
  lossy: between(
    (ways, { forMs, rest }) => ({
      kind: 'lossy',
      between: ways,
      forMs,
      permille: rest['loss'] as number,
      ...(rest['only'] === undefined
        ? {}
        : { only: rest['only'] as (typeof MESSAGE_KINDS)[number] }),
    }),
    { loss: share, only: choice(...(MESSAGE_KINDS as [string, ...string[]])).optional() },
  ),
  reset: between((ways) => ({ kind: 'reset', between: ways })),
  crash: lasting('crash'),
  upgrade: { ...host(({ forMs }) => ({ kind: 'upgrade', forMs, clean: true })), forMs: 500 },
  stop: lasting('stop'),
  reboot: lasting('reboot'),
  lose: lasting('lose'),
  pause: lasting('pause'),
  suspend: lasting('suspend'),
  lag: host(({ forMs, rest }) => ({ kind: 'lag', forMs, lagMs: rest['by'] as number }), {
    by: span,
  }),
  disk: host(({ forMs, rest }) => ({ kind: 'disk', forMs, fault: rest['fault'] as 'slow' }), {
    fault: choice('slow', 'error', 'full', 'lost'),
  }),
  exit: ending('exit'),
  unhealthy: ending('unhealthy'),
  crash_loop: lasting('crashLoop'),
  engine_hang: lasting('engineHang'),
  guard: host(({ forMs, rest }) => ({ kind: 'guard', forMs, fault: rest['fault'] as 'dies' }), {
    fault: choice('dies', 'hangs', 'slow'),
  }),
  engine_restart: host(
    ({ forMs, rest }) => ({
      kind: 'engineRestart',
      forMs,
      instances: rest['instances'] as 'survive',
    }),
    { instances: choice('survive', 'die') },
  ),
  deploy: {
    keys: {},
    act({ value, path, context }) {
      const spec = context.stackOf(String(value), path);
      return spec === undefined ? undefined : { kind: 'deploy', spec };
    },
  },
  destroy: {
    keys: {},
    act({ value, path, context }) {
      const stack = String(value);
      if (context.names.stacks.has(stack)) return { kind: 'destroy', stack };
      const next = `there are ${[...context.names.stacks].join(', ')}`;
      context.find({ path, on: 'value', message: `no stack is called "${stack}"`, next });
      return undefined;
    },
  },
};

/** In the order of their times. */
export function readTimeline(
  lines: readonly unknown[],
  at: Path,
  context: TimelineContext,
): readonly Timed[] {
  const timed = lines.flatMap((line, index) => readLine(line, [...at, index], context));
  return timed.toSorted((a, b) => a.atMs - b.atMs);
}

function readLine(line: unknown, path: Path, context: TimelineContext): readonly Timed[] {
  const { find } = context;
  const written = kindOf(line) === 'mapping' ? Object.keys(line as object) : [];
  const [name, second] = written.filter((word) => Object.hasOwn(VERBS, word));
  const verb = name === undefined ? undefined : VERBS[name];
  if (name === undefined || verb === undefined || second !== undefined) {
    const unknown = written.find((word) => !Object.hasOwn(TIMES, word));
    if (name === undefined && unknown !== undefined)
      find({ path: [...path, unknown], on: 'key', ...unknownKey(unknown, Object.keys(VERBS)) });
    else
      find({
        path,
        on: 'value',
        message: 'a line of a timeline is a time and one thing that is done then',
        next: `write for example { at: 12s, crash: h1, for: 2s }; known are ${Object.keys(VERBS).join(', ')}`,
      });
    return [];
  }
  const read = strict({ ...TIMES, ...verb.keys, [name]: z.unknown() }).safeParse(line);
  if (!read.success) {
    for (const finding of findingsOf(read.error, path)) find(finding);
    return [];
  }
  const rest = read.data as Readonly<Record<string, unknown>>;
  return repeated({ verb, value: rest[name], rest, path: [...path, name], context });
}

type Read = Omit<Line, 'forMs'> & { readonly verb: Verb };

function repeated({ verb, rest, path, context, value }: Read): readonly Timed[] {
  const { forMs: wholeMs, find } = context;
  const firstMs = rest['at'] as number;
  const everyMs = rest['every'] as number | undefined;
  const times = (rest['times'] as number | undefined) ?? 1;
  const lastMs = firstMs + (times - 1) * (everyMs ?? 0);
  if (times > 1 && everyMs === undefined)
    find({ path, on: 'key', message: '`times` needs `every`', next: 'add for example every: 5s' });
  if (lastMs >= wholeMs) {
    const message = `this is at ${lastMs} ms, the run is over after ${wholeMs} ms`;
    find({ path, on: 'key', message, next: 'make it earlier, or the run longer with `for`' });
  }
  const timed: Timed[] = [];
  for (let i = 0; i < times; i++) {
    const atMs = firstMs + i * (everyMs ?? 0);
    const forMs =
      (rest['for'] as number | undefined) ?? verb.forMs ?? Math.max(0, wholeMs - atMs) + 1;
    const act = verb.act({ value, rest, path, forMs, context });
    // Whatever is wrong with it is so each time.
    if (act === undefined) return [];
    timed.push({ atMs, act });
  }
  return timed;
}

function betweenOf(line: Line): Between | undefined {
  const { value, path, context } = line;
  if (kindOf(value) !== 'mapping') {
    const from = whoOf(line, value, path);
    return from === undefined ? undefined : { from, to: undefined, oneWay: false };
  }
  const read = BETWEEN.safeParse(value);
  if (!read.success) {
    for (const finding of findingsOf(read.error, path)) context.find(finding);
    return undefined;
  }
  const { from, to, one_way: oneWay } = read.data;
  const first = whoOf(line, from, [...path, 'from']);
  const second = to === undefined ? undefined : whoOf(line, to, [...path, 'to']);
  if (first === undefined || (to !== undefined && second === undefined)) return undefined;
  return { from: first, to: second, oneWay: oneWay === true };
}

const BETWEEN = strict({ from: oneOrMore, to: oneOrMore.optional(), one_way: flag.optional() });

function whoOf({ context }: Line, value: unknown, path: Path): Who | undefined {
  const read = oneOrMore.safeParse(value);
  if (!read.success) {
    context.find({ path, on: 'value', message: `whom? It is ${whoForms(context.names)}` });
    return undefined;
  }
  const of: Who[] = [];
  for (const one of read.data) {
    const who = parseWho(context.names, one);
    if (who.ok) of.push(who.value);
    else context.find({ path, on: 'value', message: who.error });
  }
  const [only] = of;
  if (of.length < read.data.length || only === undefined) return undefined;
  return of.length === 1 ? only : { kind: 'each', of };
}
