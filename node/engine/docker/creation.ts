/** How a container comes to be: its image, its networks, its name; all that may be in the way. */
import {
  EngineError,
  type EngineInstance,
  type EngineScope,
  type InstanceRequest,
} from '../engine.ts';
import { hashOf } from '../../build/recipe.ts';
import type { Bounds, Connection } from './connection.ts';
import { containerBody } from './container.ts';
import { madeLabel } from './drift.ts';
import { isImageMissing, isNameTaken } from './failure.ts';
import { layFiles } from './files.ts';
import type { Gatekeeper } from './gatekeeper.ts';
import { containerName } from './labels.ts';
import type { InstanceFolders } from '../files.ts';
import type { Logins } from './logins.ts';
import type { Networks } from './networks.ts';
import { pullImage } from './pull.ts';

const CREATE_MS = 30_000;
const PULL_MS = 10 * 60_000;

export type Ground = {
  readonly scope: EngineScope;
  readonly connection: Connection;
  readonly gatekeeper: Gatekeeper;
  readonly networks: Networks;
  readonly logins: Logins;
  /** Undefined: what has files cannot run. */
  readonly folders: InstanceFolders | undefined;
  /** Of the engine as a whole. */
  readonly closed: AbortSignal;
  /** By id or name; undefined: there is none, or it is not ours. */
  readonly read: (idOrName: string, signal: AbortSignal) => Promise<EngineInstance | undefined>;
  readonly remove: (id: string, signal: AbortSignal) => Promise<void>;
};

/**
 * Makes the container, pulling its image or clearing a leftover of its name at most once each; returns
 * its id.
 */
export async function createContainer(
  ground: Ground,
  request: InstanceRequest,
  what: string,
  signal: AbortSignal,
): Promise<string> {
  const limits = { what, boundMs: CREATE_MS, signal };
  await findExternal(ground, request, limits);
  const id = await createWith(ground, request, limits);
  try {
    await ground.networks.join(id, request, limits);
    return id;
  } catch (error) {
    // Not under `signal`: called off or not, nothing may stay behind.
    await ground.remove(id, new AbortController().signal).catch(() => undefined);
    throw error;
  }
}

/** The engine would make a volume that is missing; it is one that a user has made. */
async function findExternal(
  { connection }: Ground,
  { spec }: InstanceRequest,
  limits: Bounds,
): Promise<void> {
  for (const volume of spec.volumes) {
    const { external = false, name = '' } = (volume.kind === 'named' && volume.made) || {};
    if (!external) continue;
    const seen = connection.call(limits, (cut) =>
      connection.docker.getVolume(name).inspect({ abortSignal: cut }),
    );
    await seen.catch((error: unknown) => {
      if (!(error instanceof EngineError) || error.code !== 'not-found') throw error;
      const why = `there is no volume ${name} on this host, and it is said to be external`;
      const next = `make it here with docker volume create ${name}`;
      throw new EngineError('failed', `${limits.what}: ${why}; ${next}`);
    });
  }
}

async function createWith(
  ground: Ground,
  request: InstanceRequest,
  limits: Bounds,
): Promise<string> {
  try {
    return await createOnce(ground, request, limits);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const image = request.spec.image ?? '';
    if (isImageMissing(error.cause) && hashOf(image) !== undefined) throw gone(image, limits);
    if (isImageMissing(error.cause))
      await pullImage(ground, image, { ...limits, boundMs: PULL_MS });
    else if (isNameTaken(error.cause)) await clearLeftover(ground, request, limits);
    else throw error;
  }
  return createOnce(ground, request, limits);
}

/** It was built before anybody asked for a container of it, and no registry has it. */
const gone = (image: string, { what }: Bounds): EngineError =>
  new EngineError(
    'no-image',
    `${what}: the image ${image} was removed from this host; it is built again at the next try`,
  );

async function createOnce(
  ground: Ground,
  request: InstanceRequest,
  limits: Bounds,
): Promise<string> {
  const filesFolder = await withFiles(ground, request, limits);
  try {
    return await createBody(ground, request, limits, filesFolder);
  } catch (error) {
    if (filesFolder !== undefined)
      await ground.folders?.remove(containerName(ground.scope, request.labels));
    throw error;
  }
}

/** Where its files are now; undefined: it has none. */
async function withFiles(
  { folders, ...ground }: Ground,
  request: InstanceRequest,
  limits: Bounds,
): Promise<string | undefined> {
  if (request.files === undefined || request.files.length === 0) return undefined;
  if (folders === undefined) {
    const why = 'this agent has no folder for the files of its instances';
    throw new EngineError('bad-spec', `${limits.what}: ${why}`, { permanent: true });
  }
  const token = containerName(ground.scope, request.labels);
  await layFiles({ ...ground, folders }, request, token, limits);
  return folders.folderOf(token);
}

async function createBody(
  { scope, connection, gatekeeper, networks, closed }: Ground,
  request: InstanceRequest,
  { signal, ...limits }: Bounds,
  filesFolder: string | undefined,
): Promise<string> {
  const cgroupParent = gatekeeper.parentOf(request);
  const { HostConfig, ...body } = containerBody(scope, request, {
    ...(cgroupParent !== undefined && { cgroupParent }),
    ...(filesFolder !== undefined && { filesFolder }),
  });
  const { HostConfig: mode, ...networking } = networks.bodyOf(request);
  const name = containerName(scope, request.labels);
  const made = madeLabel(name, { ...body, HostConfig }, networks.endpointsOf(request));
  const whole = {
    ...body,
    ...networking,
    HostConfig: { ...HostConfig, ...mode },
    Labels: { ...body.Labels, ...made },
  };
  const query = { name };
  // Each time: while an image was pulled they may have been removed as unused.
  const { id } = await networks.on(request, { ...limits, signal }, () => {
    if (signal.aborted) throw new EngineError('aborted', `${limits.what}: it was called off`);
    // Not cut by `signal`: a container that was made has to be known to be removed again.
    return connection.call({ ...limits, signal: closed }, (cut) => {
      // Apart, or dockerode would repeat the whole body, secrets too, in the address.
      const options = { _query: query, _body: whole, abortSignal: cut };
      return connection.docker.createContainer(options);
    });
  });
  return id;
}

/** Removes an ended container that has the very name we need, if it is this instance's own. */
async function clearLeftover(
  { scope, read, remove }: Ground,
  request: InstanceRequest,
  { what, signal }: Bounds,
): Promise<void> {
  const name = containerName(scope, request.labels);
  const leftover = await read(name, signal);
  if (leftover === undefined || leftover.name !== name) {
    const why = `a container named ${name} exists and is not ours`;
    throw new EngineError('conflict', `${what}: ${why}; rename or remove it`);
  }
  if (leftover.state === 'running' || leftover.state === 'paused') {
    const why = `it runs already as ${name}`;
    throw new EngineError('conflict', `${what}: ${why}; list the instances again`);
  }
  await remove(leftover.id, signal);
}
