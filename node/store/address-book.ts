/** The addresses at which peers were last known, kept in the store. */
import { z } from 'zod';
import type { AddressBookPort } from '../network/address-book.ts';
import type { Store, StoreEntry } from './store.ts';

const PREFIX = 'address/';
const ADDRESSES = z.array(z.string());

export function storeAddressBook(store: Store): AddressBookPort {
  return {
    async load() {
      const book = new Map<string, readonly string[]>();
      for (const [key, value] of await store.load()) {
        if (!key.startsWith(PREFIX)) continue;
        const addresses = ADDRESSES.safeParse(value);
        // A hint only: what is not understood is found again by discovery.
        if (addresses.success) book.set(key.slice(PREFIX.length), addresses.data);
      }
      return book;
    },
    save(changes) {
      const entries: StoreEntry[] = [];
      for (const [peerId, addresses] of changes) {
        entries.push({ key: `${PREFIX}${peerId}`, value: addresses });
      }
      return store.write(entries);
    },
  };
}
