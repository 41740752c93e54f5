/**
 * Agent, guard and agentctl as one file that needs no Node: the bundle within the very Node that runs
 * this script (`node --build-sea`), its threads beside it as assets. Never `strip` it: what is left then
 * ends without a word.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundled.ts';
import { NODE_FLAGS } from '../../node/agentd.ts';

const MAIN = 'node/executable.ts';
/** As `node/thread.ts` asks for them. */
const THREADS = [
  'node/store/store-worker.ts',
  'node/cli/sim/aside-worker.ts',
  'node/cli/sim/seeds-worker.ts',
] as const;

/** Makes `output`, with what it is made of in `workDir`. */
export async function buildExecutable(workDir: string, output: string): Promise<void> {
  const main = await wholeFile(MAIN, workDir);
  const assets: Record<string, string> = {};
  for (const source of THREADS) {
    const file = await wholeFile(source, workDir);
    assets[`${nameOf(source)}.js`] = file;
  }
  const config = join(workDir, 'executable.json');
  writeFileSync(
    config,
    JSON.stringify({
      main,
      mainFormat: 'module',
      output,
      disableExperimentalSEAWarning: true,
      // A third less work at each start. Node says that import() fails with it; of Node's own modules it does not.
      useCodeCache: true,
      // node:ffi, which tells systemd of us, is new.
      execArgv: [...NODE_FLAGS, '--disable-warning=ExperimentalWarning'],
      // What agentctl does is no matter of a NODE_OPTIONS that was meant for something else.
      execArgvExtension: 'none',
      assets,
    }),
  );
  execFileSync(process.execPath, ['--build-sea', config], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function wholeFile(source: string, workDir: string): Promise<string> {
  const outDir = join(workDir, nameOf(source));
  await bundle({ input: { [nameOf(source)]: source }, outDir, whole: true });
  return join(outDir, `${nameOf(source)}.js`);
}

const nameOf = (source: string): string => source.replace(/^.*\/|\.ts$/g, '');
