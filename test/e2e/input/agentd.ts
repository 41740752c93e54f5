/** Single agents that a test starts as it likes, beside or without a cluster; ended with the test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { createClient } from '../../../node/http/client.ts';
import { type LocalAgent, until } from '../../../node/local/cluster.ts';
import type { CliResult } from '../agents/cluster.ts';

const AGENTD = fileURLToPath(new URL('../../../node/main.ts', import.meta.url));
/** Ends an agent that ought to have ended by itself. */
const RUN_MS = 20_000;
const ANSWER_MS = 20_000;

/** A folder for one test. Short: a socket's path may have 107 characters. */
export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mr-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs `agentd` to its end. */
export async function agentd(args: readonly string[]): Promise<CliResult> {
  const child = spawn(process.execPath, [AGENTD, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: RUN_MS,
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: await ended, stdout, stderr };
}

/** An agent that belongs to no cluster and answers on its socket. */
export async function loneAgent(
  flags: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<LocalAgent> {
  const folder = makeFolder();
  const socket = join(folder, 'agent.sock');
  const args = ['--state', folder, '--socket', socket, '--name', 'lone', '--engine', 'process'];
  const listen = flags.includes('--listen') ? [] : ['--listen', '127.0.0.1:0'];
  const child: ChildProcess = spawn(
    process.execPath,
    [AGENTD, ...args, ...listen, '--log-level', 'silent', ...flags],
    { stdio: ['ignore', 'ignore', 'ignore'], env: { ...process.env, ...env } },
  );
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const client = createClient(socket);
  await until('the lone agent to answer', ANSWER_MS, async () => {
    const answer = client.cluster(AbortSignal.timeout(1_000));
    return answer.then(
      () => true as const,
      (error: unknown) => (error instanceof Error && error.name === 'ApiError') || undefined,
    );
  });
  const logFile = join(folder, 'agent.log');
  return {
    name: 'lone',
    folder,
    socket,
    logFile,
    publishAddress: '127.0.1.9',
    port: 0,
    client,
    process: child,
    guardSocket: '',
    guard: undefined,
  };
}
