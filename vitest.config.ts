import { defineConfig } from 'vitest/config';

/** Tests that drive real engines or real agents: slow, and easily disturbed by a busy machine. */
const ENGINE_TESTS = 'test/compliance/**/*.test.ts';
const AGENT_TESTS = 'test/e2e/**/*.test.ts';
/** Guards of one machine share its cgroups. */
const GUARD_TESTS = 'test/e2e/strict/docker-*.test.ts';
/** Tests with machines of their own: `npm run lab:test`. */
const LAB_TESTS = 'test/lab/**/*.test.ts';

/**
 * Groups one after the other, so that the machine is quiet when time matters; agents mostly wait, so
 * five clusters at a time do not disturb each other. Nothing is left out: a test that needs an engine which does not answer says so itself, as skipped.
 */
export default defineConfig({
  test: {
    exclude: [],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: [ENGINE_TESTS, AGENT_TESTS, LAB_TESTS],
          testTimeout: 20_000,
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'compliance',
          include: [ENGINE_TESTS],
          exclude: [],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'e2e',
          include: [AGENT_TESTS],
          exclude: [GUARD_TESTS],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 5,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          name: 'guard',
          include: [GUARD_TESTS],
          exclude: [],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          maxWorkers: 1,
          sequence: { groupOrder: 3 },
        },
      },
    ],
  },
});
