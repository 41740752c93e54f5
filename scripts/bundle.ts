/**
 * `npm run bundle`: the agent as plain JavaScript in `dist/`. It starts in a third of the time and needs
 * half the memory of the sources.
 */
import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { bundle, ROOT } from './package/bundled.ts';

const OUT = join(ROOT, 'dist');

await bundle({
  // The store looks for its worker beside itself.
  input: { agentd: 'node/main.ts', 'store-worker': 'node/store/store-worker.ts' },
  outDir: OUT,
  whole: false,
});
chmodSync(join(OUT, 'agentd.js'), 0o755);
for (const name of readdirSync(OUT))
  process.stdout.write(`dist/${name}  ${Math.ceil(statSync(join(OUT, name)).size / 1000)} kB\n`);
