import { defineConfig } from 'vitest/config';

/** `npm run lab:test`: one file after the other, for all of them have the same five machines. */
export default defineConfig({
  test: {
    name: 'lab',
    include: ['test/lab/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    fileParallelism: false,
    maxWorkers: 1,
    // What a soak does is told as it happens.
    disableConsoleIntercept: true,
  },
});
