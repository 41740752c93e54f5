/** Which hosts may run a service: `deploy.placement`, and `platform` as two more constraints. */
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import { LABEL_NAME } from '../../../protocol/component/label.ts';
import type {
  ComponentSpec,
  Constraint,
  Reservation,
  Subject,
} from '../../../protocol/component/spec.ts';
import { staysBehind } from '../../../protocol/component/volume.ts';
import { SLOTS_MAX } from '../../../protocol/limits.ts';
import { array, expected, integer, line, mapping } from '../fields.ts';
import { nearest } from '../nearest.ts';
import type { Complaint } from '../problems.ts';
import type { Surroundings } from './surroundings.ts';

const LABEL = 'node.labels.';
const KINDS = {
  'node.id': 'id',
  'node.hostname': 'hostname',
  'node.platform.os': 'os',
  'node.platform.arch': 'arch',
} as const;
const SUBJECTS = Object.keys(KINDS);

const CONSTRAINT = 'a constraint such as node.labels.disk==ssd or node.hostname!=h1';
const VALUE = /^\P{Cc}{1,253}$/u;

const constraintField = line(CONSTRAINT, (written): Result<Constraint, Complaint> => {
  const [whole, subject = '', operator = '', rest = ''] =
    /^\s*([^\s=!<>~]+)\s*([=!<>~]+)(.*)$/su.exec(written) ?? [];
  if (whole === undefined) return fail({ message: expected(CONSTRAINT, written) });
  const value = rest.trim();
  if (operator !== '==' && operator !== '!=') return fail(noOperator({ subject, operator, value }));
  if (!VALUE.test(value)) return fail({ message: expected(CONSTRAINT, written) });
  const read = readSubject(subject, `${operator}${value}`);
  if (!read.ok) return read;
  const wanted = read.value.kind === 'arch' ? archOf(value) : value;
  return ok({ ...read.value, operator, value: wanted });
});

/** `rest`: what stands behind it, for the suggestion. */
function readSubject(subject: string, rest: string): Result<Subject, Complaint> {
  if (subject.startsWith(LABEL)) {
    const label = subject.slice(LABEL.length);
    if (LABEL_NAME.test(label)) return ok({ kind: 'label', label });
    const next = 'use letters, digits, _ . - and /, at most 63';
    return fail({ message: `"${label}" is no name for a label`, next });
  }
  const kind = Object.hasOwn(KINDS, subject) ? KINDS[subject as keyof typeof KINDS] : undefined;
  return kind === undefined ? fail(unknownSubject(subject, rest)) : ok({ kind });
}

const SPREAD = 'what to spread over, such as node.labels.zone';
const spreadField = line(SPREAD, (written) => readSubject(written.trim(), ''));

function noOperator(asked: {
  readonly subject: string;
  readonly operator: string;
  readonly value: string;
}): Complaint {
  const { subject, operator, value } = asked;
  const meant = operator.includes('!') || operator === '<>' ? '!=' : '==';
  const next = `did you mean ${subject}${meant}${value}?`;
  return { message: `${operator} compares nothing here, == and != do`, next };
}

function unknownSubject(subject: string, rest: string): Complaint {
  const message = `${subject} is nothing to choose hosts by`;
  if (subject === 'node.role')
    return { message, why: 'there are no managers', next: 'remove it', unsupported: true };
  if (subject === 'node.ip' || subject.startsWith('engine.labels.')) {
    const next = 'give hosts a label, and name that: node.labels.NAME';
    return { message, next, unsupported: true };
  }
  // Of a label only what stands before its name can be mistyped.
  const [first, second, ...name] = subject.split('.');
  const words = [...SUBJECTS, ...(name.length > 0 ? [`${LABEL}${name.join('.')}`] : [])];
  const meant = nearest(subject, words) ?? nearest(`node.${subject}`, words);
  const isLabel = first === 'label' || first === 'labels';
  const label = isLabel && second !== undefined ? [second, ...name].join('.') : undefined;
  const suggested = label === undefined ? meant : `${LABEL}${label}`;
  if (suggested !== undefined) return { message, next: `did you mean ${suggested}${rest}?` };
  return { message, next: `use one of ${SUBJECTS.join(', ')}, ${LABEL}NAME` };
}

/** As images name it, whatever the kernel calls it. */
const archOf = (written: string): string => ARCHES[written.toLowerCase()] ?? written;
const ARCHES: Readonly<Record<string, string>> = { x86_64: 'amd64', aarch64: 'arm64' };

export const placementField = mapping({
  constraints: array(constraintField).optional(),
  max_replicas_per_node: integer(0, SLOTS_MAX).optional(),
  preferences: array(mapping({ spread: spreadField })).optional(),
});

const FILL = 'fill, or a number under deploy.replicas';
export const fillField = line(FILL, (written): Result<true, Complaint> =>
  written === 'fill' ? ok(true) : fail({ message: expected(FILL, written) }),
);

const PLATFORM = 'an operating system and a processor such as linux/amd64';
export const platformField = line(PLATFORM, (written): Result<readonly Constraint[], Complaint> => {
  const [whole, os = '', arch = '', variant = ''] =
    /^([a-z0-9_]+)\/([a-z0-9_]+)(?:\/([a-z0-9_.]+))?$/i.exec(written) ?? [];
  if (whole === undefined) return fail({ message: expected(PLATFORM, written) });
  const message = `hosts do not tell which ${arch} they are`;
  const next = `write ${os}/${arch}`;
  // The only one that is nothing but a name.
  if (variant !== '' && !(archOf(arch) === 'arm64' && variant === 'v8'))
    return fail({ message, next, unsupported: true });
  return ok([
    { kind: 'os', operator: '==', value: os.toLowerCase() },
    { kind: 'arch', operator: '==', value: archOf(arch.toLowerCase()) },
  ]);
});

type Written = {
  readonly constraints?: readonly Constraint[] | undefined;
  readonly max_replicas_per_node?: number | undefined;
  readonly preferences?: readonly { readonly spread: Subject }[] | undefined;
  readonly fill?: true | undefined;
  readonly affinity?: readonly string[] | undefined;
  readonly antiAffinity?: readonly string[] | undefined;
  readonly rebalance?: boolean | undefined;
  readonly reserves?: Reservation | undefined;
};

/** Zero replicas per host means no limit, as in Swarm. */
export function readPlacement(
  written: Written,
  platform: readonly Constraint[] = [],
): Pick<ComponentSpec, 'placement'> {
  const { constraints = [], preferences = [], fill, reserves } = written;
  const { affinity = [], antiAffinity = [], rebalance = false } = written;
  const perHostMax = written.max_replicas_per_node ?? 0;
  const spread = preferences.map((preference) => preference.spread);
  const placement = {
    constraints: [...platform, ...constraints],
    ...(perHostMax > 0 && { perHostMax }),
    ...(reserves && { reserves }),
    ...(fill && { fill }),
    ...(spread.length > 0 && { spread }),
    ...(affinity.length > 0 && { affinity }),
    ...(antiAffinity.length > 0 && { antiAffinity }),
    ...(rebalance && { rebalance }),
  };
  const isEmpty = placement.constraints.length === 0 && Object.keys(placement).length === 1;
  return isEmpty ? {} : { placement };
}

export function checkPlacement(
  { name, mode, placement }: ComponentSpec,
  around: Surroundings,
): void {
  const { fill, perHostMax, reserves, spread } = placement ?? {};
  if (fill === true && perHostMax === undefined && reserves === undefined) {
    const message = 'needs to know how many fit on a host';
    const next = 'add deploy.resources.reservations, or deploy.placement.max_replicas_per_node';
    const path = ['services', name, 'x-millrace', 'replicas'];
    around.errors.push({ path, on: 'key', message, next });
  }
  if (mode !== 'global') return;
  const complain = (key: string, why: string): void => {
    const path = ['services', name, 'deploy', 'placement', key];
    const message = `has no meaning beside ${fill === true ? 'replicas: fill' : 'mode: global'}`;
    around.errors.push({ path, on: 'key', message, why, next: 'leave one of the two out' });
  };
  if (perHostMax !== undefined && fill !== true)
    complain('max_replicas_per_node', 'that is one on every host');
  if (spread !== undefined) complain('preferences', 'every host is taken');
}

/** One at a time starts elsewhere before it ends: what must not run twice cannot. */
export function checkRebalance(spec: ComponentSpec, { errors }: Surroundings): void {
  const found = whyNeverTwice(spec);
  if (spec.placement?.rebalance !== true || found === undefined) return;
  const path = ['services', spec.name, 'x-millrace', 'rebalance'];
  const [beside, why] = found;
  const message = `has no meaning ${beside}`;
  errors.push({ path, on: 'key', message, why, next: 'leave one of the two out' });
}

/** What it is, and what follows from that. */
function whyNeverTwice(spec: ComponentSpec): readonly [string, string] | undefined {
  const { mode, singleton, job, volumes, placement } = spec;
  const named = volumes.find(staysBehind);
  if (job !== undefined) return ['for a job', 'an attempt is never begun twice'];
  if (placement?.fill === true) return ['beside replicas: fill', 'every host is full'];
  if (mode === 'global') return ['beside mode: global', 'every host has one'];
  if (singleton === 'strict')
    return ['beside singleton: strict', 'none starts before the one before has ended'];
  if (named === undefined) return undefined;
  return [`beside volume ${named.source}`, 'what is in it stays on its host'];
}
