/** Files of components, for fast-check. */
import * as fc from 'fast-check';
import type { FileSpec } from '../../../protocol/component/file.ts';
import { type Of, word } from './arbitrary.ts';

const id = fc.nat(2 ** 31 - 1);
const content = fc
  .uint8Array({ maxLength: 30 })
  .map((bytes) => Buffer.from(bytes).toString('base64'));

const file: Of<FileSpec> = fc.record({
  kind: word('config'),
  name: word('site', 'a.b_c-1'),
  target: fc.integer({ min: 1, max: 1_000 }).map((n) => `/etc/..${n}/site`),
  uid: id,
  gid: id,
  mode: fc.nat(0o7777),
  content,
});

export const files: Of<readonly FileSpec[]> = fc.uniqueArray(file, {
  maxLength: 3,
  selector: ({ target }) => target,
});
