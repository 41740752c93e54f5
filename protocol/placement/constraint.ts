/**
 * What a component asks of the hosts that may run it. Source: Docker Swarm, whose words and whose
 * indifference to capitals these are; a label that is not there is empty there too.
 */
import type { ComponentSpec, Constraint, Subject } from '../component/spec.ts';
import type { Labels } from '../component/label.ts';
import type { HostFacts } from '../inventory/entry.ts';

/** A host as constraints see it. */
export type Constrained = {
  readonly id: string;
  /** As its own settings say. */
  readonly name: string;
  readonly facts: Pick<HostFacts, 'os' | 'arch' | 'labels'>;
};

/** The first constraint that does not hold there, in words; undefined: all do. */
export function brokenConstraint(
  { placement }: Pick<ComponentSpec, 'placement'>,
  host: Constrained,
): string | undefined {
  const broken = placement?.constraints.find((constraint) => !holds(constraint, host));
  return broken === undefined ? undefined : `${showConstraint(broken)} does not hold there`;
}

/** `node.labels.disk == ssd` */
export const showConstraint = (constraint: Constraint): string =>
  `${showSubject(constraint)} ${constraint.operator} ${constraint.value}`;

/** `node.labels.disk` */
export function showSubject(subject: Subject): string {
  switch (subject.kind) {
    case 'id':
    case 'hostname':
      return `node.${subject.kind}`;
    case 'os':
    case 'arch':
      return `node.platform.${subject.kind}`;
    case 'label':
      return `node.labels.${subject.label}`;
  }
}

function holds(constraint: Constraint, host: Constrained): boolean {
  const isSame = valueAt(constraint, host) === constraint.value.toLowerCase();
  return isSame === (constraint.operator === '==');
}

/** In small letters: capitals do not count. */
export const valueAt = (subject: Subject, host: Constrained): string =>
  actual(subject, host).toLowerCase();

function actual(subject: Subject, { id, name, facts }: Constrained): string {
  switch (subject.kind) {
    case 'id':
      return id;
    case 'hostname':
      return name;
    case 'os':
    case 'arch':
      return facts[subject.kind] ?? '';
    case 'label':
      return labelOf(facts.labels, subject.label);
  }
}

/** Whoever names a label `constructor` gets none that nobody has set. */
const labelOf = (labels: Labels | undefined, name: string): string =>
  labels !== undefined && Object.hasOwn(labels, name) ? (labels[name] ?? '') : '';
