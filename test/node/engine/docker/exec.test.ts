/** What an engine is asked where a command is begun in a container. */
import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { Connection } from '../../../../node/engine/docker/connection.ts';
import { execIn } from '../../../../node/engine/docker/exec.ts';
import type { ExecRequest } from '../../../../node/engine/engine.ts';
import { StandIn } from './stand-in.ts';

const limits = { what: 'cannot run', boundMs: 10_000, signal: new AbortController().signal };

/** The body of the start of a command, which the engine refuses then. */
async function startOf(more: Partial<ExecRequest>): Promise<unknown> {
  const bodies: Promise<string>[] = [];
  await using docker = await StandIn.open(
    () => '1.51',
    (request, response) => {
      const { url = '' } = request;
      if (url.endsWith('/containers/c1/exec')) response.end('{"Id":"e1"}');
      if (!url.endsWith('/exec/e1/start')) return;
      bodies.push(text(request));
      response.writeHead(500).end('{"message":"no"}');
    },
  );
  using connection = new Connection(docker.socketPath);
  await connection.negotiate(limits.signal);
  async function* input() {}
  const request = { command: ['sh'], stdin: true, ...more };
  await expect(execIn(connection, 'c1', { request, input: input() }, limits)).rejects.toThrow('no');
  const [body] = await Promise.all(bodies);
  return JSON.parse(body ?? '');
}

it('names the size of a terminal with the start, rows first', async () => {
  const begun = await startOf({ terminal: { columns: 132, rows: 40 } });
  expect(begun).toMatchObject({ Tty: true, ConsoleSize: [40, 132] });
});

it('names none where there is no terminal', async () => {
  expect(await startOf({})).not.toHaveProperty('ConsoleSize');
});
