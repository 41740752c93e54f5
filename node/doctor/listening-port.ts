/** Whether the agent's own port is free, and who has it if not. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { parseEndpoint } from '../network/addresses.ts';
import type { PortFacts } from './facts.ts';

/** proc(5), /proc/net/tcp: the state of a socket that listens. */
const LISTENS = '0A';

/** `ours`: the process of the agent of this host; undefined: none is known. Never rejects. */
export async function examinePort(endpoint: string, ours?: number): Promise<PortFacts> {
  const { host, port } = parseEndpoint(endpoint);
  const code = await tryListening(host, port);
  if (code === undefined) return { endpoint, state: 'free' };
  if (code !== 'EADDRINUSE') return { endpoint, state: 'failed', why: code };
  const pid = holderOf(port);
  if (pid === undefined) return { endpoint, state: 'taken' };
  return pid === ours
    ? { endpoint, state: 'ours' }
    : { endpoint, state: 'taken', holder: `${pid} (${nameOf(pid)})` };
}

function tryListening(host: string, port: number): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const server = createServer();
  server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  return promise;
}

/** Undefined also where the process is not for this user to see. */
function holderOf(port: number): number | undefined {
  const sockets = new Set(
    ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
      read(file).flatMap((line) => {
        const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
        const isIt = state === LISTENS && Number.parseInt(local.split(':')[1] ?? '', 16) === port;
        return isIt ? [`socket:[${inode}]`] : [];
      }),
    ),
  );
  return sockets.size === 0 ? undefined : pids().find((pid) => holdsOne(pid, sockets));
}

function holdsOne(pid: number, sockets: ReadonlySet<string>): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      try {
        return sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`));
      } catch {
        return false; // closed meanwhile
      }
    });
  } catch {
    return false;
  }
}

const pids = (): readonly number[] => readdirSync('/proc').map(Number).filter(Boolean);
const nameOf = (pid: number): string => read(`/proc/${pid}/comm`)[0] ?? '?';

function read(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n');
  } catch {
    return [];
  }
}
