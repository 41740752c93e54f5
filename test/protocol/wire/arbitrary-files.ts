/** Files of components, for fast-check. */
import * as fc from 'fast-check';
import type {
  ConfigFile,
  DataKey,
  FileSpec,
  SecretFile,
} from '../../../protocol/component/file.ts';
import { maybe, object, type Of, word } from './arbitrary.ts';

const id = fc.nat(2 ** 31 - 1);
const base64 = (maxLength: number): Of<string> =>
  fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes).toString('base64'));
const hex = (length: number): Of<string> =>
  fc.string({ unit: word('0', '7', 'a', 'f'), minLength: length, maxLength: length });

const place = {
  name: word('site', 'a.b_c-1'),
  target: fc.integer({ min: 1, max: 1_000 }).map((n) => `/etc/..${n}/site`),
  uid: id,
  gid: id,
  mode: fc.nat(0o7777),
};
const file: Of<FileSpec> = fc.oneof(
  object<ConfigFile>({ kind: word('config'), ...place, content: base64(30) }),
  object<SecretFile>({
    kind: word('secret'),
    ...place,
    seal: maybe(fc.record({ fingerprint: hex(32), sealed: base64(60) })),
  }),
);

export const files: Of<readonly FileSpec[]> = fc.uniqueArray(file, {
  maxLength: 3,
  selector: ({ target }) => target,
});

export const dataKey: Of<DataKey> = fc.record({
  id: hex(32),
  among: hex(16),
  sender: base64(32),
  wraps: fc.record({ h1: base64(48), h2: base64(48) }),
});
