/** A rollout as people read it. */
import { type Past, showRevision } from '../../protocol/record/record.ts';
import type { ClusterView, ComponentView, RolloutView } from '../../protocol/view/view.ts';
import { inNames } from './event-lines.ts';
import { typed } from './invocation.ts';
import { table, wrap } from './table.ts';
import type { ScreenStyle } from './terminal.ts';

const LABEL_CHARS = 10;
const short = (revision: string): string => revision.slice(0, 7);

export function statusLines(
  view: ClusterView,
  { id, revision, rollout }: ComponentView,
  width: number,
): readonly string[] {
  if (rollout === undefined)
    return [`${id}: no rollout is under way, all slots have ${short(revision)}`];
  const { from, done, total, trial } = rollout;
  const waits = trial.length === 0 ? '' : `, slot ${trial.join(' and ')} on trial`;
  const facts: readonly (readonly [string, string])[] = [
    ['state', inNames(view, stateOf(rollout))],
    ['revision', `${from === undefined ? '' : `${short(from)} -> `}${short(rollout.revision)}`],
    ['slots', `${done} of ${total} done${waits}`],
    ['next', nextOf(id, rollout)],
  ];
  return [`rollout of ${id}`, ...facts.flatMap(([label, text]) => labeled(label, text, width))];
}

function labeled(label: string, text: string, width: number): readonly string[] {
  const indent = ' '.repeat(LABEL_CHARS + 2);
  return wrap(text, width - indent.length).map((line, at) =>
    at === 0 ? `  ${label.padEnd(LABEL_CHARS)}${line}` : `${indent}${line}`,
  );
}

function stateOf(rollout: RolloutView): string {
  const { state, isBack, refused = '', refusedAt, done, total, why = '' } = rollout;
  const back = isBack === true ? ', on the way back' : '';
  if (state === 'paused') return `paused${back}: ${why}`;
  if (state === 'going') return isBack === true ? 'rolling back, as a user has said' : 'goes on';
  const when = refusedAt === undefined ? '' : `, deployed ${refusedAt},`;
  const way = done < total ? 'rolling back; ' : '';
  return `${way}${short(refused)}${when} is quarantined: ${why}`;
}

function nextOf(id: string, rollout: RolloutView): string {
  const { state, pending, done, total, trial } = rollout;
  if (pending === true) return 'its leader hears what was said last';
  if (state === 'paused')
    return `nothing by itself; ${typed(`rollout resume ${id}`)} or ${typed(`rollout undo ${id}`)}`;
  if (state === 'takenBack' && done === total)
    return `deploy what is right, or try it again: ${typed(`rollout resume ${id}`)}`;
  if (trial.length > 0) return `slot ${trial.join(' and ')} has to stand`;
  return 'the next slots are taken';
}

const BECAME = {
  done: 'done',
  takenBack: 'rolled back',
  undone: 'undone',
  paused: 'paused, replaced',
  overtaken: 'overtaken',
} as const satisfies Record<NonNullable<Past['became']>, string>;

export function historyTable(
  { rollout }: ComponentView,
  history: readonly Past[],
  { width, paint }: ScreenStyle,
): readonly string[] {
  return table(
    history,
    [
      {
        title: 'REVISION',
        cell: ({ revision, became }) => `${short(revision)}${became === undefined ? ' *' : ''}`,
      },
      { title: 'SINCE', cell: ({ since }) => showRevision(since) },
      { title: 'DEPLOYED', cell: ({ at = '' }) => at, drop: 1 },
      { title: 'BECAME', cell: (past) => fateOf(past, rollout) },
      { title: 'WHY', cell: ({ spec, why = '' }) => whyOf(spec !== undefined, why) },
    ],
    { width, heading: (text) => paint('bold', text) },
  );
}

function fateOf({ revision, became }: Past, rollout: RolloutView | undefined): string {
  if (became === 'takenBack' && rollout?.refused === revision) return 'quarantined';
  if (became !== undefined) return BECAME[became];
  if (rollout === undefined) return 'done';
  const { state, done, total } = rollout;
  if (state === 'paused') return `paused at ${done} of ${total}`;
  return done === total ? 'done' : `${done} of ${total}`;
}

function whyOf(isKept: boolean, why: string): string {
  if (isKept) return why;
  const lost = 'its spec is not kept: too large beside the others';
  return why === '' ? lost : `${why}; ${lost}`;
}
