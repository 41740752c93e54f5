import { expect, it } from 'vitest';
import { doctorLines } from '../../../node/cli/doctor-screen.ts';
import { checksOf } from '../../../node/doctor/checks.ts';
import type { Examined } from '../../../node/doctor/facts.ts';
import { cluster, rowsReaching, silent, WELL, without } from '../doctor/examined.ts';

const screen = (examined: Examined, net = true): readonly string[] =>
  doctorLines(checksOf(examined, net), examined.cluster, { width: 100, paint: (_, text) => text });

const with3 = (...of: Parameters<typeof cluster>): Examined => ({
  ...WELL,
  cluster: cluster(...of),
});

it('shows one line a check, the fix below it, who reaches whom, and the verdict last', () => {
  const failing = rowsReaching(3, { 0: { 2: 'silent' }, 1: { 2: 'refused' } });
  expect(screen(with3(3, { ...failing, 2: silent(2) }))).toEqual([
    'ok       agent      agent 1.0.0 answers on /run/millrace/agent.sock, pid 4711, 100.0 MiB of memory,',
    '                    20.5 MiB of it heap',
    'ok       chaos      no link is broken on purpose, by 2 of the hosts',
    'ok       port       the agent listens on TCP 0.0.0.0:7946',
    'ok       multicast  eth0 10.0.0.1: what is sent comes back; h2 hears this host, and the other way',
    '                    round',
    'fail     reach      h3 refuses connections: its machine runs, no agent does',
    '         fix        sudo systemctl start agentd      on h3',
    'ok       firewall   neither ufw, firewalld nor nftables is active, and iptables drops nothing that',
    '                    comes in',
    '',
    'FROM, TO   1   2   3',
    ' 1 h1      .  ok   X',
    ' 2 h2     ok   .   R',
    ' 3 h3      ?   ?   .',
    'R refused   X no answer   ? did not tell',
    '',
    'not well: 1 fail, 5 ok',
  ]);
});

it('puts what only an agent could tell into one line, and counts each', () => {
  const lines = screen(without('ENOENT'), false);
  expect(lines.filter((line) => line.startsWith('unknown'))).toHaveLength(1);
  expect(lines.find((line) => line.startsWith('unknown'))).toMatch(
    /the rest +only an agent can tell/,
  );
  expect(lines.join('\n')).toContain('npx agentctl agent start');
  expect(lines.at(-1)).toMatch(/^not well: 1 fail, 7 unknown, \d+ ok$/);
});

it('shows of more than twenty hosts the pairs that fail, and how many connect', () => {
  const grid = screen(with3(20));
  expect(grid).toContain(`20 h20  ${'  ok'.repeat(19)}   .`);
  const many = with3(200, {
    ...rowsReaching(200, { 4: { 8: 'silent', 9: 'refused' } }),
    6: silent(6),
  });
  const lines = screen(many);
  expect(lines).toContain('39599 of 39800 pairs connect, 2 fail; 1 host does not tell');
  expect(lines).toContain('  h5 -> h9  silent');
  expect(lines).toContain('  h5 -> h10  refused');
  expect(lines.length).toBeLessThan(25);
});

it('ends a long list of pairs with how many more there are', () => {
  const failing = Object.fromEntries(
    Array.from({ length: 30 }, (_, from) => [
      from,
      { [(from + 1) % 30]: 'silent', [(from + 2) % 30]: 'silent' },
    ]),
  ) as Parameters<typeof rowsReaching>[1];
  expect(screen(with3(30, rowsReaching(30, failing)))).toContain('  and 20 more: --json has all');
});

it('colors the words alone', () => {
  const checks = checksOf(WELL, true);
  const style = {
    width: 100,
    paint: (format: unknown, text: string) => `<${String(format)}>${text}</>`,
  };
  const [first, ...rest] = doctorLines(checks, undefined, style);
  expect(first).toMatch(/^<green>ok {7}<\/>agent/);
  expect(rest.at(-1)).toMatch(/^<green>all is well<\/>: 6 ok$/);
});
