/**
 * Makes a container image that runs a Node.js program, with no registry and no build: the Node binary
 * that runs this script, the shared libraries it names, and the program's files.
 *
 *   node scripts/image.ts SOCKET TAG DIR COMMAND…     e.g. … shop/web:local examples/shop node web.ts
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { pack } from 'tar-stream';

const CONTENT_LABEL = 'io.millrace.content';
const APP_DIR = '/app';
const NODE_PATH = '/usr/local/bin/node';
const APP_BYTES_MAX = 256 << 20;
const BOUND_MS = 120_000;

type ImageFile = { readonly name: string; readonly mode: number; readonly content: Buffer };

export type ImageRequest = {
  /** Its files land in `/app`, the working directory. */
  readonly appDir: string;
  /** E.g. `['node', 'server.ts']`. */
  readonly command: readonly string[];
};

/**
 * Makes `tag` on the engine behind `socketPath`; does nothing if it is there with the same content.
 * Resolves to whether it was made. Linux only: the binary has to run in the container.
 */
export async function importImage(
  socketPath: string,
  tag: string,
  request: ImageRequest,
): Promise<boolean> {
  const signal = AbortSignal.timeout(BOUND_MS);
  const docker = new Docker({ socketPath, host: '', protocol: 'http' });
  const files = [...(await runtimeFiles()), ...(await appFiles(request.appDir))];
  const settings = [
    `ENV PATH=/usr/local/bin:/usr/bin:/bin`,
    `WORKDIR ${APP_DIR}`,
    `CMD ${JSON.stringify(request.command)}`,
  ];
  const digest = digestOf(files, settings);
  if ((await contentOf(docker, tag, signal)) === digest) return false;

  const tar = pack();
  const changes = [...settings, `LABEL ${CONTENT_LABEL}=${digest}`];
  const options: object = { ...splitTag(tag), changes, abortSignal: signal };
  const answer = docker.importImage(Readable.from(tar), options); // reads while the archive is filled
  for (const folder of ['app', 'tmp', 'root']) tar.entry({ name: `${folder}/`, type: 'directory' });
  for (const { name, mode, content } of files) {
    tar.entry({ name: name.slice(1), mode, mtime: new Date(0) }, content);
  }
  tar.finalize();
  let said = '';
  for await (const chunk of await answer) said = (said + String(chunk)).slice(-1_000);
  if (said.includes('"error"')) {
    throw new Error(`cannot make the image ${tag}: ${said.trim()}; see the log of Docker`);
  }
  return true;
}

/** The loader and the libraries lie where `ldd` found them: the binary names no other place. */
async function runtimeFiles(): Promise<readonly ImageFile[]> {
  const { stdout } = await promisify(execFile)('ldd', [process.execPath]);
  const libraries = stdout.matchAll(/(?:=>\s+|^\s+)(\/\S+)\s+\(0x/gm);
  const paths = new Set([...libraries].map(([, path]) => path ?? ''));
  const files = [...paths].toSorted().map(async (path) => imageFile(path, path));
  return [
    await imageFile(NODE_PATH, process.execPath),
    ...(await Promise.all(files)),
    { name: '/etc/passwd', mode: 0o644, content: Buffer.from('root:x:0:0:root:/root:/bin/sh\n') },
  ];
}

async function appFiles(folder: string): Promise<readonly ImageFile[]> {
  const files: ImageFile[] = [];
  let bytes = 0;
  for (const path of (await readdir(folder, { recursive: true })).toSorted()) {
    const from = join(folder, path);
    if (!(await lstat(from)).isFile()) continue;
    const file = await imageFile(`${APP_DIR}/${path.replaceAll('\\', '/')}`, from);
    bytes += file.content.length;
    if (bytes > APP_BYTES_MAX) {
      const limit = `${APP_BYTES_MAX >> 20} MiB`;
      throw new Error(`cannot make an image of ${folder}: over ${limit}; name a smaller folder`);
    }
    files.push(file);
  }
  return files;
}

async function imageFile(name: string, path: string): Promise<ImageFile> {
  const real = await realpath(path);
  const { mode } = await lstat(real);
  return { name, mode: mode & 0o777, content: await readFile(real) };
}

function digestOf(files: readonly ImageFile[], settings: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify(settings));
  for (const { name, mode, content } of files) {
    hash.update(`\0${name}\0${mode}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/** The digest of the content that `tag` was made from; `undefined` where there is none. */
async function contentOf(
  docker: Docker,
  tag: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const images = await docker.listImages({
    filters: { reference: [tag] },
    abortSignal: signal,
  });
  return images[0]?.Labels?.[CONTENT_LABEL];
}

function splitTag(tag: string): { readonly repo: string; readonly tag: string } {
  const colon = tag.lastIndexOf(':');
  if (colon <= tag.lastIndexOf('/')) return { repo: tag, tag: 'latest' };
  return { repo: tag.slice(0, colon), tag: tag.slice(colon + 1) };
}

if (import.meta.main) {
  const [socketPath, tag, appDir, ...command] = process.argv.slice(2);
  if (socketPath === undefined || tag === undefined || appDir === undefined) {
    process.stderr.write('usage: node scripts/image.ts SOCKET TAG DIR COMMAND…\n');
    process.exit(2);
  }
  const made = await importImage(socketPath, tag, { appDir, command });
  process.stdout.write(made ? `made ${tag}\n` : `${tag} is up to date\n`);
}
