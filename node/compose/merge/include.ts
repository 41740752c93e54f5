/** `include`: other Compose files, each with variables and relative paths of its own, made part of one. */
import { checkKeys } from '../keys/support.ts';
import { nearest } from '../nearest.ts';
import type { Complaint, Path } from '../problems.ts';
import { fullPath, type Reader, shownPath, sourceBeside } from '../read/reader.ts';
import {
  childOf,
  type Entry,
  follow,
  locate,
  type Mapping,
  mappingOf,
  plainOf,
  type Source,
  type Spot,
  type Tree,
  withKey,
} from '../read/tree.ts';
import { dotenvOf, withVariables } from '../read/variables.ts';
import { mergeTrees } from './merge.ts';
import { isRemote, REMOTE } from './remote.ts';

/** What an included file brings along; the rest of it is about itself. */
const BROUGHT = ['services', 'volumes', 'networks', 'configs', 'secrets', 'models'] as const;
const KEYS = ['path', 'project_directory', 'env_file'] as const;

export type Including = {
  readonly reader: Reader;
  /** Paths of the files that are being included, the outermost first. */
  readonly trail: readonly string[];
  /** One of the files that an item names, as far as it is whole in itself. */
  readonly load: (tree: Tree, including: Including) => Tree;
};

/** The file with what it includes; where both have a name the file itself lies on top. */
export function applyInclude(file: Tree, including: Including): Tree {
  const written = childOf(file, 'include');
  if (file.kind !== 'mapping' || written === undefined) return file;
  const own = withKey(file, 'include', undefined);
  const { value } = written;
  if (value.kind !== 'list') {
    if (!(value.kind === 'leaf' && value.value === null)) {
      const next = 'write include: [FILE]';
      including.reader.tell(value.at, ['include'], { message: 'expected a list of files', next });
    }
    return own;
  }
  let brought: Mapping = mappingOf(file.at, []);
  for (const [index, item] of value.items.entries()) {
    const path = ['include', index];
    const included = includeItem(item, path, including);
    if (included !== undefined) brought = bring(brought, included, including.reader);
  }
  return mergeTrees(brought, own, [], including.reader);
}

type Item = {
  readonly files: readonly Text[];
  readonly folder?: Text;
  readonly variables?: readonly Text[];
};
type Text = { readonly text: string; readonly at: Spot };

function includeItem(tree: Tree, path: Path, including: Including): Tree | undefined {
  const { reader, trail } = including;
  const item = readItem(tree, path, reader);
  const [first] = item?.files ?? [];
  if (item === undefined || first === undefined) return undefined;
  const source = includedSource(item, first, path, reader);
  if (source === undefined) return undefined;
  let model: Tree | undefined;
  for (const { text: file, at } of item.files) {
    if (isRemote(file)) {
      reader.tell(at, path, REMOTE);
      return undefined;
    }
    const full = fullPath(at.source, file);
    if (trail.includes(full)) {
      const why = `${at.source.file} is a part of it`;
      reader.tell(at, path, { message: `include goes in a circle: ${file} again`, why });
      return undefined;
    }
    const shown = shownPath(at.source, file);
    const opened = reader.open({ at, path, full }, { ...source, file: shown });
    if (opened === undefined) return undefined;
    const loaded = including.load(opened, { ...including, trail: [...trail, full] });
    model = model === undefined ? loaded : mergeTrees(model, loaded, [], reader);
  }
  if (model !== undefined) checkIncluded(model, reader);
  return model;
}

function includedSource(
  { folder, variables }: Item,
  first: Text,
  path: Path,
  { problems, warnings }: Reader,
): Source | undefined {
  const from = first.at.source;
  const beside = sourceBeside(from, first.text);
  const source =
    folder === undefined
      ? beside
      : {
          ...beside,
          dir: fullPath(from, folder.text),
          shownDir: shownPath(from, folder.text),
        };
  const files = variables?.map(({ text, at }) => ({
    file: shownPath(from, text),
    path: fullPath(from, text),
    asked: { at, path: [...path, 'env_file'] },
  }));
  const own = withVariables(from.lookup, files ?? [dotenvOf(source)]);
  if (own.ok) {
    warnings.push(...own.value.warnings);
    return { ...source, lookup: own.value.lookup };
  }
  problems.push(own.error);
  return undefined;
}

function readItem(tree: Tree, path: Path, { tell }: Reader): Item | undefined {
  const text = textOf(tree);
  if (text !== undefined) return { files: [text] };
  const next = 'write the path of a file, or a mapping with path, project_directory and env_file';
  if (tree.kind !== 'mapping') {
    tell(tree.at, path, { message: 'expected the path of a file', next });
    return undefined;
  }
  for (const [key, { key: at }] of tree.entries) {
    if (KEYS.some((known) => known === key)) continue;
    const meant = nearest(key, KEYS);
    const hint = meant === undefined ? '' : `, did you mean ${meant}?`;
    tell(at, [...path, key], { message: `unknown key${hint}`, ...(hint === '' && { next }) });
  }
  const part = (key: (typeof KEYS)[number]): readonly Text[] | undefined => {
    const value = childOf(tree, key)?.value;
    if (value === undefined) return undefined;
    const items = value.kind === 'list' ? value.items : [value];
    const texts = items.map(textOf);
    const found = texts.filter((one) => one !== undefined);
    if (found.length === texts.length) return found;
    tell(value.at, [...path, key], { message: 'expected a path, or a list of them', next });
    return [];
  };
  const [files, folder, variables] = [part('path'), part('project_directory'), part('env_file')];
  if (files === undefined) tell(tree.at, path, { message: 'missing: path', next });
  return {
    files: files ?? [],
    ...(folder?.[0] !== undefined && { folder: folder[0] }),
    ...(variables !== undefined && { variables }),
  };
}

function textOf(tree: Tree): Text | undefined {
  if (tree.kind !== 'leaf' || typeof tree.value !== 'string' || tree.value === '') return undefined;
  return { text: tree.value, at: tree.at };
}

/** What is not brought along must not vanish without a word. */
function checkIncluded(model: Tree, reader: Reader): void {
  const { errors } = checkKeys(plainOf(model));
  for (const finding of errors)
    if (finding.path.length === 1) reader.problems.push(locate(model, finding));
  const ours = childOf(model, 'x-millrace');
  if (ours === undefined) return;
  const message = 'not read in a file that another one includes';
  const next = 'move it to the services, or to the file that includes this one';
  reader.tell(ours.key, ['x-millrace'], { message, next });
}

/** Of two files that bring the same name one would be lost. */
function bring(all: Mapping, from: Tree, reader: Reader): Mapping {
  let result = all;
  for (const section of BROUGHT) {
    const incoming = childOf(from, section);
    if (incoming?.value.kind !== 'mapping') continue;
    const present = childOf(result, section);
    let merged: Mapping =
      present?.value.kind === 'mapping' ? present.value : mappingOf(incoming.value.at, []);
    for (const [name, entry] of incoming.value.entries) {
      const other = follow(merged, [name]);
      if (other === undefined) merged = withKey(merged, name, entry);
      else if (!isSame(other, entry)) reader.tell(entry.key, [section, name], twice(other));
    }
    result = withKey(result, section, { key: incoming.key, value: merged });
  }
  return result;
}

function isSame(a: Entry, b: Entry): boolean {
  return JSON.stringify(plainOf(a.value)) === JSON.stringify(plainOf(b.value));
}

function twice({ key }: Entry): Complaint {
  return {
    message: 'two included files have this name',
    why: `the other is in ${key.source.file}:${key.line}`,
    next: 'rename one of them',
  };
}
