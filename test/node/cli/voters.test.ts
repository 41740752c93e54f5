/** `cluster voters show`: who votes, and what may still be lost. */
import { expect, it } from 'vitest';
import { voterLines } from '../../../node/cli/voters.ts';
import { epoch } from '../../../protocol/base/ids.ts';
import type { HostView } from '../../../protocol/view/view.ts';
import { cluster, host, idOf } from './views.ts';

const style = { width: 100, paint: (_: unknown, text: string) => text };

/** `h1 h2! h3`: an exclamation mark is death. */
function shown(voters: string, quorum: boolean, next?: readonly string[]): readonly string[] {
  const names = voters.split(' ').map((word) => word.replace('!', ''));
  const hosts = [...new Set([...names, 'h8', 'h9'])].map((name): HostView => {
    const state = voters.includes(`${name}!`) ? 'dead' : 'alive';
    return host(name, { state, voter: names.includes(name) });
  });
  const roster = {
    epoch: epoch(4),
    voters: names.map(idOf),
    ...(next === undefined ? {} : { next: next.map(idOf) }),
  };
  return voterLines(cluster({ hosts, roster, quorum }), style);
}

it.each([
  ['h1', true, '1 of 1 voter alive: if one more is lost nothing can be decided until it is back'],
  ['h1 h2 h3', true, '3 of 3 voters alive: 1 more may be lost'],
  [
    'h1 h2! h3',
    true,
    '2 of 3 voters alive: if one more is lost nothing can be decided until it is back',
  ],
  ['h1 h2 h3 h4 h5', true, '5 of 5 voters alive: 2 more may be lost'],
  [
    'h1 h2! h3!',
    false,
    '1 of 3 voters alive: no majority is heard here, so nothing can be decided',
  ],
])('%s: with a quorum: %s', (voters, quorum, sentence) => {
  const lines = shown(voters, quorum);
  expect(lines.at(-1)).toBe(sentence);
  const count = voters.split(' ').length;
  expect(lines.slice(3, 3 + count).map((line) => line.split(' ')[0])).toEqual(
    voters.split(' ').map((word) => word.replace('!', '')),
  );
});

it('names who is to vote, while that changes', () => {
  const lines = shown('h1', true, ['h1', 'h8', 'h9']);
  expect(lines[1]).toBe('on the way to  h1 h8 h9');
  expect(lines.join('\n')).toMatch(/\nh8 .*\nh9 /);
});
