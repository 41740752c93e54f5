/** Who this host is (an Ed25519 key) and what admits it to the cluster (the shared secret). */
import { createHash } from 'node:crypto';
import {
  generateKeyPair,
  generateKeyPairFromSeed,
  privateKeyFromProtobuf,
  privateKeyToProtobuf,
} from '@libp2p/crypto/keys';
import type { PrivateKey } from '@libp2p/interface';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import { StartupError } from '../startup-error.ts';

const SEED_BYTES = 32;
/** The prologue is hashed, not stretched: a short secret could be guessed. */
export const SECRET_BYTES_MIN = 32;

/** A new identity, in the form the store keeps. */
export async function generateIdentity(): Promise<Uint8Array> {
  return privateKeyToProtobuf(await generateKeyPair('Ed25519'));
}

/** From what `generateIdentity` made, or from a raw seed of 32 bytes. */
export async function readIdentity(bytes: Uint8Array): Promise<PrivateKey> {
  if (bytes.byteLength === SEED_BYTES) return await generateKeyPairFromSeed('Ed25519', bytes);
  return privateKeyFromProtobuf(bytes);
}

export async function peerIdOf(identity: Uint8Array): Promise<string> {
  return peerIdFromPrivateKey(await readIdentity(identity)).toString();
}

/**
 * What both ends of a Noise handshake must have in common; without it the handshake fails before
 * any other byte is read.
 */
export function noisePrologue(secret: Uint8Array): Uint8Array {
  if (secret.byteLength < SECRET_BYTES_MIN) {
    throw new StartupError({
      code: 'weak-secret',
      what: 'the cluster secret cannot be used',
      why: `it has ${secret.byteLength} bytes, it must have at least ${SECRET_BYTES_MIN}`,
      next: 'join with the token that `agentctl cluster show` prints on a host of the cluster',
    });
  }
  return createHash('sha256').update('millrace/1\0').update(secret).digest();
}
