/**
 * Numbers as Docker Compose reads them. It uses go-yaml, which knows more of them than YAML 1.2:
 *
 *     1_000   1000      0b11   3      0755   493, for it is octal      0o755   493      0x1F   31
 */

const INTEGER = /^([-+]?)(0x[0-9a-f]+|0b[01]+|0o?[0-7]+|0|[1-9]\d*)$/i;
const FLOAT = /^[-+]?\d+(?:\.\d*)?(?:e[-+]?\d+)?$/i;
/** Of what is longer nobody means the number; it takes long to read. */
const CHARS_MAX = 64;

/** Undefined: it is none, or one that begins with a dot, which every YAML reads alike. */
export function readNumber(written: string): bigint | number | undefined {
  if (written.length > CHARS_MAX || !/^[-+]?\d/.test(written)) return undefined;
  const digits = written.replaceAll('_', '');
  const [, sign, whole] = INTEGER.exec(digits) ?? [];
  if (whole === undefined) return FLOAT.test(digits) ? Number(digits) : undefined;
  const count = BigInt(/^0[0-7]+$/.test(whole) ? `0o${whole}` : whole.toLowerCase());
  return sign === '-' ? -count : count;
}
