/** Numbers where text is meant: YAML keeps the number, not how it was typed. */
import type { Complaint, Finding, Path } from './problems.ts';

/** `typed`: the number at a path as it was typed; undefined where there is none. */
export type Typed = (path: Path) => string | undefined;

/** Undefined: it is passed on as it was typed. */
export function retyped(typed: string | undefined, value: string): Complaint | undefined {
  if (typed === undefined || typed === value) return undefined;
  const message = `${typed} is a number and is passed on as ${value}`;
  return { message, next: 'quote it to keep it as it is' };
}

/** Of texts by name, which are written at `at`. */
export function adviseNumbers(
  at: Path,
  texts: Readonly<Record<string, string>>,
  { typed, warnings }: { readonly typed: Typed; readonly warnings: Finding[] },
): void {
  for (const [name, value] of Object.entries(texts)) {
    const path = [...at, name];
    const complaint = retyped(typed(path), value);
    if (complaint !== undefined) warnings.push({ path, on: 'value', ...complaint });
  }
}
