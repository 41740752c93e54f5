import { expect, it } from 'vitest';
import { sameData } from '../../../protocol/base/same.ts';

it.each([
  [1, 1, true, 'the same number'],
  [1, '1', false, 'a number is no text'],
  [null, undefined, false, 'null is something'],
  [{ a: 1, b: 2 }, { b: 2, a: 1 }, true, 'members have no order'],
  [{ a: 1, b: undefined }, { a: 1 }, true, 'what is undefined is absent'],
  [{ a: 1 }, { a: 1, b: undefined }, true, 'on either side'],
  [{ a: undefined }, { b: undefined }, true, 'whatever its name'],
  [{ a: 1 }, { a: 1, b: 2 }, false, 'one member more'],
  [{ a: 1, b: 2 }, { a: 1 }, false, 'one member less'],
  [{ a: 1, b: 2 }, { a: 1, c: 2 }, false, 'another name'],
  [{ constructor: undefined }, {}, true, 'what every object inherits is no member'],
  [{ a: { b: [1, { c: 2 }] } }, { a: { b: [1, { c: 2 }] } }, true, 'all the way down'],
  [{ a: { b: [1, { c: 2 }] } }, { a: { b: [1, { c: 3 }] } }, false, 'all the way down, too'],
  [[1, 2], [2, 1], false, 'lists have an order'],
  [[1], [1, undefined], false, 'and a length'],
  [[], {}, false, 'a list is no object'],
])('%j and %j: %s, %s', (a, b, same, _why) => {
  expect(sameData(a, b)).toBe(same);
  expect(sameData(b, a)).toBe(same);
});
