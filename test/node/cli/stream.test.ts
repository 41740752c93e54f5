/** What is followed: newline-delimited JSON, log lines, a status that changes. */
import { expect, it, vi } from 'vitest';
import { createClient } from '../../../node/http/client.ts';
import { refusal, run, sendJson, start, startAgent } from './fixture-agent.ts';
import { component, degraded, event, filled, healthy, status, cluster } from './views.ts';

const first = event('2026-11-21T00:40:29Z', 'healthy', ['shop.web.2'], 'shop.web.2 is gesund ✓');
const second = event('2026-11-21T00:40:33Z', 'dead', ['id5aaaa'], 'h5 is dead');
const never = new AbortController().signal;

it('reads events however the bytes are cut', async () => {
  const bytes = Buffer.from(`${JSON.stringify(first)}\n\n${JSON.stringify(second)}`);
  await using agent = await startAgent({
    'GET /v1/events': (_, response) => {
      response.writeHead(200);
      for (const byte of bytes) response.write(Buffer.from([byte]));
      response.end();
    },
  });
  const events = createClient(agent.socket).events(
    { sinceMs: 60_000, follow: false, about: 'shop.web' },
    never,
  );
  expect(await Array.fromAsync(events)).toEqual([first, second]);
  expect(agent.asked[0]?.path).toBe('/v1/events?since_ms=60000&follow=0&about=shop.web');
});

it('tells a refused stream as the error it is', async () => {
  await using agent = await startAgent({
    'GET /v1/events': (_, response) => sendJson(response, 409, refusal('no-cluster', 6)),
  });
  const events = createClient(agent.socket).events({ sinceMs: 0, follow: true }, never);
  await expect(events.next()).rejects.toMatchObject({
    name: 'ApiError',
    refusal: { code: 'no-cluster' },
  });
});

it('follows events until Ctrl-C, one line or one object each', async () => {
  await using agent = await startAgent({
    'GET /v1/status': healthy(),
    'GET /v1/events': (_, response) =>
      response.write(`${JSON.stringify(first)}\n${JSON.stringify(second)}\n`),
  });
  const running = start(['events', '-f', '--since', '1m', '--socket', agent.socket]);
  await vi.waitFor(() => expect(running.stdout()).toContain('h5 is dead'), { timeout: 10_000 });
  running.interrupt();
  expect(await running.done).toEqual({
    code: 130,
    stdout: [
      '00:40:29  h2        shop.web.2        healthy     shop.web.2 is gesund ✓',
      '00:40:33  h2        id5aaaa           dead        h5 is dead',
      '',
    ].join('\n'),
    stderr: '',
  });
  expect(agent.asked[1]?.path).toBe('/v1/events?since_ms=60000&follow=1');
});

it('prints events as NDJSON, and says with 5 that the followed agent went', async () => {
  await using agent = await startAgent({
    'GET /v1/status': healthy(),
    'GET /v1/events': (_, response) => response.end(`${JSON.stringify(first)}\n`),
  });
  const ran = await run(['events', '-f', '--json', '--socket', agent.socket]);
  expect(ran.stdout).toBe(`${JSON.stringify(first)}\n`);
  expect(ran.code).toBe(5);
  expect(JSON.parse(ran.stderr)).toMatchObject({ error: { code: 'no-agent' } });
});

it('watches off a terminal with one line per change', async () => {
  let asked = 0;
  await using agent = await startAgent({
    'GET /v1/status': (_, response) => {
      asked += 1;
      sendJson(response, 200, asked < 2 ? web('starting') : web('healthy'));
    },
  });
  const running = start(['status', 'web', '-w', '--socket', agent.socket]);
  await vi.waitFor(() => expect(running.stdout()).toContain('running, healthy'), {
    timeout: 10_000,
  });
  running.interrupt();
  expect((await running.done).stdout).toBe(
    [
      '00:41:10  shop.web wanted 1, led by h2',
      '00:41:10  shop.web.1 running, starting on h1',
      '00:41:10  shop.web.1 running, healthy on h1',
      '',
    ].join('\n'),
  );
});

it('outlives an agent that restarts while it waits', async () => {
  let asked = 0;
  await using agent = await startAgent({
    'GET /v1/status': (_, response) => {
      asked += 1;
      if (asked === 2) response.destroy();
      else sendJson(response, 200, asked < 3 ? degraded() : healthy());
    },
  });
  const ran = await run(['wait', '--for', 'healthy', '--timeout', '10s', '--socket', agent.socket]);
  expect(ran.code).toBe(0);
  expect(asked).toBe(3);
});

function web(health: 'starting' | 'healthy'): object {
  const slots = [filled('shop.web.1', 'h1', { health })];
  const components = [component('shop.web', ['h1'], { slots })];
  return status(cluster({ stacks: [{ name: 'shop', revision: '4.7', components }] }));
}
