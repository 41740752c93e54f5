/**
 * The agent's log on stderr: one JSON object a line; under systemd with the journal's priority in
 * front; on a terminal a line for people.
 */
import { fstatSync } from 'node:fs';
import { inspect, styleText } from 'node:util';
import { type DestinationStream, type Logger, pino } from 'pino';

export type { Logger } from 'pino';
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
export type LogFormat = 'json' | 'journal' | 'terminal';

export type LogInit = {
  readonly level: LogLevel;
  /** Default: what stderr turns out to be. */
  readonly format?: LogFormat;
};

const STDERR = 2;
/** Waiting while stderr takes nothing; further lines are dropped. */
const BUFFER_CHARS_MAX = 4_194_304;
/** Many times what one write takes. */
const SETTLE_MS = 10;

/** Written without blocking; whatever is buffered is flushed when the process exits. */
export function createLogger(init: LogInit): Logger {
  const format = init.format ?? formatOf(STDERR, process.env, process.stderr.isTTY);
  const stderr = openStderr();
  return pino(
    {
      level: init.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      // By itself pino writes out `err` alone; of another error nothing would be left.
      serializers: { error: pino.stdSerializers.err },
    },
    destinationOf(format, stderr),
  );
}

/**
 * pino flushes an asynchronous destination at exit. What a thread is just writing then would come
 * after what is flushed; so it is given the time to end. pino's `fatal` would flush as well, and
 * is kept from it by being shown `write` alone.
 */
function openStderr(): DestinationStream {
  const stderr = pino.destination({ dest: STDERR, sync: false, maxLength: BUFFER_CHARS_MAX });
  process.prependListener('exit', () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SETTLE_MS);
  });
  return { write: (line) => stderr.write(line) };
}

/** JOURNAL_STREAM is inherited by everything; it counts only if stderr is that very stream. */
export function formatOf(
  fd: number,
  env: Readonly<Record<string, string | undefined>>,
  terminal: boolean,
): LogFormat {
  const journal = env['JOURNAL_STREAM'];
  if (journal !== undefined) {
    const { dev, ino } = fstatSync(fd);
    if (journal === `${dev}:${ino}`) return 'journal';
  }
  return terminal ? 'terminal' : 'json';
}

function destinationOf(format: LogFormat, stderr: DestinationStream): DestinationStream {
  switch (format) {
    case 'json':
      return stderr;
    case 'journal':
      return withLevel((line, level) => stderr.write(`<${priorityOf(level)}>${line}`));
    case 'terminal':
      return withLevel((line, level) => stderr.write(lineForPeople(line, level)));
  }
}

/** pino sets `lastLevel` before each write to a stream that carries this symbol. */
function withLevel(write: (line: string, level: number) => void): DestinationStream {
  const stream = {
    [Symbol.for('pino.metadata')]: true,
    lastLevel: 30,
    write: (line: string) => write(line, stream.lastLevel),
  };
  return stream;
}

/** syslog(3): 2 critical, 3 error, 4 warning, 6 informational, 7 debug. */
function priorityOf(level: number): number {
  if (level >= 60) return 2;
  if (level >= 50) return 3;
  if (level >= 40) return 4;
  return level >= 30 ? 6 : 7;
}

function lineForPeople(line: string, level: number): string {
  const { time, level: label, msg, ...rest } = JSON.parse(line) as Record<string, unknown>;
  const color = level >= 50 ? 'red' : level >= 40 ? 'yellow' : level >= 30 ? 'green' : 'gray';
  const clock = String(time).slice(11, 23);
  const facts = Object.entries(rest).map(([name, value]) => `${name}=${factText(value)}`);
  const head = [
    styleText('gray', clock, { stream: process.stderr }),
    styleText(color, String(label).padEnd(5), { stream: process.stderr }),
  ];
  return `${[...head, typeof msg === 'string' ? msg : '', ...facts].join(' ')}\n`;
}

function factText(value: unknown): string {
  return typeof value === 'string' ? value : inspect(value, { breakLength: Infinity, depth: 4 });
}
