/** One thread that walks the quick configurations of a mutant, up to what it breaks. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Explored } from '../../../sim/explore/explore.ts';
import type { Violation } from '../../../sim/explore/search.ts';
import type { Mutant } from '../../../sim/mutants/mutant.ts';
import { mutateWhenLoaded } from './mutate-when-loaded.ts';

/** As the thread is started. */
export type WalkTask = { readonly mutant: Mutant; readonly walk: Explored };
/** The shortest way to what a mutant breaks; undefined: the walks find nothing. */
export type Walked = (Violation & { readonly schedule: readonly string[] }) | undefined;

const { mutant, walk } = workerData as WalkTask;

mutateWhenLoaded(mutant);
const { explore } = await import('../../../sim/explore/explore.ts');

const walked: Walked = explore(walk, 'quick', () => undefined).at(-1)?.violation;
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- not a window
parentPort?.postMessage(walked);
