/** What a user reads about limits and reservations. */
import { expect, it } from 'vitest';
import { loadCompose } from '../../../node/compose/load.ts';
import { told, web } from './told.ts';

const AT = 'services.web.deploy.resources';

it.each<readonly [string, readonly string[]]>([
  [
    'cpus: two',
    ['c.yaml:4:11 services.web.cpus: expected a number of processors such as 0.5, got "two"'],
  ],
  [
    'cpus: -1',
    [
      'c.yaml:4:11 services.web.cpus: expected a number of processors such as 0.5, got the number -1',
    ],
  ],
  [
    'mem_limit: much',
    ['c.yaml:4:16 services.web.mem_limit: expected a size such as 64m or 1gb, got "much"'],
  ],
  [
    'cpuset: all',
    ['c.yaml:4:13 services.web.cpuset: expected numbers of processors such as 0-3 or 0,2'],
  ],
  [
    'mem_swappiness: 101',
    [
      'c.yaml:4:21 services.web.mem_swappiness: expected a whole number from 0 to 100, got the number 101',
    ],
  ],
  [
    'cpu_quota: 50000',
    [
      'c.yaml:4:5 services.web.cpu_quota: not supported yet: only some limits can be set; use cpus, cpu_shares, mem_limit or pids_limit',
    ],
  ],
  [
    'deploy: {resources: {reservations: {cpus: 2, memory: 1g}, limits: {cpus: 1, memory: 2g}}}',
    [`c.yaml:4:41 ${AT}.reservations.cpus: is more than its limit; raise the limit`],
  ],
  [
    'deploy: {resources: {reservations: {generic_resources: [{discrete_resource_spec: {kind: g}}]}}}',
    [
      `c.yaml:4:41 ${AT}.reservations.generic_resources: not supported yet: devices and kinds of resources are not counted`,
    ],
  ],
])('%s', (line, problems) => {
  expect(told(web(line))).toEqual(problems);
});

it('takes one limit said in two ways only where both say the same', () => {
  const twice = (memory: string) =>
    web('mem_limit: 1g', `deploy: {resources: {limits: {memory: ${memory}}}}`);
  expect(told(twice('1024m'))).toEqual([]);
  expect(told(twice('2g'))).toEqual([
    `c.yaml:5:35 ${AT}.limits.memory: differs from mem_limit; keep one of the two`,
  ]);
});

it('reads what may be taken and what is kept free', () => {
  const text = web(
    'cpu_shares: 512',
    'cpuset: 0-1',
    'memswap_limit: -1',
    'deploy:',
    '  resources:',
    '    limits: {cpus: "1.5", memory: 512m, pids: 100}',
    '    reservations: {cpus: 0.25, memory: 64m}',
  );
  const result = loadCompose(text, { path: 'c.yaml', env: {}, dir: '/nowhere', name: 'shop' });
  expect(result.ok && result.stack.components[0]).toMatchObject({
    container: {
      limits: {
        milliCpus: 1500,
        memoryBytes: 512 * 2 ** 20,
        pids: 100,
        memoryReservationBytes: 64 * 2 ** 20,
        cpuShares: 512,
        cpuset: '0-1',
        memorySwapBytes: -1,
      },
    },
    placement: { constraints: [], reserves: { milliCpus: 250, memoryBytes: 64 * 2 ** 20 } },
  });
});

it.each(['cpus: 0', 'mem_limit: 0', 'pids_limit: -1'])('%s asks for nothing', (line) => {
  const result = loadCompose(web(line), { path: 'c.yaml', env: {}, dir: '/', name: 'shop' });
  expect(result.ok && Object.keys(result.stack.components[0] ?? {})).not.toContain('container');
});
