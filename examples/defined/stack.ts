/**
 * A stack told in TypeScript: a front and as many shards as it is asked for, each on a port of its
 * own, the front knowing all of them.
 *
 *     SHARDS=4 node examples/defined/stack.ts | agentctl deploy -f -
 */
import { defineComponents, type Service } from 'millrace/compose';

const FRONT_PORT = 18100;
const shards = Array.from({ length: Number(process.env['SHARDS'] ?? 3) }, (_, index) => ({
  name: `shard-${index}` as const,
  port: FRONT_PORT + 1 + index,
}));

/** Answers its name to whoever asks, on every engine. */
function serve(name: string, port: number): Service {
  const program = `require('http').createServer((_, answer) => answer.end('${name}\\n')).listen(${port})`;
  const ask = `fetch('http://localhost:${port}').then(() => process.exit(0), () => process.exit(1))`;
  return {
    image: 'node:26-alpine',
    command: ['node', '-e', program],
    ports: [{ target: port, published: port, mode: 'host' }],
    healthcheck: { test: ['CMD', 'node', '-e', ask], interval: '2s', start_period: '10s' },
    stop_grace_period: '3s',
  };
}

const stack = defineComponents({
  name: 'defined',
  services: {
    front: {
      ...serve('front', FRONT_PORT),
      environment: { SHARDS: shards.map(({ port }) => port).join(',') },
      depends_on: Object.fromEntries(
        shards.map(({ name }) => [name, { condition: 'service_healthy' } as const]),
      ),
    },
    ...Object.fromEntries(shards.map(({ name, port }) => [name, serve(name, port)])),
  },
});
process.stdout.write(stack);
