/** A real HTTP server on a unix socket that answers like an agent, as each test says. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { ErrorBody } from '../../../node/http/api.ts';

export type Asked = { readonly method: string; readonly path: string; readonly body: unknown };
/** Keys are `GET /v1/status` without the query; a value that is no function is sent as JSON. */
export type Routes = Readonly<Record<string, object | Handler>>;
export type Handler = (asked: Asked, response: ServerResponse) => unknown;

export type FixtureAgent = AsyncDisposable & {
  readonly socket: string;
  readonly folder: string;
  readonly asked: readonly Asked[];
};

export async function startAgent(routes: Routes): Promise<FixtureAgent> {
  const folder = await mkdtemp(join(tmpdir(), 'agentctl-'));
  const socket = join(folder, 'agent.sock');
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    void answer(routes, asked, request, response);
  });
  server.listen(socket);
  await once(server, 'listening');
  return {
    socket,
    folder,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function sendJson(response: ServerResponse, statusCode: number, body: object): void {
  response.writeHead(statusCode, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

export function refusal(code: string, exit: number): ErrorBody {
  return {
    error: {
      code,
      what: `${code} happened`,
      why: 'the test says so',
      next: 'agentctl status',
      exit,
    },
  };
}

async function answer(
  routes: Routes,
  asked: Asked[],
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const received = await text(request);
  const path = request.url ?? '';
  const method = request.method ?? '';
  const now = {
    method,
    path,
    body: received === '' ? undefined : (JSON.parse(received) as unknown),
  };
  asked.push(now);
  const route = routes[`${method} ${path.split('?', 1)[0]}`];
  if (route === undefined) sendJson(response, 404, refusal('not-found', 4));
  else if (typeof route === 'function') (route as Handler)(now, response);
  else sendJson(response, 200, route);
}

export type Ran = {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

const MAIN = fileURLToPath(new URL('../../../node/cli/main.ts', import.meta.url));
const RUN_MS = 15_000;

export type Running = {
  readonly done: Promise<Ran>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly interrupt: () => void;
};

/** `agentctl` as a process of its own, not on a terminal, with nothing of our environment but PATH. */
export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input?: string,
): Running {
  const child = spawn(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'], TZ: 'UTC', HOME: tmpdir(), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    signal: AbortSignal.timeout(RUN_MS),
  });
  child.stdin.end(input);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const done = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    stdout,
    stderr,
  }));
  return {
    done,
    stdout: () => stdout,
    stderr: () => stderr,
    interrupt: () => void child.kill('SIGINT'),
  };
}

export function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input?: string,
): Promise<Ran> {
  return start(args, env, input).done;
}
