import { expect, it } from 'vitest';
import type { EngineInstance } from '../../../node/engine/engine.ts';
import { type Reach, reachOf } from '../../../node/engine/reach.ts';

const HOST = { kind: 'host' } as const;
const published = (address: string): EngineInstance['ports'] => [
  { target: 80, address, published: 8080 },
];

it.each<readonly [EngineInstance['network'], EngineInstance['ports'], Reach | undefined, string]>([
  [
    { kind: 'own', address: '172.18.0.2' },
    published('10.0.0.1'),
    { address: '172.18.0.2', port: 80 },
    'a container at its own address, published or not',
  ],
  [HOST, [], { address: '127.0.0.1', port: 80 }, 'what is not published, on the loopback'],
  [HOST, published('10.0.0.1'), { address: '10.0.0.1', port: 8080 }, 'where it is told to listen'],
  [HOST, published('0.0.0.0'), { address: '127.0.0.1', port: 8080 }, 'everywhere is also here'],
  [HOST, published('::'), { address: '::1', port: 8080 }, 'everywhere, as IPv6 has it'],
  [
    HOST,
    [{ target: 81, address: '10.0.0.1', published: 80 }],
    { address: '127.0.0.1', port: 80 },
    'the port inside counts, not the one outside',
  ],
  [undefined, published('10.0.0.1'), undefined, 'never a port of the host in place of its own'],
])('%j with %j is reached at %j: %s', (network, ports, expected) => {
  expect(reachOf({ ports, ...(network === undefined ? {} : { network }) }, 80)).toEqual(expected);
});
