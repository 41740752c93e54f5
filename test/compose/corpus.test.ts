/** Whoever arrives with a Compose file: it works, or it is said exactly why not. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { load, readCorpus, render } from './read-corpus.ts';

const SCHEMA: unknown = JSON.parse(
  readFileSync(new URL('../node/compose/schema/compose-spec.json', import.meta.url), 'utf8'),
);
const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(SCHEMA as object);
const corpus = readCorpus();

it('has at least sixty shapes, some of which work and some do not', () => {
  expect(corpus.length).toBeGreaterThanOrEqual(60);
  const working = corpus.filter((example) => load(example).ok).length;
  expect(working).toBeGreaterThan(20);
  expect(corpus.length - working).toBeGreaterThan(20);
});

it.each(corpus.map((example) => [example.name, example] as const))('%s', (_, example) => {
  expect(render(load(example), example.dir)).toBe(readFileSync(example.expected, 'utf8'));
});

const working = corpus.filter((example) => load(example).ok);
it.each(working.map((example) => [example.name, example] as const))(
  '%s is what the official schema calls a Compose file',
  (_, { text }) => {
    const document: unknown = parse(text, { merge: true, logLevel: 'silent' });
    validate(document);
    // Empty keys are as good as absent.
    const refused = (validate.errors ?? []).filter(({ instancePath }) => {
      const steps = instancePath.split('/').slice(1);
      const at = steps.reduce<unknown>(
        (value, step) => (value as Record<string, unknown> | null)?.[step],
        document,
      );
      return at !== null;
    });
    expect(refused).toEqual([]);
  },
);
