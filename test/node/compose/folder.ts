/** Files in a folder of their own, loaded as `agentctl deploy` does, told as a user reads it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { type ComposeResult, loadCompose } from '../../../node/compose/load.ts';
import { type Problem, renderProblem } from '../../../node/compose/problems.ts';
import type { ComponentSpec, StackSpec } from '../../../protocol/component/spec.ts';

const top = mkdtempSync(join(tmpdir(), 'millrace-compose-'));
afterAll(() => rmSync(top, { recursive: true }));
let count = 0;

export type Files = Readonly<Record<string, string>>;
export type With = {
  readonly env?: Readonly<Record<string, string>>;
  readonly profiles?: readonly string[];
  readonly name?: string;
};

/** The first file is the Compose file, files called `over…` are laid over it. */
export function loadFiles(files: Files, { env = {}, profiles, name = 'shop' }: With = {}) {
  count += 1;
  const dir = join(top, String(count));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(dir, file)), { recursive: true });
    writeFileSync(join(dir, file), text);
  }
  const [[path, text] = ['', ''], ...others] = Object.entries(files);
  const overrides = others
    .filter(([file]) => file.startsWith('over'))
    .map(([file, over]) => ({ path: file, text: over }));
  const result: ComposeResult = loadCompose(text, {
    path,
    overrides,
    env,
    dir,
    name,
    ...(profiles !== undefined && { profiles }),
  });
  return { dir, result };
}

/** What is told, the folder written `DIR`; warnings begin with `warning`. */
export function toldOf(files: Files, options?: With): readonly string[] {
  const { dir, result } = loadFiles(files, options);
  const lines = (problems: readonly Problem[]) =>
    problems.map((problem) => renderProblem(problem).replaceAll(dir, 'DIR'));
  return result.ok
    ? lines(result.warnings).map((line) => `warning ${line}`)
    : lines(result.problems);
}

export function stackOf(files: Files, options?: With): StackSpec {
  const { result } = loadFiles(files, options);
  if (result.ok) return result.stack;
  throw new Error(result.problems.map(renderProblem).join('\n'));
}

export function componentOf(files: Files, options?: With): ComponentSpec {
  const [first] = stackOf(files, options).components;
  if (first === undefined) throw new Error('there is no component');
  return first;
}
