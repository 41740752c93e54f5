/**
 * A mutant: the sources with one rule of the protocol taken out, to see that the checkers notice. It
 * is a change of the source's text, made while one process of the simulator loads that file, so the
 * product holds no trace of it and cannot be led into it.
 */
import type { Explored } from '../explore/explore.ts';

export type Machine =
  | 'lease'
  | 'record'
  | 'roster'
  | 'detector'
  | 'inventory'
  | 'component'
  | 'reconcile'
  | 'ending'
  | 'job'
  | 'rollout'
  | 'members'
  | 'settings'
  | 'force'
  | 'singleton';

export type Mutant = {
  readonly name: string;
  readonly machine: Machine;
  /** From the root of the repository. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly from: string;
  readonly to: string;
  /** What the mutated code does, as a sentence. */
  readonly says: string;
  /** The checkers that may catch it: what it breaks first depends on the seed. */
  readonly rules: readonly string[];
  /** Sought only among seeds that have this; default: among all. */
  readonly among?:
    | 'members'
    | 'bias'
    | 'tombstoneMs'
    | 'hangs'
    | 'reboots'
    | 'drains'
    | 'drift'
    | 'rollouts'
    | 'affinity'
    | 'ports'
    | 'balance'
    | 'follows';
  /** The walk of `explore` that must find it too, within its quick bounds. */
  readonly walk?: Explored;
};

/** A mutant as its machine's list writes it. */
export type Change = Omit<Mutant, 'machine'>;

export const ofMachine = (machine: Machine, changes: readonly Change[]): readonly Mutant[] =>
  changes.map((change) => ({ machine, ...change }));

/** The mutated text of the mutant's file; undefined: the place is not there, or not the only one. */
export function mutate({ from, to }: Mutant, source: string): string | undefined {
  const at = source.indexOf(from);
  if (at < 0 || source.indexOf(from, at + 1) >= 0) return undefined;
  return source.slice(0, at) + to + source.slice(at + from.length);
}
