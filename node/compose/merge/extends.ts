/** `extends`: a service laid over another one, of this file or of one beside it. */
import { nearest } from '../nearest.ts';
import type { Complaint, Path } from '../problems.ts';
import { fullPath, type Reader, sourceBeside } from '../read/reader.ts';
import {
  childOf,
  type Entry,
  follow,
  mappingAt,
  type Spot,
  type Tree,
  withKey,
} from '../read/tree.ts';
import { mergeTrees } from './merge.ts';
import { isRemote, REMOTE } from './remote.ts';

/** A chain of services that extend each other is told when it is longer. */
const CHAIN_MAX = 50;

type Extending = {
  readonly reader: Reader;
  /** Files that were read, by path; `undefined` for those that could not be. */
  readonly files: Map<string, Tree | undefined>;
  /** Services of circles that are told. */
  readonly circling: Set<string>;
};

/** The file with every `extends` in it replaced by what it stands for. */
export function applyExtends(file: Tree, reader: Reader): Tree {
  const services = mappingAt(file, 'services');
  if (file.kind !== 'mapping' || services === undefined) return file;
  const extending: Extending = { reader, files: new Map(), circling: new Set() };
  let changed = services;
  for (const name of services.entries.keys()) {
    const service = extended(file, name, [], extending);
    if (service !== undefined) changed = withKey(changed, name, service);
  }
  const key = childOf(file, 'services')?.key ?? file.at;
  return withKey(file, 'services', { key, value: changed });
}

/** `trail`: the services that led here, the first one first. */
function extended(
  file: Tree,
  name: string,
  trail: readonly string[],
  extending: Extending,
): Entry | undefined {
  const entry = follow(file, ['services', name]);
  const written = childOf(entry?.value, 'extends');
  if (entry?.value.kind !== 'mapping' || written === undefined) return entry;
  const own = withKey(entry.value, 'extends', undefined);
  const path = ['services', name, 'extends'];
  const tell = (at: Spot, complaint: Complaint): void => extending.reader.tell(at, path, complaint);
  const wanted = readWanted(written.value, path, extending.reader);
  if (wanted === undefined) return { ...entry, value: own };
  const step = `${file.at.source.file}:${name}`;
  const seen = trail.indexOf(step);
  if (seen >= 0 || trail.length > CHAIN_MAX) {
    if (extending.circling.has(step)) return { ...entry, value: own };
    const circle = [...trail.slice(Math.max(0, seen)), step];
    for (const member of circle) extending.circling.add(member);
    const message = `extends goes in a circle, ${circle.map(shortened(file)).join(' -> ')}`;
    tell(written.value.at, { message, why: 'none of them could be written out' });
    return { ...entry, value: own };
  }
  const from = wanted.file === undefined ? file : openFile(wanted.file, path, extending);
  if (from === undefined) return { ...entry, value: own };
  const base = extended(from, wanted.service, [...trail, step], extending);
  if (base === undefined) {
    tell(wanted.at, noService(wanted.service, from));
    return { ...entry, value: own };
  }
  const value = mergeTrees(base.value, own, ['services', name], extending.reader);
  return { ...entry, value };
}

type Wanted = { readonly service: string; readonly at: Spot; readonly file?: Named };
type Named = { readonly at: Spot; readonly file: string };

function readWanted(tree: Tree, path: Path, { tell }: Reader): Wanted | undefined {
  const refuse = (at: Spot, message: string): undefined => {
    tell(at, path, { message, next: 'write extends: { service: NAME, file: FILE }' });
  };
  if (tree.kind === 'leaf' && typeof tree.value === 'string')
    return { service: tree.value, at: tree.at };
  if (tree.kind !== 'mapping')
    return refuse(tree.at, 'expected the name of a service, or a mapping');
  for (const [key, { key: at }] of tree.entries) {
    if (key === 'service' || key === 'file') continue;
    const meant = nearest(key, ['service', 'file']);
    refuse(
      at,
      meant === undefined ? `unknown key ${key}` : `unknown key ${key}, did you mean ${meant}?`,
    );
  }
  const [service, file] = [childOf(tree, 'service')?.value, childOf(tree, 'file')?.value];
  if (service?.kind !== 'leaf' || typeof service.value !== 'string')
    return refuse(service?.at ?? tree.at, 'missing: the name of a service');
  const wanted = { service: service.value, at: service.at };
  if (file === undefined) return wanted;
  if (file.kind !== 'leaf' || typeof file.value !== 'string' || file.value === '')
    return refuse(file.at, 'expected the path of a file');
  return { ...wanted, file: { at: file.at, file: file.value } };
}

function openFile({ at, file }: Named, path: Path, { reader, files }: Extending): Tree | undefined {
  if (isRemote(file)) {
    reader.tell(at, path, REMOTE);
    return undefined;
  }
  const source = sourceBeside(at.source, file);
  const known = files.has(source.file);
  const tree = known
    ? files.get(source.file)
    : reader.open({ at, path, full: fullPath(at.source, file) }, source);
  files.set(source.file, tree);
  return tree;
}

function noService(name: string, file: Tree): Complaint {
  const services = mappingAt(file, 'services');
  const meant = nearest(name, services?.entries.keys() ?? []);
  const hint = meant === undefined ? '' : `, did you mean ${meant}?`;
  return { message: `there is no service ${name} in ${file.at.source.file}${hint}` };
}

/** Services of the file itself go by their names. */
function shortened({ at }: Tree): (step: string) => string {
  const own = `${at.source.file}:`;
  return (step) => (step.startsWith(own) ? step.slice(own.length) : step);
}
