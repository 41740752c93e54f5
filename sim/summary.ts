/** What many simulations amount to. */
import { faultsOf, type Options } from './options.ts';
import type { Figures, Outcome } from './run.ts';

export type Summary = {
  seeds: number;
  failed: number;
  readonly totals: Map<keyof Figures, number>;
  longestCalmMs: number;
  readonly faults: Map<string, number>;
};

export const createSummary = (): Summary => ({
  seeds: 0,
  failed: 0,
  totals: new Map(),
  longestCalmMs: 0,
  faults: new Map(),
});

export function addOutcome(
  summary: Summary,
  options: Options,
  { verdict, figures }: Outcome,
): void {
  summary.seeds += 1;
  if (verdict.kind !== 'passed') summary.failed += 1;
  for (const [name, value] of Object.entries(figures) as [keyof Figures, number][])
    summary.totals.set(name, (summary.totals.get(name) ?? 0) + value);
  summary.longestCalmMs = Math.max(summary.longestCalmMs, figures.convergedMs);
  for (const fault of faultsOf(options))
    summary.faults.set(fault, (summary.faults.get(fault) ?? 0) + 1);
}

export function showSummary(
  { seeds, failed, totals, faults, longestCalmMs }: Summary,
  wallMs: number,
): string {
  const total = (name: keyof Figures): number => totals.get(name) ?? 0;
  const simulated = total('simulatedMs');
  const share = [...faults].map(([name, n]) => `${name} ${Math.round((100 * n) / seeds)} %`);
  return [
    `${seeds} seeds, ${failed} failed`,
    `  simulated  ${(simulated / 3_600_000).toFixed(2)} h in ${(wallMs / 1000).toFixed(1)} s, ${Math.round(simulated / wallMs)} s per second, ${Math.round((1000 * wallMs) / Math.max(1, total('steps')))} µs per step`,
    `  work       ${total('steps')} steps, ${total('messages')} messages, ${total('starts')} starts of instances`,
    `  leases     ${total('acquisitions')} acquired, ${total('leaderChanges')} changes of leader`,
    `  deploys    ${total('committed')} committed, ${total('refused')} refused, ${total('unknown')} unknown`,
    `  calm       right after ${Math.round(total('convergedMs') / Math.max(1, seeds))} ms on average, ${longestCalmMs} ms at most`,
    `  faults     ${share.join(', ')}`,
  ].join('\n');
}
