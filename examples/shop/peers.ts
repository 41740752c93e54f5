/**
 * How the components find each other: every component has a port of its own, and any of the hosts may
 * run it. Each address is tried, the one that answered last first.
 */

const PORTS = {
  web: 18_080,
  api: 18_081,
  catalog: 18_082,
  stock: 18_083,
  cart: 18_084,
  worker: 18_085,
} as const;

export type ComponentName = keyof typeof PORTS;
export const COMPONENTS = Object.keys(PORTS) as readonly ComponentName[];

export const ADDRESSES: readonly string[] = (process.env['SHOP_ADDRESSES'] ?? '127.0.0.1')
  .split(',')
  .map((address) => address.trim())
  .filter((address) => address !== '');

const PATIENCE_MS = 700;
const answeredAt = new Map<ComponentName, string>();

export function portOf(component: ComponentName): number {
  const port = Number(process.env[`SHOP_PORT_${component.toUpperCase()}`]);
  return Number.isInteger(port) && port > 0 ? port : PORTS[component];
}

/** Rejects if no host answers, or with what the component said went wrong. */
export async function ask(component: ComponentName, path: string, body?: object): Promise<unknown> {
  const last = answeredAt.get(component);
  const others = ADDRESSES.filter((address) => address !== last);
  for (const address of last === undefined ? others : [last, ...others]) {
    const response = await askAt(address, component, path, body).catch(() => undefined);
    if (response === undefined) continue;
    answeredAt.set(component, address);
    const said: unknown = await response.json();
    if (response.ok) return said;
    throw new Error(`${component}: ${(said as { error?: string }).error ?? response.status}`);
  }
  throw new Error(`${component} answers on none of ${ADDRESSES.join(', ')}`);
}

/** Rejects if nothing answers there in time. */
export function askAt(
  address: string,
  component: ComponentName,
  path: string,
  body?: object,
): Promise<Response> {
  return fetch(`http://${address}:${portOf(component)}${path}`, {
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...(body !== undefined && {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  });
}
