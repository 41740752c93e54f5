/** All that is not of the machine or the network: the agent, its cluster, what its hosts agree on. */
import { expect, it, test } from 'vitest';
import { checksOf, overall } from '../../../node/doctor/checks.ts';
import type { Examined } from '../../../node/doctor/facts.ts';
import { hostId } from '../../../protocol/base/ids.ts';
import { ALONE, cluster, told, WELL, without } from './examined.ts';
import { expectRow, lines, type Row } from './rows.ts';

it('finds nothing wrong where all is well', () => {
  const checks = checksOf(WELL, false);
  expect(checks.filter(({ verdict }) => verdict !== 'ok')).toEqual([]);
  expect(checks.every(({ fix }) => fix === undefined)).toBe(true);
  expect(overall(checks)).toBe('ok');
  expect(checks.map(({ check }) => check)).toEqual([
    'agent',
    'caller',
    'engine',
    'state',
    'disk',
    'clock',
    'cluster',
    'identity',
    'versions',
    'chaos',
    'port',
    'multicast',
    'reach',
    'firewall',
  ]);
});

it('looks at the network alone under net', () => {
  const checks = checksOf(WELL, true).map(({ check }) => check);
  expect(checks).toEqual(['agent', 'chaos', 'port', 'multicast', 'reach', 'firewall']);
});

it('takes nothing for well that only an agent could tell', () => {
  const checks = checksOf(without('ENOENT'), false);
  const verdicts = new Map(checks.map(({ check, verdict }) => [check, verdict]));
  for (const check of ['caller', 'cluster', 'identity', 'versions', 'reach', 'multicast'])
    expect(verdicts.get(check), check).toBe('unknown');
  for (const check of ['engine', 'state', 'disk', 'port'])
    expect(verdicts.get(check), check).toBe('ok');
});

it('gives a command for whatever is not well', () => {
  const spoiled: Examined = {
    ...without('TIMEOUT'),
    firewall: { services: ['ufw'] },
    settings: { why: 'agent.yaml: nmae: unknown key', next: 'agentd --help' },
  };
  for (const { verdict, fix, found } of checksOf(spoiled, false))
    expect(fix === undefined, found).toBe(verdict === 'ok');
});

test.each([
  [['ok', 'unknown', 'warn', 'fail'], 'fail'],
  [['ok', 'unknown', 'warn'], 'warn'],
  [['ok', 'unknown'], 'unknown'],
  [['ok'], 'ok'],
] as const)('of %j the worst is %s', (verdicts, worst) => {
  expect(overall(verdicts.map((verdict) => ({ check: 'any', verdict, found: '' })))).toBe(worst);
});

const AGENT: readonly Row[] = [
  ['no socket', without('ENOENT'), 'fail', /no socket at \/run/, /systemctl start agentd/],
  ['a leftover socket', without('ECONNREFUSED'), 'fail', /nobody listens any more/, /start agentd/],
  ['it hangs', without('TIMEOUT'), 'fail', /hangs or is stopped/, /kill -s SIGCONT agentd/],
  ['a stranger', without('NOT-AN-AGENT'), 'fail', /something else/, /--socket PATH doctor/],
  ['an older one', without('OLD'), 'fail', /older version/, /agent start --takeover/],
  ['not for this user', without('EACCES'), 'unknown', /may not ask/, /once the agent answers/],
  [
    'its service would start it',
    { ...without('ENOENT'), service: { state: 'inactive', exit: 0 } },
    'fail',
    /its service is inactive$/,
    /systemctl start agentd/,
  ],
  [
    'its service has ended',
    { ...without('ECONNREFUSED'), service: { state: 'failed', exit: 2 } },
    'fail',
    /its service is failed, and it ended with 2 last$/,
    /journalctl -u agentd/,
  ],
  [
    'it listens elsewhere',
    { ...WELL, agent: { kind: 'none', code: 'ENOENT', elsewhere: '/tmp/a.sock' } },
    'fail',
    /listens on \/tmp\/a\.sock, not on/,
    /agentctl --socket \/tmp\/a\.sock doctor/,
  ],
  [
    'agentctl is another version',
    { ...WELL, version: '2.0.0' },
    'warn',
    /agent 1\.0\.0 .* this agentctl is 2\.0\.0/,
    /agent start --takeover/,
  ],
];
test.each(AGENT)('agent: %s', (...row) => expectRow('agent', row));

const socketOf = (group: string, mode: number, code = 'EACCES'): Examined => ({
  ...(code === '' ? WELL : without(code)),
  socket: { path: '/run/a.sock', file: { owner: 'root', group, mode } },
});
const CALLER: readonly Row[] = [
  ['its group', socketOf('millrace', 0o660, ''), 'ok', /root:millrace 0660/, /^$/],
  [
    'not of the group',
    socketOf('ops', 0o660),
    'fail',
    /alice \(in alice m/,
    /usermod -aG ops alice/,
  ],
  [
    "nobody joins root's group",
    socketOf('root', 0o660),
    'fail',
    /group root/,
    /^sudo agentctl doctor$/,
  ],
  ['open to all', socketOf('ops', 0o666, ''), 'warn', /everybody/, /chmod 660 \/run\/a\.sock/],
  ['it could be opened, though it hangs', socketOf('ops', 0o660, 'TIMEOUT'), 'ok', /may ask/, /^$/],
];
test.each(CALLER)('caller: %s', (...row) => expectRow('caller', row));

const ahead = (aheadMs: number): Examined => ({
  ...WELL,
  cluster: cluster(3, { 2: { ...told(3, 2), aheadMs } as ReturnType<typeof told> }),
});
const { synchronized: _, ...UNSAID } = WELL;
const CLOCKS: readonly Row[] = [
  ['follows a server', ahead(12), 'ok', /3 hosts are 12 ms apart/, /^$/],
  [
    'another is ahead, which is news alone',
    ahead(3_600_000),
    'ok',
    /h3 is 3600\.0 s ahead of/,
    /^$/,
  ],
  ['another is behind', ahead(-42_000), 'ok', /h3 is 42\.0 s behind/, /^$/],
  ['follows none', { ...WELL, synchronized: false }, 'warn', /no time server/, /set-ntp true/],
  ['nobody says', UNSAID, 'unknown', /does not say/, /timedatectl/],
];
test.each(CLOCKS)('clock: %s', (...row) => expectRow('clock', row));

const DEAD = cluster(3).hosts.map((host) =>
  host.name === 'h1' ? host : { ...host, state: 'dead' as const },
);
const CLUSTERS: readonly Row[] = [
  ['no cluster', ALONE, 'warn', /belongs to no cluster/, /cluster init .* cluster join TOKEN/],
  [
    'no majority',
    { ...WELL, cluster: cluster(3, {}, { quorum: false, hosts: DEAD }) },
    'fail',
    /no majority .* 1 of 3 voters alive/,
    /start agentd {6}on h2 h3; .*voters force/,
  ],
  [
    'no majority yet',
    { ...WELL, cluster: cluster(3, {}, { quorum: false }) },
    'fail',
    /3 of 3 voters alive/,
    /voters show/,
  ],
];
test.each(CLUSTERS)('cluster: %s', (...row) => expectRow('cluster', row));

it('tells of voters that were forced elsewhere', () => {
  const examined = { ...WELL, cluster: cluster(3, {}, { rivals: [hostId('id2')] }) };
  expect(lines(examined, 'cluster')[1]).toMatch(
    /^fail h2 follow.* \| agentctl cluster voters force/,
  );
});

const named = cluster(3).hosts.map((host) => ({ ...host, name: 'box' }));
const IDENTITIES: readonly Row[] = [
  [
    'a copied state folder',
    { ...WELL, cluster: cluster(3, { 1: told(3, 1, { cloned: true }) }) },
    'fail',
    /h2 runs twice/,
    /mv \/var\/lib\/millrace \/var\/lib\/millrace\.copied/,
  ],
  [
    'three of one name',
    { ...WELL, cluster: cluster(3, {}, { hosts: named }) },
    'warn',
    /called box/,
    /name: NAME/,
  ],
];
test.each(IDENTITIES)('identity: %s', (...row) => expectRow('identity', row));

it('names who breaks its links on purpose, also where only the network is asked for', () => {
  expect(lines(WELL, 'chaos')).toEqual([expect.stringMatching(/^ok no link/)]);
  const row = told(3, 1, { chaos: { kinds: ['cut', 'lossy'], leftMs: 11_001 } });
  const examined = { ...WELL, cluster: cluster(3, { 1: row }) };
  const warning = 'warn h2 breaks its links on purpose, for 12 s more at most: cut, lossy';
  expect(lines(examined, 'chaos')).toEqual([`${warning} | agentctl chaos stop`]);
  expect(checksOf(examined, true).map(({ check }) => check)).toContain('chaos');
});

it('lists who runs which version where they differ', () => {
  const examined = { ...WELL, cluster: cluster(3, { 2: told(3, 2, { version: '0.9.0' }) }) };
  expect(lines(examined, 'versions')).toEqual([
    expect.stringMatching(/^warn versions differ: 1\.0\.0 on h1 h2, 0\.9\.0 on h3 \|/),
  ]);
});
