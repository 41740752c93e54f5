import { spawn } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatOf } from '../../node/log.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const LOG = new URL('../../node/log.ts', import.meta.url).pathname;

/** What a process with this stderr writes to it. `here` stands for stderr's own device and inode. */
async function stderrOf(script: string, journalStream?: string): Promise<string[]> {
  const path = join(folder, 'stderr');
  const fd = openSync(path, 'w');
  const { dev, ino } = fstatSync(fd);
  const { JOURNAL_STREAM: _, ...env } = process.env;
  if (journalStream !== undefined) {
    env['JOURNAL_STREAM'] = journalStream === 'here' ? `${dev}:${ino}` : journalStream;
  }
  const source = `import { createLogger } from ${JSON.stringify(LOG)};\n${script}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], {
    stdio: ['ignore', 'ignore', fd],
    env,
  });
  closeSync(fd);
  await new Promise((resolve) => child.once('close', resolve));
  return readFileSync(path, 'utf8').split('\n').slice(0, -1);
}

const ALL_LEVELS = `
  const log = createLogger({ level: 'trace' });
  for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal']) log[level]({ n: 1 }, level);
`;

test('an error has its words and where it comes from', async () => {
  const [line = ''] = await stderrOf(
    `createLogger({ level: 'info' }).error({ error: new TypeError('no such thing') }, 'it failed');`,
  );
  const { error } = JSON.parse(line) as { readonly error: Record<string, string> };
  expect(error).toMatchObject({ type: 'TypeError', message: 'no such thing' });
  expect(error['stack']).toMatch(/\n +at /);
});

describe('on stderr', () => {
  test('one JSON object a line, with the level by name and the time as RFC 3339', async () => {
    const lines = await stderrOf(ALL_LEVELS);
    const records = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records.map(({ level }) => level)).toEqual([
      'trace',
      'debug',
      'info',
      'warn',
      'error',
      'fatal',
    ]);
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    expect(records[2]).toEqual({ level: 'info', time, n: 1, msg: 'info' });
  });

  test('under systemd each line begins with the priority of its level', async () => {
    const lines = await stderrOf(ALL_LEVELS, 'here');
    expect(lines.map((line) => line.slice(0, 3))).toEqual([
      '<7>',
      '<7>',
      '<6>',
      '<4>',
      '<3>',
      '<2>',
    ]);
    expect(JSON.parse(lines[3]?.slice(3) ?? '')).toMatchObject({ level: 'warn', msg: 'warn' });
  });

  test('not below the level asked for', async () => {
    const script = ALL_LEVELS.replace("'trace' }", "'warn' }");
    expect(await stderrOf(script)).toHaveLength(3);
  });

  test.each([
    ['process.exit', 'process.exit(3);'],
    ['an uncaught exception', "throw new Error('a bug');"],
  ])('a thousand lines just before %s are all there', async (_, ending) => {
    const script = `
      const log = createLogger({ level: 'info' });
      for (let i = 0; i < 1000; i += 1) log.info({ i }, 'line');
      ${ending}`;
    const lines = (await stderrOf(script)).filter((line) => line.startsWith('{'));
    expect(lines).toHaveLength(1000);
    const numbers = lines.map((line) => (JSON.parse(line) as { readonly i: number }).i);
    expect(numbers).toEqual(Array.from({ length: 1000 }, (__, i) => i));
  });

  test('for people: time, level, text and facts on one line, without color in a file', async () => {
    const script = `
      const log = createLogger({ level: 'info', format: 'terminal' });
      log.warn({ peer: 'h2', addresses: ['a', 'b'] }, 'lost');`;
    const [line] = await stderrOf(script);
    expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} warn  lost peer=h2 addresses=\[ 'a', 'b' \]$/);
  });
});

describe('the format', () => {
  const here = (): string => {
    const { dev, ino } = fstatSync(2);
    return `${dev}:${ino}`;
  };
  test.each([
    ['no journal, no terminal', undefined, false, 'json'],
    ['a terminal', undefined, true, 'terminal'],
    ['the journal is this very stream', 'here', false, 'journal'],
    ['the journal is someone else, stderr is a terminal', '1:2', true, 'terminal'],
    ['the journal is inherited, stderr is a file', '1:2', false, 'json'],
  ] as const)('%s', (_, journal, terminal, expected) => {
    const env =
      journal === undefined ? {} : { JOURNAL_STREAM: journal === 'here' ? here() : journal };
    expect(formatOf(2, env, terminal)).toBe(expected);
  });
});
