import { expect, it } from 'vitest';
import { dockerSockets } from '../../../../node/engine/docker/sockets.ts';

const LAST = '/var/run/docker.sock';

it.each<[string | undefined, Record<string, string>, string[], string]>([
  [undefined, {}, [LAST], 'where Docker listens by itself'],
  [undefined, { DOCKER_HOST: 'unix:///a.sock' }, ['/a.sock', LAST], 'what other clients use'],
  [undefined, { DOCKER_HOST: 'tcp://1.2.3.4:2375' }, [LAST], 'another host is not this host'],
  [undefined, { DOCKER_HOST: 'unix://' }, [LAST], 'no path, no socket'],
  [undefined, { DOCKER_HOST: `unix://${LAST}` }, [LAST], 'each is tried once'],
  [
    undefined,
    { DOCKER_HOST: 'unix:///a.sock', MILLRACE_DOCKER_SOCKET: '/b.sock' },
    ['/b.sock', '/a.sock', LAST],
    'our own variable comes first',
  ],
  ['/c.sock', { MILLRACE_DOCKER_SOCKET: '/b.sock' }, ['/c.sock'], 'what was chosen, nothing else'],
])('%s with %j: %j (%s)', (dockerSocket, environment, sockets) => {
  const chosen = dockerSocket === undefined ? {} : { dockerSocket };
  expect(dockerSockets(chosen, environment)).toEqual(sockets);
});
