/** Ids of containers, as the engine gives them and as people read them. */
import { EngineError } from '../engine.ts';

/** The engine would also take a name or the beginning of an id. */
export function isExactId(id: string): boolean {
  return /^[0-9a-f]{64}$/.test(id);
}

export function shortId(id: string): string {
  return isExactId(id) ? `container ${id.slice(0, 12)}` : `container ${id}`;
}

export function notFound(id: string): EngineError {
  const what = `no ${shortId(id)} of this host`;
  return new EngineError('not-found', `${what}: it was removed or was never ours; list them again`);
}
