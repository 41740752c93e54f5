/** A message under way between a host and a voter, as one number: which message, between whom. */
export type Pair = { readonly host: number; readonly voter: number };

/** More than there are hosts or voters in any walk. */
export const PEERS = 16;

/** `message`: its number in a catalog. `back`: 0 to the voter, 1 to the host. */
export const flightOf = (message: number, { host, voter }: Pair, back: 0 | 1): number =>
  ((message * PEERS + host) * PEERS + voter) * 2 + back;
export const messageOf = (flight: number): number => Math.floor(flight / (PEERS * PEERS * 2));
export const hostOf = (flight: number): number => Math.floor(flight / (PEERS * 2)) % PEERS;
export const voterOf = (flight: number): number => Math.floor(flight / 2) % PEERS;
export const isBack = (flight: number): boolean => flight % 2 === 1;
export const pairOf = (flight: number): Pair => ({
  host: hostOf(flight),
  voter: voterOf(flight),
});
