/**
 * The standard input of a container. The engine holds it open from its start until the first that was
 * attached to it has ended (`StdinOnce`).
 *
 * Source: Docker Engine API, `ContainerAttach`.
 */
import type { Duplex } from 'node:stream';
import { EngineError } from '../engine.ts';
import { pour } from '../input.ts';
import type { Bounds, Connection } from './connection.ts';

/** Of a container that is given one. */
export const INPUT_SETTINGS = { OpenStdin: true, StdinOnce: true, AttachStdin: true } as const;

/** `kill`: where `input` breaks off. */
export async function feedInto(
  connection: Connection,
  id: string,
  {
    input,
    kill,
  }: { readonly input: AsyncIterable<Uint8Array>; readonly kill: () => Promise<void> },
  limits: Bounds,
): Promise<void> {
  const container = connection.docker.getContainer(id);
  const { State, Config } = await connection.call(limits, (abortSignal) =>
    container.inspect({ abortSignal }),
  );
  if (!State.Running) return;
  if (!Config.OpenStdin) {
    const message = `${limits.what}: it has no standard input`;
    throw new EngineError('conflict', message, { permanent: true });
  }
  const asked = { stream: true, stdin: true, stdout: false, stderr: false, hijack: true };
  const stdin = (await connection.call(limits, () => container.attach(asked))) as Duplex;
  // It says nothing, but only who reads it sees its end.
  stdin.resume();
  const over = new AbortController();
  // What has ended without reading all of it leaves the engine waiting for a reader.
  const ended = container.wait({ condition: 'not-running', abortSignal: over.signal });
  ended.then(
    () => stdin.destroy(),
    () => undefined,
  );
  try {
    await pour(input, stdin, limits.signal);
  } catch (error) {
    // Before its end: it must not take a part for the whole.
    await kill().catch(() => undefined);
    stdin.destroy();
    throw error;
  } finally {
    over.abort();
  }
}
