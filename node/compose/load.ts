/**
 * A Compose file to the stack it describes. docs/compose.md tells users what of the format is read.
 *
 *     text ─▶ parse ─▶ interpolate ─▶ keys ─▶ services ─▶ the stack as a whole
 *
 * A stage that finds errors ends the load, so that one slip is told once; `keys` and `services` are
 * one stage. The order is that of compose-go: variables come in after YAML and before any check.
 */
import { readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { ComponentSpec, StackSpec } from '../../protocol/component/spec.ts';
import { COMPONENTS_MAX, STACK_CHARS_MAX } from '../../protocol/limits.ts';
import { readEverywhere } from './contract.ts';
import { type ComposeDocument, parseCompose } from './document.ts';
import { parseDotenv } from './dotenv.ts';
import { expected, findingsOf, kindOf } from './fields.ts';
import { interpolate, type Lookup } from './interpolate.ts';
import { type Finding, listProblems, type Problem } from './problems.ts';
import { readComponent, serviceField, type ServiceFields } from './service.ts';
import {
  adviseHealth,
  awaitedServices,
  checkDependencies,
  checkServiceName,
  checkVolumeNames,
  checkVolumes,
  isStackName,
  stackNameOf,
} from './stack.ts';
import { checkKeys } from './support.ts';

export type ComposeSource = {
  /** What problems call the file. */
  readonly path: string;
  /** In place of the name in the file and of the folder's. */
  readonly name?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where `.env` is read and relative paths start. */
  readonly dir: string;
};

export type ComposeResult =
  | { readonly ok: true; readonly stack: StackSpec; readonly warnings: readonly Problem[] }
  | { readonly ok: false; readonly problems: readonly Problem[] };

const DOTENV_BYTES_MAX = 1 << 16;

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

function load(text: string, source: ComposeSource): ComposeResult {
  const parsed = parseCompose(text, source.path);
  if (!parsed.ok) return refused(parsed.problems);
  const document = parsed.value;
  const variables = readVariables(source);
  if (!variables.ok) return refused([variables.problem]);
  const filled = fillVariables(document, variables.lookup);
  if (filled.errors.length > 0) return refused(filled.errors);
  const read = document.read();
  if (!read.ok) return refused(read.problems);

  const errors: Finding[] = [];
  const warnings: Finding[] = [];
  const stack = readStack(read.value, {
    ...source,
    lookup: variables.lookup,
    typed: document.typed,
    errors,
    warnings,
  });
  if (errors.length > 0 || stack === undefined) return refused(errors.map(document.locate));
  const told = [...filled.warnings, ...warnings.map(document.locate)];
  return { ok: true, stack, warnings: listProblems(told) };
}

function refused(problems: readonly Problem[]): ComposeResult {
  return { ok: false, problems: listProblems(problems) };
}

type Variables =
  | { readonly ok: true; readonly lookup: Lookup }
  | { readonly ok: false; readonly problem: Problem };

/** The environment wins over `.env`. */
function readVariables({ path, env, dir }: ComposeSource): Variables {
  const lookup: Lookup = (name) => (Object.hasOwn(env, name) ? env[name] : undefined);
  const file = join(dir, '.env');
  const said = { file: join(dirname(path), '.env'), column: 1, path: '' };
  const size = statSync(file, { throwIfNoEntry: false });
  if (size?.isFile() !== true) return { ok: true, lookup };
  if (size.size > DOTENV_BYTES_MAX) {
    const message = `the file is too large, at most ${DOTENV_BYTES_MAX >> 10} KiB are read`;
    return { ok: false, problem: { ...said, line: 1, message } };
  }
  const read = parseDotenv(readFileSync(file, 'utf8'), lookup);
  if (!read.ok) return { ok: false, problem: { ...said, line: read.line, ...read.complaint } };
  return { ok: true, lookup: (name) => lookup(name) ?? read.values.get(name) };
}

/** Each variable without a value is told once, where it is used first. */
function fillVariables(document: ComposeDocument, lookup: Lookup) {
  const errors: Problem[] = [];
  const warnings: Problem[] = [];
  const told = new Set<string>();
  document.mapTexts((text, at) => {
    const filled = interpolate(text, lookup);
    if (!filled.ok) {
      errors.push(at({ path: [], on: 'value', ...filled.error }));
      return text;
    }
    for (const name of filled.value.unset) {
      if (told.has(name)) continue;
      told.add(name);
      const message = `the variable ${name} is not set, it counts as empty`;
      warnings.push(at({ path: [], on: 'value', message }));
    }
    return filled.value.text;
  });
  return { errors, warnings };
}

type Reading = ComposeSource & {
  readonly lookup: Lookup;
  readonly typed: ComposeDocument['typed'];
  readonly errors: Finding[];
  readonly warnings: Finding[];
};

/** `undefined` if there is any error. */
function readStack(file: unknown, reading: Reading): StackSpec | undefined {
  const { errors, warnings } = reading;
  if (kindOf(file) !== 'mapping') {
    const message = kindOf(file) === 'nothing' ? 'the file is empty' : expected('a mapping', file);
    errors.push({ path: [], on: 'value', message, next: 'begin with services:' });
    return undefined;
  }
  const { name, services, volumes, 'x-millrace': ours } = file as Record<string, unknown>;
  const keys = checkKeys(file);
  errors.push(...keys.errors, ...checkVolumes(volumes));
  warnings.push(...keys.warnings);
  const stackName = readName(name, reading);
  const fields = readServices(services, reading);
  const onIsolation = readEverywhere(ours, errors);
  if (errors.length > 0) return undefined;

  const awaited = awaitedServices(fields);
  const around = { ...reading, dir: resolve(reading.dir), awaited, onIsolation };
  const components = [...fields].map(([key, service]) => readComponent(key, service, around));
  const declared = new Set(Object.keys(volumes ?? {}));
  errors.push(...checkDependencies(components), ...checkVolumeNames(components, declared));
  warnings.push(...adviseHealth(components));
  const stack = { name: stackName, components };
  errors.push(...checkSize(stack));
  return errors.length > 0 ? undefined : stack;
}

function readName(written: unknown, { name, dir, errors }: Reading): string {
  const chosen = name ?? written ?? stackNameOf(basename(resolve(dir)));
  if (typeof chosen === 'string' && isStackName(chosen)) return chosen;
  const shown = typeof chosen === 'string' ? `"${chosen}"` : 'what is written';
  const message = `${shown} is no name for a stack`;
  const next = 'use up to 63 of a-z, 0-9, - and _, a letter or a digit first';
  errors.push({ path: ['name'], on: 'value', message, next });
  return '';
}

function readServices(services: unknown, { errors }: Reading): ReadonlyMap<string, ServiceFields> {
  const found = new Map<string, ServiceFields>();
  const complain = (message: string): void => {
    errors.push({ path: ['services'], on: 'value', message });
  };
  if (services === undefined || services === null) complain('there are no services');
  else if (kindOf(services) !== 'mapping') complain(expected('a mapping of services', services));
  else {
    const entries = Object.entries(services);
    if (entries.length === 0) complain('there are no services');
    if (entries.length > COMPONENTS_MAX) {
      complain(`${entries.length} services are too many, at most ${COMPONENTS_MAX} are possible`);
      return found;
    }
    for (const [name, value] of entries) {
      errors.push(...checkServiceName(name));
      const fields = serviceField.safeParse(value);
      if (fields.success) found.set(name, fields.data);
      else errors.push(...findingsOf(fields.error, ['services', name]));
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
