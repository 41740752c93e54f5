import { expect, it } from 'vitest';
import { createLogger } from '../../node/log.ts';
import {
  feedIntervalMs,
  openServiceManager,
  reasonIn,
  type ServiceEnvironment,
  unitIn,
} from '../../node/systemd.ts';

const PID = 71;
type Row = readonly [ServiceEnvironment, number | undefined, string];

it.each([
  [{}, undefined, 'nobody watches'],
  [{ WATCHDOG_USEC: '30000000' }, 7_500, 'four times before the time is over'],
  [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '71' }, 7_500, 'it is we who are watched'],
  [{ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '72' }, undefined, 'another process is watched'],
  [{ WATCHDOG_USEC: '0' }, undefined, 'no time'],
  [{ WATCHDOG_USEC: 'soon' }, undefined, 'not a number'],
] as readonly Row[])('%j feeds every %s ms: %s', (env, everyMs) => {
  expect(feedIntervalMs(env, PID)).toBe(everyMs);
});

it('says nothing where nobody asks for it', async () => {
  const service = await openServiceManager(
    { WATCHDOG_USEC: '1' },
    createLogger({ level: 'silent' }),
  );
  expect(() => {
    service.ready();
    service.status('fine');
    service.alive();
    service.stopping();
  }).not.toThrow();
});

const JOBS = {
  reboot: ` 900 shutdown.target       start waiting
 901 reboot.target         start waiting
1002 agentd.service        stop  running
`,
  poweroff: '17 poweroff.target start waiting\n18 agentd.service stop running\n',
  stop: '1421 agentd.service stop running\n',
  restart: '1421 agentd.service restart running\n',
  other: '1421 docker.service stop running\n',
  none: '',
};
it.each([
  [JOBS.reboot, 'reboot', 'the machine comes up again'],
  [JOBS.poweroff, 'stop', 'the machine does not come up by itself'],
  [JOBS.stop, 'stop', 'systemctl stop agentd'],
  [JOBS.restart, 'restart', 'systemctl restart agentd'],
  [JOBS.other, 'restart', 'nothing is done with this unit'],
  [JOBS.none, 'restart', 'a signal of somebody else'],
])('of the jobs %j ends for %s: %s', (jobs, reason) => {
  expect(reasonIn(jobs, 'agentd.service')).toBe(reason);
});

it.each([
  ['0::/system.slice/agentd.service\n', 'agentd.service', 'one hierarchy'],
  ['3:cpu:/\n1:name=systemd:/system.slice/agentd.service\n0::/\n', 'agentd.service', 'many'],
  ['0::/user.slice/user-0.slice/session-3.scope\n', undefined, 'no service'],
])('finds in %j the unit %s: %s', (cgroups, unit, _why) => {
  expect(unitIn(cgroups)).toBe(unit);
});
