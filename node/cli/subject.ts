/**
 * What a word typed by a user names. A whole name beats a prefix; a prefix must be the only one.
 *
 *   stack       shop
 *   component   web, shop.web
 *   instance    web.1, shop.web.1, or the engine's id
 *   host        its name or its id
 *
 * A prefix never crosses a dot: `shop.w` means components, `shop.w.1` would mean instances. Ids of
 * engines and hosts count from four characters on, so that a short word never hits one by chance.
 */
import type {
  ClusterView,
  ComponentView,
  HostView,
  SlotView,
  StackView,
} from '../../protocol/view/view.ts';
import { EXIT, Failure } from './failure.ts';
import { typed } from './invocation.ts';

export type Subject =
  | { readonly kind: 'stack'; readonly id: string; readonly stack: StackView }
  | { readonly kind: 'component'; readonly id: string; readonly component: ComponentView }
  | {
      readonly kind: 'instance';
      readonly id: string;
      readonly component: ComponentView;
      readonly slot: SlotView;
    }
  | { readonly kind: 'host'; readonly id: string; readonly host: HostView };
export type SubjectKind = Subject['kind'];
export const SUBJECT_KINDS = [
  'stack',
  'component',
  'instance',
  'host',
] as const satisfies readonly SubjectKind[];

type Candidate = {
  readonly subject: Subject;
  readonly names: readonly string[];
  readonly ids: readonly string[];
};

const ID_PREFIX_MIN = 4;
const LISTED_MAX = 12;

/** The one subject of these kinds that `word` names; throws a `Failure` with exit 2 or 4. */
export function resolve<K extends SubjectKind>(
  view: ClusterView,
  word: string,
  kinds: readonly K[],
): Extract<Subject, { kind: K }> {
  const candidates = everything(view).filter(({ subject }) =>
    kinds.some((kind) => kind === subject.kind),
  );
  const whole = candidates.filter(({ names, ids }) => [...names, ...ids].includes(word));
  const found =
    whole.length > 0 ? whole : candidates.filter((candidate) => startsWith(candidate, word));
  const [first, ...more] = found;
  if (first === undefined) throw unknown(word, kinds, candidates);
  if (more.length > 0) throw ambiguous(word, found);
  return first.subject as Extract<Subject, { kind: K }>;
}

/** What was found, in words that name only it: `component shop.web`, `host h1 (k2f9)`. */
export function describe(subject: Subject): string {
  return subject.kind === 'host'
    ? `host ${subject.host.name} (${subject.host.id})`
    : `${subject.kind} ${subject.id}`;
}

/** Known instances of a component, or the one instance itself; empty slots left out. */
export function instanceIds(
  subject: Extract<Subject, { kind: 'component' | 'instance' }>,
): readonly string[] {
  const slots = subject.kind === 'instance' ? [subject.slot] : subject.component.slots;
  return slots.flatMap((slot) => (slot.instance === undefined ? [] : [slot.instance.id]));
}

function everything(view: ClusterView): readonly Candidate[] {
  const stacks = view.stacks.flatMap((stack): readonly Candidate[] => [
    { subject: { kind: 'stack', id: stack.name, stack }, names: [stack.name], ids: [] },
    ...stack.components.flatMap((component) => ofComponent(component)),
  ]);
  const hosts = view.hosts.map((host): Candidate => ({
    subject: { kind: 'host', id: host.id, host },
    names: [host.name],
    ids: [host.id],
  }));
  return [...stacks, ...hosts];
}

function ofComponent(component: ComponentView): readonly Candidate[] {
  const short = component.id.slice(component.id.indexOf('.') + 1);
  return [
    {
      subject: { kind: 'component', id: component.id, component },
      names: [component.id, short],
      ids: [],
    },
    ...component.slots.map((slot): Candidate => {
      const id = `${component.id}.${slot.slot}`;
      const engineId = slot.instance?.engineId;
      return {
        subject: { kind: 'instance', id, component, slot },
        names: [id, `${short}.${slot.slot}`],
        ids: engineId === undefined ? [] : [engineId],
      };
    }),
  ];
}

function startsWith({ names, ids }: Candidate, word: string): boolean {
  if (word === '') return false;
  const dots = word.split('.').length;
  return (
    names.some((name) => name.startsWith(word) && name.split('.').length === dots) ||
    (word.length >= ID_PREFIX_MIN && ids.some((id) => id.startsWith(word)))
  );
}

function ambiguous(word: string, found: readonly Candidate[]): Failure {
  return new Failure({
    code: 'ambiguous',
    what: `"${word}" names ${found.length} things`,
    why: listed(found.map(({ subject }) => describe(subject))),
    next: 'type more of the name, or STACK.COMPONENT, STACK.COMPONENT.SLOT or a host id in full',
    exit: EXIT.usage,
  });
}

function unknown(
  word: string,
  kinds: readonly SubjectKind[],
  known: readonly Candidate[],
): Failure {
  const components = kinds.some((kind) => kind === 'component');
  // Where components are listed, their instances would only make the line long.
  const tops = known.filter(({ subject }) => subject.kind !== 'instance' || !components);
  const names = listed(tops.map(({ subject }) => describe(subject)));
  return new Failure({
    code: 'not-found',
    what: `there is no ${kinds.join(', ').replace(/, (\w+)$/, ' or $1')} "${word}"`,
    why: tops.length === 0 ? 'this cluster has none yet' : `this cluster has: ${names}`,
    next: typed('status'),
    exit: EXIT.notFound,
  });
}

function listed(names: readonly string[]): string {
  const more = names.length - LISTED_MAX;
  return names.slice(0, LISTED_MAX).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
