/**
 * A file taken apart and put together again is the same stack, wherever the cuts are: laid over by an
 * override, extended from another file, or included.
 */
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { parse, stringify } from 'yaml';
import { load, readCorpus } from '../../../compose/read-corpus.ts';
import { type Files, stackOf } from '../folder.ts';

type Service = Readonly<Record<string, unknown>>;
type File = { readonly services: Readonly<Record<string, Service>> } & Readonly<
  Record<string, unknown>
>;

/** Those of one file that work and whose services are mappings of their own. */
const whole = readCorpus().flatMap((example): readonly File[] => {
  const plain: unknown = parse(example.text, { merge: true, logLevel: 'silent' });
  const single = example.expected.endsWith(`${example.name}.txt`);
  return single && load(example).ok ? [plain as File] : [];
});

type Cut = { readonly lower: Service; readonly upper: Service };

/** Which keys go where; lists that are laid end to end are cut in two. */
function cut(service: Service, bits: readonly boolean[], first: number): Cut {
  const lower: Record<string, unknown> = {};
  const upper: Record<string, unknown> = {};
  for (const [index, [key, value]] of Object.entries(service).entries()) {
    const isHigh = bits[(first + index) % bits.length] ?? false;
    if ((key === 'ports' || key === 'volumes') && Array.isArray(value) && isHigh) {
      const middle = Math.ceil(value.length / 2);
      lower[key] = value.slice(0, middle);
      upper[key] = value.slice(middle);
    } else if (isHigh) upper[key] = value;
    else lower[key] = value;
  }
  return { lower, upper };
}

function cutAll({ services, ...rest }: File, bits: readonly boolean[]) {
  const cuts = Object.entries(services).map(
    ([name, service], index) => [name, cut(service, bits, index * 7)] as const,
  );
  const lower = Object.fromEntries(cuts.map(([name, { lower: part }]) => [name, part]));
  const upper = Object.fromEntries(cuts.map(([name, { upper: part }]) => [name, part]));
  return { lower, upper, rest };
}

const WAYS: Readonly<Record<string, (file: File, bits: readonly boolean[]) => Files>> = {
  overridden: (file, bits) => {
    const { lower, upper, rest } = cutAll(file, bits);
    return {
      'c.yaml': stringify({ ...rest, services: lower }),
      'over.yaml': stringify({ services: upper }),
    };
  },
  extended: (file, bits) => {
    const { lower, upper, rest } = cutAll(file, bits);
    const services = Object.fromEntries(
      Object.entries(upper).map(([name, part]) => [
        name,
        { extends: { file: 'sub/base.yaml', service: name }, ...part },
      ]),
    );
    return {
      'c.yaml': stringify({ ...rest, services }),
      'sub/base.yaml': stringify({ services: lower }),
    };
  },
  included: (file, bits) => {
    const { lower, upper, rest } = cutAll(file, bits);
    return {
      'c.yaml': stringify({ ...rest, include: ['sub/part.yaml'], services: upper }),
      'sub/part.yaml': stringify({ services: lower }),
    };
  },
};

/** What is empty in one half is nothing to lay over the other. */
const isClean = ({ services }: File): boolean =>
  Object.values(services).every((service) => !Object.values(service).includes(null));

function expectSame(file: File, way: string, bits: readonly boolean[]): void {
  const files = WAYS[way]?.(file, bits) ?? {};
  expect(stackOf(files)).toEqual(stackOf({ 'c.yaml': stringify(file) }));
}

const files = whole.filter(isClean);
test.prop(
  [
    fc.constantFrom(...files),
    fc.constantFrom(...Object.keys(WAYS)),
    fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }),
  ],
  { numRuns: 150 },
)('is the same stack', (file, way, bits) => {
  expectSame(file, way, bits);
});
