/** The sources as plain JavaScript, without the parts of the packages that nothing uses. */
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export type Bundle = {
  /** Name of what is made, without `.js`, to its source, from the root. */
  readonly input: Readonly<Record<string, string>>;
  readonly outDir: string;
  /** Each input, of which there is one then, is one file and needs no other. */
  readonly whole: boolean;
};

/** Takes the place of whatever `outDir` held. */
export async function bundle({ input, outDir, whole }: Bundle): Promise<void> {
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    ssr: { noExternal: true },
    build: {
      ssr: true,
      outDir,
      emptyOutDir: true,
      target: 'esnext',
      minify: true,
      rolldownOptions: {
        input: Object.fromEntries(Object.entries(input).map(([name, file]) => [name, ROOT + file])),
        output: {
          entryFileNames: '[name].js',
          chunkFileNames: '[name].js',
          ...(whole ? { codeSplitting: false } : {}),
        },
      },
    },
  });
}
