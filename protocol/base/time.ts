/**
 * Time inside the core. `Instant` is a reading of this host's own lease clock: integer milliseconds
 * that count suspend, never compared with another host's. Only lengths (`Millis`) travel.
 */
declare const brand: unique symbol;
export type Instant = number & { readonly [brand]: 'Instant' };
export type Millis = number & { readonly [brand]: 'Millis' };

export const instant = (ms: number): Instant => ms as Instant;
export const millis = (n: number): Millis => n as Millis;
export const seconds = (n: number): Millis => (n * 1000) as Millis;
export const minutes = (n: number): Millis => (n * 60_000) as Millis;

/** Before every reading of the clock. */
export const NEVER = -Infinity as Instant;
/** After every reading of the clock. */
export const FOREVER = Infinity as Instant;

export const after = (since: Instant, length: Millis): Instant => (since + length) as Instant;
export const before = (until: Instant, length: Millis): Instant => (until - length) as Instant;
export const between = (since: Instant, until: Instant): Millis => (until - since) as Millis;
export const earlier = (a: Instant | undefined, b: Instant | undefined): Instant | undefined =>
  a === undefined ? b : b === undefined ? a : a < b ? a : b;
export const later = (a: Instant, b: Instant): Instant => (a > b ? a : b);
