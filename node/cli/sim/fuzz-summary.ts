/** What many seeds amount to. */
import { faultsOf } from '../../../sim/fault-names.ts';
import type { Options } from '../../../sim/options.ts';
import type { Figures, Outcome } from '../../../sim/run.ts';
import { type Coverage, mergeCoverage, NOTHING_COVERED } from '../../../sim/coverage/coverage.ts';
import { MARKS, type Mark } from '../../../sim/coverage/marks.ts';
import { PHASES } from '../../../sim/coverage/phases.ts';

export type Summary = {
  seeds: number;
  failed: number;
  readonly totals: Map<keyof Figures, number>;
  longestCalmMs: number;
  /** In how many seeds, by name. */
  readonly faults: Map<string, number>;
  readonly hosts: Map<string, number>;
  readonly voters: Map<string, number>;
  coverage: Coverage;
};

export const createSummary = (): Summary => ({
  seeds: 0,
  failed: 0,
  totals: new Map(),
  longestCalmMs: 0,
  faults: new Map(),
  hosts: new Map(),
  voters: new Map(),
  coverage: NOTHING_COVERED,
});

export function addOutcome(summary: Summary, options: Options, outcome: Outcome): void {
  const { verdict, figures } = outcome;
  summary.seeds += 1;
  if (verdict.kind !== 'passed') summary.failed += 1;
  for (const [name, value] of Object.entries(figures) as [keyof Figures, number][])
    summary.totals.set(name, totalOf(summary, name) + value);
  summary.longestCalmMs = Math.max(summary.longestCalmMs, figures.convergedMs);
  for (const fault of faultsOf(options)) count(summary.faults, fault);
  count(summary.hosts, `${options.hostCount}`);
  count(summary.voters, `${options.voterCount}`);
  summary.coverage = mergeCoverage(summary.coverage, outcome.coverage);
}

const count = (counts: Map<string, number>, name: string): unknown =>
  counts.set(name, (counts.get(name) ?? 0) + 1);

const totalOf = ({ totals }: Summary, name: keyof Figures): number => totals.get(name) ?? 0;

export function summaryLines(summary: Summary, wallMs: number): readonly string[] {
  const { seeds, failed, longestCalmMs } = summary;
  const total = (name: keyof Figures): number => totalOf(summary, name);
  const simulatedMs = total('simulatedMs');
  const calmMs = Math.round(total('convergedMs') / Math.max(1, seeds));
  return [
    `${seeds} seeds, ${failed} failed`,
    `  simulated  ${(simulatedMs / 3_600_000).toFixed(2)} h in ${(wallMs / 1000).toFixed(1)} s, ${Math.round(simulatedMs / wallMs)} s per second`,
    `  work       ${total('steps')} steps, ${total('messages')} messages, ${total('starts')} starts of instances`,
    `  strict     ${total('strictStarts')} starts, ${total('strictFrozen')} frozen and ${total('strictKilled')} killed by guards, ran twice for ${total('strictDoubleMs')} ms, and for ${total('strictDrowsyMs')} ms after sleep`,
    `  leases     ${total('acquisitions')} acquired, ${total('leaderChanges')} changes of leader`,
    `  deaths     ${total('verdicts')} verdicts, ${total('falseVerdicts')} on hosts that lived and could be heard, for a second`,
    `  deploys    ${total('committed')} committed, ${total('refused')} refused, ${total('unknown')} unknown`,
    `  calm       right after ${calmMs} ms on average, ${longestCalmMs} ms at most`,
    `  hosts      ${shares(summary.hosts, seeds)}`,
    `  voters     ${shares(summary.voters, seeds)}`,
    `  faults     ${shares(summary.faults, seeds)}`,
    ...coverageLines(summary.coverage),
  ];
}

const MARK_NAMES = Object.keys(MARKS) as Mark[];
const RAREST = 3;

/** How much of what can happen did: rare states, and faults that met each phase of the protocol. */
function coverageLines({ seeds, marks, matrix }: Coverage): readonly string[] {
  const missed = MARK_NAMES.filter((mark) => (marks[mark] ?? 0) === 0);
  const rarest = MARK_NAMES.filter((mark) => (marks[mark] ?? 0) > 0)
    .toSorted((a, b) => (marks[a] ?? 0) - (marks[b] ?? 0))
    .slice(0, RAREST)
    .map((mark) => `${mark} ${marks[mark]}`);
  const led = Math.round((100 * (marks['led-anew-under-fault'] ?? 0)) / Math.max(1, seeds));
  return [
    `  leaders    ${led} % of the seeds saw a change of leader under a fault`,
    `  rare       ${MARK_NAMES.length - missed.length} of ${MARK_NAMES.length} rare states seen, the rarest by seeds: ${rarest.join(', ')}`,
    ...(missed.length === 0 ? [] : [`             never seen: ${missed.join(', ')}`]),
    ...Object.entries(matrix).map(([fault, counts], at) => {
      const unmet = PHASES.filter((phase) => (counts[phase] ?? 0) === 0);
      const met = `${fault} met ${PHASES.length - unmet.length} of ${PHASES.length}`;
      const label = at === 0 ? '  phases     ' : ' '.repeat(13);
      return `${label}${met}${unmet.length === 0 ? '' : `, not ${unmet.join(', ')}`}`;
    }),
  ];
}

function shares(counts: ReadonlyMap<string, number>, seeds: number): string {
  const sorted = [...counts].sort(([a], [b]) => Number(a) - Number(b));
  return sorted.map(([name, n]) => `${name} ${Math.round((100 * n) / seeds)} %`).join(', ');
}

export function summaryBody(summary: Summary, wallMs: number): object {
  const { seeds, failed, faults, hosts, voters, longestCalmMs } = summary;
  const total = (name: keyof Figures): number => totalOf(summary, name);
  return {
    seeds,
    failed,
    simulated_ms: total('simulatedMs'),
    wall_ms: Math.round(wallMs),
    steps: total('steps'),
    messages: total('messages'),
    starts: total('starts'),
    strict: {
      starts: total('strictStarts'),
      frozen: total('strictFrozen'),
      killed: total('strictKilled'),
      double_run_ms: total('strictDoubleMs'),
      double_run_after_sleep_ms: total('strictDrowsyMs'),
    },
    acquisitions: total('acquisitions'),
    leader_changes: total('leaderChanges'),
    verdicts: total('verdicts'),
    false_verdicts: total('falseVerdicts'),
    deploys: {
      committed: total('committed'),
      refused: total('refused'),
      unknown: total('unknown'),
    },
    calm: {
      mean_ms: Math.round(total('convergedMs') / Math.max(1, seeds)),
      longest_ms: longestCalmMs,
    },
    seeds_by_hosts: Object.fromEntries(hosts),
    seeds_by_voters: Object.fromEntries(voters),
    seeds_by_fault: Object.fromEntries(faults),
    seeds_by_rare_state: Object.fromEntries(
      MARK_NAMES.map((mark) => [mark, summary.coverage.marks[mark] ?? 0]),
    ),
    strikes_by_fault_and_phase: summary.coverage.matrix,
  };
}
