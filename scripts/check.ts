/**
 * Everything that can be said about the sources without running them. `npm run check` runs all;
 * `npm run check lint types` only those named. `npm run format` mends what `format` complains of.
 */
import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';

const CHECKS = {
  format: ['oxfmt', '--check'],
  lint: ['oxlint'],
  types: ['tsc', '--project', '.'],
  // Again without the types of Node and of browsers: what the core cannot name it cannot use.
  purity: ['tsc', '--project', 'protocol'],
  unused: ['knip'],
} as const;
type CheckName = keyof typeof CHECKS;
type Outcome = {
  readonly name: CheckName;
  readonly passed: boolean;
  readonly output: string;
  readonly tookMs: number;
};

const root = join(import.meta.dirname, '..');
const names = namesFrom(process.argv.slice(2));
const outcomes = await Promise.all(names.map(run));
for (const outcome of outcomes) report(outcome);
const failed = outcomes.filter(({ passed }) => !passed).length;
console.log(`${outcomes.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

function namesFrom(args: readonly string[]): readonly CheckName[] {
  const all = Object.keys(CHECKS).filter(isCheckName);
  const unknown = args.find((arg) => !isCheckName(arg));
  if (unknown !== undefined) {
    console.error(`error: no check is called ${unknown}`);
    console.error(`  why   the checks are ${all.join(', ')}\n  next  npm run check`);
    process.exit(2);
  }
  return args.length === 0 ? all : args.filter(isCheckName);
}

function isCheckName(name: string): name is CheckName {
  return Object.hasOwn(CHECKS, name);
}

function run(name: CheckName): Promise<Outcome> {
  const [program, ...args] = CHECKS[name];
  const bin = join(root, 'node_modules', '.bin');
  const startedAt = performance.now();
  const child = spawn(join(bin, program), args, {
    cwd: root,
    env: { ...process.env, PATH: bin + delimiter + process.env['PATH'] },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const collect = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return new Promise((resolve) => {
    const end = (passed: boolean): void =>
      resolve({ name, passed, output, tookMs: performance.now() - startedAt });
    child.once('error', (error) => {
      collect(Buffer.from(error.message));
      end(false);
    });
    child.once('close', (code) => end(code === 0));
  });
}

function report({ name, passed, output, tookMs }: Outcome): void {
  const took = `${(tookMs / 1000).toFixed(1)} s`;
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name.padEnd(8)} ${took}`);
  if (!passed) console.log(output.trimEnd().replaceAll(/^/gm, '       '));
}
