/** How many there are: `/stock`; `POST /take` and `POST /restock` with `{sku, count}`. */
import { countOf, notFound, type Role } from './role.ts';

const SHELF_MAX = 1_000;
const pieces = new Map([
  ['wheel', 3],
  ['stone', 12],
  ['sack', 40],
  ['sieve', 20],
]);

export const stock: Role = {
  answer: ({ method, steps: [verb], body }) => {
    if (verb === 'stock') return { body: Object.fromEntries(pieces) };
    const sku = String(body['sku']);
    const left = pieces.get(sku);
    if (method !== 'POST' || left === undefined) return notFound;
    const count = countOf(body['count']);
    if (verb === 'restock') pieces.set(sku, Math.min(SHELF_MAX, left + count));
    else if (verb !== 'take') return notFound;
    else if (left < count) return { status: 409, body: { error: `only ${left} of ${sku} left` } };
    else pieces.set(sku, left - count);
    return { body: { sku, left: pieces.get(sku) } };
  },
};
