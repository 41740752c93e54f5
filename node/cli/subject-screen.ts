/** One stack, component, instance or host on a screen: `status SUBJECT`, `host show`, `ps`. */
import type { ClusterView, ComponentView, SlotView } from '../../protocol/view/view.ts';
import type { StatusBody } from '../http/api.ts';
import { age } from './duration.ts';
import {
  componentTable,
  hostTable,
  leaderOf,
  statusScreen,
  tint,
  viewLine,
} from './status-screen.ts';
import { eventSection } from './event-lines.ts';
import type { ScreenStyle } from './terminal.ts';
import type { Subject } from './subject.ts';
import { type Column, table } from './table.ts';
import { hostName, isUp } from './verdict.ts';

/** A slot with what fills it, and the component it belongs to. */
export type Seat = { readonly component: ComponentView; readonly slot: SlotView };

const NO_VALUE = '-';

export function subjectScreen(
  body: StatusBody,
  subject: Subject,
  style: ScreenStyle,
): readonly string[] {
  const view = body.data.cluster;
  if (subject.kind === 'stack') return statusScreen(onlyStack(body, subject.stack.name), style);
  const events = body.data.events.filter((event) =>
    event.about.some((id) => concerns(id, subject)),
  );
  const last = eventSection(
    `LAST 5 MIN OF ${subject.kind === 'host' ? subject.host.name : subject.id}`,
    view,
    events,
    style,
  );
  return [
    ...subjectLines(view, subject, style),
    '',
    viewLine(view),
    ...(last.length > 0 ? ['', ...last] : []),
  ];
}

/** One row per slot. The order of the instances of a cluster: by stack, component, slot. */
export function seatTable(
  view: ClusterView,
  seats: readonly Seat[],
  style: ScreenStyle,
): readonly string[] {
  const columns: readonly Column<Seat>[] = [
    { title: 'INSTANCE', cell: ({ component, slot }) => `${component.id}.${slot.slot}` },
    { title: 'HOST', cell: ({ slot }) => placeOf(view, slot) },
    {
      title: 'STATE',
      cell: ({ slot }) => `${stateOf(slot)}${isConfirmed(view, slot) ? '' : '?'}`,
      tint: ({ slot }) => tint(style.paint, stateOf(slot)),
    },
    { title: 'HEALTH', cell: ({ slot }) => slot.instance?.health ?? NO_VALUE },
    { title: 'SINCE', cell: ({ slot }) => sinceOf(slot), drop: 3 },
    { title: 'RESTARTS', cell: ({ slot }) => String(slot.instance?.restarts ?? NO_VALUE), drop: 2 },
    { title: 'PORTS', cell: ({ slot }) => portsOf(slot), drop: 1 },
    { title: 'NOTE', cell: ({ slot }) => seatNote(slot) },
  ];
  return table(seats, columns, {
    width: style.width,
    heading: (text) => style.paint('bold', text),
  });
}

export function seatsOf(view: ClusterView): readonly Seat[] {
  return view.stacks
    .flatMap((stack) => stack.components)
    .flatMap((component) => component.slots.map((slot) => ({ component, slot })));
}

export function seatsOn(view: ClusterView, host: string): readonly Seat[] {
  return seatsOf(view).filter(({ slot }) => slot.host === host || slot.instance?.host === host);
}

/** An event about an instance also concerns its component. */
export function concerns(id: string, subject: Subject): boolean {
  return id === subject.id || (subject.kind === 'component' && id.startsWith(`${subject.id}.`));
}

function subjectLines(
  view: ClusterView,
  subject: Exclude<Subject, { kind: 'stack' }>,
  style: ScreenStyle,
): readonly string[] {
  switch (subject.kind) {
    case 'component': {
      const { component } = subject;
      const seats = component.slots.map((slot) => ({ component, slot }));
      return [
        ...componentTable(view, [{ name: component.id, component }], style),
        ...(seats.length > 0 ? ['', ...seatTable(view, seats, style)] : []),
      ];
    }
    case 'instance':
      return [
        ...seatTable(view, [subject], style),
        '',
        `component ${subject.component.id}, leader ${leaderOf(view, subject.component)}`,
        ...identityLines(subject.slot),
      ];
    case 'host': {
      const seats = seatsOn(view, subject.host.id);
      return [
        ...hostTable(view, [subject.host], style),
        '',
        `id ${subject.host.id}, ${leads(view, subject.host.id)}`,
        '',
        ...(seats.length > 0 ? seatTable(view, seats, style) : ['no instances']),
      ];
    }
  }
}

function leads(view: ClusterView, host: string): string {
  const keys = view.leaders
    .filter((leader) => leader.host === host)
    .map((leader) => `${leader.key} t${leader.term}`);
  return keys.length === 0 ? 'leads nothing' : `leads ${keys.join(', ')}`;
}

function identityLines({ instance }: SlotView): readonly string[] {
  if (instance === undefined) return [];
  const parts = [
    `attempt ${instance.attempt}`,
    `revision ${instance.revision}`,
    `term ${instance.term}`,
    ...(instance.engineId === undefined ? [] : [`engine id ${instance.engineId}`]),
    ...(instance.pid === undefined ? [] : [`pid ${instance.pid}`]),
  ];
  return [parts.join(', ')];
}

function onlyStack(body: StatusBody, name: string): StatusBody {
  const { cluster } = body.data;
  const stacks = cluster.stacks.filter((stack) => stack.name === name);
  const ours = (id: string): boolean =>
    id === name || id === `stack/${name}` || id.startsWith(`${name}.`);
  const events = body.data.events.filter((event) => event.about.some(ours));
  return { ...body, data: { cluster: { ...cluster, stacks }, events } };
}

function placeOf(view: ClusterView, slot: SlotView): string {
  const host = slot.instance?.host ?? slot.host;
  if (host === undefined) return NO_VALUE;
  return `${hostName(view, host)}${isUp(view, host) ? '' : '?'}`;
}

/** What a host that is not heard runs is only what was last known of it. */
function isConfirmed(view: ClusterView, { instance }: SlotView): boolean {
  return instance === undefined || isUp(view, instance.host);
}

function stateOf(slot: SlotView): string {
  return slot.instance?.state ?? (slot.host === undefined ? 'pending' : 'assigned');
}

function sinceOf(slot: SlotView): string {
  const startedAt = slot.instance?.startedAt;
  const at = startedAt === undefined ? Number.NaN : Date.parse(startedAt);
  return Number.isNaN(at) ? NO_VALUE : age(Math.max(0, Date.now() - at));
}

function portsOf(slot: SlotView): string {
  const ports = slot.instance?.ports ?? [];
  return (
    ports.map((port) => `${port.address}:${port.published}->${port.target}`).join(' ') || NO_VALUE
  );
}

function seatNote({ instance, note }: SlotView): string {
  const crash = instance?.crashLoop === true ? 'crash loop' : undefined;
  const exit = instance?.exitCode === undefined ? undefined : `exit ${instance.exitCode}`;
  const reason = instance?.reason ?? exit;
  return [crash, reason, note].filter((part) => part !== undefined).join('; ');
}
