/**
 * Files as people bring them, each with what becomes of it: `NAME.yaml` and `NAME.txt`, or a folder
 * with `compose.yaml`, whatever is laid over it or named in it, and `expected.txt`.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type ComposeResult, loadCompose } from '../../node/compose/load.ts';
import type { BuildSource } from '../../node/compose/service/build.ts';
import { renderProblem } from '../../node/compose/problems.ts';
import type { ComponentSpec } from '../../protocol/component/spec.ts';

export type Example = {
  readonly name: string;
  readonly text: string;
  readonly dir: string;
  readonly override?: string;
  /** Where what becomes of it is written. */
  readonly expected: string;
};

const CORPUS = join(import.meta.dirname, 'corpus');
const OVERRIDE = 'compose.override.yaml';

export function readCorpus(): readonly Example[] {
  return readdirSync(CORPUS, { withFileTypes: true }).flatMap((entry): Example[] => {
    const path = join(CORPUS, entry.name);
    if (entry.isDirectory()) {
      const text = readFileSync(join(path, 'compose.yaml'), 'utf8');
      const over = join(path, OVERRIDE);
      const override = existsSync(over) ? { override: readFileSync(over, 'utf8') } : {};
      const expected = join(path, 'expected.txt');
      return [{ name: entry.name, text, dir: path, ...override, expected }];
    }
    if (!entry.name.endsWith('.yaml')) return [];
    const name = entry.name.replace('.yaml', '');
    const expected = join(CORPUS, `${name}.txt`);
    return [{ name, text: readFileSync(path, 'utf8'), dir: join(CORPUS, name), expected }];
  });
}

export function load({ text, dir, override }: Example): ComposeResult {
  const overrides = override === undefined ? [] : [{ path: OVERRIDE, text: override }];
  return loadCompose(text, { path: 'compose.yaml', overrides, env: {}, dir });
}

/** What a user would read, and what would run: one component a line, without what is as usual. */
export function render(result: ComposeResult, dir: string): string {
  if (!result.ok) return `${result.problems.map(renderProblem).join('\n')}\n`;
  const { stack, secrets, builds, warnings } = result;
  return [
    `stack ${stack.name}`,
    ...stack.components.map((component) => `  ${component.name} ${renderComponent(component)}`),
    ...[...builds].map(([name, build]) => `build ${name} ${renderBuild(build, dir)}`),
    ...[...secrets].map(([name, content]) => `secret ${name} of ${content.length} bytes`),
    ...warnings.map((warning) => `warning ${renderProblem(warning)}`),
    '',
  ].join('\n');
}

const USUAL: Readonly<Record<string, string>> = {
  mode: '"replicated"',
  replicas: '1',
  environment: '{}',
  ports: '[]',
  volumes: '[]',
  restart: '{"kind":"always"}',
  dependsOn: '[]',
  stopGraceMs: '10000',
};

const renderBuild = ({ folder, ...build }: BuildSource, dir: string): string =>
  JSON.stringify({ folder: relative(dir, folder) || '.', ...build });

function renderComponent(component: ComponentSpec): string {
  return Object.entries(component)
    .filter(([key]) => key !== 'name')
    .map(([key, value]) => [key, JSON.stringify(value)] as const)
    .filter(([key, written]) => USUAL[key] !== written)
    .map(([key, written]) => `${key}=${written}`)
    .join(' ');
}
