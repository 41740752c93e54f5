/**
 * Builds between agents: bundles for those that lack them, and the asking of another host to build an
 * image before it is deployed there, told line by line.
 */
import { z } from 'zod';
import type { HostId } from '../../protocol/base/ids.ts';
import type { Agent } from '../agent.ts';
import type { BuildBody } from '../http/api.ts';
import { answerOf, readOf } from '../http/peer-requests.ts';
import { BUNDLE_REQUEST } from './shelf.ts';
import { hashOf, isHash } from './recipe.ts';

const NAME = 'build';
const HASH = z.object({ hash: z.string().refine(isHash) });
export const BUILD_REQUEST = z.object({
  image: z
    .string()
    .max(512)
    .refine((image) => hashOf(image) !== undefined, 'not an image that is built here'),
});
/** Lines that a slow reader has not had yet; of more the oldest are left out. */
const LINES_MAX = 1_000;

export async function serveBuilds(agent: Agent): Promise<void> {
  await agent.network.handle(BUNDLE_REQUEST, async function* (from, request) {
    const { hash } = readOf(agent, from, request, HASH);
    if (!(await agent.shelf.has(hash))) throw new Error('this host does not have that context');
    yield* agent.shelf.read(hash);
  });
  await agent.network.handle(NAME, (from, request, signal) =>
    asLines(buildHere(agent, readOf(agent, from, request, BUILD_REQUEST).image, signal)),
  );
}

/** On this host or another; ends with what came of it. One JSON line each. */
export async function* buildOn(
  agent: Agent,
  host: HostId,
  image: string,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* host === agent.host
      ? asLines(buildHere(agent, image, signal))
      : answerOf(agent, host, NAME, { image }, signal);
  } catch (error) {
    if (signal.aborted) return;
    const unheard = error instanceof Error ? error.message : String(error);
    yield* asLines([{ unheard }]);
  }
}

async function* buildHere(
  { builder }: Agent,
  image: string,
  signal: AbortSignal,
): AsyncGenerator<BuildBody> {
  const lines: string[] = [];
  const now: { more: PromiseWithResolvers<void>; result?: BuildBody } = {
    more: Promise.withResolvers(),
  };
  const hear = (line: string): void => {
    if (lines.push(line) > LINES_MAX) lines.shift();
    now.more.resolve();
  };
  const building = async (): Promise<BuildBody> => {
    try {
      return { built: await builder.ensure(image, hear, signal) };
    } catch (error) {
      return { failed: error instanceof Error ? error.message : String(error) };
    }
  };
  const end = (result: BuildBody): void => {
    now.result = result;
    now.more.resolve();
  };
  void building().then(end);
  for (;;) {
    const line = lines.shift();
    if (line !== undefined) yield { line };
    else if (now.result !== undefined) return yield now.result;
    else {
      await now.more.promise;
      now.more = Promise.withResolvers();
    }
  }
}

async function* asLines(
  bodies: AsyncIterable<BuildBody> | Iterable<BuildBody>,
): AsyncGenerator<Uint8Array> {
  for await (const body of bodies) yield Buffer.from(`${JSON.stringify(body)}\n`);
}
