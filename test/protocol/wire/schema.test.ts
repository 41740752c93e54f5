import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  boolean,
  byKind,
  decode,
  list,
  literal,
  object,
  optional,
  record,
  type Schema,
  text,
  where,
  whole,
} from '../../../protocol/wire/schema.ts';

const point = object({ x: whole(0, 9), y: optional(whole(0, 9)) });
const shape = byKind({
  dot: object({ kind: literal('dot'), at: point }),
  line: object({ kind: literal('line'), points: list(point, 3) }),
});
const labels = record(text(20, /^[a-z_]+$/), text(10), 3);

/** The code and the path of a refusal, or the decoded value. */
function outcome<T>(schema: Schema<T>, value: unknown): unknown {
  const decoded = decode(schema, value);
  return decoded.ok ? decoded.value : `${decoded.error.code} at ${decoded.error.path || 'the top'}`;
}

const cycle: Record<string, unknown> = { kind: 'dot', at: { x: 1 } };
cycle['self'] = cycle;
const selfPoint: Record<string, unknown> = { kind: 'dot' };
selfPoint['at'] = selfPoint;
const throwing = (): never => {
  throw new Error('gotcha');
};
const sparse: unknown[] = [];
sparse.length = 2;

describe('a schema', () => {
  it.each<[string, Schema<unknown>, unknown, unknown]>([
    ['takes what fits', point, { x: 1 }, { x: 1 }],
    ['takes undefined for absent', point, { x: 1, y: undefined }, { x: 1 }],
    ['misses a field', point, { y: 1 }, 'missing at x'],
    ['does not take null for absent', point, { x: 1, y: null }, 'type at y'],
    ['drops a field it does not know', point, { x: 1, z: { deep: [] } }, { x: 1 }],
    ['refuses null', point, null, 'type at the top'],
    ['tells a list from an object', point, [], 'type at the top'],
    ['converts nothing', point, { x: '1' }, 'type at x'],
    ['refuses a fraction', point, { x: 1.5 }, 'type at x'],
    ['refuses what is no number', point, { x: NaN }, 'type at x'],
    ['refuses a number that is not exact', point, { x: 2 ** 53 }, 'type at x'],
    ['refuses a number above its range', point, { x: 10 }, 'range at x'],
    ['refuses a number below its range', point, { x: -1 }, 'range at x'],
    ['makes 0 of -0', whole(0, 9), -0, 0],
    ['does not take 1 for true', boolean, 1, 'type at the top'],
    ['knows its words', literal('a', 'b'), 'c', 'unknown at the top'],
    ['refuses a word that is none', literal('a', 'b'), 3, 'type at the top'],
    ['bounds a text', text(3), 'four', 'too-large at the top'],
    ['asks for the form of a text', text(3, /^a/), 'ba', 'form at the top'],
    ['refuses a text that UTF-8 cannot carry', text(3), '\ud800', 'form at the top'],
    ['does not join a list to a text', text(3), ['a'], 'type at the top'],
    ['takes a list', list(point, 3), [{ x: 1 }, { x: 2 }], [{ x: 1 }, { x: 2 }]],
    ['counts before it looks', list(point, 1), [{ x: 1 }, { x: 'no' }], 'too-large at the top'],
    ['says where in a list', list(point, 3), [{ x: 1 }, { x: 99 }], 'range at [1].x'],
    ['refuses the holes of a list', list(point, 3), sparse, 'type at [0]'],
    [
      'does not find a field on the prototype',
      object({ toString: text(9) }),
      {},
      'missing at toString',
    ],
    ['wants a real list', list(point, 3), { length: 1, 0: { x: 1 } }, 'type at the top'],
    [
      'picks by kind',
      shape,
      { kind: 'line', points: [{ x: 1 }] },
      { kind: 'line', points: [{ x: 1 }] },
    ],
    ['does not pick from the prototype', shape, { kind: 'toString' }, 'unknown at kind'],
    ['wants a word as the kind', shape, { kind: ['dot'] }, 'unknown at kind'],
    ['needs a kind', shape, { at: { x: 1 } }, 'unknown at kind'],
    ['says where in a union', shape, { kind: 'dot', at: { x: 77 } }, 'range at at.x'],
    ['takes a record', labels, { b: '2', a: '1' }, { a: '1', b: '2' }],
    ['bounds a record', labels, { a: '1', b: '2', c: '3', d: '4' }, 'too-large at the top'],
    ['asks for the form of a name', labels, { A: '1' }, 'form at ["A"]'],
    ['wants texts in a record', labels, { a: 1 }, 'type at ["a"]'],
    [
      'asks a rule',
      where(point, ({ x }) => (x > 3 ? 'no' : undefined)),
      { x: 4 },
      'inconsistent at the top',
    ],
    ['asks a rule only of what fits', where(point, () => throwing()), { x: 11 }, 'range at x'],
  ])('%s', (_name, schema, value, expected) => {
    expect(outcome(schema, value)).toEqual(expected);
  });

  it.each<[string, Schema<unknown>, unknown, unknown]>([
    [
      'a getter that throws',
      point,
      {
        get x() {
          return throwing();
        },
      },
      'hostile at the top',
    ],
    [
      'a proxy that throws',
      point,
      new Proxy({}, { getPrototypeOf: throwing }),
      'hostile at the top',
    ],
    ['a list that throws', list(point, 3), new Proxy([1], { get: throwing }), 'hostile at the top'],
    ['a revoked proxy', point, revoked(), 'hostile at the top'],
    [
      'an own field __proto__',
      point,
      JSON.parse('{"x":1,"__proto__":{"y":2}}'),
      'hostile at the top',
    ],
    ['__proto__ in a record', labels, JSON.parse('{"__proto__":"1"}'), 'hostile at the top'],
    ['an inherited field', point, Object.create({ x: 1 }), 'hostile at the top'],
    ['an instance of a class', point, new Map([['x', 1]]), 'hostile at the top'],
    [
      'too many fields',
      point,
      Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`f${i}`, 1])),
      'too-large at the top',
    ],
    ['a list of a billion holes', list(point, 3), hugeList(), 'too-large at the top'],
    ['a cycle beside what is known', shape, cycle, { kind: 'dot', at: { x: 1 } }],
    ['a cycle through what is known', shape, selfPoint, 'missing at at.x'],
    ['a symbol', point, { x: Symbol('x') }, 'type at x'],
    ['a bigint', point, { x: 1n }, 'type at x'],
    ['a function', point, () => 1, 'type at the top'],
    ['no prototype at all', point, Object.assign(Object.create(null), { x: 1 }), { x: 1 }],
  ])('withstands %s', (_name, schema, value, expected) => {
    expect(outcome(schema, value)).toEqual(expected);
  });

  it('never throws, and what it lets through fits (any value)', () => {
    const anything = fc.anything({
      withNullPrototype: true,
      withSparseArray: true,
      withBigInt: true,
      withDate: true,
      withMap: true,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          anything,
          fc.record({ kind: fc.constantFrom('dot', 'line'), at: anything, points: anything }),
        ),
        (value) => {
          const decoded = decode(shape, value);
          if (decoded.ok) expect(decode(shape, decoded.value)).toEqual(decoded);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it('builds everything anew, in the order of the schema and of the names', () => {
    const environment = { zone: 'z', a_long_name: '1', b: '2' };
    const schema = object({ first: labels, second: list(labels, 2) });
    const decoded = decode(schema, { second: [environment], unknown: 1, first: environment });
    expect(JSON.stringify(decoded)).toBe(
      JSON.stringify({
        ok: true,
        value: {
          first: { a_long_name: '1', b: '2', zone: 'z' },
          second: [{ a_long_name: '1', b: '2', zone: 'z' }],
        },
      }),
    );
    environment.b = 'changed later';
    expect(JSON.stringify(decoded)).not.toContain('changed later');
  });

  it('reads a field once: what it checked is what it returns', () => {
    let reads = 0;
    const shifty = {
      get x() {
        reads += 1;
        return reads === 1 ? 1 : 'bad';
      },
    };
    expect(outcome(point, shifty)).toEqual({ x: 1 });
  });
});

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function hugeList(): unknown[] {
  const huge: unknown[] = [];
  huge.length = 1_000_000_000;
  return huge;
}
