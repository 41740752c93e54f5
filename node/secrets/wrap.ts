/**
 * A data key, readable by some hosts alone. A host's id is its Ed25519 key, which is also one for X25519:
 * each of them agrees with a key made for this, and what they agree on wraps the data key for that host.
 *
 *     made for this ──X25519── key of the host ─▶ HKDF-SHA256 ─▶ AES-256-GCM over the data key
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import type { PrivateKey } from '@libp2p/interface';
import { peerIdFromString } from '@libp2p/peer-id';
import { ed25519, x25519 } from '@noble/curves/ed25519.js';
import type { HostId } from '../../protocol/base/ids.ts';
import type { DataKey } from '../../protocol/component/file.ts';

export const KEY_BYTES = 32;
const TAG_BYTES = 16;
/** What wraps a key wraps nothing else. */
const NONCE = new Uint8Array(12);
const CIPHER = 'aes-256-gcm';

export type Recipient = { readonly host: HostId; readonly peerId: string };

/** The name of a data key, which says nothing of it. */
export const idOfKey = (key: Uint8Array): string =>
  createHash('sha256').update('millrace/data-key/1\0').update(key).digest('hex').slice(0, 32);

/** `about`: what a wrap is bound to; it opens for nothing else. */
export function wrapKey(
  key: Uint8Array,
  recipients: readonly Recipient[],
  about: string,
): Pick<DataKey, 'id' | 'sender' | 'wraps'> {
  const { secretKey, publicKey } = x25519.keygen();
  const wraps: Record<string, string> = {};
  for (const { host, peerId } of recipients) {
    const theirs = publicKeyOf(peerId);
    if (theirs === undefined) continue;
    const shared = x25519.getSharedSecret(secretKey, theirs);
    const bound = boundTo(about, host);
    const cipher = createCipheriv(CIPHER, wrappingKey(shared, publicKey, theirs, bound), NONCE);
    cipher.setAAD(bound);
    const wrapped = Buffer.concat([cipher.update(key), cipher.final(), cipher.getAuthTag()]);
    wraps[host] = wrapped.toString('base64');
  }
  return { id: idOfKey(key), sender: Buffer.from(publicKey).toString('base64'), wraps };
}

/** Undefined: it is not for this host, or not as it was made. */
export function unwrapKey(
  { id, sender, wraps }: DataKey,
  { host, privateKey }: { readonly host: HostId; readonly privateKey: PrivateKey },
  about: string,
): Uint8Array | undefined {
  const wrapped = Buffer.from(wraps[host] ?? '', 'base64');
  if (wrapped.length !== KEY_BYTES + TAG_BYTES || privateKey.type !== 'Ed25519') return undefined;
  try {
    const theirs = Buffer.from(sender, 'base64');
    const own = ed25519.utils.toMontgomerySecret(privateKey.raw.subarray(0, KEY_BYTES));
    const shared = x25519.getSharedSecret(own, theirs);
    const bound = boundTo(about, host);
    const secret = wrappingKey(shared, theirs, x25519.getPublicKey(own), bound);
    const decipher = createDecipheriv(CIPHER, secret, NONCE);
    decipher.setAAD(bound);
    decipher.setAuthTag(wrapped.subarray(KEY_BYTES));
    const key = Buffer.concat([decipher.update(wrapped.subarray(0, KEY_BYTES)), decipher.final()]);
    return idOfKey(key) === id ? key : undefined;
  } catch {
    return undefined;
  }
}

/** Undefined: a key of another kind, which no agent makes. */
function publicKeyOf(peerId: string): Uint8Array | undefined {
  const { publicKey } = peerIdFromString(peerId);
  return publicKey?.type === 'Ed25519' ? ed25519.utils.toMontgomery(publicKey.raw) : undefined;
}

const boundTo = (about: string, host: HostId): Uint8Array =>
  Buffer.from(`millrace/wrap/1\0${about}\0${host}`);

function wrappingKey(
  shared: Uint8Array,
  sender: Uint8Array,
  recipient: Uint8Array,
  bound: Uint8Array,
): Uint8Array {
  const salt = Buffer.concat([sender, recipient]);
  return new Uint8Array(hkdfSync('sha256', shared, salt, bound, KEY_BYTES));
}
