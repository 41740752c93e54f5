/** Fills the shelves again, on every host at its own pace: `/restocked` tells how often. */
import { ask } from './peers.ts';
import type { Role } from './role.ts';

const ROUND_MS = 5_000;
const LOW = 5;
let restocked = 0;

export const worker: Role = {
  begin: () => {
    setInterval(() => void restock(), ROUND_MS).unref();
  },
  answer: () => ({ body: { restocked } }),
};

async function restock(): Promise<void> {
  try {
    const shelf = (await ask('stock', '/stock')) as Readonly<Record<string, number>>;
    for (const [sku, left] of Object.entries(shelf)) {
      if (left > LOW) continue;
      await ask('stock', '/restock', { sku, count: 10 });
      restocked += 1;
    }
  } catch (error) {
    console.warn(`cannot restock: ${error instanceof Error ? error.message : String(error)}`);
  }
}
