/**
 * Where merging is not "mappings by key, lists end to end, the later value wins". Source: compose-spec
 * "Merge and override", compose-go `override`.
 */
import { portKey } from '../service/port.ts';
import { volumeTarget } from '../service/volume.ts';

/**
 * - `replace`: the later one, whole
 * - `names`: a mapping, or a list of `NAME=value`: by name
 * - `texts`: a text, or a list of them, or a mapping of `name: value`; each once
 * - `services`, `keys`: a mapping, or a list of its keys
 * - `build`: a text is its context
 * - `logging`: by key as long as the driver is the same
 */
export type Rule = 'replace' | 'names' | 'texts' | 'services' | 'keys' | 'build' | 'logging';

const RULES: Readonly<Record<Rule, readonly string[]>> = {
  replace: [
    'services.*.command',
    'services.*.entrypoint',
    'services.*.healthcheck.test',
    'services.*.x-millrace.on_isolation',
    'services.*.x-millrace.process.command',
    'x-millrace.on_isolation',
  ],
  names: [
    'networks.*.labels',
    'services.*.annotations',
    'services.*.build.additional_contexts',
    'services.*.build.args',
    'services.*.build.labels',
    'services.*.deploy.labels',
    'services.*.environment',
    'services.*.labels',
    'services.*.sysctls',
    'volumes.*.labels',
  ],
  texts: [
    'services.*.build.extra_hosts',
    'services.*.build.tags',
    'services.*.cap_add',
    'services.*.cap_drop',
    'services.*.dns',
    'services.*.dns_opt',
    'services.*.dns_search',
    'services.*.env_file',
    'services.*.expose',
    'services.*.external_links',
    'services.*.extra_hosts',
    'services.*.label_file',
    'services.*.links',
    'services.*.profiles',
    'services.*.security_opt',
    'services.*.tmpfs',
  ],
  services: ['services.*.depends_on'],
  keys: ['services.*.models', 'services.*.networks'],
  build: ['services.*.build'],
  logging: ['services.*.logging'],
};

const BY_DEPTH = Object.entries(RULES).flatMap(([rule, patterns]) =>
  patterns.map((pattern) => ({ rule: rule as Rule, steps: pattern.split('.') })),
);

export function ruleOf(path: readonly string[]): Rule | undefined {
  return BY_DEPTH.find(({ steps }) => matches(steps, path))?.rule;
}

type KeyOf = (item: unknown) => string | undefined;

/** Of two items with the same key the later one stays, in the place of the earlier one. */
const KEYS: readonly (readonly [steps: readonly string[], key: KeyOf])[] = [
  [['services', '*', 'ports'], portKey],
  [['services', '*', 'volumes'], volumeTarget],
  [['services', '*', 'devices'], volumeTarget],
  [['services', '*', 'configs'], (item) => mountTarget(item, '')],
  [['services', '*', 'secrets'], (item) => mountTarget(item, '/run/secrets')],
  [['services', '*', 'env_file'], (item) => textOf(item) ?? textOf(at(item, 'path'))],
  [['networks', '*', 'ipam', 'config'], (item) => textOf(at(item, 'subnet'))],
];

export function keyOf(path: readonly string[]): KeyOf | undefined {
  const known = KEYS.find(([steps]) => matches(steps, path))?.[1];
  return known ?? (ruleOf(path) === 'texts' ? textOf : undefined);
}

/** Lists whose items are mappings that are laid over the one with the same key, instead of replacing it. */
export function mergesItems(path: readonly string[]): boolean {
  return matches(['networks', '*', 'ipam', 'config'], path);
}

function matches(steps: readonly string[], path: readonly string[]): boolean {
  return (
    steps.length === path.length &&
    steps.every((step, index) => step === '*' || step === path[index])
  );
}

function mountTarget(item: unknown, folder: string): string | undefined {
  const target = textOf(at(item, 'target'));
  const source = textOf(item) ?? textOf(at(item, 'source'));
  return target ?? (source === undefined ? undefined : `${folder}/${source}`);
}

function at(item: unknown, key: string): unknown {
  return typeof item === 'object' && item !== null ? (item as Record<string, unknown>)[key] : item;
}

function textOf(item: unknown): string | undefined {
  return typeof item === 'string' || typeof item === 'number' ? String(item) : undefined;
}
