/**
 * The files of a stack as one tree:
 *
 *     each file: parse ─▶ variables ─▶ include ─▶ extends ─▶ over the files before it
 *
 * The order is that of compose-go since 2.10.2: what a file includes it can extend. Anchors do not cross files.
 */
import type { Reader } from '../read/reader.ts';
import type { Source, Tree } from '../read/tree.ts';
import { applyExtends } from './extends.ts';
import { applyInclude, type Including } from './include.ts';
import { mergeTrees, withoutResets } from './merge.ts';

export type ComposeText = { readonly text: string; readonly source: Source };

/** `undefined` where nothing could be read; what is wrong is with the reader. */
export function mergeProject(texts: readonly ComposeText[], reader: Reader): Tree | undefined {
  let project: Tree | undefined;
  for (const { text, source } of texts) {
    const parsed = reader.parse(text, source);
    if (parsed === undefined) continue;
    const file = whole(parsed, { reader, trail: [], load: whole });
    project = project === undefined ? file : mergeTrees(project, file, [], reader);
  }
  return project === undefined ? undefined : withoutResets(project);
}

function whole(tree: Tree, including: Including): Tree {
  return applyExtends(applyInclude(tree, including), including.reader);
}
