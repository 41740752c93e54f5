/** What becomes of the secrets of a stack, deployed once and again. */
import { expect, it } from 'vitest';
import { clusterId } from '../../../protocol/base/ids.ts';
import { sameData } from '../../../protocol/base/same.ts';
import { revisionOf } from '../../../protocol/component/digest.ts';
import type { DataKey, FileSpec, SecretFile } from '../../../protocol/component/file.ts';
import type { ComponentSpec, StackSpec } from '../../../protocol/component/spec.ts';
import { WRAPS_MAX } from '../../../protocol/limits.ts';
import { openFiles } from '../../../node/secrets/opening.ts';
import { NothingToSeal, type SealingScene, sealStack } from '../../../node/secrets/sealing.ts';
import { generateIdentity, peerIdOf } from '../../../node/network/identity.ts';
import { hostIdOf } from '../../../node/token.ts';
import { spec } from '../../protocol/reconcile/stage.ts';

const credentials = { cluster: clusterId('c1'), secret: Buffer.alloc(32, 7) };
const members = await Promise.all(
  Array.from({ length: WRAPS_MAX + 4 }, async () => {
    const peerId = await peerIdOf(await generateIdentity());
    return { host: hostIdOf(peerId), peerId };
  }),
);
const [a, b, c] = members;
if (a === undefined || b === undefined || c === undefined) throw new Error('there are more');

const place = (name: string) => ({
  name,
  target: `/run/secrets/${name}`,
  uid: 0,
  gid: 0,
  mode: 0o444,
});
const secret = (name: string): SecretFile => ({ kind: 'secret', ...place(name) });
const config: FileSpec = { kind: 'config', ...place('site'), content: 'YQ==' };
const shop: StackSpec = {
  name: 'shop',
  components: [
    spec({ name: 'db', files: [secret('password')] }),
    spec({ name: 'web', files: [config, secret('password'), secret('token')] }),
    spec({ name: 'page' }),
  ],
};
const contents = (password: string, token = 'xyz') =>
  new Map([
    ['password', Buffer.from(password)],
    ['token', Buffer.from(token)],
  ]);

/** What this host has, as its keyring would tell it. */
function createKeys() {
  const keys = new Map<string, Uint8Array>();
  const scene = (current?: StackSpec, among = [a, b]): SealingScene => ({
    credentials,
    members: among.filter((one) => one !== undefined),
    voters: [],
    current,
    keyOf: (_, { id }) => keys.get(id),
  });
  const deploy = (given: StackSpec, values: ReadonlyMap<string, Uint8Array>, at: SealingScene) => {
    const { stack, key } = sealStack(given, values, at);
    if (key !== undefined) keys.set(key.id, key.bytes);
    return stack;
  };
  const find = async (_: string, { id }: DataKey) => keys.get(id);
  return { scene, deploy, open: openFiles(credentials.cluster, { find }) };
}

const signal = AbortSignal.timeout(5_000);
const part = (stack: StackSpec, name: string): ComponentSpec => {
  const found = stack.components.find((one) => one.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
};
const revisions = (stack: StackSpec) => stack.components.map((one) => revisionOf(one, stack));

it('seals what services name, so that no word of it is in the stack', async () => {
  const { scene, deploy, open } = createKeys();
  const stack = deploy(shop, contents('correct horse'), scene());
  const written = JSON.stringify(stack);
  for (const trace of ['correct horse', Buffer.from('correct horse').toString('base64')])
    expect(written).not.toContain(trace);
  const files = await open('shop.web', part(stack, 'web'), signal);
  expect(files.map(({ bytes }) => Buffer.from(bytes).toString())).toEqual([
    'a',
    'correct horse',
    'xyz',
  ]);
  expect(part(stack, 'page')).toEqual(part(shop, 'page'));
});

it('changes nothing when the same is deployed once more', () => {
  const { scene, deploy } = createKeys();
  const before = deploy(shop, contents('one'), scene());
  expect(sameData(deploy(shop, contents('one'), scene(before)), before)).toBe(true);
});

it('changes only who has the secret that is another', () => {
  const { scene, deploy } = createKeys();
  const before = deploy(shop, contents('one', 'x'), scene());
  const after = deploy(shop, contents('one', 'y'), scene(before));
  expect(part(after, 'db')).toEqual(part(before, 'db'));
  const [db, web] = revisions(before);
  const [dbAfter, webAfter] = revisions(after);
  expect([dbAfter === db, webAfter === web]).toEqual([true, false]);
});

it.each([
  ['a member has gone', [a]],
  ['another is there in its place', [a, c]],
  ['one has joined', [a, b, c]],
])('makes another key once %s, and no new instance', async (_, now) => {
  const { scene, deploy, open } = createKeys();
  const before = deploy(shop, contents('one'), scene());
  const after = deploy(shop, contents('one'), scene(before, now));
  const { dataKey } = part(after, 'db');
  expect(dataKey?.id).not.toBe(part(before, 'db').dataKey?.id);
  expect(Object.keys(dataKey?.wraps ?? {})).toEqual(now.map(({ host }) => host));
  expect(revisions(after)).toEqual(revisions(before));
  const [file] = await open('shop.db', part(after, 'db'), signal);
  expect(Buffer.from(file?.bytes ?? []).toString()).toBe('one');
  // What was sealed before opens with its own key alone.
  const mixed = { ...part(before, 'db'), ...(dataKey && { dataKey }) };
  await expect(open('shop.db', mixed, signal)).rejects.toMatchObject({
    permanent: true,
    message: expect.stringContaining('the secret password cannot be opened'),
  });
});

it('makes another key where this host does not have that of before', () => {
  const before = createKeys();
  const stack = before.deploy(shop, contents('one'), before.scene());
  const { scene, deploy } = createKeys();
  const after = deploy(shop, contents('one'), scene(stack));
  expect(part(after, 'db').dataKey?.id).not.toBe(part(stack, 'db').dataKey?.id);
  expect(revisions(after)).toEqual(revisions(stack));
});

it('wraps the key for voters before all others, and for no more than fit', () => {
  const { scene, deploy } = createKeys();
  const last = members.at(-1)?.host ?? a.host;
  const stack = deploy(shop, contents('one'), { ...scene(undefined, members), voters: [last] });
  const hosts = Object.keys(part(stack, 'db').dataKey?.wraps ?? {});
  expect(hosts).toHaveLength(WRAPS_MAX);
  expect(hosts).toContain(last);
});

it('leaves as it is what is sealed already', () => {
  const { scene, deploy } = createKeys();
  const before = deploy(shop, contents('one'), scene());
  expect(deploy(before, new Map(), scene(before))).toBe(before);
});

it('refuses a secret of which nothing is given', () => {
  const { scene } = createKeys();
  expect(() => sealStack(shop, new Map(), scene())).toThrow(NothingToSeal);
});

it('says which key an instance waits for, and for ever that a seal is spoiled', async () => {
  const { scene, deploy } = createKeys();
  const stack = deploy(shop, contents('one'), scene());
  const lost = openFiles(credentials.cluster, { find: async () => undefined });
  const refused = lost('shop.db', part(stack, 'db'), signal);
  await expect(refused).rejects.toMatchObject({
    permanent: false,
    message: expect.stringContaining(
      'waits for the key of secret password: no member that has it answers',
    ),
  });
  const unsealed = lost('shop.db', part(shop, 'db'), signal);
  await expect(unsealed).rejects.toThrow('waits for the key of secret password');
});
