/** What this host made when it was another one: before its memory was lost. */
import type { EngineScope } from '../engine.ts';
import type { Connection } from './connection.ts';
import { homeFilter, isOfHost } from './labels.ts';

const LIST_MS = 10_000;
const REMOVE_MS = 30_000;

/** Ends it: the cluster has given the slots of that host to others, or will, and nobody else would. */
export async function endFormer(
  scope: EngineScope,
  connection: Connection,
  signal: AbortSignal,
): Promise<void> {
  const label = homeFilter(scope);
  if (label === undefined) return;
  const { docker } = connection;
  const list = { what: 'cannot list the containers', boundMs: LIST_MS, signal };
  const found = await connection.call(list, (cut) =>
    docker.listContainers({ all: true, filters: { label }, abortSignal: cut }),
  );
  const former = found.filter(({ Labels }) => !isOfHost(scope, Labels));
  await Promise.all(
    former.map(({ Id }) => {
      const what = `cannot remove ${Id.slice(0, 12)}, which is of this host before its state was lost`;
      return connection.call({ what, boundMs: REMOVE_MS, signal }, (cut) =>
        docker.getContainer(Id).remove({ force: true, v: true, abortSignal: cut }),
      );
    }),
  );
}
