/** Text that no Compose file is: refused at once, with what, why and what to do. */
import { expect, it } from 'vitest';
import type { Problem } from '../../../../node/compose/problems.ts';
import { loadCompose } from '../../../../node/compose/load.ts';

const MIB = 1 << 20;
/** In processor time: the machine may be busy with other things. */
const BOUND_MS = 1_000;

function lines(count: number, line: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => line(index)).join('');
}
function indented(): string {
  let text = '';
  for (let depth = 0; text.length < MIB - 2_000; depth += 1) text += `${' '.repeat(depth)}a:\n`;
  return text;
}
function noise(): string {
  let state = 12_345;
  return lines(MIB, () => {
    state = (state * 1_103_515_245 + 12_345) & 0x7f_ff_ff_ff;
    return String.fromCharCode(32 + ((state >> 16) % 95));
  });
}
const bomb = lines(
  20,
  (at) => `x-${at}: &a${at} [${lines(9, () => `${at === 0 ? 'x' : `*a${at - 1}`},`)}]\n`,
);
const chain = lines(300, (at) => `x-${at}: &a${at} [${at === 0 ? 'x' : `*a${at - 1}`}]\n`);

it.each<[string, string, string]>([
  ['ten megabytes', 'services: {}\n'.repeat(MIB), 'the file is too large'],
  ['ten megabytes of accents', 'é'.repeat(MIB - 1), 'the file is too large'],
  ['a zero byte', 'services:\n  web: \0\n', 'this is not text'],
  [
    'an executable',
    Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0]).toString('utf8'),
    'this is not text',
  ],
  ['latin-1', Buffer.from([0x61, 0x3a, 0x20, 0xe9, 0x0a]).toString('utf8'), 'this is not text'],
  ['open brackets', '['.repeat(MIB), 'nested too deeply'],
  ['open braces', '{a: '.repeat(MIB / 4), 'nested too deeply'],
  ['dashes', '- '.repeat(MIB / 2), 'nested too deeply'],
  ['question marks', '? '.repeat(MIB / 2), 'nested too deeply'],
  ['colons', ': '.repeat(MIB / 2), 'nested too deeply'],
  ['indentation', indented(), 'nested too deeply'],
  ['a list without end', '- a\n'.repeat(MIB / 4), 'the file holds too much'],
  ['keys without end', lines(MIB / 16, (at) => `k${at}: v\n`), 'the file holds too much'],
  ['tags without end', '!a '.repeat(MIB / 3), 'the file holds too much'],
  ['anchors without end', '- &a a\n'.repeat(MIB / 8), 'the file holds too much'],
  ['an alias without end', `a: &a 1\nb: [${'*a,'.repeat(MIB / 4)}]`, 'the file holds too much'],
  ['an alias bomb', bomb, 'aliases make it over 100000 values'],
  ['a chain of aliases', chain, 'nested too deeply'],
])('refuses %s within a second', (_, text, message) => {
  const before = process.cpuUsage().user;
  const result = loadCompose(text, { path: 'c.yaml', env: {}, dir: '/nowhere', name: 'x' });
  const tookMs = (process.cpuUsage().user - before) / 1_000;
  const [problem] = result.ok ? [] : result.problems;
  expect(problem).toMatchObject({ message, why: expect.any(String), next: expect.any(String) });
  expect(tookMs).toBeLessThan(BOUND_MS);
});

it.each<[string, string]>([
  ['noise', noise()],
  ['an open quote', `"${'a\n'.repeat(MIB / 2 - 10)}`],
  ['one long word', 'a'.repeat(MIB)],
  ['tabs', '\t'.repeat(MIB)],
  ['blank lines', '\n'.repeat(MIB)],
  ['comments', '# a\n'.repeat(MIB / 4)],
  ['directives', '%A a\n'.repeat(MIB / 5)],
  ['nested question marks in a bracket', `[${'? '.repeat(12_000)}`],
  ['nested colons in a bracket', `[${'a: '.repeat(20_000)}`],
  ['as much as is read', lines(6_000, (at) => `k${at}: v\n`)],
  ['as many lists as are read', '- [a, b]\n'.repeat(4_000)],
])('has something to say of %s within a second', (_, text) => {
  const before = process.cpuUsage().user;
  const result = loadCompose(text, { path: 'c.yaml', env: {}, dir: '/nowhere', name: 'x' });
  expect((process.cpuUsage().user - before) / 1_000).toBeLessThan(BOUND_MS);
  expect(result.ok).toBe(false);
});

it('bounds what variables make of a small file, and what many files make of a stack', () => {
  const huge = { A: 'x'.repeat(500_000) };
  const text = `services: {web: {image: i, environment: [${lines(100, () => '"$A",')}]}}`;
  const filled = loadCompose(text, { path: 'c.yaml', env: huge, dir: '/nowhere', name: 'x' });
  expect(messages(filled)).toEqual(['variables make it too large']);

  const many = `[${'a,'.repeat(2_000)}]`;
  const services = lines(199, (at) => `  s${at}: {extends: base, x-a: [b]}\n`);
  const merged = `services:\n  base: {image: i, x-a: ${many}}\n${services}`;
  expect(messages(loadCompose(merged, { path: 'c.yaml', env: {}, dir: '/nowhere' }))).toEqual([
    'aliases make it over 100000 values',
  ]);
});

function messages(result: ReturnType<typeof loadCompose>): readonly string[] {
  return result.ok ? [] : result.problems.map(({ message }: Problem) => message);
}
