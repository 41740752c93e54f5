/**
 * Whether what a component depends on is there yet. One instance anywhere in the wanted condition is
 * enough; a job is complete when all its slots are, by its record. A gate for first starts only: once an instance of a slot has run on this host
 * (`hasRun` in `../reconcile/slots.ts`), local restarts of it do not ask again, or the crash of a
 * database would keep down everything that survives without it.
 */
import { unreachable } from '../base/assert.ts';
import { type ComponentId, componentId, componentOf } from '../base/ids.ts';
import type { InstanceReport } from '../inventory/entry.ts';
import { revisionOf } from './digest.ts';
import type { Component } from '../record/record.ts';
import type { ComponentSpec, Dependency, StackSpec } from './spec.ts';

/**
 * The first unmet dependency of `component` in words, e.g. `waits for shop.db to be healthy`;
 * undefined: none. `reports`: of all hosts believed alive. `jobOf`: what is committed of a job.
 */
export function waitsFor(
  component: ComponentId,
  stack: StackSpec,
  reports: Iterable<{ readonly report: InstanceReport }>,
  jobOf: (component: ComponentId) => JobRecord | undefined,
): string | undefined {
  const spec = stack.components.find(({ name }) => name === componentOf(component));
  for (const dependency of spec?.dependsOn ?? []) {
    const on = stack.components.find(({ name }) => name === dependency.on);
    const id = componentId(stack.name, dependency.on);
    if (on === undefined) {
      if (dependency.required) return `waits for ${id}, which is not in the stack`;
      continue;
    }
    if (on.job !== undefined && dependency.condition !== 'healthy') {
      const waiting = waitsForJob(dependency, on, revisionOf(on, stack), jobOf(id));
      if (waiting === undefined) continue;
      if (dependency.condition === 'completed') return `waits for ${id} to complete${waiting}`;
    }
    const candidates: InstanceReport[] = [];
    for (const { report } of reports) if (report.component === id) candidates.push(report);
    const revision = revisionOf(on, stack);
    if (!candidates.some((report) => isMet(dependency, revision, report)))
      return `waits for ${id} ${WANTED[dependency.condition]}${hint(dependency, candidates)}`;
  }
  return undefined;
}

/** The slots of a job, without those of which nobody will hear: a global one's on hosts that are gone. */
export type JobRecord = Pick<Component, 'run' | 'slots'>;

/** What is missing, to be told; undefined: it is met, for this revision. */
function waitsForJob(
  { condition }: Dependency,
  { mode, replicas }: ComponentSpec,
  revision: string,
  job: JobRecord | undefined,
): string | undefined {
  const slots = job?.run?.revision === revision ? job.slots : [];
  const complete = slots.filter(({ ended }) => ended?.state === 'complete').length;
  const wanted =
    condition === 'started' ? 1 : mode === 'global' ? Math.max(slots.length, 1) : replicas;
  if (complete >= wanted) return undefined;
  const failed = slots.find(({ ended }) => ended?.state === 'failed');
  if (failed !== undefined) return ` (slot ${failed.slot} has failed for good)`;
  return wanted === 1 ? '' : ` (${complete} of ${wanted} are complete)`;
}

const WANTED = {
  started: 'to start',
  healthy: 'to be healthy',
  completed: 'to complete',
} as const satisfies Record<Dependency['condition'], string>;

function isMet({ condition }: Dependency, revision: string, report: InstanceReport): boolean {
  switch (condition) {
    case 'started':
      return report.state === 'running' || report.state === 'complete';
    case 'healthy':
      // Without a healthcheck running is all that can be known.
      return (
        report.state === 'running' && (report.health === 'healthy' || report.health === 'none')
      );
    case 'completed':
      // A job done for an earlier spec has not done this one's work.
      return report.state === 'complete' && report.revision === revision;
    default:
      return unreachable(condition);
  }
}

/** Why waiting alone may not help. */
function hint({ condition }: Dependency, candidates: readonly InstanceReport[]): string {
  const stuck = candidates.find(({ state, crashLoop }) =>
    condition === 'completed'
      ? state === 'failed' || state === 'rejected'
      : crashLoop || state === 'rejected',
  );
  if (stuck === undefined) return '';
  const how = stuck.crashLoop ? 'is in a crash loop' : stuck.state;
  return ` (slot ${stuck.slot} ${how}${stuck.reason === undefined ? '' : `: ${stuck.reason}`})`;
}
