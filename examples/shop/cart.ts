/** What customers have chosen: `/carts/ID`; `POST /carts/ID` with `{sku, count}`, `POST /empty/ID`. */
import { countOf, notFound, type Role } from './role.ts';

export type Line = { readonly sku: string; readonly count: number };

/** The cart unused for longest makes room for a new one. */
const CARTS_MAX = 1_000;
const LINES_MAX = 50;
const carts = new Map<string, readonly Line[]>();

export const cart: Role = {
  answer: ({ method, steps: [verb, id], body }) => {
    if (id === undefined) return notFound;
    const lines = carts.get(id) ?? [];
    if (verb === 'carts' && method === 'GET') return { body: lines };
    if (method !== 'POST') return notFound;
    carts.delete(id);
    if (verb === 'empty') return { body: [] };
    if (verb !== 'carts') return notFound;
    const line = { sku: String(body['sku']), count: countOf(body['count']) };
    const kept = [...lines, line].slice(-LINES_MAX);
    carts.set(id, kept);
    const [oldest] = carts.keys();
    if (carts.size > CARTS_MAX && oldest !== undefined) carts.delete(oldest);
    return { body: kept };
  },
};
