/**
 * Which hosts have lines of a subject, and their streams as one. Each host merges its own instances and
 * sees them start and end; here hosts come and go.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { ApiError, type LogQuery } from '../http/client.ts';
import { createMerge, type Merge } from '../logs/merge.ts';
import { EXIT } from './failure.ts';
import type { LinePrinter, LogLine } from './log-lines.ts';
import { type Cli, note } from './terminal.ts';

export type LogSubject = Omit<LogQuery, 'follow'>;

/** A host that cannot be asked, and why. */
export type LostLines = { readonly host: string; readonly why: string };

/** How long a line of one host waits for older ones of another. */
const MERGE_WAIT_MS = 250;
/** How often it is looked which hosts run instances of it now, and whoever went is asked again. */
const LOOK_MS = 1_000;

type Reading = {
  readonly cli: Cli;
  readonly asked: LogSubject;
  readonly printer: LinePrinter;
  readonly follow: boolean;
  readonly merge: Merge<LogLine>;
  readonly hosts: Map<string, HostState>;
  /** Ends the streams. */
  readonly stop: AbortController;
};
type HostState = {
  isOpen: boolean;
  /** Something of it was not read. */
  isMissing: boolean;
  hasTold: boolean;
  /** Of the newest line, where its engine keeps times. */
  lastAt?: string;
  /** What was last said of it: nothing is said twice on end. */
  said?: string;
};

/** Exit 3 where lines of a host are missing. */
export async function readHosts(
  cli: Cli,
  asked: LogSubject,
  printer: LinePrinter,
  lost: readonly LostLines[],
): Promise<number> {
  const reading = createReading(cli, asked, printer, false);
  tellLost(reading, lost);
  for (const host of (await hostsOf(reading)) ?? []) open(reading, host, asked);
  reading.merge.close();
  for await (const lines of reading.merge) await printer.print(lines);
  const isMissing = [...reading.hosts.values()].some((host) => host.isMissing);
  return isMissing ? EXIT.unhealthy : EXIT.ok;
}

/** Until Ctrl-C, or until there is no such subject any more. */
export async function followHosts(
  cli: Cli,
  asked: LogSubject,
  printer: LinePrinter,
  lost: readonly LostLines[],
): Promise<number> {
  const reading = createReading(cli, asked, printer, true);
  tellLost(reading, lost);
  const printing = (async () => {
    for await (const lines of reading.merge) await printer.print(lines);
  })();
  await Promise.race([look(reading), printing]);
  // What was still on its way when it went.
  await pause(LOOK_MS, undefined, { signal: cli.signal });
  reading.stop.abort();
  reading.merge.close();
  await printing;
  note(cli, `${asked.subject} is gone`);
  return EXIT.ok;
}

function createReading(
  cli: Cli,
  asked: LogSubject,
  printer: LinePrinter,
  follow: boolean,
): Reading {
  const merge = createMerge<LogLine>(MERGE_WAIT_MS);
  return { cli, asked, printer, follow, merge, hosts: new Map(), stop: new AbortController() };
}

function tellLost(reading: Reading, lost: readonly LostLines[]): void {
  for (const { host, why } of lost) {
    const state = { isOpen: false, isMissing: true, hasTold: false };
    reading.hosts.set(host, state);
    missing(reading, host, state, why);
  }
}

/** Asks each host once it runs some of it, and again where its stream has broken; ends with the subject. */
async function look(reading: Reading): Promise<void> {
  const { cli, asked, hosts } = reading;
  const begunAt = new Date().toISOString();
  for (let isFirst = true; ; isFirst = false) {
    const there = await hostsOf(reading);
    if (there === undefined) return;
    for (const host of there) {
      const state = hosts.get(host);
      if (state?.isOpen === true) continue;
      const begun = isFirst || state?.hasTold === false;
      open(reading, host, begun ? asked : { ...after(state, begunAt), ...plain(asked) });
    }
    await pause(LOOK_MS, undefined, { signal: cli.signal });
  }
}

const plain = ({ subject, previous }: LogSubject) => ({ subject, previous });

/** What a host has printed since it was last heard, or since it came. */
function after(state: HostState | undefined, begunAt: string): Partial<LogSubject> {
  if (state === undefined) return { since: begunAt };
  // Without times there is no telling what was missed.
  return state.lastAt === undefined ? { tail: 0 } : { since: state.lastAt };
}

function open(reading: Reading, host: string, asked: LogSubject): void {
  const state = reading.hosts.get(host) ?? { isOpen: true, isMissing: false, hasTold: false };
  state.isOpen = true;
  reading.hosts.set(host, state);
  reading.merge.add(linesOf(reading, host, state, asked), (error) => {
    state.isOpen = false;
    if (error === undefined || reading.stop.signal.aborted) return;
    missing(reading, host, state, error.message);
  });
}

async function* linesOf(
  reading: Reading,
  host: string,
  state: HostState,
  asked: LogSubject,
): AsyncGenerator<readonly LogLine[]> {
  const { cli, follow, stop } = reading;
  const signal = AbortSignal.any([cli.signal, stop.signal]);
  const seenAt = state.lastAt;
  for await (const bodies of cli.client.logs(host, { ...asked, follow }, signal)) {
    const lines: LogLine[] = [];
    for (const body of bodies) {
      if ('failed' in body) missing(reading, host, state, body.failed);
      else if (isNew(body.at, seenAt)) lines.push({ ...body, host });
    }
    heard(reading, host, state, lines);
    yield lines;
  }
}

/** Engines count the moment itself to what is since. */
const isNew = (at: string | undefined, seenAt: string | undefined): boolean =>
  at === undefined || seenAt === undefined || at > seenAt;

function heard(
  { asked, printer }: Reading,
  host: string,
  state: HostState,
  lines: readonly LogLine[],
): void {
  for (const { at } of lines) if (at !== undefined) state.lastAt = at;
  if (lines.length === 0) return;
  if (!state.hasTold && asked.since !== undefined && lines.some(({ at }) => at === undefined))
    printer.warn(host, 'its engine keeps no times, so what is older is here too');
  state.hasTold = true;
  delete state.said;
}

function missing({ printer }: Reading, host: string, state: HostState, why: string): void {
  state.isMissing = true;
  if (state.said !== why) printer.warn(host, why);
  state.said = why;
}

/** Those that run instances of it, as this host believes; undefined: there is no such subject. */
async function hostsOf({ cli, asked }: Reading): Promise<ReadonlySet<string> | undefined> {
  const [stack = '', component, slot] = asked.subject.split('.');
  // A slot may be empty for a while, and is there nevertheless.
  const whole = slot === undefined ? asked.subject : `${stack}.${component}`;
  try {
    const { instances } = (await cli.client.inspect(whole, cli.signal)).data;
    const meant = instances.filter(({ id }) => slot === undefined || id === asked.subject);
    return new Set(meant.map(({ host }) => host));
  } catch (error) {
    if (error instanceof ApiError && error.refusal.code === 'not-found') return undefined;
    throw error;
  }
}
