/** Waiting for a deploy to become true, and telling the way there. */
import type { ClusterView, ComponentView } from '../../protocol/view/view.ts';
import { age } from './duration.ts';
import { inNames } from './event-lines.ts';
import { EXIT, Failure } from './failure.ts';
import { typed } from './invocation.ts';
import { createRedraw } from './redraw.ts';
import { componentTable } from './status-screen.ts';
import { type Cli, note, widthOf } from './terminal.ts';
import { isSettled, slotTrouble } from './verdict.ts';
import { changes, facts, sinceStart, statuses } from './watch.ts';

export type Deployed = {
  readonly stack: string;
  /** Names without the stack's. */
  readonly components: readonly string[];
  /** `TERM.SEQ`, as committed. */
  readonly revision: string;
  readonly timeoutMs: number;
};

/** Resolves when every component is as wanted and healthy; a `Failure` with exit 3 if not in time. */
export async function settle(cli: Cli, deployed: Deployed): Promise<void> {
  const startedAt = Date.now();
  const progress = createProgress(cli, deployed.stack, startedAt);
  let view: ClusterView | undefined;
  for await (const body of statuses(cli, { until: startedAt + deployed.timeoutMs })) {
    view = body.data.cluster;
    progress(view);
    if (isDone(view, deployed)) return;
    const halted = haltedIn(view, deployed);
    if (halted !== undefined) throw gaveUp(view, deployed, halted);
  }
  throw notInTime(view, deployed);
}

/** Whether this view has the deploy, and everything in it is as wanted. */
export function isDone(view: ClusterView, deployed: Deployed): boolean {
  const stack = view.stacks.find(({ name }) => name === deployed.stack);
  if (stack === undefined || isOlder(stack.revision, deployed.revision)) return false;
  const ids = new Set(stack.components.map(({ id }) => String(id)));
  return (
    deployed.components.every((name) => ids.has(`${deployed.stack}.${name}`)) &&
    stack.components.every((component) => isSettled(view, component))
  );
}

/** A component of the deploy that nothing more comes to by itself. */
export function haltedIn(
  view: ClusterView,
  { stack: name, revision }: Deployed,
): ComponentView | undefined {
  const stack = view.stacks.find((one) => one.name === name);
  if (stack === undefined || isOlder(stack.revision, revision)) return undefined;
  return stack.components.find(({ rollout, revision: wanted }) => {
    // Its leader has yet to hear what was deployed.
    if (rollout === undefined || rollout.pending === true) return false;
    // What is paused may be what this deploy has overtaken.
    if (rollout.state === 'paused') return rollout.revision === wanted;
    return rollout.state === 'takenBack' && rollout.refused === wanted;
  });
}

function gaveUp(view: ClusterView, { stack }: Deployed, { id, rollout }: ComponentView): Failure {
  const isPaused = rollout?.state === 'paused';
  return new Failure({
    code: 'rollout-failed',
    what: isPaused
      ? `the rollout of ${id} is paused: ${rollout.done} of ${rollout.total} slots have the new revision`
      : `${id} was taken back: the revision before is put in its place`,
    why: inNames(view, rollout?.why ?? 'its new instances failed'),
    next: `${typed(`why ${id}`)}; then deploy ${stack} with what is right`,
    exit: EXIT.unhealthy,
  });
}

/** Orders `TERM.SEQ`; what does not read so is never older. */
export function isOlder(revision: string, than: string): boolean {
  const [term = Number.NaN, seq = Number.NaN] = revision.split('.').map(Number);
  const [thanTerm = Number.NaN, thanSeq = Number.NaN] = than.split('.').map(Number);
  return term < thanTerm || (term === thanTerm && seq < thanSeq);
}

type Progress = (view: ClusterView) => void;

/** In place on a terminal, else a line for each change. */
function createProgress(cli: Cli, stack: string, startedAt: number): Progress {
  if (cli.stderr.isTTY && !cli.json) {
    const redraw = createRedraw(cli.stderr);
    return (view) => {
      const components = view.stacks.find(({ name }) => name === stack)?.components ?? [];
      const named = components.map((component) => ({ name: component.id, component }));
      const style = { width: widthOf(cli.stderr), paint: cli.paintNote };
      redraw.show([...componentTable(view, named, style), sinceStart(startedAt, '')]);
    };
  }
  let before: ReadonlyMap<string, string> = new Map();
  return (view) => {
    const ours = new Map([...facts(view)].filter(([id]) => id.startsWith(`${stack}.`)));
    note(cli, ...changes(before, ours).map((line) => sinceStart(startedAt, line)));
    before = ours;
  };
}

function notInTime(view: ClusterView | undefined, { stack, timeoutMs }: Deployed): Failure {
  const components = view?.stacks.find(({ name }) => name === stack)?.components ?? [];
  const unsettled =
    view === undefined ? [] : components.filter((component) => !isSettled(view, component));
  const [first] = unsettled;
  const reasons = unsettled.map((component) => {
    const troubles = component.slots.map((slot) =>
      view === undefined ? undefined : slotTrouble(view, slot),
    );
    const told = troubles.find((trouble) => trouble !== undefined) ?? component.note;
    const why = told ?? 'not as wanted yet';
    return `${component.id}: ${view === undefined ? why : inNames(view, why)}`;
  });
  return new Failure({
    code: 'not-healthy',
    what: `${stack} is not as wanted after ${age(timeoutMs)}; the cluster goes on trying`,
    why: reasons.join('; ') || 'this host does not know the new revision yet',
    next: typed(first === undefined ? `status ${stack}` : `why ${first.id}`),
    exit: EXIT.unhealthy,
  });
}
