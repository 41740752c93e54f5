/** Where this host finds what one of its instances listens on. */
import type { EngineInstance } from './engine.ts';

export type Reach = { readonly address: string; readonly port: number };

const LOOPBACK = '127.0.0.1';
/** What listens on every address is asked on the loopback. */
const EVERYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': LOOPBACK, '::': '::1' };

/** `port`: as the instance listens. Undefined: this host has no way to it. */
export function reachOf(
  { network, ports }: Pick<EngineInstance, 'network' | 'ports'>,
  port: number,
): Reach | undefined {
  if (network === undefined) return undefined;
  if (network.kind === 'own') return { address: network.address, port };
  const published = ports.find(({ target }) => target === port);
  if (published === undefined) return { address: LOOPBACK, port };
  const { address } = published;
  return { address: EVERYWHERE[address] ?? address, port: published.published };
}
