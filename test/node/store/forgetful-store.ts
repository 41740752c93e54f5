/**
 * A store on a disk that keeps nothing until it is told to: the power may fail at any moment, and
 * then every write that was not yet acknowledged is lost.
 */
import type { Store, StoreEntry } from '../../../node/store/store.ts';

export type ForgetfulStore = Store & {
  /** Everything written so far becomes durable and is acknowledged, in order. */
  readonly sync: () => Promise<void>;
  /** What was not acknowledged is gone; from now on nothing is ever acknowledged. */
  readonly crash: () => void;
  readonly unsyncedCount: () => number;
};

type Unsynced = { readonly entries: readonly StoreEntry[]; readonly acknowledge: () => void };

/** What survives a crash is what `durable` holds: open that one again. */
export function forgetfulStore(durable: Store): ForgetfulStore {
  let unsynced: Unsynced[] = [];
  let crashed = false;
  return {
    load: () => durable.load(),
    write: (entries) =>
      new Promise((acknowledge) => {
        if (!crashed) unsynced.push({ entries, acknowledge });
      }),
    close: () => durable.close(),
    async sync() {
      for (const { entries, acknowledge } of unsynced.splice(0)) {
        await durable.write(entries);
        if (crashed) return;
        acknowledge();
      }
    },
    crash() {
      crashed = true;
      unsynced = [];
    },
    unsyncedCount: () => unsynced.length,
  };
}
