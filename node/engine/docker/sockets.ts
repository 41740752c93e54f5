/** Where a Docker Engine may answer on this host. */
const DEFAULT_SOCKET = '/var/run/docker.sock';

/**
 * In the order in which they are to be tried: `MILLRACE_DOCKER_SOCKET`, `DOCKER_HOST=unix://…`, the
 * default. A `dockerSocket` that was chosen takes the place of them all; a `DOCKER_HOST` that is no
 * socket is passed over.
 */
export function dockerSockets(
  chosen: { readonly dockerSocket?: string },
  environment: Readonly<Record<string, string | undefined>>,
): readonly string[] {
  if (chosen.dockerSocket !== undefined) return [chosen.dockerSocket];
  const shared = /^unix:\/\/(\/.+)$/.exec(environment['DOCKER_HOST'] ?? '')?.[1];
  const all = [environment['MILLRACE_DOCKER_SOCKET'] ?? '', shared ?? '', DEFAULT_SOCKET];
  return [...new Set(all.filter((path) => path !== ''))];
}
