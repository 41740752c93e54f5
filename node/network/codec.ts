/**
 * Messages as bytes: CBOR in its deterministic form (RFC 8949 §4.2.1), so that equal messages are
 * equal bytes on every host. What that form never has (tags, floats, indefinite lengths, numbers
 * longer than need be, a field twice) is refused; only the order of fields is not looked at. Names
 * that have a number travel as that (`names.ts`).
 */
import { decode, encode, Token, Tokenizer, Type } from 'cborg';
import type { DecodeOptions, DecodeTokenizer, EncodeOptions } from 'cborg/interface';
import type { ClusterId } from '../../protocol/base/ids.ts';
import { fail, type Result } from '../../protocol/base/result.ts';
import { FRAME_BYTES_MAX } from '../../protocol/limits.ts';
import { decodeEnvelope, type DecodeError, envelope } from '../../protocol/wire/decode.ts';
import type { Message } from '../../protocol/wire/message.ts';
import {
  fieldOf,
  isWorded,
  numberOfField,
  numberOfWord,
  wordOf,
} from '../../protocol/wire/names.ts';

/** Lists and maps inside each other; the deepest message has 11. */
const DEPTH_MAX = 16;

/** Sorts fields by length first, which for texts is the order of the deterministic form. */
const ENCODING: EncodeOptions = { ignoreUndefinedProperties: true };
const DECODING: DecodeOptions = {
  strict: true,
  allowIndefinite: false,
  allowUndefined: false,
  allowInfinity: false,
  allowNaN: false,
  allowBigInt: false,
  rejectDuplicateMapKeys: true,
};
const REFUSED_TYPES = new Set([Type.bytes, Type.tag, Type.float, Type.null, Type.undefined]);

/**
 * Fields that are undefined are left out. The caller compares `byteLength` with `GOSSIP_BYTES_MAX`
 * before it publishes, and with `FRAME_BYTES_MAX` before it sends.
 */
export function encodeFrame(cluster: ClusterId, message: Message): Uint8Array {
  return encodeValue(envelope(cluster, message));
}

/** Of a value that may be no message, as tests say them. */
export const encodeValue = (value: unknown): Uint8Array => encode(numbered(value), ENCODING);

function numbered(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(numbered);
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  const fields = new Map<string | number, unknown>();
  for (const [name, inner] of Object.entries(value)) {
    if (inner === undefined) continue;
    fields.set(numberOfField(name) ?? name, numberOfWord(name, inner) ?? numbered(inner));
  }
  return fields;
}

/** Never throws, whatever the bytes are. */
export function decodeFrame(
  bytes: Uint8Array,
  cluster: ClusterId,
  bytesMax: number = FRAME_BYTES_MAX,
): Result<Message, DecodeError> {
  const { byteLength } = bytes;
  if (byteLength > bytesMax) {
    const message = `${byteLength} bytes, at most ${bytesMax}`;
    return fail({ code: 'too-large', path: '', message });
  }
  let value: unknown;
  try {
    value = decodeValue(bytes);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return fail({ code: 'syntax', path: '', message });
  }
  return decodeEnvelope(value, cluster);
}

/** @throws Error where the bytes are not of that form. */
export const decodeValue = (bytes: Uint8Array): unknown =>
  decode(bytes, { ...DECODING, tokenizer: plainTokens(bytes) });

/** What is still to come on one level. */
type Level = { items: number; readonly isMap: boolean };

/**
 * Tokens of maps, lists, texts, integers and booleans, with the names that numbers stand for; the
 * recursion of the decoder is bounded.
 */
function plainTokens(bytes: Uint8Array): DecodeTokenizer {
  // Not a Buffer: cborg cuts strings from it much faster.
  const tokens = new Tokenizer(
    new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    DECODING,
  );
  const levels: Level[] = [];
  /** Whose value comes next, where that may be a word. */
  let worded = false;
  return {
    done: () => tokens.done(),
    pos: () => tokens.pos(),
    next() {
      const token = tokens.next();
      if (REFUSED_TYPES.has(token.type)) throw new Error(`a ${token.type.name} is not used here`);
      const level = levels.at(-1);
      const isName = level?.isMap === true && level.items % 2 === 0;
      const named = isName ? nameIn(token) : worded ? wordIn(token) : token;
      worded = isName && isWorded(String(named.value));
      if (level !== undefined) level.items -= 1;
      const items = itemsIn(token);
      if (items > 0) levels.push({ items, isMap: token.type === Type.map });
      if (levels.length > DEPTH_MAX) throw new Error(`more than ${DEPTH_MAX} levels`);
      while (levels.at(-1)?.items === 0) levels.pop();
      return named;
    },
  };
}

const nameIn = (token: Token): Token =>
  token.type === Type.uint ? new Token(Type.string, fieldOf(Number(token.value))) : token;

const wordIn = (token: Token): Token =>
  token.type === Type.uint ? new Token(Type.string, wordOf(Number(token.value))) : token;

function itemsIn({ type, value }: Token): number {
  if (typeof value !== 'number') return 0;
  if (type === Type.array) return value;
  return type === Type.map ? 2 * value : 0;
}
