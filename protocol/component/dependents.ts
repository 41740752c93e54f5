/**
 * In which order the components of a stack end when it is destroyed: what depended on others before
 * those, also through others. The tombstone keeps this much of the spec (`dependentsIn`), and every host
 * reads from it whom to wait for and how long (`endingOf`).
 */
import { compareText } from '../base/order.ts';
import { type Millis, millis, seconds } from '../base/time.ts';
import type { StackSpec } from './spec.ts';

/** A component that depended on others of its stack. */
export type Dependent = {
  readonly name: string;
  /** Names of those. */
  readonly on: readonly string[];
  /** How long a stop of it may take before SIGKILL. */
  readonly graceMs: Millis;
};

/** What a component waits for before it is ended. */
export type Ending = {
  /** Names of all that depended on it, in their order. */
  readonly after: readonly string[];
  /** The longest wait: of each level of dependents its longest grace, and `MARGIN_MS`. */
  readonly waitMs: Millis;
};

/** Beyond the grace of a stop: until all have heard that it is over, or that its host is dead. */
const MARGIN_MS = seconds(5);
/** Of any wait. No grace of a decoded spec can lead beyond what an instant can be. */
const WAIT_MAX_MS = 2 ** 52;

/** By name; those that depended on something that is in the stack. */
export function dependentsIn({ components }: StackSpec): readonly Dependent[] {
  const names = new Set(components.map(({ name }) => name));
  return components
    .map(({ name, dependsOn, stopGraceMs }) => ({
      name,
      on: dependsOn.map(({ on }) => on).filter((on) => names.has(on) && on !== name),
      graceMs: stopGraceMs,
    }))
    .filter(({ on }) => on.length > 0)
    .sort((a, b) => compareText(a.name, b.name));
}

/** Undefined: nothing depended on it, so it ends at once. */
export function endingOf(dependents: readonly Dependent[], name: string): Ending | undefined {
  const known = endings.get(dependents) ?? endingsOf(dependents);
  endings.set(dependents, known);
  return known.get(name);
}

/** Records are never changed, so each is read once: it is asked for in every step of every host. */
const endings = new WeakMap<readonly Dependent[], ReadonlyMap<string, Ending>>();

function endingsOf(dependents: readonly Dependent[]): ReadonlyMap<string, Ending> {
  const waits = waitsOf(dependents);
  return new Map(
    [...waits].map(([name, waitMs]) => {
      const after = allOn(dependents, name);
      return [name, { after, waitMs: millis(Math.min(waitMs, WAIT_MAX_MS)) }];
    }),
  );
}

/** Level by level; a circle, which no file has, comes to an end as well. */
function waitsOf(dependents: readonly Dependent[]): ReadonlyMap<string, number> {
  const waits = new Map<string, number>();
  let isSettled = false;
  for (let round = 0; round < dependents.length && !isSettled; round++) {
    isSettled = true;
    for (const { name, on, graceMs } of dependents)
      for (const other of on) {
        const waitMs = (waits.get(name) ?? 0) + graceMs + MARGIN_MS;
        if (waitMs <= (waits.get(other) ?? 0)) continue;
        waits.set(other, waitMs);
        isSettled = false;
      }
  }
  return waits;
}

function allOn(dependents: readonly Dependent[], name: string): readonly string[] {
  const reached = new Set([name]);
  // A Set gives what is added while it is read.
  for (const one of reached)
    for (const { name: other, on } of dependents) if (on.includes(one)) reached.add(other);
  return [...reached].filter((one) => one !== name).sort(compareText);
}
