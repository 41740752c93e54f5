import { expect, it } from 'vitest';
import { createLogger } from '../../node/log.ts';
import { feedIntervalMs, openServiceManager, type ServiceEnvironment } from '../../node/systemd.ts';

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
