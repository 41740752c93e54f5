/**
 * S11 A deploy that expects a revision is committed only as the next after it: between the two nothing
 *     else is. One that expects no stack follows a tombstone, or nothing. So of two that expect the
 *     same at most one is committed (R7).
 */
import type { Key } from '../../protocol/base/ids.ts';
import {
  compareRevision,
  type Expected,
  type RecordValue,
  type Revision,
  showRevision,
} from '../../protocol/record/record.ts';
import type { Report } from './report.ts';

/** What the checker of records knows. */
type Known = { readonly report: Report; readonly expected: Map<string, Expected> };
type Commit = { readonly revision: Revision; readonly op: string };
type History = {
  readonly key: Key;
  readonly commits: readonly Commit[];
  readonly valueOf: (revision: Revision) => RecordValue | undefined;
};

/** A user asks for a deploy that expects this. */
export function noteExpected({ expected }: Known, op: string, expect: Expected): void {
  expected.set(op, expect);
}

/** After each revision that becomes known as committed. */
export function checkExpected(known: Known, history: History): void {
  if (!history.key.startsWith('stack/')) return;
  const commits = history.commits.toSorted((a, b) => compareRevision(a.revision, b.revision));
  const begun = new Set<string>();
  for (const [at, commit] of commits.entries()) {
    const expect = known.expected.get(commit.op);
    if (expect === undefined || begun.has(commit.op)) continue;
    begun.add(commit.op);
    checkFound(known, history, { commit, before: commits.slice(0, at), expect });
  }
}

type Found = {
  readonly commit: Commit;
  readonly before: readonly Commit[];
  readonly expect: Expected;
};

function checkFound({ report }: Known, { key, valueOf }: History, found: Found): void {
  const { commit, before, expect } = found;
  const last = before.at(-1);
  if (last === undefined) return;
  const name = `${key} ${showRevision(commit.revision)}`;
  if (expect === 'none') {
    const value = valueOf(last.revision);
    if (value?.kind === 'stack' && value.spec !== undefined)
      report('S11', `${commit.op} expects no stack and is committed as ${name}, after ${last.op}`);
    return;
  }
  // A user may name the revision as which it was written, though only a later leader has committed it.
  const looked = before.findLast(({ revision }) => {
    if (compareRevision(revision, expect) <= 0) return true;
    const value = valueOf(revision);
    return value?.kind === 'stack' && compareRevision(value.since, expect) === 0;
  });
  if (looked !== undefined && looked.op !== last.op)
    report(
      'S11',
      `${commit.op} expects ${showRevision(expect)} and is committed as ${name}, after ${last.op}`,
    );
}
