/**
 * What is in a secret, sealed with the data key of its stack: nonce, AES-256-GCM, tag. It opens for no
 * other stack, and under no other name.
 */
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto';
import type { ClusterId } from '../../protocol/base/ids.ts';
import type { Credentials } from '../token.ts';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** By how much it is longer than what is in it. */
export const SEAL_BYTES = NONCE_BYTES + TAG_BYTES;

/** Which secret of which stack. */
export type About = {
  readonly cluster: ClusterId;
  readonly stack: string;
  readonly name: string;
};

export function seal(bytes: Uint8Array, key: Uint8Array, about: About): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, key, nonce);
  cipher.setAAD(boundTo(about));
  const sealed = [nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(sealed).toString('base64');
}

/** Undefined: not as it was sealed, or not with this key for this. */
export function open(sealed: string, key: Uint8Array, about: About): Uint8Array | undefined {
  const all = Buffer.from(sealed, 'base64');
  if (all.length < SEAL_BYTES) return undefined;
  try {
    const decipher = createDecipheriv(CIPHER, key, all.subarray(0, NONCE_BYTES));
    decipher.setAAD(boundTo(about));
    decipher.setAuthTag(all.subarray(-TAG_BYTES));
    const inside = decipher.update(all.subarray(NONCE_BYTES, -TAG_BYTES));
    return Buffer.concat([inside, decipher.final()]);
  } catch {
    return undefined;
  }
}

const boundTo = ({ cluster, stack, name }: About): Uint8Array =>
  Buffer.from(`millrace/secret/1\0${cluster}\0${stack}\0${name}`);

/**
 * The same for the same bytes, so that sealing them anew is no change. Keyed with what all members have:
 * who lacks the secret of the cluster cannot try what would lead to it.
 */
export function fingerprintOf(
  bytes: Uint8Array,
  { cluster, secret }: Credentials,
  { stack, name }: Pick<About, 'stack' | 'name'>,
): string {
  const key = hkdfSync('sha256', secret, cluster, 'millrace/fingerprint/1', 32);
  const mac = createHmac('sha256', new Uint8Array(key)).update(`${stack}\0${name}\0`);
  return mac.update(bytes).digest('hex').slice(0, 32);
}
