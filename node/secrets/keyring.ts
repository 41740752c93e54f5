/**
 * The data keys that this host has: those wrapped for it, those it has made, those that members gave it.
 * All are kept in the state folder, so that secrets open while no other host answers. A key that no record
 * has named for an hour is forgotten.
 *
 * Every member takes care to have every key that a record names, before it needs one: any of them may have
 * to run any component, and those for which it was wrapped may be gone by then.
 */
import type { PrivateKey } from '@libp2p/interface';
import { z } from 'zod';
import { type ClusterId, type HostId, stackOf } from '../../protocol/base/ids.ts';
import type { DataKey } from '../../protocol/component/file.ts';
import type { ComponentSpec } from '../../protocol/component/spec.ts';
import { WRAPS_MAX } from '../../protocol/limits.ts';
import { allCommitted, type CommittedRecords } from '../../protocol/record/committed.ts';
import type { Logger } from '../log.ts';
import type { Store } from '../store/store.ts';
import { wrapAbout } from './sealing.ts';
import { idOfKey, KEY_BYTES, unwrapKey } from './wrap.ts';

export const KEY_REQUEST = 'data-key';
/** Where the store keeps them. */
export const KEY_PREFIX = 'data-key/';
const LOOK_MS = 2_000;
const UNNAMED_MS = 3_600_000;
/** One member may take so long to answer. */
const ASK_MS = 3_000;
/** Members asked at a time, and in all: those for which it was wrapped are among them. */
const ASKED_MAX = 4;
const ASKED_IN_ALL_MAX = 2 * WRAPS_MAX;
/** A key that nobody has, and that no instance needs now, is asked for again after so long. */
const ASK_AGAIN_MS = 30_000;

const KEY = z.instanceof(Uint8Array).refine(({ length }) => length === KEY_BYTES);

export interface Keyring extends Disposable {
  /** Without a word to anyone. */
  keyOf(stack: string, dataKey: DataKey): Uint8Array | undefined;
  /** Asks members for what is not here; undefined: none that has it answers. */
  find(stack: string, dataKey: DataKey, signal: AbortSignal): Promise<Uint8Array | undefined>;
  /** Of one that a record names; undefined: it is not here. */
  byId(id: string): Uint8Array | undefined;
  /** Resolves once it is on the disk. */
  keep(id: string, key: Uint8Array): Promise<void>;
}

export type KeyringInit = {
  readonly cluster: ClusterId;
  readonly host: HostId;
  readonly privateKey: PrivateKey;
  readonly store: Store;
  readonly committed: CommittedRecords;
  /** Members that live, and not this host. */
  readonly others: () => readonly HostId[];
  /** Rejects where the host does not have it, or does not answer. */
  readonly ask: (host: HostId, id: string, signal: AbortSignal) => Promise<unknown>;
  readonly log: Logger;
};

export async function openKeyring(init: KeyringInit): Promise<Keyring> {
  const { store, committed, log } = init;
  const keys = await keysIn(store);
  const unnamedSince = new Map<string, number>();
  const askAt = new Map<string, number>();
  let missing = false;
  let seen = -1;
  let busy = false;

  async function keep(id: string, key: Uint8Array): Promise<void> {
    if (keys.has(id)) return;
    keys.set(id, key);
    await store.write([{ key: KEY_PREFIX + id, value: key }]);
  }

  function keyOf(stack: string, dataKey: DataKey): Uint8Array | undefined {
    return keys.get(dataKey.id) ?? unwrapKey(dataKey, init, wrapAbout(init, stack));
  }

  async function askOne(host: HostId, id: string, signal: AbortSignal): Promise<Uint8Array> {
    const bound = AbortSignal.any([signal, AbortSignal.timeout(ASK_MS)]);
    const key = KEY.parse(await init.ask(host, id, bound));
    // Who is given another one would find that nothing opens.
    if (idOfKey(key) !== id) throw new Error(`host ${host} has another key`);
    return key;
  }

  /** Those first for whom it was wrapped. */
  async function askAll(dataKey: DataKey, signal: AbortSignal): Promise<Uint8Array | undefined> {
    const has = (host: HostId): boolean => dataKey.wraps[host] !== undefined;
    const others = init.others();
    const inOrder = [...others.filter(has), ...others.filter((host) => !has(host))];
    const hosts = inOrder.slice(0, ASKED_IN_ALL_MAX);
    for (let at = 0; at < hosts.length && !signal.aborted; at += ASKED_MAX) {
      const some = hosts.slice(at, at + ASKED_MAX);
      const asked = some.map((host) => askOne(host, dataKey.id, signal));
      const key = await Promise.any(asked).catch(() => undefined);
      if (key !== undefined) return key;
    }
    return undefined;
  }

  async function find(
    stack: string,
    dataKey: DataKey,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const key = keyOf(stack, dataKey) ?? (await askAll(dataKey, signal));
    if (key !== undefined) await keep(dataKey.id, key);
    return key;
  }

  /** Gets what records name and is not here, and forgets what none names any more. */
  async function look(): Promise<void> {
    const { version } = committed;
    const named = namedIn(committed);
    missing = false;
    for (const [id, { stack, dataKey }] of named) {
      unnamedSince.delete(id);
      if (keys.has(id)) continue;
      if (Date.now() >= (askAt.get(id) ?? 0)) {
        askAt.set(id, Date.now() + ASK_AGAIN_MS);
        await find(stack, dataKey, AbortSignal.timeout(ASK_MS));
      }
      if (keys.has(id)) askAt.delete(id);
      else missing = true;
    }
    for (const id of keys.keys()) if (!named.has(id)) await forget(id);
    seen = version;
  }

  /** Once no record has named it for long enough: the deploy that it is for may be under way. */
  async function forget(id: string): Promise<void> {
    const since = unnamedSince.get(id) ?? Date.now();
    unnamedSince.set(id, since);
    if (Date.now() - since < UNNAMED_MS) return;
    keys.delete(id);
    unnamedSince.delete(id);
    await store.write([{ key: KEY_PREFIX + id, value: undefined }]);
  }

  function lookAgain(): void {
    if (busy || (seen === committed.version && !missing && unnamedSince.size === 0)) return;
    busy = true;
    look()
      .catch((error: unknown) => log.warn({ error: String(error) }, 'keys of secrets are missing'))
      .finally(() => (busy = false));
  }

  const timer = setInterval(lookAgain, LOOK_MS).unref();
  return {
    keyOf,
    find,
    keep,
    byId: (id) => {
      const named = keys.has(id) ? undefined : namedIn(committed).get(id);
      return named === undefined ? keys.get(id) : keyOf(named.stack, named.dataKey);
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

async function keysIn(store: Store): Promise<Map<string, Uint8Array>> {
  const keys = new Map<string, Uint8Array>();
  for (const [name, value] of await store.load())
    if (name.startsWith(KEY_PREFIX) && KEY.safeParse(value).success)
      keys.set(name.slice(KEY_PREFIX.length), value as Uint8Array);
  return keys;
}

type Named = { readonly stack: string; readonly dataKey: DataKey };

/** Data keys of all that is deployed, and of what it may go back to. */
function namedIn(committed: CommittedRecords): ReadonlyMap<string, Named> {
  const named = new Map<string, Named>();
  const note = (stack: string, { dataKey }: ComponentSpec): void => {
    if (dataKey !== undefined) named.set(dataKey.id, { stack, dataKey });
  };
  for (const { value } of allCommitted(committed)) {
    if (value.kind === 'stack') {
      for (const spec of value.spec?.components ?? []) note(value.spec?.name ?? '', spec);
    } else if (value.kind === 'component') {
      const stack = stackOf(value.component);
      note(stack, value.spec);
      for (const { spec } of value.rollout?.former ?? []) note(stack, spec);
      for (const { spec } of value.history ?? []) if (spec !== undefined) note(stack, spec);
    }
  }
  return named;
}
