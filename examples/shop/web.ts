/** The shop window: `/` for people, `/overview` for programs. Shows what it can while others are gone. */
import type { Item } from './catalog.ts';
import { ADDRESSES, ask, askAt, COMPONENTS, type ComponentName } from './peers.ts';
import { notFound, type Role } from './role.ts';

type Instance = {
  readonly component: ComponentName;
  readonly slot: number;
  readonly instance: string;
  readonly pid: number;
  readonly address: string;
  readonly startedAt: string;
};
type Overview = {
  readonly items: readonly Item[];
  readonly stock: Readonly<Record<string, number>>;
  readonly instances: readonly Instance[];
  /** Components that no address answers for. */
  readonly missing: readonly ComponentName[];
};

/** One customer is enough to try it. */
const CART = 'window';

export const web: Role = {
  answer: async ({ method, steps: [verb], body }) => {
    if (verb === undefined) return { html: page(await overview()) };
    if (verb === 'overview') return { body: await overview() };
    if (method !== 'POST' || verb !== 'buy') return notFound;
    await ask('cart', `/carts/${CART}`, { sku: body['sku'], count: 1 });
    try {
      await ask('api', '/checkout', { cart: CART });
    } catch (error) {
      // What cannot be bought now must not hinder the next purchase.
      await ask('cart', `/empty/${CART}`, {});
      throw error;
    }
    return { status: 303, location: '/' };
  },
};

async function overview(): Promise<Overview> {
  const [items, stock, instances] = await Promise.all([
    ask('catalog', '/items').catch(() => []) as Promise<readonly Item[]>,
    ask('stock', '/stock').catch(() => ({})) as Promise<Overview['stock']>,
    findInstances(),
  ]);
  const found = new Set(instances.map(({ component }) => component));
  return { items, stock, instances, missing: COMPONENTS.filter((name) => !found.has(name)) };
}

async function findInstances(): Promise<readonly Instance[]> {
  const asked = COMPONENTS.flatMap((component) =>
    ADDRESSES.map(async (address) => {
      const response = await askAt(address, component, '/health');
      return (await response.json()) as Instance;
    }),
  );
  const outcomes = await Promise.allSettled(asked);
  return outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []));
}

function page({ items, stock, instances, missing }: Overview): string {
  const goods = items.map(
    ({ sku, name, cents }) =>
      row(name, (cents / 100).toFixed(2), String(stock[sku] ?? '?')) +
      `<td><form method="post" action="/buy"><button name="sku" value="${escape(sku)}">Buy` +
      '</button></form></td>',
  );
  const seats = instances.map(({ component, slot, address, instance, startedAt }) =>
    row(`${component} ${slot}`, address, instance, startedAt),
  );
  const gone = missing.length === 0 ? '' : `<p>Not found: ${escape(missing.join(', '))}</p>`;
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Mill shop</title>
<style>body{font:16px system-ui;margin:2rem}td,th{padding:.2rem 1rem .2rem 0;text-align:left}</style>
<h1>Mill shop</h1>
<table><tr><th>Item<th>Price<th>Left<th></tr>${goods.map(line).join('')}</table>
<h2>Who is here</h2>
<table><tr><th>Component<th>Address<th>Instance<th>Since</tr>${seats.map(line).join('')}</table>
${gone}</html>
`;
}

function line(cells: string): string {
  return `<tr>${cells}</tr>\n`;
}

function row(...cells: readonly string[]): string {
  return cells.map((cell) => `<td>${escape(cell)}</td>`).join('');
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
