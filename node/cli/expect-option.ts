import { InvalidArgumentError, Option } from 'commander';
import { term } from '../../protocol/base/ids.ts';
import { type Expected, showRevision } from '../../protocol/record/record.ts';

/** Only if this is what is there: a revision as `status` and `deploy` print it, or `none`. */
export const expectOption = (description: string): Option =>
  new Option('--expect <revision>', description).argParser(parseExpected);

function parseExpected(written: string): Expected {
  if (written === 'none') return 'none';
  const [, of, seq] = /^(\d{1,15})\.(\d{1,15})$/.exec(written) ?? [];
  if (of === undefined || seq === undefined)
    throw new InvalidArgumentError('Give a revision like 1003.1, or none where there is no stack.');
  return { term: term(Number(of)), seq: Number(seq) };
}

/** As it is typed to ask again. */
export const typedExpect = (expect: Expected | undefined): string => {
  if (expect === undefined) return '';
  return ` --expect ${expect === 'none' ? 'none' : showRevision(expect)}`;
};
