/** Brings an image to this host, where a registry can be reached. */
import { EngineError } from '../engine.ts';
import type { Bounds, Connection } from './connection.ts';
import { reasonOf, statusOf } from './failure.ts';
import { readLines } from './lines.ts';
import { loginHeader, type Logins } from './logins.ts';

/**
 * Resolves when the image is here, asked for with the login that this host has. Rejects with `no-image`
 * and the reason, permanent where the registry does not know the image; with `aborted` if it was called
 * off.
 */
export async function pullImage(
  { connection, logins }: { readonly connection: Connection; readonly logins: Logins },
  image: string,
  limits: Bounds,
): Promise<void> {
  const login = await logins.of(image, limits);
  try {
    await connection.call(limits, async (cut) => {
      const request = {
        method: 'POST',
        path: '/images/create',
        query: imageQuery(image),
        ...(login !== undefined && { headers: { 'X-Registry-Auth': loginHeader(login) } }),
      } as const;
      const progress = await connection.stream({ ...limits, signal: cut }, request);
      for await (const line of readLines(progress)) refuseFailure(line);
    });
  } catch (error) {
    if (error instanceof EngineError && error.code === 'aborted') throw error;
    const cause = error instanceof EngineError ? (error.cause ?? error) : error;
    throw new EngineError(
      'no-image',
      `${limits.what}: no image ${image} on this host, and pulling it failed: ${reasonOf(cause)}; ` +
        'check its name, log in with docker login on this host if its registry asks for that, ' +
        'or bring it here with docker load',
      { permanent: statusOf(cause) === 404, cause },
    );
  }
}

/** The engine has answered 200 before it knows how the pull ends: a failure is a line of its own. */
function refuseFailure(line: string): void {
  const words = /"error":("(?:[^"\\]|\\.)*")/.exec(line)?.[1];
  if (words !== undefined) throw new Error(String(JSON.parse(words)));
}

/** Without a tag the engine would pull every one of them. */
function imageQuery(image: string): { readonly fromImage: string; readonly tag: string } {
  const at = image.indexOf('@');
  const colon = image.lastIndexOf(':');
  const end = at >= 0 ? at : colon > image.lastIndexOf('/') ? colon : image.length;
  return { fromImage: image.slice(0, end), tag: image.slice(end + 1) || 'latest' };
}
