/** Secrets open with their key, for their stack, under their name, and for nobody else. */
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { clusterId } from '../../../protocol/base/ids.ts';
import { generateIdentity, peerIdOf, readIdentity } from '../../../node/network/identity.ts';
import { type About, fingerprintOf, open, seal, SEAL_BYTES } from '../../../node/secrets/seal.ts';
import { idOfKey, type Recipient, unwrapKey, wrapKey } from '../../../node/secrets/wrap.ts';
import { hostIdOf } from '../../../node/token.ts';

const cluster = clusterId('c1');
const about: About = { cluster, stack: 'shop', name: 'password' };
const key = randomBytes(32);
const content = Buffer.from([0, 255, 10, 13, 0x89]);

/** One bit of it turned. */
function spoiled(base64: string, at: number): string {
  const bytes = Buffer.from(base64, 'base64');
  bytes[at < 0 ? bytes.length + at : at] = (bytes.at(at) ?? 0) ^ 1;
  return bytes.toString('base64');
}

describe('a secret', () => {
  const sealed = seal(content, key, about);

  it.each([[content], [new Uint8Array(0)], [randomBytes(40_000)]])(
    'comes out as it went in',
    (bytes) => {
      const text = seal(bytes, key, about);
      expect(open(text, key, about)).toEqual(Buffer.from(bytes));
      expect(Buffer.from(text, 'base64').length).toBe(bytes.length + SEAL_BYTES);
    },
  );

  it('is another text each time', () => {
    expect(seal(content, key, about)).not.toBe(sealed);
  });

  it.each<[string, string, Uint8Array, About]>([
    ['another key', sealed, randomBytes(32), about],
    ['another stack', sealed, key, { ...about, stack: 'blog' }],
    ['another name', sealed, key, { ...about, name: 'token' }],
    ['another cluster', sealed, key, { ...about, cluster: clusterId('c2') }],
    ['a nonce that was changed', spoiled(sealed, 0), key, about],
    ['a content that was changed', spoiled(sealed, 12), key, about],
    ['a tag that was changed', spoiled(sealed, -1), key, about],
    ['less than a nonce and a tag', 'YQ==', key, about],
    ['nothing', '', key, about],
  ])('does not open with %s', (_, text, with_, where) => {
    expect(open(text, with_, where)).toBeUndefined();
  });

  it.each([
    ['bytes', { bytes: Buffer.from('other') }],
    ['stack', { where: { ...about, stack: 'blog' } }],
    ['name', { where: { ...about, name: 'token' } }],
    ['secret of the cluster', { secret: randomBytes(32) }],
  ])('has another fingerprint for another %s, and the same for the same', (_, other) => {
    const secret = Buffer.alloc(32, 7);
    const base = { bytes: content, where: about, secret };
    const told = ({ bytes, where, secret: known }: typeof base): string =>
      fingerprintOf(bytes, { cluster, secret: known }, where);
    expect(told(base)).toMatch(/^[0-9a-f]{32}$/);
    expect(told({ ...base })).toBe(told(base));
    expect(told({ ...base, ...other })).not.toBe(told(base));
  });

  it('has a fingerprint that stays the same across releases', () => {
    // Another one would restart every instance that has a secret.
    const secret = Buffer.alloc(32, 7);
    expect(fingerprintOf(content, { cluster, secret }, about)).toMatchInlineSnapshot(
      `"10368c928aa3b4b974ed2a83b5280c00"`,
    );
  });
});

async function makeHost() {
  const identity = await generateIdentity();
  const peerId = await peerIdOf(identity);
  const host = hostIdOf(peerId);
  return { host, peerId, privateKey: await readIdentity(identity) };
}

describe('a data key', async () => {
  const [first, second, stranger] = [await makeHost(), await makeHost(), await makeHost()];
  const recipients: readonly Recipient[] = [first, second];
  const wrapped = { ...wrapKey(key, recipients, 'shop'), among: '' };

  it('is read by each of those for whom it was wrapped', () => {
    expect(Object.keys(wrapped.wraps)).toEqual([first.host, second.host]);
    for (const host of [first, second])
      expect(unwrapKey(wrapped, host, 'shop')).toEqual(Buffer.from(key));
    expect(wrapped.id).toBe(idOfKey(key));
  });

  it('is wrapped otherwise each time', () => {
    const again = wrapKey(key, recipients, 'shop');
    expect(again.sender).not.toBe(wrapped.sender);
    expect(again.wraps[first.host]).not.toBe(wrapped.wraps[first.host]);
  });

  it('is not read by anyone else', () => {
    expect(unwrapKey(wrapped, stranger, 'shop')).toBeUndefined();
    const asFirst = { host: first.host, privateKey: stranger.privateKey };
    expect(unwrapKey(wrapped, asFirst, 'shop')).toBeUndefined();
    const theirs = { ...wrapped, wraps: { [stranger.host]: wrapped.wraps[first.host] ?? '' } };
    expect(unwrapKey(theirs, stranger, 'shop')).toBeUndefined();
    // Nor by the same host under the name of another.
    const moved = { ...wrapped, wraps: { [second.host]: wrapped.wraps[first.host] ?? '' } };
    expect(
      unwrapKey(moved, { host: second.host, privateKey: first.privateKey }, 'shop'),
    ).toBeUndefined();
  });

  it('is of no use for another stack', () => {
    expect(unwrapKey(wrapped, first, 'blog')).toBeUndefined();
  });

  it.each([
    ['its id', { id: 'f'.repeat(32) }],
    ['its sender', { sender: spoiled(wrapped.sender, 3) }],
    ['a sender of nothing', { sender: Buffer.alloc(32).toString('base64') }],
    ['no sender', { sender: '' }],
    ['the wrap', { wraps: { [first.host]: spoiled(wrapped.wraps[first.host] ?? '', 0) } }],
    [
      'the end of the wrap',
      { wraps: { [first.host]: spoiled(wrapped.wraps[first.host] ?? '', -1) } },
    ],
    ['a wrap of nothing', { wraps: { [first.host]: '' } }],
  ])('is not read where %s was changed', (_, change) => {
    expect(unwrapKey({ ...wrapped, ...change }, first, 'shop')).toBeUndefined();
  });
});
