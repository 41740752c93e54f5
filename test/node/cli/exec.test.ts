/** What `agentctl exec` sends, prints and ends with. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import type { ExecInput } from '../../../node/engine/engine.ts';
import {
  answerFrame,
  type Begin,
  type ExecAnswer,
  readInputs,
  splitBegin,
} from '../../../node/exec/frames.ts';
import { run, startAgent } from './fixture-agent.ts';
import { hasPty, openPty } from './pty.ts';
import { cluster, component, filled, healthy, status } from './views.ts';

const WAIT = { timeout: 10_000, interval: 20 };
const MAIN = fileURLToPath(new URL('../../../node/cli/main.ts', import.meta.url));

type Told = { readonly path: string; readonly begin: Begin; readonly input: string };

/** An agent that answers each command as `answers` says, told what came in. */
async function execAgent(
  answers: (input: AsyncIterable<ExecInput>) => AsyncIterable<ExecAnswer>,
  seen = healthy(),
) {
  const folder = mkdtempSync(join(tmpdir(), 'exec-'));
  const socket = join(folder, 'agent.sock');
  const told: Told[] = [];
  const view = JSON.stringify(seen);
  const server = createServer((request, response) => {
    if (request.method === 'GET') return void response.end(view);
    void (async () => {
      const { begin, rest } = await splitBegin(request);
      const read: string[] = [];
      async function* inputs(): AsyncGenerator<ExecInput> {
        for await (const one of readInputs(rest)) {
          if (one.kind === 'stdin') read.push(Buffer.from(one.bytes).toString('utf8'));
          yield one;
        }
      }
      let last: ExecAnswer | undefined;
      for await (const answer of answers(inputs())) {
        response.write(answerFrame(answer));
        last = answer;
      }
      told.push({ path: request.url ?? '', begin, input: read.join('') });
      // The end of a command ends the call, which stays open as long as more may come in.
      if (last?.kind !== 'exited' && last?.kind !== 'failed') response.end();
    })().catch(() => response.destroy());
  });
  server.listen(socket);
  await once(server, 'listening');
  return {
    socket,
    told,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      rmSync(folder, { recursive: true });
    },
  };
}

const out = (text: string): ExecAnswer => ({ kind: 'stdout', bytes: Buffer.from(text) });

async function* answersOf(...answers: readonly ExecAnswer[]): AsyncGenerator<ExecAnswer> {
  yield* answers;
}

it('prints both outputs and ends as the command does', async () => {
  await using agent = await execAgent(() =>
    answersOf(
      out('one\n'),
      { kind: 'stderr', bytes: Buffer.from('two\n') },
      { kind: 'exited', exitCode: 42 },
    ),
  );
  const ran = await run(['exec', 'web.2', '--socket', agent.socket, '--', 'ls', '-l', '--', 'x']);
  expect(ran).toEqual({ code: 42, stdout: 'one\n', stderr: 'two\n' });
  expect(agent.told).toEqual([
    {
      path: '/v1/instances/shop.web.2/exec',
      begin: { command: ['ls', '-l', '--', 'x'], stdin: false },
      input: '',
    },
  ]);
});

it('gives it standard input only when asked to, to the end', async () => {
  await using agent = await execAgent(async function* (input) {
    for await (const one of input)
      if (one.kind === 'stdin') yield { kind: 'stdout', bytes: one.bytes };
    yield { kind: 'exited', exitCode: 0 };
  });
  const large = 'x'.repeat(400_000);
  const words = ['--socket', agent.socket, '--', 'cat'];
  const copied = await run(['exec', '-i', 'web', ...words], {}, large);
  expect(copied.stdout.length).toBe(large.length);
  expect(copied).toEqual({ code: 0, stdout: large, stderr: '' });
  expect(await run(['exec', 'web', ...words], {}, 'unread')).toMatchObject({ code: 0, stdout: '' });
});

it('ends when the command has, though there is more to come in', async () => {
  await using agent = await execAgent(() => answersOf({ kind: 'exited', exitCode: 7 }));
  const words = ['exec', '-i', 'web', '--socket', agent.socket, '--', 'true'];
  const child = spawn(process.execPath, [MAIN, ...words], { stdio: ['pipe', 'pipe', 'pipe'] });
  const [code] = await once(child, 'close');
  expect(code).toBe(7);
});

it('tells what an agent refuses in three parts', async () => {
  const error = {
    code: 'conflict',
    what: 'not run',
    why: 'it has ended',
    next: 'agentctl ps',
    exit: 4,
  };
  await using agent = await execAgent(() => answersOf({ kind: 'failed', error }));
  const ran = await run(['exec', 'web', '--socket', agent.socket, '--', 'true']);
  expect(ran.code).toBe(4);
  expect(ran.stderr).toMatch(
    /^error: not run\n {2}why {3}it has ended\n {2}next {2}.*agentctl ps\n$/,
  );
  const json = await run(['exec', 'web', '--json', '--socket', agent.socket, '--', 'true']);
  expect(JSON.parse(json.stderr)).toMatchObject({ error: { code: 'conflict', exit: 4 } });
});

it('does not know how it ended where the agent went first', async () => {
  await using agent = await execAgent(() => answersOf(out('one\n')));
  const ran = await run(['exec', 'web', '--socket', agent.socket, '--', 'true']);
  expect(ran).toMatchObject({ code: 7, stdout: 'one\n' });
});

it.each([
  [['-t', 'web', '--', 'sh'], 2, 'leave -t out: npx agentctl exec -i'],
  [['web'], 2, "missing required argument 'command'"],
  [['nothing', '--', 'sh'], 4, 'there is no instance or component "nothing"'],
])('%j ends with %i: %s', async (words, code, said) => {
  await using agent = await startAgent({ 'GET /v1/status': healthy() });
  const ran = await run(['exec', '--socket', agent.socket, ...words]);
  expect(ran.code).toBe(code);
  expect(ran.stderr).toContain(said);
});

it('takes of a component one that is well', async () => {
  const slots = [
    filled('shop.web.1', 'h1', { state: 'failed' }),
    filled('shop.web.2', 'h2', { health: 'unhealthy' }),
    filled('shop.web.3', 'h3'),
  ];
  const components = [component('shop.web', ['h1', 'h2', 'h3'], { slots })];
  const view = status(cluster({ stacks: [{ name: 'shop', revision: '4.7', components }] }));
  await using agent = await execAgent(() => answersOf({ kind: 'exited', exitCode: 0 }), view);
  await run(['exec', 'web', '--socket', agent.socket, '--', 'true']);
  expect(agent.told[0]?.path).toBe('/v1/instances/shop.web.3/exec');
});

it.skipIf(!hasPty)(
  'passes a terminal on, every key and every size, and leaves it as it was',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'pty-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const sizes: number[] = [];
    await using agent = await execAgent(async function* (input) {
      yield out('$ ');
      for await (const one of input) {
        if (one.kind === 'resize') {
          sizes.push(one.size.columns);
          yield out('wider');
          continue;
        }
        yield { kind: 'stdout', bytes: one.bytes };
        if (Buffer.from(one.bytes).includes('\x04')) return yield { kind: 'exited', exitCode: 5 };
      }
    });
    const words = ['exec', '-it', 'web', '--socket', agent.socket, '--', 'sh'];
    const pty = openPty([process.execPath, MAIN, ...words], folder);
    await expect.poll(pty.shown, WAIT).toContain('$ ');
    // Without line discipline: nothing is echoed here, and Ctrl-C is a key like any other.
    pty.type('a\x03b');
    await expect.poll(pty.shown, WAIT).toContain('a\x03b');
    pty.widen(133);
    await expect.poll(pty.shown, WAIT).toContain('wider');
    pty.type('\x04');
    const { code, settings } = await pty.ended();
    expect(code).toBe(5);
    expect(settings).toEqual([settings[0], settings[0]]);
    expect(sizes).toEqual([133]);
    expect(pty.shown()).toBe('in shop.web.1\r\n$ a\x03bwider\x04');
    const terminal = { columns: 91, rows: 20 };
    expect(agent.told).toMatchObject([
      { begin: { command: ['sh'], stdin: true, terminal }, input: 'a\x03b\x04' },
    ]);
  },
);
