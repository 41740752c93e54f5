/**
 * What agents of one machine said in their logs about the leases they held, on its monotonic clock,
 * and what of it contradicts "at most one leader per key, under strictly rising terms".
 *
 * Lines that a SIGKILL kept from the disk make a tenure look shorter than it was, or as long as the
 * agent lived.
 */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { z } from 'zod';

const LINE = z.object({
  lease: z.string(),
  term: z.number(),
  event: z.enum(['won', 'renewed', 'ended']),
  at_ms: z.number(),
  until_ms: z.number(),
});
export type LeaseLine = Readonly<z.infer<typeof LINE>> & { readonly host: string };
/** The agent's process is no more: it leads nothing, whatever it said. */
export type Death = { readonly host: string; readonly event: 'died'; readonly at_ms: number };

/** One host's time as the leader of one key: [fromMs, untilMs). */
export type Tenure = {
  readonly key: string;
  readonly host: string;
  readonly term: number;
  readonly fromMs: number;
  readonly untilMs: number;
};

export type LeaseLog = {
  /** Everything said so far, per host in order. */
  readonly lines: () => readonly (LeaseLine | Death)[];
  /** The process that writes this log has ended; another may go on with it. */
  readonly died: (host: string, atMs: number) => void;
};

/** Follows the logs of several hosts; each look reads only what is new. */
export function followLogs(files: ReadonlyMap<string, string>): LeaseLog {
  const found: (LeaseLine | Death)[] = [];
  const readers = [...files].map(([host, file]) => ({ host, tail: followFile(file) }));
  const lines = (): typeof found => {
    for (const { host, tail } of readers)
      for (const text of tail()) {
        const line = leaseLine(text);
        if (line !== undefined) found.push({ ...line, host });
      }
    return found;
  };
  return {
    lines,
    died: (host, atMs) => lines().push({ host, event: 'died', at_ms: atMs }),
  };
}

/** The whole lines appended since the last call. */
function followFile(file: string): () => readonly string[] {
  let offset = 0;
  let rest = '';
  return () => {
    if (!existsSync(file)) return [];
    const bytes = Buffer.alloc(statSync(file).size - offset);
    const fd = openSync(file, 'r');
    const count = readSync(fd, bytes, 0, bytes.length, offset);
    closeSync(fd);
    offset += count;
    // Logs of leases are ASCII: a character never lies across two looks.
    const parts = (rest + bytes.toString('latin1', 0, count)).split('\n');
    rest = parts.pop() ?? '';
    return parts;
  };
}

function leaseLine(text: string): z.infer<typeof LINE> | undefined {
  if (!text.includes('"lease"')) return undefined;
  try {
    return LINE.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // cut off by a SIGKILL
  }
}

/** From `won` until the last instant said, or until `ended` or the agent's death if that came first. */
export function tenuresOf(lines: readonly (LeaseLine | Death)[]): readonly Tenure[] {
  const done: Tenure[] = [];
  const open = new Map<string, Tenure>();
  const end = (seat: string, atMs: number): void => {
    const current = open.get(seat);
    open.delete(seat);
    if (current !== undefined) done.push({ ...current, untilMs: Math.min(current.untilMs, atMs) });
  };
  for (const line of lines) {
    if (line.event === 'died') {
      for (const [seat, { host }] of open) if (host === line.host) end(seat, line.at_ms);
      continue;
    }
    const { host, lease: key, term, event, at_ms, until_ms } = line;
    const seat = `${host} ${key}`;
    const current = open.get(seat);
    if (event === 'won') {
      if (current !== undefined) done.push(current);
      open.set(seat, { key, host, term, fromMs: at_ms, untilMs: until_ms });
    } else if (event === 'ended') {
      end(seat, at_ms);
    } else {
      // Without a `won` the line was lost: what is said is true from now on.
      const begun = current ?? { key, host, term, fromMs: at_ms, untilMs: at_ms };
      open.set(seat, { ...begun, term, untilMs: Math.max(begun.untilMs, until_ms) });
    }
  }
  return [...done, ...open.values()].sort((a, b) => a.fromMs - b.fromMs);
}

/** How often another host than before became the leader of a key. */
export function changesOf(tenures: readonly Tenure[]): number {
  const leaders = new Map<string, string>();
  let count = 0;
  for (const { key, host } of tenures) {
    const before = leaders.get(key);
    if (before !== undefined && before !== host) count += 1;
    leaders.set(key, host);
  }
  return count;
}

/** Every pair of tenures that may not both be, in words. `tenures` as `tenuresOf` returns them. */
export function contradictionsIn(tenures: readonly Tenure[]): readonly string[] {
  return tenures.flatMap((later, index) =>
    tenures
      .slice(0, index)
      .filter(({ key }) => key === later.key)
      .flatMap((earlier) => contradiction(earlier, later) ?? []),
  );
}

function contradiction(earlier: Tenure, later: Tenure): string | undefined {
  const both = `${later.key}: ${show(earlier)}, then ${show(later)}`;
  if (earlier.host !== later.host && later.fromMs < earlier.untilMs)
    return `two leaders of ${both}`;
  return later.term <= earlier.term ? `the term did not rise in ${both}` : undefined;
}

const show = ({ host, term, fromMs, untilMs }: Tenure): string =>
  `${host} under term ${term} in [${fromMs}, ${untilMs})`;
