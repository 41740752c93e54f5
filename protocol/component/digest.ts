/**
 * The revision of a spec: equal digests mean that an instance made from one spec serves the other.
 * What is not in it may change while the instance runs on: how many there are (`mode`, `replicas`),
 * what only the agent reads, each time anew (`restart`, `dependsOn`, `stopGraceMs`, `update`,
 * `rollback`, `steering`, `onIsolation`, `onHeal`, `inspect`), and which hosts may run it (`placement`). Of a job `restart` is in
 * it: what has ended by one policy says nothing about another.
 */
import { hash } from '../base/order.ts';
import { type Run, showRevision } from '../record/record.ts';
import type { FileSpec } from './file.ts';
import type { ComponentSpec, StackSpec } from './spec.ts';

/** 16 hexadecimal characters. Absent and undefined are the same; order counts only where it means something. */
export function specDigest(spec: ComponentSpec): string {
  const known = digests.get(spec);
  if (known !== undefined) return known;
  const digest = digestOf(spec);
  digests.set(spec, digest);
  return digest;
}

/** Specs are never changed, so each is read once: it is asked for in every step of every host. */
const digests = new WeakMap<ComponentSpec, string>();

function digestOf(spec: ComponentSpec): string {
  const {
    image,
    entrypoint,
    command,
    process,
    environment,
    ports,
    volumes,
    files,
    healthcheck,
    heartbeat,
    container,
    singleton,
    job,
    restart,
  } = spec;
  const text = canonical({
    image,
    entrypoint,
    command,
    process,
    environment,
    // Sets: neither engine gives their order a meaning.
    ports: ports.map(canonical).sort(),
    volumes: volumes.map(canonical).sort(),
    files: files?.map(asFound).sort(),
    healthcheck,
    heartbeat,
    container,
    // A guard watches over an instance from its making to its end, or not at all.
    singleton,
    ...(job === undefined ? {} : { job, restart }),
  });
  return digest(text);
}

/** What a stack calls it no instance sees, nor how it was sealed. */
function asFound(file: FileSpec): string {
  const seal = file.kind === 'secret' ? file.seal?.fingerprint : undefined;
  return canonical({ ...file, name: undefined, seal });
}

/**
 * What an instance must be made from to serve `spec` in `stack`: the spec itself, and the specs of
 * those it depends on with `restart: true`, so that it is replaced when they are.
 */
export function revisionOf(spec: ComponentSpec, stack: StackSpec): string {
  const followed = spec.dependsOn.filter(({ restart }) => restart).map(({ on }) => on);
  const others = stack.components.filter(({ name }) => followed.includes(name));
  if (others.length === 0) return specDigest(spec);
  return digest([spec, ...others].map(specDigest).join(' '));
}

/** What an instance of a job must be made for: another run of the same spec is another revision. */
export const runRevision = ({ revision, since }: Run): string =>
  digest(`${revision} ${showRevision(since)}`);

/** One 32-bit hash from two starting points. */
const digest = (text: string): string => hex(hash(text)) + hex(hash(`${text.length}\0${text}`));

const hex = (n: number): string => n.toString(16).padStart(8, '0');

/** JSON with sorted keys and without what is undefined. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`);
  return `{${members.join(',')}}`;
}
