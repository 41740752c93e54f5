/**
 * Documents made from the official schema: at each place that it knows, each of the values that it
 * names and of a few that it may or may not allow, in a document that is otherwise right.
 */

export type Schema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly $defs?: Readonly<Record<string, Schema>>;
};

/** `at`: `services.web.ports[].target`; a key of the user's own is `*`. */
export type Case = { readonly at: string; readonly value: unknown; readonly document: unknown };

const VALUES: readonly unknown[] = [
  'text', '', '1', 'true', '1s', 'a=b', 0, 1, -1, 1.5, 70_000, true, false, null,
  [], ['text'], ['a=b'], ['text', 'text'], [1], [null], [[]], [{}],
  {}, { key: 'text' }, { key: 1 }, { key: true }, { key: null }, { key: [] }, { key: {} }, { 'x-key': 1 },
];
const DEPTH_MAX = 8;
/** Refused whole, or not looked at: what is within makes no difference, as long as that is so. */
const UNREAD = new RegExp(
  [
    /^(networks|models|configs|secrets)\.\*$/,
    /\.(blkio_config|credential_spec|gpus|models|networks|provider|ulimits)$/,
    /\.(configs|devices|secrets|pre_start|post_start|pre_stop)\[\]$/,
    /\.deploy\.placement$/,
    /\.volumes\[\]\.(bind|image|tmpfs|volume)$/,
    /\.develop\.watch\[\]$/,
  ]
    .map(({ source }) => source)
    .join('|'),
);

type Place = {
  readonly at: string;
  readonly depth: number;
  readonly build: (value: unknown) => unknown;
};

export function casesOf(root: Schema): readonly Case[] {
  const found: Case[] = [];
  const resolve = (schema: Schema): Schema => {
    const name = schema.$ref?.replace('#/$defs/', '');
    return name === undefined ? schema : (root.$defs?.[name] ?? schema);
  };
  const walk = (written: Schema, place: Place): void => {
    const schema = resolve(written);
    const { at, build, depth } = place;
    if (depth > DEPTH_MAX) return;
    for (const value of [...VALUES, ...(schema.enum ?? [])])
      found.push({ at, value, document: build(value) });
    for (const one of [schema, ...(schema.oneOf ?? []).map(resolve)]) {
      if (one !== schema && one.enum !== undefined)
        for (const value of one.enum) found.push({ at, value, document: build(value) });
      if (!UNREAD.test(at)) inside(one, place);
    }
  };
  const inside = (schema: Schema, { at, build, depth }: Place): void => {
    const required = { ...requiredOf(schema, resolve), ...BESIDE[at] };
    for (const [key, inner] of Object.entries(schema.properties ?? {}))
      walk(inner, {
        at: `${at}.${key}`,
        depth: depth + 1,
        build: (value) => build({ ...required, [key]: value }),
      });
    const [own] = Object.entries(schema.patternProperties ?? {}).filter(([key]) => key !== '^x-');
    if (own !== undefined)
      walk(own[1], { at: `${at}.*`, depth: depth + 1, build: (value) => build({ key: value }) });
    if (schema.items !== undefined)
      walk(schema.items, { at: `${at}[]`, depth: depth + 1, build: (value) => build([value]) });
  };
  for (const [key, inner] of Object.entries(root.properties ?? {})) {
    if (key === 'services') continue;
    walk(inner, { at: key, depth: 0, build: (value) => ({ ...BASE, [key]: value }) });
  }
  const service = root.$defs?.['service'] ?? {};
  for (const [key, inner] of Object.entries(service.properties ?? {}))
    walk(inner, {
      at: `services.web.${key}`,
      depth: 0,
      build: (value) => ({ ...AROUND, services: { web: { image: 'i', [key]: value } } }),
    });
  return found;
}

const BASE = { services: { web: { image: 'i' } } };
/** What else a place needs for its values to mean something; the schema does not say it. */
const BESIDE: Readonly<Record<string, object>> = {
  'services.web.healthcheck': { test: 'x' },
  'services.web.ports[]': { target: 80 },
  'services.web.volumes[]': { source: 'data', target: '/data' },
  'include[]': { path: 'text' },
};
const AROUND = { volumes: { data: {} } };

function requiredOf(schema: Schema, resolve: (schema: Schema) => Schema) {
  return Object.fromEntries(
    (schema.required ?? []).map((key) => [key, sampleOf(resolve(schema.properties?.[key] ?? {}))]),
  );
}

function sampleOf({ type, enum: choices, oneOf, items }: Schema): unknown {
  if (choices !== undefined) return choices[0];
  const [first = 'string'] = [type ?? oneOf?.[0]?.type ?? 'string'].flat();
  if (first === 'array') return items === undefined ? [] : ['text'];
  if (first === 'object') return {};
  if (first === 'integer' || first === 'number') return 1;
  return first === 'boolean' ? true : 'text';
}
