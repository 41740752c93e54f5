/** The engine, the guard and the disk: what is found, and the command against it. */
import { expect, it, test } from 'vitest';
import type {
  DockerAnswer,
  EngineFacts,
  Examined,
  GuardFacts,
  HostFacts,
  StateFacts,
} from '../../../node/doctor/facts.ts';
import { ENGINE, HOST, STATE, WELL } from './examined.ts';
import { expectRow, lines, of, type Row } from './rows.ts';

type MachineFacts = NonNullable<HostFacts['machine']>;
const machine = (changes: Partial<MachineFacts>, host: Partial<HostFacts> = {}): Examined => ({
  ...WELL,
  host: { ...HOST, ...host, machine: { engine: ENGINE, state: STATE, ...changes } },
});
const engine = (
  answer: DockerAnswer,
  { choice = 'docker', ...host }: Partial<HostFacts> & Partial<Pick<EngineFacts, 'choice'>> = {},
): Examined => {
  const [socket] = ENGINE.sockets;
  if (socket === undefined) throw new Error('there is one');
  return machine({ engine: { choice, sockets: [{ ...socket, answer }] } }, host);
};
const ENGINES: readonly Row[] = [
  ['is missing', engine({ kind: 'missing' }), 'fail', /no \/var\/run/, /start docker/],
  ['was never there', engine({ kind: 'missing' }, { choice: 'auto' }), 'ok', /embedded/, /^$/],
  ['is a leftover', engine({ kind: 'refused' }), 'fail', /nobody listens/, /start docker/],
  ['does not answer', engine({ kind: 'silent' }), 'fail', /does not answer/, /restart docker/],
  [
    'is silent and optional',
    engine({ kind: 'silent' }, { choice: 'auto' }),
    'warn',
    /not answer/,
    /./,
  ],
  ['is not Docker', engine({ kind: 'stranger' }), 'fail', /no Docker Engine/, /docker_socket/],
  ['fails', engine({ kind: 'failed', why: 'EIO' }), 'fail', /EIO/, /journalctl -u docker/],
  [
    'is not for the agent',
    engine({ kind: 'denied' }),
    'fail',
    /millrace .* group docker/,
    /usermod -aG docker millrace && sudo systemctl restart agentd/,
  ],
  [
    'is not for this user, who is not the agent',
    engine({ kind: 'denied' }, { by: 'agentctl' }),
    'unknown',
    /whether the agent may is not known/,
    /sudo agentctl doctor/,
  ],
  [
    'is too old',
    engine({ kind: 'answers', api: '1.20', tooOld: true }),
    'fail',
    /API 1\.20, which is too old/,
    /upgrade/,
  ],
  [
    'is the embedded one',
    machine({ engine: { choice: 'process', sockets: [] } }),
    'ok',
    /embedded/,
    /^$/,
  ],
];
test.each(ENGINES)('engine: it %s', (...row) => expectRow('engine', row));

const guard = (state: GuardFacts['state'], why?: string): Examined =>
  machine({ guard: { socket: '/g.sock', state, ...(why === undefined ? {} : { why }) } });
const GUARDS: readonly Row[] = [
  ['is joined', guard('joined'), 'ok', /has a hand/, /^$/],
  ['listens', guard('listens'), 'ok', /listens on \/g\.sock/, /^$/],
  ['is not there', guard('missing'), 'fail', /no guard on/, /restart agentd-guard/],
  ['is deaf', guard('deaf'), 'fail', /does not answer/, /restart agentd-guard/],
  ['has no hand', guard('useless', 'run it as root'), 'warn', /run it as root/, /agentd-guard/],
  [
    'cannot have one, for the engine is rootless',
    machine({
      guard: { socket: '/g.sock', state: 'joined' },
      engine: {
        choice: 'docker',
        sockets: [
          {
            path: '/d.sock',
            answer: { kind: 'answers', api: '1.48', tooOld: false, unguardable: 'it is rootless' },
          },
        ],
      },
    }),
    'warn',
    /it is rootless/,
    /docker info/,
  ],
];
test.each(GUARDS)('guard: it %s', (...row) => expectRow('guard', row));

const MIB = 1_048_576;
const state = (changes: Partial<StateFacts>, host: Partial<HostFacts> = {}): Examined =>
  machine({ state: { ...STATE, ...changes } }, host);
const owned = (mode: number) => ({ file: { owner: 'root', group: 'root', mode } });
const STATES: readonly (readonly [check: 'state' | 'disk', ...Row])[] = [
  ['state', 'systemd makes it readable', state(owned(0o755)), 'ok', /root:root 0755/, /^$/],
  ['state', 'others may write', state(owned(0o775)), 'warn', /others may change/, /chmod 700/],
  [
    'state',
    'the agent may not write',
    state({ writable: false }),
    'fail',
    /millrace may not write/,
    /chown -R millrace/,
  ],
  [
    'state',
    'this user may not write',
    state({ writable: false }, { by: 'agentctl' }),
    'unknown',
    /the agent may be another user/,
    /sudo agentctl doctor/,
  ],
  ['state', 'in memory', state({ inMemory: true }), 'warn', /lies in memory/, /state: DIR/],
  ['disk', 'nearly full', state({ freeBytes: 63 * MIB }), 'fail', /only 63 MiB/, /df -h/],
  ['disk', 'filling up', state({ freeBytes: 64 * MIB }), 'warn', /only 64 MiB/, /df -h/],
  ['disk', 'room', state({ freeBytes: 1024 * MIB }), 'ok', /1024 MiB free/, /^$/],
  ['disk', 'quick', state({ fsyncMs: 99 }), 'ok', /took 99\.0 ms/, /^$/],
  ['disk', 'slow', state({ fsyncMs: 100 }), 'warn', /leases wait for it/, /iotop/],
  ['disk', 'standing still', state({ fsyncMs: 2_000 }), 'fail', /took 2000\.0 ms/, /iotop/],
  ['disk', 'broken', state({ failed: 'EIO: i/o error' }), 'fail', /EIO/, /dmesg/],
];
test.each(STATES)('%s: %s', (check, ...row) => expectRow(check, row));

it('says which folder was looked for where there is none', () => {
  const missing: StateFacts = { path: '/s', writable: false };
  expect(lines(machine({ state: missing }), 'state')).toEqual([
    expect.stringMatching(/^fail there is no \/s.*MILLRACE_STATE=DIR/),
  ]);
  expect(of(machine({ state: missing }, { by: 'agentctl' }), 'state')[0]?.verdict).toBe('unknown');
});
