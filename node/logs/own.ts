/**
 * What the instances of this host print, of a stack, a component or one slot, as one stream; followed,
 * those that start later are in it too. What is not this host's nobody here knows.
 */
import type { LogBody } from '../http/api.ts';
import type { Engine, EngineInstance, LogLine, LogOptions } from '../engine/engine.ts';
import { LOG_LINE_CHARS_MAX, LOG_SOURCES_MAX } from '../network/limits.ts';
import type { LastWords } from './last-words.ts';
import { createMerge, type Merge } from './merge.ts';

export type LogRequest = {
  /** `STACK`, `STACK.COMPONENT` or `STACK.COMPONENT.SLOT`. */
  readonly subject: string;
  /** Never ends but by its signal. */
  readonly follow: boolean;
  /** Of each instance that is there already. */
  readonly tail?: number;
  /** RFC 3339; see `LogOptions`. */
  readonly since?: string;
  /** In place of each instance the one before it. */
  readonly previous: boolean;
};

/** How long a line waits for those of other instances that may be older. */
const MERGE_WAIT_MS = 100;

type Own = { readonly engine: Engine; readonly lastWords: LastWords };
type Reading = Own & {
  readonly request: LogRequest;
  readonly signal: AbortSignal;
  readonly merge: Merge<LogBody>;
  /** Engine ids that are read, or have been. */
  readonly known: Set<string>;
  open: number;
};

export async function* ownLogs(
  own: Own,
  request: LogRequest,
  signal: AbortSignal,
): AsyncGenerator<readonly LogBody[]> {
  const merge = createMerge<LogBody>(MERGE_WAIT_MS);
  const reading: Reading = { ...own, request, signal, merge, known: new Set(), open: 0 };
  const { follow, previous } = request;
  const goesOn = follow && !previous;
  // Before the list is made, so that nothing starts between the two.
  if (goesOn) void watch(reading);
  await addThoseThatAreThere(reading);
  if (!goesOn) merge.close();
  signal.addEventListener('abort', () => merge.close(), { once: true });
  yield* merge;
}

async function addThoseThatAreThere(reading: Reading): Promise<void> {
  const { engine, request, signal } = reading;
  const all = (await engine.list(signal)).filter((one) => isMeant(one, request.subject));
  const slots = Map.groupBy(all, nameOf);
  for (const [name, ofSlot] of slots) {
    ofSlot.sort((a, b) => b.labels.attempt - a.labels.attempt);
    const current = ofSlot.filter(({ state }, index) => index === 0 || state !== 'exited');
    if (request.previous) addPrevious(reading, name, ofSlot);
    else for (const one of current) addInstance(reading, one, request);
  }
}

/** It ended and is still there, or has been removed and left its last words. */
function addPrevious(
  reading: Reading,
  name: string,
  [newest, before]: readonly EngineInstance[],
): void {
  if (newest === undefined) return;
  if (before !== undefined)
    return addInstance(reading, before, { ...reading.request, follow: false });
  const { component, slot } = newest.labels;
  const words = reading.lastWords.of(component, slot);
  if (words === undefined || words.attempt === newest.labels.attempt) return;
  const { tail = words.lines.length, since = '' } = reading.request;
  const lines = words.lines.filter(({ at }) => at === undefined || at >= since);
  const last = lines.slice(lines.length - Math.min(tail, lines.length));
  reading.merge.add(bodies([last], name, words.attempt));
}

function addInstance(reading: Reading, instance: EngineInstance, options: LogOptions): void {
  const { merge, known, signal, engine } = reading;
  if (known.has(instance.id)) return;
  known.add(instance.id);
  const name = nameOf(instance);
  if (reading.open >= LOG_SOURCES_MAX) {
    const failed = `${name} is left out: ${LOG_SOURCES_MAX} instances of this host are read already`;
    return merge.add(told({ failed }));
  }
  const { follow, tail, since } = options;
  const asked = {
    follow,
    ...(tail === undefined ? {} : { tail }),
    ...(since === undefined ? {} : { since }),
  };
  async function* lines(): AsyncGenerator<readonly LogLine[]> {
    yield* await engine.logs(instance.id, asked, signal);
  }
  reading.open += 1;
  merge.add(bodies(lines(), name, instance.labels.attempt), (error) => {
    reading.open -= 1;
    if (error === undefined || signal.aborted) return;
    merge.add(told({ failed: `${name}: ${error.message}` }));
  });
}

/** Those that start from now on are read from their beginning. */
async function watch(reading: Reading): Promise<void> {
  const { engine, request, signal, merge } = reading;
  try {
    for await (const event of engine.events(signal)) {
      if (event.kind === 'resync') await addThoseThatAreThere(reading);
      if (event.kind !== 'started' || !isMeant(event.instance, request.subject)) continue;
      addInstance(reading, event.instance, { follow: true });
    }
  } catch (error) {
    if (signal.aborted) return;
    const why = error instanceof Error ? error.message : String(error);
    merge.add(told({ failed: `what starts from now on is not seen: ${why}` }));
  }
}

async function* told(body: LogBody): AsyncGenerator<readonly LogBody[]> {
  yield [body];
}

async function* bodies(
  portions: AsyncIterable<readonly LogLine[]> | Iterable<readonly LogLine[]>,
  instance: string,
  attempt: number,
): AsyncGenerator<readonly LogBody[]> {
  for await (const lines of portions)
    yield lines.flatMap(({ at, output, text }) =>
      pieces(text).map((line) =>
        at === undefined
          ? { instance, attempt, output, line }
          : { instance, attempt, at, output, line },
      ),
    );
}

function pieces(text: string): readonly string[] {
  if (text.length <= LOG_LINE_CHARS_MAX) return [text];
  const count = Math.ceil(text.length / LOG_LINE_CHARS_MAX);
  const cut = (_: unknown, index: number): string =>
    text.slice(index * LOG_LINE_CHARS_MAX, (index + 1) * LOG_LINE_CHARS_MAX);
  return Array.from({ length: count }, cut);
}

const nameOf = ({ labels: { component, slot } }: EngineInstance): string => `${component}.${slot}`;
const isMeant = (instance: EngineInstance, subject: string): boolean =>
  `${nameOf(instance)}.`.startsWith(`${subject}.`);
