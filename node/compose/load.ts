/**
 * Compose files to the stack they describe. docs/compose.md tells users what of the format is read.
 *
 *     files ─▶ one tree (merge/project.ts) ─▶ profiles ─▶ keys ─▶ services ─▶ the stack as a whole
 *
 * A stage that finds errors ends the load, so that one slip is told once; `keys` and `services` are
 * one stage.
 */
import { basename, dirname, resolve } from 'node:path';
import { ok, type Result } from '../../protocol/base/result.ts';
import type { ComponentSpec, StackSpec } from '../../protocol/component/spec.ts';
import { COMPONENTS_MAX, STACK_CHARS_MAX } from '../../protocol/limits.ts';
import { expected, findingsOf, kindOf } from './fields.ts';
import { readFileDefinitions } from './files.ts';
import { checkKeys } from './keys/support.ts';
import { mergeProject } from './merge/project.ts';
import { readNetworks } from './networks.ts';
import { type Finding, listProblems, type Path, type Problem } from './problems.ts';
import type { Lookup } from './read/interpolate.ts';
import { withProjectName } from './read/project-name.ts';
import { createReader } from './read/reader.ts';
import { follow, locate, plainOf, type Source, type Spot, type Tree } from './read/tree.ts';
import {
  dotenvOf,
  environmentLookup,
  type Variables,
  variablesFiles,
  withVariables,
} from './read/variables.ts';
import type { BuildSource } from './service/build.ts';
import { readEverywhere } from './service/contract.ts';
import { isActive, noneActive, profilesField } from './service/profiles.ts';
import { readComponent, serviceField, type ServiceFields } from './service/service.ts';
import type { Surroundings } from './service/surroundings.ts';
import {
  adviseHealth,
  awaitedServices,
  checkAffinity,
  checkDependencies,
  checkServiceName,
  isStackName,
  stackNameOf,
} from './stack.ts';
import { readVolumeMakings } from './volumes.ts';

export type ComposeSource = {
  /** What problems call the file. */
  readonly path: string;
  /** Laid over the first one, in this order. */
  readonly overrides?: readonly { readonly path: string; readonly text: string }[];
  /** In place of the name in the file and of the folder's. */
  readonly name?: string;
  /** Absent: those of the variable COMPOSE_PROFILES. */
  readonly profiles?: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** In place of `.env`, a later one winning. */
  readonly envFiles?: readonly string[];
  /** A folder whose `.env` wins over that of `dir`. */
  readonly callerDir?: string;
  /** Where `.env` is read and relative paths start, those of overrides too. */
  readonly dir: string;
};

export type ComposeResult =
  | {
      readonly ok: true;
      /** Its secrets are not sealed. */
      readonly stack: StackSpec;
      /** What is in them, by name. */
      readonly secrets: ReadonlyMap<string, Uint8Array>;
      /** By service. Its image has no tag yet: that follows from the files. */
      readonly builds: ReadonlyMap<string, BuildSource>;
      readonly warnings: readonly Problem[];
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** Never throws: whatever is wrong with the text is among the problems. */
export function loadCompose(text: string, source: ComposeSource): ComposeResult {
  try {
    return load(text, source);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = 'the file cannot be read';
    return refused([{ file: source.path, line: 1, column: 1, path: '', message, why }]);
  }
}

function load(text: string, given: ComposeSource): ComposeResult {
  const dir = resolve(given.dir);
  const place = { dir, shownDir: dirname(given.path) };
  const variables = readOuter(given, place);
  if (!variables.ok) return refused([variables.error]);
  const outer = variables.value.lookup;
  const named = given.name ?? (outer('COMPOSE_PROJECT_NAME') || undefined);
  const plain = [{ path: given.path, text }, ...(given.overrides ?? [])].map((file) => ({
    text: file.text,
    source: { file: file.path, ...place, lookup: outer },
  }));
  const otherwise = stackNameOf(basename(dir));
  const lookup = withProjectName(outer, { name: named, otherwise, texts: plain });
  const texts = plain.map((file) => ({ ...file, source: { ...file.source, lookup } }));
  const reader = createReader();
  const tree = mergeProject(texts, reader);
  const inOrder = (problems: readonly Problem[]) => orderByFile(problems, reader.files);
  if (reader.problems.length > 0 || tree === undefined) return refused(inOrder(reader.problems));

  const reading = readingOf(tree, { ...given, name: named }, lookup);
  const stack = readStack(plainOf(tree), reading);
  const found = [...reading.errors.map(reading.locate), ...reading.problems];
  if (found.length > 0 || stack === undefined) return refused(inOrder(found));
  const told = [
    ...variables.value.warnings,
    ...reader.warnings,
    ...reading.warnings.map(reading.locate),
    ...reading.otherWarnings,
  ];
  const { contents: secrets, builds } = reading;
  return { ok: true, stack, secrets, builds, warnings: listProblems(inOrder(told)) };
}

/** Variables of all files: `.env` of the caller's folder is read first, as it may say what is read. */
function readOuter(
  { env, envFiles, callerDir }: ComposeSource,
  place: Pick<Source, 'dir' | 'shownDir'>,
): Result<Variables, Problem> {
  const isElsewhere = envFiles === undefined && callerDir !== undefined;
  const first = isElsewhere ? [dotenvOf({ dir: callerDir, shownDir: '.' })] : [];
  const caller = withVariables(environmentLookup(env), first);
  if (!caller.ok) return caller;
  const all = withVariables(caller.value.lookup, variablesFiles(envFiles, place));
  if (!all.ok) return all;
  return ok({ ...all.value, warnings: [...caller.value.warnings, ...all.value.warnings] });
}

function refused(problems: readonly Problem[]): ComposeResult {
  return { ok: false, problems: listProblems(problems) };
}

/** As the files were read; those of variables come last. */
function orderByFile(problems: readonly Problem[], files: readonly string[]): readonly Problem[] {
  const place = ({ file }: Problem): number => {
    const at = files.indexOf(file);
    return at < 0 ? files.length : at;
  };
  return problems.toSorted((a, b) => place(a) - place(b));
}

type Given = Pick<ComposeSource, 'profiles' | 'dir'> & { readonly name: string | undefined };

type Around = 'awaited' | 'onIsolation' | 'stack' | 'networks' | 'volumes' | 'files';
type Reading = Omit<Surroundings, Around> & {
  readonly locate: (finding: Finding) => Problem;
  readonly name: string | undefined;
  readonly dir: string;
  /** Those asked for. */
  readonly profiles: ReadonlySet<string>;
};

function readingOf(tree: Tree, given: Given, lookup: Lookup): Reading {
  const profiles = given.profiles ?? lookup('COMPOSE_PROFILES')?.split(',') ?? [];
  return {
    name: given.name,
    dir: resolve(given.dir),
    profiles: new Set(profiles.map((profile) => profile.trim())),
    locate: (finding) => locate(tree, finding),
    spotOf: (path) => spotOf(tree, path),
    typed: (path) => {
      const found = follow(tree, path)?.value;
      return found?.kind === 'leaf' ? found.typed : undefined;
    },
    contents: new Map(),
    builds: new Map(),
    errors: [],
    warnings: [],
    problems: [],
    otherWarnings: [],
  };
}

/** Of the nearest thing above, where the path itself is not written. */
function spotOf(tree: Tree, path: Path): Spot {
  for (let length = path.length; length > 0; length -= 1) {
    const found = follow(tree, path.slice(0, length));
    if (found !== undefined) return found.value.at;
  }
  return tree.at;
}

/** `undefined` if there is any error. */
function readStack(file: unknown, reading: Reading): StackSpec | undefined {
  const { errors, warnings } = reading;
  if (kindOf(file) !== 'mapping') {
    const message = kindOf(file) === 'nothing' ? 'the file is empty' : expected('a mapping', file);
    errors.push({ path: [], on: 'value', message, next: 'begin with services:' });
    return undefined;
  }
  const written = file as Record<string, unknown>;
  const { name, services, volumes, networks, 'x-millrace': ours } = written;
  const inactive = inactiveServices(services, reading.profiles);
  const keys = checkKeys(file);
  errors.push(...keys.errors.filter((finding) => counts(finding, inactive)));
  const makings = readVolumeMakings(volumes, reading);
  const files = {
    configs: readFileDefinitions('configs', written['configs'], errors),
    secrets: readFileDefinitions('secrets', written['secrets'], errors),
  };
  warnings.push(...keys.warnings.filter(({ path }) => !isWithin(path, inactive)));
  const stackName = readName(name, reading);
  const fields = readServices(services, inactive, reading);
  const onIsolation = readEverywhere(ours, errors);
  const known = readNetworks(networks, reading);
  if (errors.length > 0) return undefined;
  if (fields.size === 0) {
    errors.push(noneActive(inactive));
    return undefined;
  }
  const named = { stack: stackName, networks: known, volumes: makings, files };
  const around = { ...reading, ...named, awaited: awaitedServices(fields), onIsolation };
  const components = [...fields].map(([key, service]) => readComponent(key, service, around));
  errors.push(...checkDependencies(components, inactive), ...checkAffinity(components, inactive));
  warnings.push(...adviseHealth(components));
  const stack = { name: stackName, components };
  errors.push(...checkSize(stack));
  return errors.length > 0 ? undefined : stack;
}

/** What is not done here does no harm where nothing runs. */
function counts({ unsupported, path }: Finding, inactive: ReadonlyMap<string, unknown>): boolean {
  return unsupported !== true || !isWithin(path, inactive);
}

function isWithin([top, name]: Path, services: ReadonlyMap<string, unknown>): boolean {
  return top === 'services' && typeof name === 'string' && services.has(name);
}

/** Services that have profiles, none of them asked for. */
function inactiveServices(
  services: unknown,
  wanted: ReadonlySet<string>,
): ReadonlyMap<string, readonly string[]> {
  if (kindOf(services) !== 'mapping') return new Map();
  return new Map(
    Object.entries(services as object).flatMap(([name, service]) => {
      const { profiles } = (kindOf(service) === 'mapping' ? service : {}) as { profiles?: unknown };
      const read = profilesField.safeParse(profiles);
      return read.success && !isActive(read.data, wanted) ? [[name, read.data] as const] : [];
    }),
  );
}

function readName(written: unknown, { name, dir, errors }: Reading): string {
  const isText = written === undefined || written === null || typeof written === 'string';
  // Also one that another name wins over.
  const chosen = isText ? (name ?? written ?? stackNameOf(basename(dir))) : written;
  if (typeof chosen === 'string' && isStackName(chosen)) return chosen;
  const shown = typeof chosen === 'string' ? `"${chosen}"` : 'what is written';
  const message = `${shown} is no name for a stack`;
  const next = 'use up to 63 of a-z, 0-9, - and _, a letter or a digit first';
  errors.push({ path: ['name'], on: 'value', message, next });
  return '';
}

/** Those that are to run. */
function readServices(
  services: unknown,
  inactive: ReadonlyMap<string, unknown>,
  { errors }: Reading,
): ReadonlyMap<string, ServiceFields> {
  const found = new Map<string, ServiceFields>();
  const complain = (message: string, next?: string): void => {
    const advice = next === undefined ? {} : { next };
    errors.push({ path: ['services'], on: 'value', message, ...advice });
  };
  const none = (): void => complain('there are no services', 'name them under services:');
  if (services === undefined || services === null) none();
  else if (kindOf(services) !== 'mapping') complain(expected('a mapping of services', services));
  else {
    const entries = Object.entries(services);
    if (entries.length === 0) none();
    if (entries.length > COMPONENTS_MAX) {
      complain(`${entries.length} services are too many, at most ${COMPONENTS_MAX} are possible`);
      return found;
    }
    for (const [name, value] of entries) {
      errors.push(...checkServiceName(name));
      const fields = serviceField.safeParse(value);
      if (!fields.success) {
        const findings = findingsOf(fields.error, ['services', name]);
        errors.push(...findings.filter((finding) => counts(finding, inactive)));
      } else if (!inactive.has(name)) found.set(name, fields.data);
    }
  }
  return found;
}

/** What the cluster would refuse is told before it is asked. */
function checkSize(stack: { readonly components: readonly ComponentSpec[] }): readonly Finding[] {
  const size = JSON.stringify(stack).length;
  if (size <= STACK_CHARS_MAX) return [];
  const why = `${size} characters when written out, at most ${STACK_CHARS_MAX} are possible`;
  const next = 'split it into several stacks';
  return [{ path: ['services'], on: 'key', message: 'the stack is too large', why, next }];
}
