/**
 * What a value from outside must look like, and the one way to turn it into a typed value.
 *
 * Invariants, each proved in test/protocol/wire/schema.test.ts:
 *  1. Decoding never throws, whatever it is given: getters, proxies, cycles, huge lists.
 *  2. Everything in a decoded value was built here, with the fields in the order of the schema and
 *     the names of a record sorted: equal values have equal JSON on every host, whoever sent them.
 *  3. The work is bounded by the schema: its depth, its lists, its texts. Unknown fields are not
 *     looked into, so that a newer agent may say more; their number is bounded.
 *
 * A schema cannot refer to itself: that is what bounds the depth.
 */
import { compareText } from '../base/order.ts';
import { fail, ok, type Result } from '../base/result.ts';

export type DecodeErrorCode =
  /** Not CBOR as we write it. */
  | 'syntax'
  /** Not the type that belongs here. */
  | 'type'
  | 'missing'
  /** A number out of its range. */
  | 'range'
  /** A text that does not have the form asked for. */
  | 'form'
  /** More characters, items, fields or bytes than allowed. */
  | 'too-large'
  /** A kind, or another word from a fixed set, that we do not know. */
  | 'unknown'
  /** Each part is right, but they contradict each other. */
  | 'inconsistent'
  /** Made to deceive a decoder: no honest sender writes this. */
  | 'hostile'
  /** Another version of the protocol. */
  | 'version'
  /** Of another cluster. */
  | 'foreign';

/** `path` leads to the culprit: `m.ops[3].version`, empty for the whole. */
export type DecodeError = {
  readonly code: DecodeErrorCode;
  readonly path: string;
  readonly message: string;
};

export type Schema<T> = (value: unknown) => Result<T, DecodeError>;
/** What a schema decodes to. */
export type Decoded<S> = S extends Schema<infer T> ? T : never;

type Optional<T> = { readonly optional: Schema<T> };
type Field = Schema<unknown> | Optional<unknown>;
type Fields = { readonly [name: string]: Field };
type Flat<T> = { [K in keyof T]: T[K] };
type ObjectOf<F extends Fields> = Flat<
  {
    readonly [K in keyof F as F[K] extends Optional<unknown> ? never : K]: Decoded<F[K]>;
  } & {
    readonly [K in keyof F as F[K] extends Optional<unknown> ? K : never]?: F[K] extends Optional<
      infer T
    >
      ? T
      : never;
  }
>;

/** Fields of one object, known and unknown; with more it is refused. */
const FIELDS_MAX = 64;

export const refusal = (code: DecodeErrorCode, message: string) =>
  fail({ code, path: '', message });

/** The only entry for what came from outside (invariant 1). */
export function decode<T>(schema: Schema<T>, value: unknown): Result<T, DecodeError> {
  try {
    return schema(value);
  } catch {
    return refusal('hostile', 'it cannot be read without an exception');
  }
}

/** The same error, seen from one level above. */
export function within(step: string, error: DecodeError): DecodeError {
  const joint = error.path === '' || error.path.startsWith('[') ? '' : '.';
  return { ...error, path: `${step}${joint}${error.path}` };
}

/** A field that may be absent; `undefined` counts as absent. */
export const optional = <T>(schema: Schema<T>): Optional<T> => ({ optional: schema });

export function object<const F extends Fields>(fields: F): Schema<ObjectOf<F>> {
  const plan = Object.entries(fields).map(([name, field]) =>
    typeof field === 'function'
      ? { name, schema: field, required: true }
      : { name, schema: field.optional, required: false },
  );
  return (value) => {
    const plain = plainObject(value, FIELDS_MAX);
    if (!plain.ok) return plain;
    const result: Record<string, unknown> = {};
    for (const { name, schema, required } of plan) {
      const given = Object.hasOwn(plain.value, name) ? plain.value[name] : undefined;
      if (given === undefined) {
        if (required)
          return fail({ code: 'missing', path: name, message: 'this field is missing' });
        continue;
      }
      const decoded = schema(given);
      if (!decoded.ok) return fail(within(name, decoded.error));
      result[name] = decoded.value;
    }
    return ok(result as ObjectOf<F>);
  };
}

/** Values by name. The result is sorted by name. */
export function record<T>(
  name: Schema<string>,
  content: Schema<T>,
  sizeMax: number,
): Schema<Readonly<Record<string, T>>> {
  return (value) => {
    const plain = plainObject(value, sizeMax);
    if (!plain.ok) return plain;
    const entries: [string, T][] = [];
    for (const given of Object.keys(plain.value)) {
      const key = name(given);
      if (!key.ok) return fail(within(`[${JSON.stringify(given.slice(0, 64))}]`, key.error));
      const decoded = content(plain.value[given]);
      if (!decoded.ok) return fail(within(`[${JSON.stringify(given)}]`, decoded.error));
      entries.push([key.value, decoded.value]);
    }
    entries.sort(([a], [b]) => compareText(a, b));
    return ok(Object.fromEntries(entries));
  };
}

type PlainObject = { readonly [name: string]: unknown };

function plainObject(value: unknown, sizeMax: number): Result<PlainObject, DecodeError> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refusal('type', `expected an object, got ${typeName(value)}`);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null)
    return refusal('hostile', 'expected a plain object, got an instance of a class');
  if (Object.hasOwn(value, '__proto__')) return refusal('hostile', 'a field is called __proto__');
  const size = Object.keys(value).length;
  if (size > sizeMax) return refusal('too-large', `${size} fields, at most ${sizeMax}`);
  return ok(value as PlainObject);
}

export function list<T>(item: Schema<T>, lengthMax: number): Schema<readonly T[]> {
  return (value) => {
    if (!Array.isArray(value)) return refusal('type', `expected a list, got ${typeName(value)}`);
    const items: readonly unknown[] = value;
    const { length } = items;
    if (length > lengthMax) return refusal('too-large', `${length} items, at most ${lengthMax}`);
    const result: T[] = [];
    for (let i = 0; i < length; i++) {
      const decoded = item(items[i]);
      if (!decoded.ok) return fail(within(`[${i}]`, decoded.error));
      result.push(decoded.value);
    }
    return ok(result);
  };
}

/** A text of at most `lengthMax` UTF-16 units that can be written as UTF-8, and has this form. */
export function text<T extends string = string>(lengthMax: number, form?: RegExp): Schema<T> {
  return (value) => {
    if (typeof value !== 'string')
      return refusal('type', `expected a text, got ${typeName(value)}`);
    if (value.length > lengthMax)
      return refusal('too-large', `${value.length} characters, at most ${lengthMax}`);
    if (!value.isWellFormed()) return refusal('form', 'half of a surrogate pair stands alone');
    if (form !== undefined && !form.test(value))
      return refusal('form', `${JSON.stringify(value.slice(0, 64))} does not match ${form.source}`);
    return ok(value as T);
  };
}

/** A whole number in [min, max]; both must be safe integers. */
export function whole<T extends number = number>(min: number, max: number): Schema<T> {
  return (value) => {
    if (typeof value !== 'number' || !Number.isSafeInteger(value))
      return refusal('type', `expected a whole number, got ${typeName(value)}`);
    if (value < min || value > max) return refusal('range', `${value} is not in ${min} to ${max}`);
    return ok((value + 0) as T); // -0 becomes 0: the two are told apart by JSON and by nothing else
  };
}

export const boolean: Schema<boolean> = (value) =>
  typeof value === 'boolean'
    ? ok(value)
    : refusal('type', `expected a boolean, got ${typeName(value)}`);

/** One of these words. */
export function literal<const T extends string>(...words: readonly T[]): Schema<T> {
  return (value) => {
    const found = words.find((word) => word === value);
    if (found !== undefined) return ok(found);
    if (typeof value !== 'string')
      return refusal('type', `expected a word, got ${typeName(value)}`);
    return refusal(
      'unknown',
      `${JSON.stringify(value.slice(0, 64))} is none of ${words.join(', ')}`,
    );
  };
}

/** A union told apart by `kind`. */
export function byKind<V extends { readonly [K in keyof V]: Schema<{ readonly kind: K }> }>(
  variants: V,
): Schema<Decoded<V[keyof V]>> {
  return (value) => {
    if (typeof value !== 'object' || value === null)
      return refusal('type', `expected an object, got ${typeName(value)}`);
    const kind: unknown = Object.hasOwn(value, 'kind') ? (value as PlainObject)['kind'] : undefined;
    if (typeof kind !== 'string' || !Object.hasOwn(variants, kind)) {
      const shown = typeof kind === 'string' ? JSON.stringify(kind.slice(0, 64)) : typeName(kind);
      return fail({ code: 'unknown', path: 'kind', message: `${shown} is no kind known here` });
    }
    return variants[kind as keyof V](value) as Result<Decoded<V[keyof V]>, DecodeError>;
  };
}

/** Adds a rule about several parts: `contradiction` returns the reason to refuse, or undefined. */
export function where<T>(
  schema: Schema<T>,
  contradiction: (value: T) => string | undefined,
): Schema<T> {
  return (value) => {
    const decoded = schema(value);
    if (!decoded.ok) return decoded;
    const why = contradiction(decoded.value);
    return why === undefined ? decoded : refusal('inconsistent', why);
  };
}

function typeName(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'number' ? `the number ${value}` : typeof value;
}
