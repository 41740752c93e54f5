/** Lengths and points of time, as people read and type them. */
import { usageFailure } from './failure.ts';

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, ...Object.fromEntries(UNITS) };

/** One unit, rounded down: `38s`, `2m`, `12d`. Below a second `0s`. */
export function age(ms: number): string {
  const [unit, size] = UNITS.find(([, length]) => ms >= length) ?? ['s', 1000];
  return `${Math.floor(ms / size)}${unit}`;
}

/** With tenths below ten seconds, for what is fresh: `0.4 s`. */
export function freshness(ms: number): string {
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : age(ms);
}

/** `90`, `500ms`, `1m30s` to milliseconds; a bare number is seconds. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[dhms])/g)];
  const bare = /^\d+(?:\.\d+)?$/.test(text);
  if (!bare && (parts.length === 0 || parts.map(([part]) => part).join('') !== text)) {
    throw usageFailure(
      `"${text}" is not a length of time`,
      'it is a number with a unit: ms, s, m, h or d, also joined',
      'for example 30s, 5m or 1m30s',
    );
  }
  if (bare) return Number(text) * 1000;
  return parts.reduce((sum, [, n, unit]) => sum + Number(n) * (UNIT_MS[unit ?? ''] ?? 0), 0);
}

/** A point of time, RFC 3339: one as it is typed, or a length of time before `now`. */
export function parseSince(text: string, now: number): string {
  const typed = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : now - parseDuration(text);
  if (Number.isFinite(typed)) return new Date(typed).toISOString();
  throw usageFailure(
    `"${text}" is not a point of time`,
    'it is a date with a time, or how long ago it was',
    'for example 2026-11-21T00:40:33Z, or 10m',
  );
}

/** The wall clock of an RFC 3339 time in this machine's zone, or the text as it is. */
export function clock(rfc3339: string): string {
  const date = new Date(rfc3339);
  if (Number.isNaN(date.getTime())) return rfc3339;
  return [date.getHours(), date.getMinutes(), date.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}
