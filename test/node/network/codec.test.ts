/**
 * The bytes of every kind of message are kept in test/vectors, one file each. To add one, write its
 * file with the message and an empty `hex`, and run this test with VECTORS=write: it fills in the
 * bytes. Where the bytes of a file that exists would change, agents of two versions no longer
 * understand each other: raise WIRE_VERSION instead.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { decode, encode } from 'cborg';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeFrame, decodeValue, encodeFrame, encodeValue } from '../../../node/network/codec.ts';
import { clusterId } from '../../../protocol/base/ids.ts';
import { createPrng, pick } from '../../../protocol/base/prng.ts';
import { FRAME_BYTES_MAX } from '../../../protocol/limits.ts';
import { decodeMessage, WIRE_VERSION } from '../../../protocol/wire/decode.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import { fieldOf, numberOfField } from '../../../protocol/wire/names.ts';
import { anyMessage, KINDS, messagesByKind } from '../../protocol/wire/arbitrary-messages.ts';
import { complaintsAbout } from './complaints.ts';
import { spoilBytes, spoilFields } from './spoil.ts';

const CLUSTER = clusterId('c1');
const VECTORS = new URL('../../vectors/', import.meta.url);
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytesOf = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, 'hex'));
type Vector = { readonly message: Message; readonly hex: string };

function vectorOf(kind: string): Vector {
  const file = new URL(`${kind}.json`, VECTORS);
  const vector = JSON.parse(readFileSync(file, 'utf8')) as Vector;
  if (process.env['VECTORS'] !== 'write') return vector;
  const decoded = decodeMessage(vector.message);
  if (!decoded.ok) throw new Error(`${kind}.json: ${decoded.error.path}: ${decoded.error.message}`);
  const written = { message: vector.message, hex: hexOf(encodeFrame(CLUSTER, decoded.value)) };
  writeFileSync(file, `${JSON.stringify(written, null, 2)}\n`);
  return written;
}

describe('golden vectors', () => {
  it('are there for every kind of message, and for no other', () => {
    expect(readdirSync(VECTORS).sort()).toEqual(KINDS.map((kind) => `${kind}.json`).sort());
  });

  it.each(KINDS)('%s', (kind) => {
    const { message, hex } = vectorOf(kind);
    expect(message.kind).toBe(kind);
    expect(hexOf(encodeFrame(CLUSTER, message))).toBe(hex);
    expect(decodeFrame(bytesOf(hex), CLUSTER)).toEqual({ ok: true, value: message });
  });
});

/** What travels, with numbers as numbers. */
const wireOf = (bytes: Uint8Array): unknown => decode(bytes, { useMaps: true });
const bodyOf = (bytes: Uint8Array): Map<unknown, unknown> =>
  (wireOf(bytes) as Map<string, Map<unknown, unknown>>).get('m') ?? new Map();

/** The frame with its body changed as it travels. */
function changed(kind: string, change: (body: Map<unknown, unknown>) => void): Uint8Array {
  const whole = wireOf(bytesOf(vectorOf(kind).hex)) as Map<string, Map<unknown, unknown>>;
  change(whole.get('m') ?? new Map());
  return encode(whole);
}

const twice = (kind: string): Uint8Array => changed(kind, (body) => body.set('kind', kind));
const kindOf = (number: number): Uint8Array =>
  changed('probe', (body) => body.set(numberOfField('kind'), number));

/** Names that are their users', not ours. */
const FREE = new Set(
  ['environment', 'labels', 'options', 'sysctls', 'wraps'].map((name) => numberOfField(name)),
);

/** Nor is a port by which its number on a host is kept. */
const PORT = /\d\/(?:tcp|udp)$/;

function textsIn(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(textsIn);
  if (!(value instanceof Map)) return [];
  return [...value].flatMap(([name, inner]) => [
    ...(typeof name === 'string' && !PORT.test(name) ? [name] : []),
    ...(FREE.has(name) ? [] : textsIn(inner)),
  ]);
}

describe('names', () => {
  it.each(KINDS)('of a %s all travel as numbers', (kind) => {
    fc.assert(
      fc.property(messagesByKind[kind], (message: Message) => {
        expect(textsIn(bodyOf(encodeFrame(CLUSTER, message)))).toEqual([]);
      }),
    );
  });

  it('have one number each, which is that of no other', () => {
    const numbers = Array.from({ length: 1000 }, (_, number) => fieldOf(number));
    expect(new Set(numbers).size).toBe(1000);
    for (const name of numbers.filter((each) => !each.startsWith('#')))
      expect(fieldOf(numberOfField(name) ?? -1)).toBe(name);
  });

  it('are understood as texts too, as an agent sends those that have no number', () => {
    const { message } = vectorOf('keepaliveAck');
    const bytes = encode({ v: WIRE_VERSION, c: 'c1', m: message });
    expect(decodeFrame(bytes, CLUSTER)).toEqual({ ok: true, value: message });
  });

  it('that a newer agent has given a number are overlooked, as by their name', () => {
    const { message } = vectorOf('beat');
    const newer = changed('beat', (body) => body.set(10_000, new Map([[10_001, [1]]])));
    expect(decodeFrame(newer, CLUSTER)).toEqual({ ok: true, value: message });
  });

  it('of users stay what they are, where they are also ours', () => {
    const environment = { boot: 'beat', kind: 'beat', class: 'x', '#7': '1' };
    const value = { kind: environment.kind, environment, list: [{ class: 'strict' }, {}] };
    expect(decodeValue(encodeValue(value))).toEqual(value);
  });
});

describe('encodeFrame and decodeFrame', () => {
  it.each(KINDS)('carry any %s there and back', (kind) => {
    fc.assert(
      fc.property(messagesByKind[kind], (message: Message) => {
        const bytes = encodeFrame(CLUSTER, message);
        const decoded = decodeFrame(bytes, CLUSTER);
        expect(decoded).toEqual({ ok: true, value: message });
        // The order in which fields were set leaves no trace in the bytes.
        if (decoded.ok) expect(hexOf(encodeFrame(CLUSTER, decoded.value))).toBe(hexOf(bytes));
      }),
      { numRuns: 100 },
    );
  });

  it('leave undefined fields out', () => {
    const without = { kind: 'deploy', deployId: 'd', stack: 's' } as const;
    const bytes = encodeFrame(CLUSTER, { ...without, spec: undefined } as unknown as Message);
    expect(hexOf(bytes)).toBe(hexOf(encodeFrame(CLUSTER, without)));
  });

  it('read from a window into a larger buffer, as streams hand it out', () => {
    const { message, hex } = vectorOf('push');
    const large = Buffer.from(`ff${hex}ff`, 'hex');
    expect(decodeFrame(large.subarray(1, -1), CLUSTER)).toEqual({ ok: true, value: message });
  });

  it.each<[string, Uint8Array, string]>([
    ['nothing', new Uint8Array(), 'syntax'],
    ['a frame beyond the limit', new Uint8Array(FRAME_BYTES_MAX + 1), 'too-large'],
    ['two values in a row', bytesOf(`${vectorOf('probe').hex}00`), 'syntax'],
    ['a thousand lists in each other', bytesOf('81'.repeat(1000)), 'syntax'],
    ['a thousand maps in each other', bytesOf(`${'a16161'.repeat(1000)}00`), 'syntax'],
    ['a list that claims four billion items', bytesOf('9affffffff00'), 'syntax'],
    ['a text that claims four billion bytes', bytesOf('7affffffff00'), 'syntax'],
    ['a list without an end', bytesOf('9f01ff'), 'syntax'],
    ['a text in pieces', bytesOf('7f61616162ff'), 'syntax'],
    ['a number longer than need be', bytesOf('a161761801'), 'syntax'],
    ['a version as a fraction', bytesOf('a16176f93c00'), 'syntax'],
    ['a bigint', bytesOf('a161761bffffffffffffffff'), 'syntax'],
    ['a tag', bytesOf('c11a514b67b0'), 'syntax'],
    ['raw bytes', bytesOf('a1617641ff'), 'syntax'],
    ['null', bytesOf('a16176f6'), 'syntax'],
    ['undefined', bytesOf('a16176f7'), 'syntax'],
    ['a field twice', bytesOf('a2617601617601'), 'syntax'],
    ['a field that is neither text nor number', bytesOf('a12001'), 'syntax'],
    ['a field by its number and by its name', twice('probe'), 'syntax'],
    ['a kind of a number that is none', kindOf(10_000), 'unknown'],
    [
      'the field __proto__',
      encode({
        v: WIRE_VERSION,
        c: 'c1',
        m: JSON.parse('{"kind":"probe","nonce":1,"__proto__":{}}'),
      }),
      'hostile',
    ],
    ['another cluster', encodeFrame(clusterId('c2'), vectorOf('probe').message), 'foreign'],
    [
      'another version',
      encode({ v: WIRE_VERSION - 1, c: 'c1', m: vectorOf('probe').message }),
      'version',
    ],
  ])('refuse %s', (_name, bytes, code) => {
    expect(decodeFrame(bytes, CLUSTER)).toMatchObject({ ok: false, error: { code } });
  });

  it('take ten thousand spoiled frames: none throws, none becomes a broken message', ({
    annotate,
  }) => {
    const prng = createPrng(20_261_121);
    const frames = fc
      .sample(anyMessage, { numRuns: 500, seed: 1 })
      .map((message) => encodeFrame(CLUSTER, message));
    const count = { refused: 0, harmless: 0, believed: 0 };
    for (let i = 0; i < 10_000; i++) {
      const frame = pick(prng, frames);
      const bytes =
        i % 2 === 0 ? spoilBytes(prng, frame, pick(prng, frames)) : spoilFields(prng, frame);
      const decoded = decodeFrame(bytes, CLUSTER);
      if (!decoded.ok) {
        count.refused += 1;
        continue;
      }
      expect({ frame: hexOf(bytes), complaints: complaintsAbout(decoded.value) }).toEqual({
        frame: hexOf(bytes),
        complaints: [],
      });
      const again = encodeFrame(CLUSTER, decoded.value);
      expect(decodeFrame(again, CLUSTER)).toEqual(decoded);
      count[hexOf(again) === hexOf(frame) ? 'harmless' : 'believed'] += 1;
    }
    // Otherwise the frames were not spoiled, or spoiled beyond recognition.
    expect(count.refused).toBeGreaterThan(5_000);
    expect(count.believed).toBeGreaterThan(500);
    return annotate(JSON.stringify(count));
  });
});
