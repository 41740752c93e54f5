/** The one screen of `status`: per stack a verdict, then hosts, components, events, what to type. */
import type { ClusterView, ComponentView, HostView, StackView } from '../../protocol/view/view.ts';
import type { StatusBody } from '../http/api.ts';
import { counted } from './counted.ts';
import { age, freshness } from './duration.ts';
import { eventSection, inNames } from './event-lines.ts';
import { typed } from './invocation.ts';
import { type Column, table, wrap } from './table.ts';
import type { Format, Paint, ScreenStyle } from './terminal.ts';
import {
  byName,
  hostName,
  isHealthy,
  isUp,
  servingSlots,
  slotTrouble,
  stackState,
} from './verdict.ts';

const TROUBLES_SHOWN_MAX = 3;
const WHERE_SHOWN_MAX = 4;
const REVISION_CHARS = 7;

const STATE_FORMAT: Readonly<Record<string, Format>> = {
  OK: 'green',
  alive: 'green',
  running: 'green',
  DEGRADED: 'yellow',
  suspect: 'yellow',
  DOWN: 'red',
  dead: 'red',
  failed: 'red',
  rejected: 'red',
};

export function statusScreen(body: StatusBody, style: ScreenStyle): readonly string[] {
  const view = body.data.cluster;
  const several = view.stacks.length > 1;
  const sections = [
    headerLines(view, style),
    hostTable(view, view.hosts, style),
    ...(view.stacks.length > 0 ? [componentTable(view, allOf(view, several), style)] : []),
    eventSection('LAST 5 MIN', view, body.data.events, style),
    hints(view, style.width),
  ];
  return sections
    .filter((lines) => lines.length > 0)
    .flatMap((lines, at) => (at > 0 ? ['', ...lines] : lines));
}

/** `h2 *   alive   12d`: the asterisk is the host that was asked. */
export function hostTable(
  view: ClusterView,
  hosts: readonly HostView[],
  style: ScreenStyle,
): readonly string[] {
  const columns: readonly Column<HostView>[] = [
    { title: 'HOST', cell: (host) => (host.self ? `${host.name} *` : host.name) },
    { title: 'STATE', cell: (host) => host.state, tint: (host) => tint(style.paint, host.state) },
    { title: 'SINCE', cell: (host) => age(host.sinceMs), drop: 4 },
    { title: 'VOTES', cell: votesOf, drop: 3 },
    {
      title: 'INST',
      cell: (host) => `${host.instances}${isUp(view, host.id) || host.instances === 0 ? '' : '?'}`,
    },
    { title: 'ENGINE', cell: (host) => host.engine ?? '-', drop: 2 },
    { title: 'AGENT', cell: (host) => host.agent ?? '-', drop: 1 },
    { title: '', cell: (host) => hostNote(host) },
  ];
  return table(byName(hosts), columns, {
    width: style.width,
    heading: (text) => style.paint('bold', text),
  });
}

const votesOf = ({ voter, witness }: HostView): string =>
  witness ? `${voter ? 'yes' : '-'} (witness)` : voter ? 'yes' : '-';

export type NamedComponent = { readonly name: string; readonly component: ComponentView };

export function componentTable(
  view: ClusterView,
  components: readonly NamedComponent[],
  style: ScreenStyle,
): readonly string[] {
  const columns: readonly Column<NamedComponent>[] = [
    { title: 'COMPONENT', cell: ({ name }) => name },
    { title: 'WANT', cell: ({ component }) => String(component.wanted) },
    { title: 'RUN', cell: ({ component }) => String(component.running) },
    {
      title: 'OK',
      cell: ({ component }) => String(servingSlots(view, component).length),
      tint: ({ component }) => tint(style.paint, isHealthy(view, component) ? 'OK' : 'DEGRADED'),
    },
    {
      title: 'REVISION',
      cell: ({ component }) => component.revision.slice(0, REVISION_CHARS),
      drop: 1,
    },
    { title: 'LEADER', cell: ({ component }) => leaderOf(view, component), drop: 2 },
    { title: 'WHERE', cell: ({ component }) => whereabouts(view, component) },
    { title: 'NOTE', cell: ({ component }) => inNames(view, component.note ?? '') },
  ];
  return table(components, columns, {
    width: style.width,
    heading: (text) => style.paint('bold', text),
  });
}

export function tint(paint: Paint, state: string): (text: string) => string {
  const format = STATE_FORMAT[state];
  return (text) => (format === undefined ? text : paint(format, text));
}

/** `h2 t12`: who decides for it, under which term. */
export function leaderOf(view: ClusterView, { leader }: ComponentView): string {
  return leader === undefined ? 'none' : `${hostName(view, leader.host)} t${leader.term}`;
}

/** `view of h2, 0.4 s old, 6 of 6 agree`. */
export function viewLine(view: ClusterView): string {
  const whose = `view of ${hostName(view, view.from)}`;
  if (view.peers === 0) return `${whose}, alone`;
  return `${whose}, ${freshness(view.ageMs)} old, ${view.agree} of ${view.peers} agree`;
}

/** Hosts of which nothing is heard here though they are well. */
export const rivalLines = (view: ClusterView): readonly string[] =>
  (view.rivals ?? []).map(
    (id) =>
      `${hostName(view, id)} follows voters that were forced elsewhere: ${typed('cluster voters force')} on one side ends that`,
  );

function headerLines(view: ClusterView, style: ScreenStyle): readonly string[] {
  const alive = view.hosts.filter((host) => host.state === 'alive').length;
  const hosts = `${alive}/${view.hosts.filter((host) => host.state !== 'left').length} hosts`;
  const titles =
    view.stacks.length > 0
      ? view.stacks.flatMap((stack) => stackLines(view, stack, hosts, style))
      : joined('no stack is deployed', hosts, viewLine(view), style.width);
  const copied = view.copied === true ? wrap(`${COPIED}: ${typed('doctor')}`, style.width) : [];
  const isolated = view.quorum
    ? []
    : wrap(
        'no quorum: this host hears too few voters, so nothing is placed or moved from here',
        style.width,
      );
  const braked = view.brake === undefined ? [] : wrap(view.brake, style.width);
  const rivals = rivalLines(view).flatMap((line) => wrap(line, style.width));
  return [...titles, ...copied, ...isolated, ...braked, ...rivals];
}

const COPIED =
  'this host runs twice: its state was copied, and this agent, the older of the two, serves nothing more';

function stackLines(
  view: ClusterView,
  stack: StackView,
  hosts: string,
  style: ScreenStyle,
): readonly string[] {
  const state = stackState(view, stack);
  const serving = stack.components.reduce(
    (sum, component) => sum + servingSlots(view, component).length,
    0,
  );
  const wanted = stack.components.reduce(
    (sum, { wanted: count, slots }) => sum + (typeof count === 'number' ? count : slots.length),
    0,
  );
  const title = `${stack.name}   ${state}`;
  const counts = `${hosts}   ${serving}/${wanted} instances healthy`;
  const [line, ...more] = joined(title, counts, viewLine(view), style.width);
  const painted = line.replace(
    title,
    () => `${style.paint('bold', stack.name)}   ${tint(style.paint, state)(state)}`,
  );
  return [painted, ...more, ...troubleLines(view, stack, style.width)];
}

/** On one line where it fits. */
function joined(
  title: string,
  counts: string,
  whose: string,
  width: number,
): readonly [string, ...string[]] {
  const left = `${title}   ${counts}`;
  const one = `${left}      ${whose}`;
  return one.length <= width ? [one] : [left, `    ${whose}`];
}

function troubleLines(view: ClusterView, stack: StackView, width: number): readonly string[] {
  const troubled = stack.components.filter((component) => !isHealthy(view, component));
  const indent = '    ';
  return troubled.slice(0, TROUBLES_SHOWN_MAX).flatMap((component) => {
    const name = shortName(component);
    const reasons = component.slots
      .map((slot) => slotTrouble(view, slot))
      .filter((reason) => reason !== undefined);
    const why = reasons[0] ?? inNames(view, component.note ?? 'it has no slot yet');
    const more = reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : '';
    const text = `${name} has ${servingSlots(view, component).length} of ${wantedOf(component)} healthy: ${why}${more}`;
    return wrap(text, width - indent.length).map((line) => indent + line);
  });
}

/** Every host of `all` is one word; else the hosts by name, doubled ones counted. */
function whereabouts(view: ClusterView, component: ComponentView): string {
  const times = new Map<string, number>();
  for (const slot of component.slots) {
    const host = slot.host ?? slot.instance?.host;
    if (host !== undefined) times.set(host, (times.get(host) ?? 0) + 1);
  }
  const present = view.hosts.filter((host) => host.state !== 'left');
  const everywhere =
    present.length > 1 && present.every((host) => times.has(host.id) && isUp(view, host.id));
  if (component.wanted === 'all' && everywhere) return 'every host';
  const names = [...times].map(([id, count]) => {
    const doubt = isUp(view, id) ? '' : '?';
    return `${hostName(view, id)}${doubt}${count > 1 ? ` x${count}` : ''}`;
  });
  names.sort();
  const more = names.length - WHERE_SHOWN_MAX;
  if (names.length === 0) return '-';
  return names.slice(0, WHERE_SHOWN_MAX).join(' ') + (more > 0 ? ` +${more}` : '');
}

function hostNote(host: HostView): string {
  if (host.engineSilentMs !== undefined) return engineSilence(host.engineSilentMs);
  if (host.leaving === true && host.state === 'alive')
    return 'leaves, once others have what it has';
  if (host.availability !== undefined && host.state === 'alive') return setNote(host);
  if (host.unguarded === true && host.state === 'alive') return 'no guard: runs nothing strict';
  if (host.backWithinMs !== undefined)
    return `reboots, to be back within ${age(host.backWithinMs)}`;
  if (host.state === 'alive' || host.self || host.heardMsAgo === undefined) return '';
  return `last heard ${age(host.heardMsAgo)} ago`;
}

const setNote = ({ availability, instances }: HostView): string =>
  availability === 'cordoned'
    ? 'cordoned: nothing new comes there'
    : instances === 0
      ? 'drained'
      : `is drained, ${counted(instances, 'instance')} left`;

/** What its host says of an engine that hangs or is gone. */
export const engineSilence = (ms: number): string => `engine silent for ${age(ms)}`;

/** Verbs that help with what is seen now, at most three. */
function hints(view: ClusterView, width: number): readonly string[] {
  const troubled = view.stacks
    .flatMap((stack) => stack.components)
    .find((component) => !isHealthy(view, component));
  const isAilingHost = ({ state, engineSilentMs }: HostView): boolean =>
    state === 'dead' || state === 'suspect' || engineSilentMs !== undefined;
  const ailing = view.hosts.find(isAilingHost);
  const verbs = [
    ...(view.stacks.length === 0 ? ['deploy -f compose.yaml'] : []),
    ...(troubled === undefined ? [] : [`why ${shortName(troubled)}`]),
    ...(ailing === undefined ? [] : [`host show ${ailing.name}`]),
    ...(troubled === undefined && ailing === undefined && view.stacks.length > 0
      ? ['ps', 'status -w']
      : []),
    'events -f',
  ];
  const commands = verbs.slice(0, 3).map((verb) => typed(verb));
  const line = `try: ${commands.join('      ')}`;
  if (line.length <= width) return [line];
  return commands.map((command, at) => `${at === 0 ? 'try: ' : '     '}${command}`);
}

function wantedOf(component: ComponentView): string {
  const { wanted, slots } = component;
  return String(typeof wanted === 'number' ? wanted : slots.length);
}

function shortName(component: ComponentView): string {
  return component.id.slice(component.id.indexOf('.') + 1);
}

function allOf(view: ClusterView, several: boolean): readonly NamedComponent[] {
  return view.stacks.flatMap((stack) =>
    stack.components.map((component) => ({
      name: several ? component.id : shortName(component),
      component,
    })),
  );
}
