/** Files of components, as part of the specs users deploy (`spec-schema.ts`). */
import { filesBytes } from '../component/file.ts';
import { FILES_BYTES_MAX, ITEMS_MAX, WRAPS_MAX } from '../limits.ts';
import { byKind, list, literal, object, optional, record, text, where, whole } from './schema.ts';
import { digest, duplicate, hostId } from './vocabulary.ts';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** A file is made at it below a folder of the host, which it must not lead out of. */
const TARGET = /^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+$/;
const TARGET_CHARS_MAX = 1_024;
const ID_MAX = 2 ** 31 - 1;

const content = text(4 * Math.ceil(FILES_BYTES_MAX / 3), BASE64);
const fingerprint = text(32, /^[0-9a-f]{32}$/);
/** A public key, or a wrapped one. */
const key = text(88, BASE64);

const place = {
  name: text(128, /^[a-zA-Z0-9._-]+$/),
  target: text(TARGET_CHARS_MAX, TARGET),
  uid: whole(0, ID_MAX),
  gid: whole(0, ID_MAX),
  mode: whole(0, 0o7777),
};
const file = byKind({
  config: object({ kind: literal('config'), ...place, content }),
  secret: object({
    kind: literal('secret'),
    ...place,
    seal: optional(object({ fingerprint, sealed: content })),
  }),
});

export const files = where(list(file, ITEMS_MAX), (all) => {
  const bytes = filesBytes(all);
  if (bytes > FILES_BYTES_MAX) return `${bytes} bytes of files, at most ${FILES_BYTES_MAX}`;
  return duplicate(all.map(({ target }) => target));
});

export const dataKey = object({
  id: fingerprint,
  among: digest,
  sender: key,
  wraps: record(hostId, key, WRAPS_MAX),
});
