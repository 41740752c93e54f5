/** Images made on this host, by the builder that every Docker Engine has in its API. */
import { stripVTControlCharacters } from 'node:util';
import { hashOf, type Recipe } from '../../build/recipe.ts';
import { EngineError, type EngineScope, type Images } from '../engine.ts';
import type { Bounds, Connection } from './connection.ts';
import { reasonOf, statusOf } from './failure.ts';
import { builtFilter, builtLabels } from './labels.ts';
import { readLines } from './lines.ts';
import { loginHeader, type Logins } from './logins.ts';

const ASK_MS = 10_000;
const REMOVE_MS = 60_000;
/** For the files to come and the first line to be said. */
const BEGIN_MS = 10 * 60_000;
/** Of what a command said, told with its failure; peers read no more of a reason than this fills. */
const LAST_LINES = 4;
const LAST_CHARS_MAX = 200;
const WHY_CHARS_MAX = 180;
/** What the builder says of itself between what commands say. */
const OF_BUILDER = /^(?:Step \d+\/\d+ : |---> |Removing intermediate container )/;

export type ImagesInit = {
  readonly scope: EngineScope;
  readonly connection: Connection;
  readonly logins: Logins;
  /** The engine is given up; what it builds then is called off. */
  readonly closed: AbortSignal;
};

export function createImages({ scope, connection, logins, closed }: ImagesInit): Images {
  const { docker } = connection;
  return {
    async has(image, signal) {
      const limits = { what: `cannot look for ${image}`, boundMs: ASK_MS, signal };
      try {
        await connection.call(limits, () => docker.getImage(image).inspect());
        return true;
      } catch (error) {
        if (error instanceof EngineError && statusOf(error.cause) === 404) return false;
        throw error;
      }
    },
    async build(image, { recipe, context }, told, signal) {
      const either = AbortSignal.any([signal, closed]);
      const limits = { what: `cannot build ${image}`, boundMs: BEGIN_MS, signal: either };
      try {
        const query = queryOf(image, recipe, builtLabels(scope));
        const headers = { 'X-Registry-Config': loginHeader(await logins.all(limits)) };
        const request = { method: 'POST', path: '/build', query, headers, body: context } as const;
        const said = await connection.stream(limits, request);
        await follow(readLines(said), told, limits);
      } catch (error) {
        throw statusOf(causeOf(error)) === 400 ? noDockerfile(error, limits) : error;
      } finally {
        context.destroy();
      }
    },
    async unused(signal) {
      const limits = { what: 'cannot list the images built here', boundMs: ASK_MS, signal };
      const filters = { label: builtFilter(scope) };
      const built = await connection.call(limits, (abortSignal) =>
        docker.listImages({ filters, abortSignal }),
      );
      const containers = await connection.call(limits, (abortSignal) =>
        docker.listContainers({ all: true, abortSignal }),
      );
      const used = new Set(containers.map(({ ImageID }) => ImageID));
      return built
        .filter(({ Id }) => !used.has(Id))
        .flatMap(({ RepoTags }) => RepoTags ?? [])
        .filter((name) => hashOf(name) !== undefined);
    },
    async remove(image, signal) {
      const limits = { what: `cannot remove ${image}`, boundMs: REMOVE_MS, signal };
      await connection.call(limits, (abortSignal) =>
        docker
          .getImage(image)
          .remove({ abortSignal })
          .catch((error: unknown) => {
            if (![404, 409].includes(statusOf(error) ?? 0)) throw error;
          }),
      );
    },
  };
}

/** All of it said; a failing command is no answer of its own but the last thing that is said. */
async function follow(
  lines: AsyncIterable<string>,
  told: (line: string) => void,
  { what }: Bounds,
): Promise<void> {
  const last: string[] = [];
  for await (const record of lines) {
    const { stream, error, status } = JSON.parse(record) as Said;
    if (error !== undefined) throw failed(what, error, last);
    for (const line of (stream ?? status ?? '').split('\n')) {
      const text = plain(line);
      if (text.trim() === '') continue;
      told(text);
      if (!OF_BUILDER.test(text.trim())) last.push(text.trim());
      if (last.length > LAST_LINES) last.shift();
    }
  }
}

type Said = { readonly stream?: string; readonly error?: string; readonly status?: string };

/** Colors and movements of the cursor are no part of a reason. */
const plain = (said: string): string => stripVTControlCharacters(said).replaceAll(/\p{Cc}/gu, ' ');

/** Not permanent: what a command needs may be there at the next try. */
function failed(what: string, error: string, last: readonly string[]): EngineError {
  const why = shortened(plain(error).trim());
  const lines = last.join(' | ').slice(-LAST_CHARS_MAX);
  const after = lines === '' ? '' : `; the last it said: ${lines}`;
  return new EngineError('no-image', `${what}: ${why}${after}`);
}

/** How it ended stands behind the command, which may be long. */
function shortened(why: string): string {
  if (why.length <= WHY_CHARS_MAX) return why;
  const half = Math.floor(WHY_CHARS_MAX / 2);
  return `${why.slice(0, half)} … ${why.slice(-half)}`;
}

function noDockerfile(error: unknown, { what }: Bounds): EngineError {
  const why = reasonOf(causeOf(error));
  const next = 'correct the Dockerfile and deploy it again';
  return new EngineError('no-image', `${what}: ${why}; ${next}`, { permanent: true, cause: error });
}

const causeOf = (error: unknown): unknown =>
  error instanceof EngineError ? (error.cause ?? error) : error;

function queryOf(
  image: string,
  recipe: Recipe,
  ours: Recipe['labels'],
): Readonly<Record<string, unknown>> {
  const { dockerfile, args, labels, target, network, tags, noCache, pull } = recipe;
  return {
    dockerfile,
    t: [image, ...tags],
    buildargs: args,
    labels: { ...labels, ...ours },
    // What is left of an attempt is of no use, but for the steps that are kept anyway.
    rm: true,
    forcerm: true,
    ...(target !== undefined && { target }),
    ...(network !== undefined && { networkmode: network }),
    ...(noCache && { nocache: true }),
    ...(pull && { pull: true }),
  };
}
