/** A real terminal for a command, made by `script` of util-linux. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

const asked = spawnSync('script', ['--version'], { encoding: 'utf8' });
/** Whether there is one; where not, those who need it say so. */
export const hasPty = asked.error === undefined && asked.stdout.includes('util-linux');
if (!hasPty) process.stderr.write('\nSKIPPED: terminals: no script of util-linux is installed\n');

const COLUMNS = 91;
const ROWS = 20;

export type Pty = {
  /** As if typed. */
  readonly type: (text: string) => void;
  readonly shown: () => string;
  /** Tells the terminal and what runs on it another width; to be called once it has begun. */
  readonly widen: (columns: number) => void;
  /** Resolves to the exit code, and how the terminal was set before it and after. */
  readonly ended: () => Promise<{ readonly code: number; readonly settings: readonly string[] }>;
};

/** `words` on a terminal of 91 columns and 20 rows; what it is and how it was set is noted in `folder`. */
export function openPty(words: readonly string[], folder: string): Pty {
  const [name, settings] = [join(folder, 'tty'), join(folder, 'settings')];
  const command = [
    `stty sane columns ${COLUMNS} rows ${ROWS}; tty >${quoted(name)}; stty -g >${quoted(settings)}`,
    `${words.map(quoted).join(' ')}; code=$?; stty -g >>${quoted(settings)}; exit $code`,
  ].join('; ');
  // `--echo never`: else it would set the terminal itself.
  const child = spawn('script', ['-q', '-e', '--echo', 'never', '-c', command, '/dev/null'], {
    env: { ...process.env, SHELL: '/bin/sh' },
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let shown = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
  child.stdin.on('error', () => undefined);
  const closed = once(child, 'close');
  return {
    type: (text) => void child.stdin.write(text),
    shown: () => shown,
    widen(columns) {
      const tty = readFileSync(name, 'utf8').trimEnd();
      const { status, stderr } = spawnSync('stty', ['-F', tty, 'columns', `${columns}`], {
        encoding: 'utf8',
      });
      if (status !== 0) throw new Error(`stty: ${stderr}`);
    },
    async ended() {
      const [code] = await closed;
      return {
        code: code as number,
        settings: readFileSync(settings, 'utf8').trimEnd().split('\n'),
      };
    },
  };
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
