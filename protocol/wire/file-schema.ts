/** Files of components, as part of the specs users deploy (`spec-schema.ts`). */
import { filesBytes } from '../component/file.ts';
import { FILES_BYTES_MAX, ITEMS_MAX } from '../limits.ts';
import { list, literal, object, text, where, whole } from './schema.ts';
import { duplicate } from './vocabulary.ts';

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** A file is made at it below a folder of the host, which it must not lead out of. */
const TARGET = /^(?:\/(?!\.{1,2}(?:\/|$))[^/\0]+)+$/;
const TARGET_CHARS_MAX = 1_024;
const ID_MAX = 2 ** 31 - 1;

const content = text(4 * Math.ceil(FILES_BYTES_MAX / 3), BASE64);

const file = object({
  kind: literal('config'),
  name: text(128, /^[a-zA-Z0-9._-]+$/),
  target: text(TARGET_CHARS_MAX, TARGET),
  uid: whole(0, ID_MAX),
  gid: whole(0, ID_MAX),
  mode: whole(0, 0o7777),
  content,
});

export const files = where(list(file, ITEMS_MAX), (all) => {
  const bytes = filesBytes(all);
  if (bytes > FILES_BYTES_MAX) return `${bytes} bytes of files, at most ${FILES_BYTES_MAX}`;
  return duplicate(all.map(({ target }) => target));
});
