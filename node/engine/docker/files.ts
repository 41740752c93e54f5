/**
 * Files of an instance, as binds of files of this host. The engine writes them: it may give them to any
 * user, whoever the agent runs as. It unpacks an archive into their folder through a container that is
 * made for that, never started, and removed again.
 */
import { Readable } from 'node:stream';
import type { HostConfig } from 'dockerode';
import { pack } from 'tar-stream';
import type { InstanceFolders } from '../files.ts';
import type { EngineScope, InstanceFile, InstanceRequest } from '../engine.ts';
import { type Bounds, type Connection } from './connection.ts';
import { handFilter, handLabels } from './labels.ts';

type Mounts = NonNullable<HostConfig['Mounts']>;
type Place = {
  readonly scope: EngineScope;
  readonly connection: Connection;
  readonly folders: InstanceFolders;
};

/** Where the folder is for the container that unpacks into it. */
const INSIDE = '/.millrace';
const REMOVE_MS = 30_000;

/** Those of a folder are called by their places in the request. */
export const fileMounts = (folder: string, files: readonly InstanceFile[]): Mounts =>
  files.map(({ target }, index) => ({
    Type: 'bind',
    Source: `${folder}/${index}`,
    Target: target,
    ReadOnly: true,
  }));

/** Makes those of the request, from whose image the container is that unpacks them. */
export async function layFiles(
  { scope, connection, folders }: Place,
  { spec, files = [] }: InstanceRequest,
  token: string,
  limits: Bounds,
): Promise<void> {
  const folder = await folders.make(token);
  const { docker } = connection;
  const body = {
    Image: spec.image ?? '',
    Entrypoint: ['/none'],
    Labels: handLabels(scope),
    HostConfig: {
      NetworkMode: 'none',
      Mounts: [{ Type: 'bind' as const, Source: folder, Target: INSIDE }],
    },
  };
  const { id } = await connection.call(limits, (cut) =>
    docker.createContainer({ ...body, abortSignal: cut }),
  );
  const hand = docker.getContainer(id);
  try {
    await connection.call(limits, (cut) =>
      hand.putArchive(Readable.from(archiveOf(files)), { path: INSIDE, abortSignal: cut }),
    );
  } finally {
    // Called off or not, nothing may stay behind.
    const { signal } = new AbortController();
    await connection
      .call({ ...limits, boundMs: REMOVE_MS, signal }, (cut) =>
        hand.remove({ force: true, v: true, abortSignal: cut }),
      )
      .catch(() => undefined); // `removeHands` finds it at the next start
  }
}

function archiveOf(files: readonly InstanceFile[]) {
  const archive = pack();
  for (const [index, { uid, gid, mode, bytes }] of files.entries())
    archive.entry({ name: String(index), uid, gid, mode }, Buffer.from(bytes));
  archive.finalize();
  return archive;
}

/** Removes what an agent that died has left of its own. */
export async function removeHands(
  { scope, connection }: Pick<Place, 'scope' | 'connection'>,
  signal: AbortSignal,
): Promise<void> {
  const limits = { what: 'cannot remove what unpacks files', boundMs: REMOVE_MS, signal };
  const { docker } = connection;
  await connection.call(limits, async (cut) => {
    const filters = { label: handFilter(scope) };
    const left = await docker.listContainers({ all: true, filters, abortSignal: cut });
    for (const { Id } of left)
      await docker.getContainer(Id).remove({ force: true, v: true, abortSignal: cut });
  });
}
