/** How large a spec is where it travels and is kept. */

/** Bytes of its JSON in UTF-8. */
export const jsonBytes = (value: object): number => utf8Bytes(JSON.stringify(value));

function utf8Bytes(well: string): number {
  let bytes = well.length;
  for (let i = 0; i < well.length; i++) {
    const unit = well.charCodeAt(i);
    // Each half of a surrogate pair stands for two of its four bytes.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}
