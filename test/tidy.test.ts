/** The rules that no compiler checks. Each failure names the file and the remedy. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { expect, it } from 'vitest';

/** Which folder may import from which. `packages` is anything from node_modules or Node itself. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  protocol: ['protocol'],
  sim: ['protocol', 'sim', 'packages'],
  // The manifest tells the agent its own version.
  node: ['protocol', 'node', 'packages', 'package.json'],
  test: ['protocol', 'sim', 'node', 'test', 'packages'],
  scripts: ['protocol', 'sim', 'node', 'scripts', 'packages'],
  examples: ['examples', 'packages'],
};
/** What the commands of the simulator do: the only sources of the agent that may know of it. */
const MAY_IMPORT_SIM = 'node/cli/sim/';
/** What would make the core depend on anything but its inputs, or hide state in objects. */
const BANNED_IN_PROTOCOL: readonly (readonly [RegExp, string])[] = [
  [/\bDate\b/, 'use the `now` of the input'],
  [/\bMath\.random\b/, 'use the prng in the state'],
  [/\basync\b|\bawait\b|\bPromise(?=[.<])/, 'emit an effect, its outcome comes back as an input'],
  [/\b(localeCompare|toLocale\w+|Intl)\b/, 'compare with `<`, format outside'],
  [
    /\bclass(?=\s+[A-Z]|\s*\{)/,
    'write a record and a pure step (the one class is in base/assert.ts)',
  ],
];
const CLASS_ALLOWED_IN = 'protocol/base/assert.ts';
/** Names under which everything fits, so that nothing is found. */
const NAMES_SAYING_NOTHING = /^(utils?|helpers?|common|managers?|types|misc|lib)$/;
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const LINES_MAX = 400;
/** A folder is searched for dead files once the file that ties it together exists. */
const TIED_BY: Record<string, string> = {
  protocol: 'protocol/core.ts',
  sim: 'sim/run.ts',
  node: 'node/main.ts',
  test: 'test/tidy.test.ts',
};

const files = Object.keys(MAY_IMPORT).flatMap((folder) =>
  globSync(`${folder}/**/*.{ts,js}`, { exclude: ['**/node_modules/**'] }).map((path) =>
    path.replaceAll('\\', '/'),
  ),
);
const folderOf = (path: string): string => path.split('/', 1)[0] ?? '';
const read = (path: string): string => readFileSync(path, 'utf8');
const code = (path: string): string =>
  read(path)
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .replaceAll(/(^|\s)\/\/.*$/gm, '');

it.each(files)('%s', (path) => {
  const complaints = [...forbiddenImports(path), ...bannedWords(path), ...badNames(path)];
  const lines = read(path).split('\n').length - 1;
  if (lines > LINES_MAX) complaints.push(`${lines} lines, at most ${LINES_MAX}: split it by idea`);
  expect(complaints).toEqual([]);
});

it('has no dead files: each is reached from a command or a test', () => {
  const commands = [...read('package.json').matchAll(/[\w./-]+\.(?:ts|js)\b/g)].map(([path]) =>
    path.replace(/^\.\//, ''),
  );
  const programs = files.filter((path) => /^(scripts|examples)\/|\.test\.ts$/.test(path));
  const product = reachedFrom([
    ...commands,
    ...programs.filter((path) => !path.startsWith('test/')),
  ]);
  const tests = reachedFrom(programs);
  const dead = files.filter((path) => {
    const folder = folderOf(path);
    if (!existsSync(TIED_BY[folder] ?? '')) return false;
    return !(folder === 'test' ? tests : product).has(path);
  });
  expect(dead).toEqual([]);
});

it('installs from any registry: the lockfile holds no download address', () => {
  expect(read('package-lock.json')).not.toMatch(/"resolved"|"https?:\/\/[^"]*\.tgz"/);
});

function forbiddenImports(path: string): string[] {
  const folder = folderOf(path);
  const complaints: string[] = [];
  for (const [, specifier] of code(path).matchAll(/(?:\bfrom|\bimport\(?)\s*'([^']+)'/g)) {
    if (specifier === undefined) continue;
    const target = specifier.startsWith('.')
      ? folderOf(posix.join(posix.dirname(path), specifier))
      : 'packages';
    if (target === 'sim' && path.startsWith(MAY_IMPORT_SIM)) continue;
    if (!MAY_IMPORT[folder]?.includes(target))
      complaints.push(`${folder}/ may not import ${specifier}: it may import ${allowed(folder)}`);
  }
  return complaints;
}

function allowed(folder: string): string {
  return MAY_IMPORT[folder]?.join(', ') ?? 'nothing';
}

function bannedWords(path: string): string[] {
  if (folderOf(path) !== 'protocol') return [];
  return BANNED_IN_PROTOCOL.flatMap(([banned, remedy]) => {
    const [found] = banned.exec(code(path)) ?? [];
    if (found === undefined || (found === 'class' && path === CLASS_ALLOWED_IN)) return [];
    return [`\`${found}\` is banned in protocol/: ${remedy}`];
  });
}

function badNames(path: string): string[] {
  const names = path.replace(/(\.test|\.d)?\.(ts|js)$/, '').split('/');
  return names.flatMap((name) => {
    if (NAMES_SAYING_NOTHING.test(name)) return [`\`${name}\` says nothing: name what is inside`];
    return KEBAB_CASE.test(name) ? [] : [`\`${name}\` is not in kebab-case`];
  });
}

/** Follows every string that names a file, be it imported or started as a program. */
function reachedFrom(roots: readonly string[]): ReadonlySet<string> {
  const known = new Set(files);
  const reached = new Set<string>();
  const queue = [...roots];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (!known.has(path) || reached.has(path)) continue;
    reached.add(path);
    for (const [, text = ''] of code(path).matchAll(/'([^'\n]+\.(?:ts|js))'/g))
      queue.push(text.startsWith('.') ? posix.join(posix.dirname(path), text) : text);
  }
  return reached;
}
