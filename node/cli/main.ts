#!/usr/bin/env node
/** `agentctl` from a clone: the first call compiles, each later one starts in half the time. */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

// Not where any user of this machine may put something. By the environment, so that threads have it too.
const CACHE = new URL('../../node_modules/.cache/compile', import.meta.url);
process.env['NODE_COMPILE_CACHE'] ??= fileURLToPath(CACHE);
enableCompileCache();
await import('./agentctl.ts');
