/** Whatever stands in a file, loading it ends with a stack or with problems, never with an exception. */
import { fc, test } from '@fast-check/vitest';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import { type ComposeResult, loadCompose } from '../../../node/compose/load.ts';
import { parseDotenv } from '../../../node/compose/read/dotenv.ts';
import { renderProblem } from '../../../node/compose/problems.ts';

const EXAMPLE = readFileSync(
  join(import.meta.dirname, '../../../examples/shop/compose.yaml'),
  'utf8',
);
/** Words that mean something somewhere, so that what is made of them gets past the first check. */
const WORDS = [
  'services volumes name image command entrypoint environment ports healthcheck restart depends_on',
  'deploy replicas mode scale test interval CMD x-millrace process working_dir target published',
  'condition service_healthy required true no null 0 80 8080:80 1m30s ${A:-b} $B ${ web api data:/d',
  'x-a <<  __proto__ constructor toString hasOwnProperty',
  'extends include profiles env_file file service path project_directory labels networks build logging',
  'A=1 B a.yaml ./.env * required format raw driver on_isolation action ulimits',
]
  .join(' ')
  .split(' ');

/** Throws what is wrong with the outcome itself. */
function expectWellFormed(text: string, result: ComposeResult): void {
  const problems = result.ok ? result.warnings : result.problems;
  const lines = text.split('\n').length;
  for (const problem of problems) {
    expect(problem.line).toBeGreaterThanOrEqual(1);
    expect(problem.line).toBeLessThanOrEqual(lines + 1);
    expect(problem.column).toBeGreaterThanOrEqual(1);
    expect(renderProblem(problem)).toContain(problem.message);
    // The net below all stages: to land in it is a mistake of ours.
    expect(problem.message).not.toBe('the file cannot be read');
  }
  if (result.ok) expect(result.stack.components.length).toBeGreaterThan(0);
  else expect(problems.length).toBeGreaterThan(0);
}

function expectDotenvRead(text: string): void {
  const read = parseDotenv(text, () => undefined);
  expect(read.ok || (read.line >= 1 && read.line <= text.split('\n').length)).toBe(true);
}

const load = (text: string): ComposeResult =>
  loadCompose(text, { path: 'c.yaml', env: { B: 'b' }, dir: '/nowhere', name: 'shop' });

const word = fc.oneof(fc.constantFrom(...WORDS), fc.string());
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    word,
    fc.integer(),
    fc.double(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(word, tie('value'), { maxKeys: 4 }),
  ),
}));
const service = fc.dictionary(fc.constantFrom(...WORDS), value, { maxKeys: 6 });

test.prop([fc.string({ unit: 'binary' })])('any text', (text) => {
  expectWellFormed(text, load(text));
});

test.prop([
  fc.array(
    fc.oneof(
      word,
      fc.constantFrom(
        ': ',
        '- ',
        '\n',
        '  ',
        '{',
        '}',
        '[',
        ']',
        '&a ',
        '*a',
        '|',
        '"',
        '#',
        ',',
        '!',
        '%',
        '? ',
      ),
    ),
  ),
])('any words and marks of YAML', (parts) => {
  expectWellFormed(parts.join(''), load(parts.join('')));
});

test.prop([value])('any values', (anything) => {
  const text = stringify(anything);
  expectWellFormed(text, load(text));
});

test.prop([fc.dictionary(word, service, { minKeys: 1, maxKeys: 3 }), value], { numRuns: 150 })(
  'any services',
  (services, volumes) => {
    const text = stringify({ services, volumes });
    expectWellFormed(text, load(text));
  },
);

const twoFiles = [value, fc.dictionary(word, service, { maxKeys: 3 }), fc.boolean()] as const;
test.prop([...twoFiles], { numRuns: 150 })('any file over any other', (any, services, swapped) => {
  const texts = [
    stringify({ include: [any], services: any, volumes: any }),
    stringify({ services }),
  ];
  const [text = '', over = ''] = swapped ? texts.toReversed() : texts;
  const overrides = [{ path: 'c.yaml', text: over }];
  const source = { path: 'c.yaml', env: { B: 'b' }, dir: '/nowhere', name: 'shop' };
  const longer = text.length > over.length ? text : over;
  expectWellFormed(`${longer}${'\n'.repeat(200)}`, loadCompose(text, { ...source, overrides }));
});

test.prop([fc.nat(EXAMPLE.length), fc.nat(40), word], { numRuns: 150 })(
  'the example with a part replaced',
  (at, length, replacement) => {
    const text = EXAMPLE.slice(0, at) + replacement + EXAMPLE.slice(at + length);
    expectWellFormed(text, load(text));
  },
);

test.prop([
  fc.array(fc.oneof(word, fc.constantFrom('=', '\n', ' ', '"', "'", '#', '\\', '$', 'A'))),
])('any .env', (parts) => {
  expectDotenvRead(parts.join(''));
});
