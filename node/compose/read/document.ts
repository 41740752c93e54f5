/** A YAML file without variables, as plain values and the way back from a value to its line. */
import type { Finding, Problem } from '../problems.ts';
import { parseTree } from './parse.ts';
import { locate, plainOf } from './tree.ts';

export type Document =
  | {
      readonly ok: true;
      readonly plain: unknown;
      readonly locate: (finding: Finding) => Problem;
    }
  | { readonly ok: false; readonly problems: readonly Problem[] };

export function readDocument(text: string, file: string): Document {
  const source = { file, dir: '/', shownDir: '.', lookup: () => undefined };
  const parsed = parseTree(text, source, (written) => written);
  if (!parsed.ok) return parsed;
  const { tree } = parsed;
  return { ok: true, plain: plainOf(tree), locate: (finding) => locate(tree, finding) };
}
