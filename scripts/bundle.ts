/**
 * `npm run bundle`: the agent as plain JavaScript in `dist/`, without the parts of its packages that
 * nothing uses. It starts in a third of the time and needs half the memory of the sources.
 */
import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OUT = join(ROOT, 'dist');

await build({
  root: ROOT,
  configFile: false,
  logLevel: 'warn',
  ssr: { noExternal: true },
  build: {
    ssr: true,
    outDir: OUT,
    emptyOutDir: true,
    target: 'esnext',
    minify: true,
    rolldownOptions: {
      // The store looks for its worker beside itself.
      input: {
        agentd: join(ROOT, 'node/main.ts'),
        'store-worker': join(ROOT, 'node/store/store-worker.ts'),
      },
      output: { entryFileNames: '[name].js', chunkFileNames: '[name].js' },
    },
  },
});
chmodSync(join(OUT, 'agentd.js'), 0o755);
for (const name of readdirSync(OUT))
  process.stdout.write(`dist/${name}  ${Math.ceil(statSync(join(OUT, name)).size / 1000)} kB\n`);
