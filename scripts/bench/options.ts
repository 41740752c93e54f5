/** What is measured, with what, how often. */
import type { LocalEngine } from '../../node/local/instances.ts';

export type BenchOptions = {
  readonly engine: LocalEngine;
  readonly agents: number;
  /** The agent's program; absent: the sources. */
  readonly agentd?: string;
  readonly rounds: number;
  /** Of `recovery`; absent: all. */
  readonly only?: readonly string[];
  /** Of `idle`. */
  readonly measureMs: number;
  readonly signal: AbortSignal;
  /** Narration, and the tables unless JSON is asked for. */
  readonly tell: (line: string) => void;
};
