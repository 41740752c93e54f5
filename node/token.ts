/** The join token, and the short id that stands for a host's public key. */
import { createHash, randomBytes } from 'node:crypto';
import { type ClusterId, clusterId, type HostId, hostId } from '../protocol/base/ids.ts';

/** What a host must know to find its cluster and be let in. */
export type Credentials = { readonly cluster: ClusterId; readonly secret: Uint8Array };

const VERSION = 'mr1';
const ID_CHARS = 10;
const SECRET_BYTES = 32;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

export function newCredentials(): Credentials {
  return {
    cluster: clusterId(shortText(randomBytes(ID_CHARS))),
    secret: randomBytes(SECRET_BYTES),
  };
}

/** The same for everyone who sees the key: nobody can claim another's id. */
export function hostIdOf(peerId: string): HostId {
  return hostId(shortText(createHash('sha256').update(peerId).digest().subarray(0, ID_CHARS)));
}

function shortText(bytes: Uint8Array): string {
  return [...bytes].map((byte) => ALPHABET[byte % ALPHABET.length]).join('');
}

/** `mr1.CLUSTER.SECRET.CHECK`; whoever has it may join. */
export function formatToken({ cluster, secret }: Credentials): string {
  const body = `${VERSION}.${cluster}.${Buffer.from(secret).toString('base64url')}`;
  return `${body}.${checkOf(body)}`;
}

/** Undefined: not a token, or not copied whole. */
export function parseToken(token: string): Credentials | undefined {
  const [version, cluster = '', secret = '', check, ...rest] = token.trim().split('.');
  const bytes = Buffer.from(secret, 'base64url');
  const valid =
    version === VERSION &&
    rest.length === 0 &&
    /^[a-z2-7]{10}$/.test(cluster) &&
    bytes.byteLength === SECRET_BYTES &&
    check === checkOf(`${version}.${cluster}.${secret}`);
  return valid ? { cluster: clusterId(cluster), secret: bytes } : undefined;
}

const checkOf = (body: string): string =>
  shortText(createHash('sha256').update(body).digest().subarray(0, 4));
