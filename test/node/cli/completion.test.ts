/** The completion of each shell, asked of the shell itself where it is there. */
import { execFileSync, spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { offersOf } from '../../../node/cli/completion/offers.ts';
import { completionScript, type Shell } from '../../../node/cli/completion/scripts.ts';
import { createProgram } from '../../../node/cli/program.ts';

const offers = offersOf(createProgram(() => Promise.resolve()));
const script = (shell: Shell): string => completionScript(shell, offers);
const isThere = (shell: Shell): boolean => spawnSync(shell, ['-c', 'true']).error === undefined;

type Row = readonly [string, readonly string[], string];
/** The line up to the cursor, some of what is offered, and why. */
const OFFERED: readonly Row[] = [
  ['agentctl clus', ['cluster'], 'a command'],
  ['agentctl cluster ', ['init', 'join', 'leave', 'show', 'voters'], 'the commands below one'],
  ['agentctl cluster voters ', ['force', 'show'], 'two below'],
  ['agentctl status --js', ['--json'], 'an option of every command'],
  ['agentctl --json status --w', ['--watch'], 'an option does not hide the command'],
  ['agentctl --color ', ['always', 'auto', 'never'], 'the values of an option'],
  ['agentctl sim explore ', ['leases', 'records', 'roster'], 'the values of an argument'],
  ['agentctl completion ', ['bash', 'fish', 'zsh'], 'the values of a required argument'],
];

describe.skipIf(!isThere('bash'))('bash', () => {
  /** What bash itself would show. */
  function complete(line: string): readonly string[] {
    const words = line.split(' ');
    const ask = `${script('bash')}
      COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
      _agentctl; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const told = execFileSync('bash', ['-c', ask], { encoding: 'utf8' });
    return told.split('\n').filter((word) => word !== '');
  }

  it.each(OFFERED)('completes "%s" to %j: %s', (line, wanted) => {
    expect([...complete(line)].sort()).toEqual([...wanted].sort());
  });

  it('leaves files to the shell where an option takes one', () => {
    expect(complete('agentctl deploy -f ')).toEqual([]);
  });
});

describe.skipIf(!isThere('zsh'))('zsh', () => {
  it('reads the script', () => {
    expect(execFileSync('zsh', ['-n', '-c', script('zsh')], { encoding: 'utf8' })).toBe('');
  });
});

describe.skipIf(!isThere('fish'))('fish', () => {
  it.each(OFFERED)('completes "%s" to %j: %s', (line, wanted) => {
    const told = execFileSync('fish', ['-c', `${script('fish')}\ncomplete -C '${line}'`], {
      encoding: 'utf8',
    });
    const words = told.split('\n').map((offered) => offered.split('\t', 1)[0] ?? '');
    expect(words).toEqual(expect.arrayContaining([...wanted]));
  });
});
