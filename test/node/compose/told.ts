/** Loads a Compose file and tells its problems as a user reads them. */
import { loadCompose } from '../../../node/compose/load.ts';
import { renderProblem } from '../../../node/compose/problems.ts';

/** Warnings begin with `warning`, unless there are errors. */
export function told(text: string, name = 'shop'): readonly string[] {
  const env = { N: '2', EMPTY: '' };
  const result = loadCompose(text, { path: 'c.yaml', env, dir: '/nowhere', name });
  const problems = result.ok ? result.warnings : result.problems;
  return problems.map((problem) => `${result.ok ? 'warning ' : ''}${renderProblem(problem)}`);
}

/** A service `web` with an image and more lines; these begin in line 4, column 5. */
export function web(...lines: readonly string[]): string {
  return ['services:', '  web:', '    image: i', ...lines.map((line) => `    ${line}`), ''].join(
    '\n',
  );
}
