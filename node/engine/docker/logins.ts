/**
 * What registries are told of whoever pulls on this host, from where `docker login` leaves it: the file
 * `config.json` of Docker's own folder, and the programs that it names to keep passwords. Read anew each
 * time, for somebody may have logged in since. Nothing of it leaves this host.
 *
 * Source: Docker's command line, `docker login`, and docker/docker-credential-helpers, `get`.
 */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { EngineError } from '../engine.ts';
import type { Bounds } from './connection.ts';

/** As the engine's API has it. */
export type Login =
  | { readonly username: string; readonly password: string; readonly serveraddress: string }
  | { readonly identitytoken: string; readonly serveraddress: string };

export type Logins = {
  /** Of the registry that the image is in; undefined: nobody has logged in there. */
  readonly of: (image: string, limits: Limits) => Promise<Login | undefined>;
  /** By registry, all there are: what an image is built from may come from any of them. */
  readonly all: (limits: Limits) => Promise<Readonly<Record<string, Login>>>;
};

type Limits = Pick<Bounds, 'what' | 'signal'>;

/** For images that name no registry. */
const HUB = 'https://index.docker.io/v1/';
const HELPER_MS = 10_000;

const configSchema = z.object({
  auths: z
    .record(
      z.string(),
      z.object({ auth: z.string().optional(), identitytoken: z.string().optional() }),
    )
    .default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
  credsStore: z.string().optional(),
});

type Config = z.infer<typeof configSchema>;

const toldSchema = z.object({ Username: z.string(), Secret: z.string() });

/** `folder`: `$DOCKER_CONFIG`, or `~/.docker`. Both reject with `no-image` where it cannot be read. */
export function createLogins(folder: string): Logins {
  const path = join(folder, 'config.json');
  return {
    async of(image, limits) {
      return loginAt(registryOf(image), await read(path, limits), limits);
    },
    async all(limits) {
      const config = await read(path, limits);
      const registries = new Set([
        ...Object.keys(config.auths),
        ...Object.keys(config.credHelpers),
      ]);
      const found: Record<string, Login> = {};
      for (const registry of registries) {
        const login = await loginAt(registry, config, limits);
        if (login !== undefined) found[registry] = login;
      }
      return found;
    },
  };
}

export const NO_LOGINS: Logins = {
  of: () => Promise.resolve(undefined),
  all: () => Promise.resolve({}),
};

/** As a header: base64 that may stand in a URL, with its padding. */
export const loginHeader = (logins: Login | Readonly<Record<string, Login>>): string =>
  Buffer.from(JSON.stringify(logins)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');

/** What begins with a name or address of a host is there, everything else on Docker Hub. */
function registryOf(image: string): string {
  const first = image.slice(0, Math.max(0, image.indexOf('/')));
  const isHost = /[.:]/.test(first) || first === 'localhost';
  return !isHost || first === 'docker.io' ? HUB : first;
}

async function read(path: string, { what }: Limits): Promise<Config> {
  try {
    return configSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return configSchema.parse({});
    const why = error instanceof z.ZodError ? z.prettifyError(error) : (error as Error).message;
    throw new EngineError(
      'no-image',
      `${what}: cannot read the logins of this host in ${path}: ${why}; correct or remove it`,
    );
  }
}

async function loginAt(
  registry: string,
  { auths, credHelpers, credsStore }: Config,
  limits: Limits,
): Promise<Login | undefined> {
  const named = <T>(table: Readonly<Record<string, T>>): [string, T] | undefined =>
    Object.entries(table).find(([name]) => hostOf(name) === hostOf(registry));
  const [, helper = credsStore] = named(credHelpers) ?? [];
  const [serveraddress, entry] = named(auths) ?? [registry, undefined];
  if (helper !== undefined) return askHelper(helper, serveraddress, limits);
  if (entry?.identitytoken !== undefined)
    return { identitytoken: entry.identitytoken, serveraddress };
  if (entry?.auth === undefined) return undefined;
  const [username = '', ...rest] = Buffer.from(entry.auth, 'base64').toString('utf8').split(':');
  return { username, password: rest.join(':'), serveraddress };
}

/** Some were written with a scheme and a path. */
const hostOf = (registry: string): string =>
  registry.replace(/^https?:\/\//, '').replace(/\/.*$/, '');

/** It knows no login: that is said on its standard output, and it fails. */
const NONE = /credentials not found/;

function askHelper(
  helper: string,
  serveraddress: string,
  { what, signal }: Limits,
): Promise<Login | undefined> {
  const program = `docker-credential-${helper}`;
  const { promise, resolve, reject } = Promise.withResolvers<Login | undefined>();
  const fail = (why: string): void =>
    reject(
      new EngineError(
        'no-image',
        `${what}: ${program} does not say who is to log in to ${serveraddress}: ${why}; ` +
          'see that the agent can run it, or log in without it',
      ),
    );
  const child = execFile(program, ['get'], { timeout: HELPER_MS, signal }, (error, said, told) => {
    if (error !== null)
      return NONE.test(said) ? resolve(undefined) : fail(told.trim() || error.message);
    const { data } = toldSchema.safeParse(parsed(said));
    if (data === undefined) return fail('what it says is no login');
    const { Username: username, Secret: password } = data;
    const isToken = username === '<token>';
    return resolve(
      isToken ? { identitytoken: password, serveraddress } : { username, password, serveraddress },
    );
  });
  child.stdin?.on('error', () => undefined); // it has ended before; why is told above
  child.stdin?.end(serveraddress);
  return promise;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
