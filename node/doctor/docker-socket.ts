/** What answers on the socket of a Docker Engine; asked by hand, so that every way to fail is told apart. */
import { request } from 'node:http';
import { json } from 'node:stream/consumers';
import { API_VERSION_MIN, isOlder } from '../engine/docker/api-version.ts';
import { readInfo } from '../engine/docker/gatekeeper.ts';
import type { DockerAnswer } from './facts.ts';

const PING_MS = 5_000;
/** It looks at every plugin of the engine first. */
const INFO_MS = 5_000;

const FAILURES: Readonly<Record<string, 'missing' | 'denied' | 'refused' | 'silent'>> = {
  ENOENT: 'missing',
  EACCES: 'denied',
  EPERM: 'denied',
  ECONNREFUSED: 'refused',
  ABORT_ERR: 'silent',
};

/** Never rejects. `pingMs`: how long it may take to answer at all. */
export async function askDocker(path: string, pingMs = PING_MS): Promise<DockerAnswer> {
  try {
    const { headers } = await get(path, '/_ping', pingMs);
    const api = headers['api-version'];
    if (typeof api !== 'string' || !/^\d+\.\d+$/.test(api)) return { kind: 'stranger' };
    const info = await get(path, '/info', INFO_MS).catch(() => undefined);
    const told = { kind: 'answers', api, tooOld: isOlder(api, API_VERSION_MIN) } as const;
    if (info === undefined) return told;
    const { reach, driver } = readInfo(info.body);
    return {
      ...told,
      ...(driver === undefined ? {} : { driver }),
      ...(reach.kind === 'none' ? { unguardable: reach.why } : {}),
    };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const kind = FAILURES[code];
    if (kind !== undefined) return { kind };
    if (code.startsWith('HPE_') || code === 'ECONNRESET') return { kind: 'stranger' };
    return { kind: 'failed', why: error instanceof Error ? error.message : String(error) };
  }
}

type Answer = {
  readonly headers: Readonly<Record<string, unknown>>;
  /** Undefined: it is no JSON. */
  readonly body: unknown;
};

function get(socketPath: string, path: string, limitMs: number): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const signal = AbortSignal.timeout(limitMs);
  const asked = request({ socketPath, path, agent: false, signal }, (response) => {
    const { headers } = response;
    json(response).then(
      (body) => resolve({ headers, body }),
      () => resolve({ headers, body: undefined }),
    );
  });
  asked.once('error', reject);
  asked.end();
  return promise;
}
