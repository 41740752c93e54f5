/**
 * Sends a multicast DNS question of its own on each real interface and listens for it: the kernel gives
 * back what is sent to a group that one has joined, unless a firewall drops it on its way out or in.
 */
import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import multicastDns from 'multicast-dns';
import { createAddressPolicy, parseEndpoint } from '../network/addresses.ts';
import type { InterfaceFacts } from './facts.ts';

const HEAR_MS = 1_500;
const AGAIN_MS = 300;

/** Never rejects. `port`: default 5353. */
export async function examineMulticast(
  listen: readonly string[],
  port?: number,
): Promise<readonly InterfaceFacts[]> {
  const policy = createAddressPolicy(listen.map(parseEndpoint));
  return Promise.all(
    policy
      .multicastInterfaces()
      .map(async (address) => ({ ...named(address), address, ...(await loop(address, port)) })),
  );
}

type Outcome = Pick<InterfaceFacts, 'multicast' | 'why'>;

async function loop(address: string, port: number | undefined): Promise<Outcome> {
  const name = `_mr-doctor-${randomBytes(4).toString('hex')}._udp.local`;
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const bound = port === undefined ? {} : { port };
  const mdns = multicastDns({ interface: address, bind: '0.0.0.0', ...bound });
  let failed: string | undefined;
  const fail = (error: Error | null | undefined): void => void (failed ??= error?.message);
  mdns.on('error', fail);
  mdns.on('warning', fail);
  // A socket hears what comes in on all interfaces: the source says which one it was.
  mdns.on('query', ({ questions }, from) => {
    if (questions?.[0]?.name !== name || from.address !== address) return;
    resolve({ multicast: 'works' });
  });
  const ask = (): void => mdns.query({ questions: [{ name, type: 'PTR' }] }, fail);
  ask();
  const again = setInterval(ask, AGAIN_MS);
  const late = setTimeout(() => resolve(unheard(failed)), HEAR_MS);
  const outcome = await promise;
  clearInterval(again);
  clearTimeout(late);
  await new Promise<void>((done) => mdns.destroy(() => done()));
  return outcome;
}

const unheard = (why: string | undefined): Outcome =>
  why === undefined ? { multicast: 'silent' } : { multicast: 'failed', why };

function named(address: string): Pick<InterfaceFacts, 'name' | 'netmask'> {
  for (const [name, entries] of Object.entries(networkInterfaces())) {
    const entry = entries?.find((each) => each.address === address);
    if (entry !== undefined) return { name, netmask: entry.netmask };
  }
  return { name: '?', netmask: '255.255.255.255' };
}
