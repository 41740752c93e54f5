/** A command as Compose takes it: a list, or one line that is split as a shell splits words. */
import { fail, ok, type Result } from '../../../protocol/base/result.ts';
import { line, texts, ways } from '../fields.ts';
import type { Complaint } from '../problems.ts';

/** No shell runs it: pipes and variables of a shell want `sh -c` in front. */
export const words = ways<readonly string[]>('text or a list of words', {
  text: line('text', splitWords),
  list: texts,
});

/** Quotes keep spaces, a backslash keeps the next letter, as POSIX shells do. */
export function splitWords(command: string): Result<readonly string[], Complaint> {
  const found: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < command.length; at += 1) {
    const letter = command[at] ?? '';
    if (letter === '\\' && quote !== "'") {
      at += 1;
      const next = command[at];
      if (next === undefined) return fail({ message: 'a backslash ends the command' });
      // In double quotes only these lose their backslash.
      word = (word ?? '') + (quote === '"' && !/["\\$`]/.test(next) ? letter + next : next);
    } else if (quote !== '') {
      if (letter === quote) quote = '';
      else word = (word ?? '') + letter;
    } else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= '';
    } else if (/\s/.test(letter)) {
      if (word !== undefined) found.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + letter;
    }
  }
  if (quote !== '') return fail({ message: `a ${quote} is not closed` });
  if (word !== undefined) found.push(word);
  return ok(found);
}
