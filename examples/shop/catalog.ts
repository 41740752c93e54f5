/** What is for sale: `/items`, `/items/SKU`. */
import { notFound, type Role } from './role.ts';

export type Item = { readonly sku: string; readonly name: string; readonly cents: number };

const ITEMS: readonly Item[] = [
  { sku: 'wheel', name: 'Water wheel', cents: 48_000 },
  { sku: 'stone', name: 'Millstone', cents: 9_900 },
  { sku: 'sack', name: 'Sack of flour', cents: 1_250 },
  { sku: 'sieve', name: 'Sieve', cents: 2_400 },
];

export const catalog: Role = {
  answer: ({ steps: [first, sku] }) => {
    if (first !== 'items') return notFound;
    if (sku === undefined) return { body: ITEMS };
    const item = ITEMS.find((candidate) => candidate.sku === sku);
    return item === undefined ? notFound : { body: item };
  },
};
