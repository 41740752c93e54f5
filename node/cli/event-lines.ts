/** Events as lines: when, who says so, about what, of which kind, and the text. */
import type { ClusterView } from '../../protocol/view/view.ts';
import type { EventBody } from '../http/api.ts';
import { clock } from './duration.ts';
import { typed } from './invocation.ts';
import { type Column, table } from './table.ts';
import type { ScreenStyle } from './terminal.ts';
import { hostOf } from './verdict.ts';

const SHOWN_MAX = 10;
const HOST_CHARS = 8;
const SUBJECT_CHARS = 16;
const KIND_CHARS = 10;
/** What many hosts learn of within so long is one thing to a reader. */
const ALIKE_MS = 2_000;

/** Newest first, the last ten. */
export function eventSection(
  title: string,
  view: ClusterView,
  events: readonly EventBody[],
  style: ScreenStyle,
): readonly string[] {
  if (events.length === 0) return [];
  const told = joined(events);
  const newest = told.slice(-SHOWN_MAX).reverse();
  const more = told.length - newest.length;
  const rest = more > 0 ? [`${more} more: ${typed('events --since 5m')}`] : [];
  return [style.paint('bold', title), ...eventTable(view, newest, style), ...rest];
}

export function eventTable(
  view: ClusterView,
  events: readonly EventBody[],
  style: ScreenStyle,
): readonly string[] {
  const columns: readonly Column<EventBody>[] = [
    { title: '', cell: (event) => clock(event.at) },
    { title: '', cell: (event) => event.host_name, drop: 1 },
    { title: '', cell: (event) => subjectOf(view, event) },
    { title: '', cell: (event) => event.kind, drop: 2 },
    { title: '', cell: (event) => textOf(view, event) },
  ];
  return table(events, columns, { width: style.width, heading: (text) => text }).slice(1);
}

/** What several hosts wrote down alike, at nearly the same time, is one event that names them all. */
function joined(events: readonly EventBody[]): readonly EventBody[] {
  const told: EventBody[] = [];
  for (const event of events) {
    const at = told.findLastIndex((other) => isSame(other, event));
    const other = told[at];
    if (other === undefined) told.push(event);
    else told[at] = { ...other, host_name: `${other.host_name} ${event.host_name}` };
  }
  return told;
}

function isSame(a: EventBody, b: EventBody): boolean {
  return (
    a.text === b.text &&
    a.kind === b.kind &&
    a.about[0] === b.about[0] &&
    a.host !== b.host &&
    !a.host_name.split(' ').includes(b.host_name) &&
    Math.abs(Date.parse(a.at) - Date.parse(b.at)) <= ALIKE_MS
  );
}

/** Fixed columns, for a stream: each line is written before the next is known. */
export function eventLine(view: ClusterView, event: EventBody): string {
  const head = [
    clock(event.at),
    event.host_name.padEnd(HOST_CHARS),
    subjectOf(view, event).padEnd(SUBJECT_CHARS),
    event.kind.padEnd(KIND_CHARS),
  ];
  return [...head, textOf(view, event)].join('  ');
}

/** Who tells it, if not the host that has decided it. */
function textOf(view: ClusterView, { text, witnesses }: EventBody): string {
  const told = inNames(view, text);
  return witnesses === undefined ? told : `${told} (told by ${witnesses.join(' ')})`;
}

/** Ids of hosts as the names people gave them. */
export function inNames(view: ClusterView, text: string): string {
  return text.replaceAll(/[a-z0-9]+/g, (word) => hostOf(view, word)?.name ?? word);
}

/** A key of a record names what it is the record of. */
function subjectOf(view: ClusterView, { about }: EventBody): string {
  return inNames(view, (about[0] ?? '-').replace(/^(component|stack|sys)\//, ''));
}
