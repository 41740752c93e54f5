import { Command } from 'commander';
import type { ClusterView, ComponentView, HostView, SlotView } from '../../protocol/view/view.ts';
import type { Wanted } from '../../protocol/view/wanted.ts';
import type { EventBody } from '../http/api.ts';
import { counted } from './counted.ts';
import { orDestroyed } from './destroyed.ts';
import { age, freshness } from './duration.ts';
import { EXIT } from './failure.ts';
import { typed } from './invocation.ts';
import type { Perform } from './perform.ts';
import { eventTable, inNames } from './event-lines.ts';
import { viewLine } from './status-screen.ts';
import { resolve, type Subject } from './subject.ts';
import { concerns, seatsOn } from './subject-screen.ts';
import { wrap } from './table.ts';
import { type Cli, print, type ScreenStyle, printJson, widthOf } from './terminal.ts';
import { condition, hostName, isHealthy, isUp, servingSlots, slotTrouble } from './verdict.ts';

type Asked = Extract<Subject, { kind: 'component' | 'instance' | 'host' }>;

/** The journals hold no more than this far back anyway. */
const LOOK_BACK_MS = 24 * 3_600_000;
const TRACE_MAX = 20;
const LABEL_CHARS = 8;

export function whyCommand(perform: Perform): Command {
  return new Command('why')
    .description('who decided what about it, from what, and what comes next')
    .argument('<subject>', 'a component, instance or host')
    .action((word: string, _: object, command: Command) =>
      perform(command, (cli) => explain(cli, word)),
    );
}

async function explain(cli: Cli, word: string): Promise<number> {
  const body = await cli.client.status(cli.signal);
  const subject = await orDestroyed(cli, word, () =>
    resolve(body.data.cluster, word, ['component', 'instance', 'host']),
  );
  const trace = await traceOf(cli, subject);
  if (cli.json) {
    const { kind, id } = subject;
    const { generated_at, view } = body;
    printJson(cli, {
      schema: 'millrace/why/1',
      generated_at,
      view,
      data: { kind, subject: id, now: nowOf(subject), trace },
    });
  } else {
    print(
      cli,
      ...whyScreen(body.data.cluster, subject, trace, {
        width: widthOf(cli.stdout),
        paint: cli.paint,
      }),
    );
  }
  return EXIT.ok;
}

/** What is wanted, what is, who decides, slot by slot; then the trace; then what comes next. */
export function whyScreen(
  view: ClusterView,
  subject: Asked,
  trace: readonly EventBody[],
  style: ScreenStyle,
): readonly string[] {
  const facts = factsOf(view, subject).flatMap(([label, text]) =>
    labeled(label, text, style.width),
  );
  const decisions = trace.slice(-TRACE_MAX);
  const older = trace.length - decisions.length;
  return [
    style.paint(
      'bold',
      `${subject.kind} ${subject.kind === 'host' ? subject.host.name : subject.id}`,
    ),
    ...facts,
    '',
    style.paint('bold', 'DECISIONS AND EVENTS, newest last'),
    ...(older > 0 ? [`${older} older ones are not shown`] : []),
    ...(trace.length > 0 ? eventTable(view, decisions, style) : ['none are known to this host']),
    '',
    viewLine(view),
  ];
}

type Fact = readonly [label: string, text: string];

function factsOf(view: ClusterView, subject: Asked): readonly Fact[] {
  switch (subject.kind) {
    case 'component':
      return componentFacts(view, subject.component);
    case 'instance':
      return instanceFacts(view, subject.component, subject.slot);
    case 'host':
      return hostFacts(view, subject.host);
  }
}

function wantedText(wanted: Wanted): string {
  if (wanted === 'fill') return 'as many as find room on every host';
  return wanted === 'all' ? 'one on every host that fits' : counted(wanted, 'instance');
}

function componentFacts(view: ClusterView, component: ComponentView): readonly Fact[] {
  const { wanted, running, revision, slots } = component;
  const serving = servingSlots(view, component).length;
  return [
    ['wanted', wantedText(wanted)],
    ['is', `${running} running, ${serving} healthy, spec revision ${revision.slice(0, 7)}`],
    ['leader', leaderText(view, component)],
    ...rolloutFacts(view, component),
    ...slots.map((slot): Fact => [`slot ${slot.slot}`, slotText(view, slot)]),
    ['next', nextText(view, component, slots)],
  ];
}

function rolloutFacts(view: ClusterView, { rollout }: ComponentView): readonly Fact[] {
  if (rollout === undefined) return [];
  const { state, revision, done, total, trial, refused, refusedAt, why } = rollout;
  const when = refusedAt === undefined ? '' : `, deployed ${refusedAt}`;
  const word = { going: 'goes on', paused: 'paused', takenBack: `in quarantine${when}` }[state];
  const which = refused ?? revision;
  const waits = trial.length === 0 ? '' : `, slot ${trial.join(' and ')} on trial`;
  const because = why === undefined ? '' : `: ${inNames(view, why)}`;
  const text = `${which.slice(0, 7)} ${word}${because}; ${done} of ${total} have ${revision.slice(0, 7)}${waits}`;
  return [['rollout', text]];
}

function instanceFacts(
  view: ClusterView,
  component: ComponentView,
  slot: SlotView,
): readonly Fact[] {
  const { instance } = slot;
  const stale = instance !== undefined && instance.revision !== component.revision;
  const budget =
    instance === undefined
      ? ''
      : `attempt ${instance.attempt}, ${counted(instance.restarts, 'restart')} counted by the budget`;
  return [
    ['is', slotText(view, slot)],
    ['leader', leaderText(view, component)],
    ...(instance === undefined
      ? []
      : [['decided', `under term ${instance.term}; ${budget}`] as const]),
    ...(stale
      ? [
          [
            'stale',
            `its revision ${instance.revision.slice(0, 7)} is not the wanted ${component.revision.slice(0, 7)}`,
          ] as const,
        ]
      : []),
    ['next', nextText(view, component, [slot])],
  ];
}

function hostFacts(view: ClusterView, host: HostView): readonly Fact[] {
  const heard =
    host.self || host.heardMsAgo === undefined
      ? ''
      : `, last heard ${freshness(host.heardMsAgo)} ago`;
  const leads = view.leaders.filter((leader) => leader.host === host.id);
  const seats = seatsOn(view, host.id).map(({ component, slot }) => `${component.id}.${slot.slot}`);
  return [
    [
      'is',
      `${host.state} for ${age(host.sinceMs)}${heard}, as ${hostName(view, view.from)} believes`,
    ],
    ...(host.engineSilentMs === undefined
      ? []
      : [['engine', `${host.engine}, silent for ${age(host.engineSilentMs)}`] as const]),
    ...(host.unguarded === undefined
      ? []
      : [
          [
            'guard',
            `none answers, so no strict singleton runs there: ${typed('doctor')} on it`,
          ] as const,
        ]),
    ...(host.availability === undefined
      ? []
      : [['set to', `${host.availability}, by a user`] as const]),
    ...(host.labels === undefined
      ? []
      : [
          [
            'labels',
            Object.entries(host.labels)
              .map(([name, value]) => `${name}=${value}`)
              .join(' '),
          ] as const,
        ]),
    ['votes', host.voter ? 'yes: a voter of the roster' : 'no'],
    ['leads', leads.map(({ key, term }) => `${key} (term ${term})`).join(', ') || 'nothing'],
    ['runs', seats.join(', ') || (host.witness ? 'nothing: it is a witness' : 'nothing')],
    ['next', hostNext(view, host, seats.length)],
  ];
}

function leaderText(view: ClusterView, { leader }: ComponentView): string {
  if (leader !== undefined) return `${hostName(view, leader.host)}, term ${leader.term}`;
  return view.quorum
    ? 'none now; the hosts are electing one'
    : 'none known: this host hears no quorum of voters';
}

function slotText(view: ClusterView, slot: SlotView): string {
  const { instance, host, note } = slot;
  const why = note === undefined ? '' : `: ${inNames(view, note)}`;
  if (host === undefined && instance === undefined) return `on no host${why}`;
  const at = host ?? instance?.host ?? '';
  const place = `on ${hostName(view, at)}${isUp(view, at) ? '' : '? (not confirmed)'}`;
  if (instance === undefined) return `${place}, not started yet${why}`;
  const crash = instance.crashLoop ? ', in a crash loop' : '';
  return `${place}, ${condition(instance)}${crash}${why}`;
}

/** The agent's own note knows best; without one the slots speak. */
function nextText(view: ClusterView, component: ComponentView, slots: readonly SlotView[]): string {
  if (component.note !== undefined) return inNames(view, component.note);
  const trouble = slots.map((slot) => slotTrouble(view, slot)).find((text) => text !== undefined);
  if (trouble !== undefined) return `not as wanted: ${trouble}`;
  return isHealthy(view, component)
    ? 'nothing: it is as wanted'
    : 'its leader has to place what is missing';
}

function hostNext(view: ClusterView, host: HostView, seats: number): string {
  if (host.engineSilentMs !== undefined)
    return `what runs there goes on, nothing new is placed there until its engine answers: ${typed('doctor')} on it`;
  if (host.state === 'alive' && host.availability === 'cordoned')
    return `nothing new comes there until ${typed(`host uncordon ${host.name}`)}`;
  if (host.state === 'alive' && host.availability === 'draining')
    return seats === 0
      ? `it is empty, and is given nothing until ${typed(`host uncordon ${host.name}`)}`
      : `what it runs ends as soon as it runs elsewhere; ${counted(seats, 'slot')} left`;
  if (host.state === 'alive') return 'nothing: it is heard';
  if (host.backWithinMs !== undefined)
    return `it reboots: what has a named volume waits for it, ${age(host.backWithinMs)} more, and the rest moves`;
  if (host.state === 'left') return 'nothing: it has left the cluster';
  if (host.state === 'suspect') return 'it answers, or it is declared dead';
  const who = view.quorum
    ? (view.brake ?? 'the leaders of the components move what was there')
    : 'nothing moves: no quorum is heard from here';
  return seats === 0
    ? 'nothing ran on it; it rejoins when it is back'
    : `${counted(seats, 'slot', ['was', 'were'])} on it; ${who}`;
}

/** Events about what this hangs on too: an instance's component. */
async function traceOf(cli: Cli, subject: Asked): Promise<readonly EventBody[]> {
  const about = subject.kind === 'instance' ? subject.component.id : subject.id;
  const found: EventBody[] = [];
  const query = { sinceMs: LOOK_BACK_MS, follow: false, about };
  for await (const event of cli.client.events(query, cli.signal)) found.push(event);
  if (subject.kind !== 'instance') return found;
  const others = (id: string): boolean => id.startsWith(`${about}.`) && !concerns(id, subject);
  return found.filter((event) => !event.about.some(others) || event.about.includes(subject.id));
}

function nowOf(subject: Asked): ComponentView | SlotView | HostView {
  switch (subject.kind) {
    case 'component':
      return subject.component;
    case 'instance':
      return subject.slot;
    case 'host':
      return subject.host;
  }
}

function labeled(label: string, text: string, width: number): readonly string[] {
  const indent = ' '.repeat(LABEL_CHARS + 4);
  return wrap(text, width - indent.length).map((line, at) =>
    at === 0 ? `  ${label.padEnd(LABEL_CHARS)}  ${line}` : `${indent}${line}`,
  );
}
