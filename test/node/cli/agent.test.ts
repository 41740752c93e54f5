/** `agent stop` and the waiting of `agent start`; the agent itself is proved elsewhere. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { run, sendJson, start, startAgent } from './fixture-agent.ts';

const stopped = { done: 'h1 stops', next: 'its instances run on' };

it('stop returns once nobody listens any more', async () => {
  await using folder = await startAgent({});
  const socket = join(folder.folder, 'other.sock');
  const server = createServer((_, response) => {
    sendJson(response, 200, stopped);
    server.close();
  });
  server.listen(socket);
  await once(server, 'listening');
  const closed = once(server, 'close');
  const ran = await run(['agent', 'stop', '--socket', socket]);
  expect(ran).toMatchObject({ code: 0, stdout: 'h1 stops\n  next  its instances run on\n' });
  await closed;
});

it('start waits while another agent owns the state folder, and says how to take over', async () => {
  await using agent = await startAgent({});
  const running = start(['agent', 'start', '--state', agent.folder, '--socket', agent.socket]);
  const waiting = `an agent answers on ${agent.socket}: waiting until it ends\n`;
  await vi.waitFor(() => expect(running.stderr()).toContain(waiting), { timeout: 10_000 });
  running.interrupt();
  const ran = await running.done;
  expect(ran.code).toBe(130);
  expect(ran.stderr).toContain('npx agentctl agent start --takeover');
  // It only looked whether somebody listens.
  expect(agent.asked).toEqual([]);
});
