/** Buys what is in a cart: `POST /checkout` with `{cart}`. Any replica may answer; none keeps anything. */
import { randomUUID } from 'node:crypto';
import type { Line } from './cart.ts';
import type { Item } from './catalog.ts';
import { ask } from './peers.ts';
import { notFound, type Role } from './role.ts';

export const api: Role = {
  answer: async ({ method, steps: [verb], body }) => {
    if (method !== 'POST' || verb !== 'checkout') return notFound;
    const id = encodeURIComponent(String(body['cart']));
    const lines = (await ask('cart', `/carts/${id}`)) as readonly Line[];
    if (lines.length === 0) return { status: 409, body: { error: 'the cart is empty' } };
    const items = (await ask('catalog', '/items')) as readonly Item[];
    let cents = 0;
    for (const line of lines) {
      await ask('stock', '/take', line);
      cents += line.count * (items.find(({ sku }) => sku === line.sku)?.cents ?? 0);
    }
    await ask('cart', `/empty/${id}`, {});
    return { body: { order: randomUUID().slice(0, 8), lines, cents } };
  },
};
