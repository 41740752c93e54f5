/** What is measured, with what, how often. */
import type { LocalEngine } from '../../node/local/instances.ts';

export type BenchOptions = {
  readonly engine: LocalEngine;
  readonly agents: number;
  /** The agent's program; absent: the sources. */
  readonly agentd?: string;
  readonly rounds: number;
  /** Parts of `recovery` or `hosts`; absent: all. */
  readonly only?: readonly string[];
  /** Of `idle`; a multiple of four. */
  readonly instances: number;
  /** Of `idle` and the idle part of `hosts`. */
  readonly measureMs: number;
  readonly signal: AbortSignal;
  /** Narration, and the tables unless JSON is asked for. */
  readonly tell: (line: string) => void;
};

/** Three parts, like every error of ours. */
export class UsageError extends Error {
  constructor(what: string, why: string, next: string) {
    super(`error: ${what}\n  why   ${why}\n  next  ${next}`);
  }
}
