/** Which data keys a host has, how it comes by the others, and when it forgets one. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import {
  clusterId,
  componentId,
  componentKey,
  type HostId,
  term,
} from '../../../protocol/base/ids.ts';
import type { DataKey } from '../../../protocol/component/file.ts';
import {
  type CommittedRecords,
  createCommitted,
  mergeCommitted,
} from '../../../protocol/record/committed.ts';
import type { Component } from '../../../protocol/record/record.ts';
import { createLogger } from '../../../node/log.ts';
import { generateIdentity, peerIdOf, readIdentity } from '../../../node/network/identity.ts';
import { type Keyring, KEY_PREFIX, openKeyring } from '../../../node/secrets/keyring.ts';
import { wrapAbout } from '../../../node/secrets/sealing.ts';
import { idOfKey, wrapKey } from '../../../node/secrets/wrap.ts';
import type { Store } from '../../../node/store/store.ts';
import { hostIdOf } from '../../../node/token.ts';
import { spec } from '../../protocol/reconcile/stage.ts';

const cluster = clusterId('c1');
async function makeHost() {
  const identity = await generateIdentity();
  const peerId = await peerIdOf(identity);
  return { host: hostIdOf(peerId), peerId, privateKey: await readIdentity(identity) };
}
const [here, there, third] = [await makeHost(), await makeHost(), await makeHost()];

const key = new Uint8Array(randomBytes(32));
const about = wrapAbout({ cluster }, 'shop');
const wrappedFor = (...hosts: readonly (typeof here)[]): DataKey => ({
  ...wrapKey(key, hosts, about),
  among: '0'.repeat(16),
});

/** A disk that forgets nothing. */
function createDisk(): Store & { readonly kept: Map<string, unknown> } {
  const kept = new Map<string, unknown>();
  return {
    kept,
    load: async () => new Map(kept),
    write: async (entries) => {
      for (const { key: name, value } of entries)
        if (value === undefined) kept.delete(name);
        else kept.set(name, value);
    },
    close: async () => undefined,
  };
}

function record(seq: number, dataKey: DataKey | undefined, former?: DataKey, past?: DataKey) {
  const component = componentId('shop', 'db');
  const made = (one: DataKey | undefined) => spec(one === undefined ? {} : { dataKey: one });
  const value: Component = {
    kind: 'component',
    component,
    life: 0,
    stackRevision: { term: term(1), seq },
    spec: made(dataKey),
    slots: [],
    ...(former && { rollout: { former: [{ revision: 'r', spec: made(former) }], failed: [] } }),
    ...(past && {
      history: [{ revision: 'r', spec: made(past), since: { term: term(1), seq: 0 } }],
    }),
  };
  return { key: componentKey(component), revision: { term: term(1), seq }, value };
}

type Host = {
  readonly committed: CommittedRecords;
  readonly disk: ReturnType<typeof createDisk>;
  readonly asked: HostId[];
  readonly keyring: Keyring;
};
const opened: Keyring[] = [];
const log = createLogger({ level: 'silent' });

async function open(
  answers: Readonly<Record<string, unknown>> = {},
  disk = createDisk(),
  committed = createCommitted([]),
): Promise<Host> {
  const asked: HostId[] = [];
  const keyring = await openKeyring({
    cluster,
    ...here,
    store: disk,
    committed,
    others: () => [there.host, third.host],
    ask: async (host) => {
      asked.push(host);
      if (answers[host] === undefined) throw new Error('this host does not have that key');
      return answers[host];
    },
    log,
  });
  opened.push(keyring);
  return { committed, disk, asked, keyring };
}

const soon = (): AbortSignal => new AbortController().signal;
/** Longer than it takes to look again. */
const LOOK_MS = 3_000;
const HOUR_MS = 3_600_000;

beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  for (const keyring of opened.splice(0)) keyring[Symbol.dispose]();
  vi.useRealTimers();
});

it('reads what was wrapped for this host, without a word to anyone', async () => {
  const { keyring, asked, disk } = await open();
  const dataKey = wrappedFor(here, there);
  expect(keyring.keyOf('shop', dataKey)).toEqual(Buffer.from(key));
  expect(keyring.keyOf('blog', dataKey)).toBeUndefined();
  expect(await keyring.find('shop', dataKey, soon())).toEqual(Buffer.from(key));
  expect(asked).toEqual([]);
  expect([...disk.kept.keys()]).toEqual([KEY_PREFIX + dataKey.id]);
});

it.each<[string, Readonly<Record<string, unknown>>, boolean]>([
  ['the one that has it', { [third.host]: key }, true],
  ['two that have it', { [there.host]: key, [third.host]: key }, true],
  [
    'one with another key, and one with it',
    { [there.host]: randomBytes(32), [third.host]: key },
    true,
  ],
  ['one with another key', { [there.host]: new Uint8Array(32) }, false],
  ['one that answers with something else', { [there.host]: 'a key' }, false],
  ['nobody who has it', {}, false],
])('asks the others, %s', async (_, answers, isFound) => {
  const { keyring } = await open(answers);
  const found = await keyring.find('shop', wrappedFor(there), soon());
  expect(found).toEqual(isFound ? key : undefined);
});

it('keeps what it was given for as long as it runs, and for its next start', async () => {
  const first = await open({ [there.host]: key });
  const dataKey = wrappedFor(there);
  await first.keyring.find('shop', dataKey, soon());
  await first.keyring.find('shop', dataKey, soon());
  expect(first.asked).toEqual([there.host, third.host]);
  const { keyring, asked } = await open({}, first.disk);
  expect(await keyring.find('shop', dataKey, soon())).toEqual(key);
  expect(asked).toEqual([]);
});

it.each([
  ['those of former specs too', (dataKey: DataKey) => record(1, undefined, dataKey)],
  [
    'and those of what a user may put back',
    (dataKey: DataKey) => record(1, undefined, undefined, dataKey),
  ],
])('gets the keys that records name before it needs them, %s', async (_, naming) => {
  const { keyring, committed } = await open({ [there.host]: key });
  const dataKey = wrappedFor(there);
  expect(keyring.byId(dataKey.id)).toBeUndefined();
  mergeCommitted(committed, naming(dataKey));
  await vi.advanceTimersByTimeAsync(LOOK_MS);
  expect(keyring.byId(dataKey.id)).toEqual(key);
});

it('gives what was wrapped for it though it has never needed it', async () => {
  const { keyring, committed } = await open();
  const dataKey = wrappedFor(here);
  mergeCommitted(committed, record(1, dataKey));
  expect(keyring.byId(dataKey.id)).toEqual(Buffer.from(key));
  expect(keyring.byId(idOfKey(randomBytes(32)))).toBeUndefined();
});

it('asks again for what nobody has, but not all the time', async () => {
  const { asked, committed } = await open();
  mergeCommitted(committed, record(1, wrappedFor(there)));
  await vi.advanceTimersByTimeAsync(25_000);
  expect(asked).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toHaveLength(4);
});

it('forgets a key an hour after the last record that named it', async () => {
  const { keyring, committed, disk } = await open();
  const dataKey = wrappedFor(here);
  await keyring.keep(dataKey.id, key);
  // Its deploy is under way for a while.
  await vi.advanceTimersByTimeAsync(LOOK_MS);
  mergeCommitted(committed, record(1, dataKey));
  await vi.advanceTimersByTimeAsync(2 * HOUR_MS);
  expect(disk.kept.size).toBe(1);
  mergeCommitted(committed, record(2, undefined));
  await vi.advanceTimersByTimeAsync(HOUR_MS - LOOK_MS);
  expect(disk.kept.size).toBe(1);
  await vi.advanceTimersByTimeAsync(2 * LOOK_MS);
  expect([disk.kept.size, keyring.byId(dataKey.id)]).toEqual([0, undefined]);
});
