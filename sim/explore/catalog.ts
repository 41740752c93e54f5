/**
 * Things met during a walk, each kept once and known by a number from then on: equal prints, equal
 * numbers. A state of the whole is then a short list of numbers, cheap to copy and to compare.
 */
export type Catalog<T> = { readonly all: T[]; readonly numbers: Map<string, number> };

export const createCatalog = <T>(): Catalog<T> => ({ all: [], numbers: new Map() });

/** The number of whatever prints like this; `make` is called for the first of its kind only. */
export function numberOf<T>(catalog: Catalog<T>, print: string, make: () => T): number {
  const known = catalog.numbers.get(print);
  if (known !== undefined) return known;
  const number = catalog.all.length;
  catalog.all.push(make());
  catalog.numbers.set(print, number);
  return number;
}

export function kept<T>({ all }: Catalog<T>, number: number): T {
  return all[number] as T;
}
