/**
 * One more command beside an instance: a child of the agent with the environment and the folder of the
 * instance's main process, as the kernel tells them now, and with nothing else of it: this engine
 * isolates nothing. It is killed with the instance, and by the next agent if this one ends.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { EngineError, type ExecInput, type ExecOutput, type ExecRequest } from '../engine.ts';
import { killOrphans, sendToGroup } from './identity.ts';
import { CHECK_VARIABLE, INSTANCE_VARIABLE } from './launch.ts';

const NOT_FOUND = 127;
const NOT_RUNNABLE = 126;

type Child = ChildProcessByStdio<Writable | null, Readable, Readable>;

/** `pid`: of the main process, which runs; `token`: its instance's. */
export async function execBeside(
  { pid, token }: { readonly pid: number; readonly token: string },
  { command, stdin, terminal }: ExecRequest,
  input: AsyncIterable<ExecInput>,
  signal: AbortSignal,
): Promise<AsyncIterable<ExecOutput>> {
  if (terminal !== undefined) {
    const message =
      'the embedded engine gives no terminal; leave -t out, or run it where Docker is';
    throw new EngineError('bad-spec', message, { permanent: true });
  }
  const [program = '', ...args] = command;
  const surroundings = surroundingsOf(pid, token);
  let child: Child;
  try {
    child = spawn(program, args, {
      ...surroundings,
      detached: true,
      stdio: [stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    }) as Child;
  } catch (error) {
    return notRun(program, error);
  }
  const exited = Promise.withResolvers<number>();
  child.once('exit', (code, name) => {
    if (child.pid !== undefined) killOrphans(child.pid);
    exited.resolve(code ?? 128 + constants.signals[name ?? 'SIGKILL']);
  });
  child.on('error', (error) => exited.reject(error));
  exited.promise.catch(() => undefined);
  if (child.pid === undefined) return notRun(program, await exited.promise.catch((error) => error));
  killWith(child, signal);
  if (child.stdin !== null) void feed(child.stdin, input).catch(() => kill(child));
  return outputsOf(child, exited.promise, signal);
}

function surroundingsOf(
  pid: number,
  token: string,
): { readonly cwd: string; readonly env: Record<string, string> } {
  try {
    const pairs = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    const named = pairs.filter((pair) => pair.includes('='));
    const env = Object.fromEntries(
      named.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    );
    // Never taken for the instance itself, and found by the next agent.
    delete env[INSTANCE_VARIABLE];
    return { cwd: readlinkSync(`/proc/${pid}/cwd`), env: { ...env, [CHECK_VARIABLE]: token } };
  } catch (cause) {
    const message = `${token} has just ended; try again`;
    throw new EngineError('conflict', message, { cause });
  }
}

async function* notRun(program: string, error: unknown): AsyncGenerator<ExecOutput> {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  const why = code === 'ENOENT' ? 'there is no such program' : code;
  yield { kind: 'stderr', bytes: Buffer.from(`"${program}" cannot be run: ${why}\n`) };
  yield { kind: 'exited', exitCode: code === 'ENOENT' ? NOT_FOUND : NOT_RUNNABLE };
}

function kill(child: Child): void {
  // Not collected yet, so the pid is still this child's.
  if (child.pid !== undefined && child.exitCode === null && child.signalCode === null)
    sendToGroup(child.pid, 'SIGKILL');
}

function killWith(child: Child, signal: AbortSignal): void {
  const onAbort = (): void => kill(child);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  child.once('exit', () => {
    signal.removeEventListener('abort', onAbort);
    if (!signal.aborted) return;
    // What has left its group may hold them open for ever.
    child.stdout.destroy();
    child.stderr.destroy();
  });
}

/** Rejects where the input breaks off: the command must not take that for its end. */
async function feed(stdin: Writable, input: AsyncIterable<ExecInput>): Promise<void> {
  // It may end before it has read everything, as `head` does.
  stdin.on('error', () => undefined);
  for await (const one of input) {
    if (!stdin.writable) return;
    if (one.kind === 'stdin' && !stdin.write(one.bytes))
      await Promise.race([once(stdin, 'drain'), once(stdin, 'close')]);
  }
  stdin.end();
}

async function* outputsOf(
  child: Child,
  exited: Promise<number>,
  signal: AbortSignal,
): AsyncGenerator<ExecOutput> {
  try {
    yield* interleaved({ stdout: child.stdout, stderr: child.stderr });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  yield { kind: 'exited', exitCode: await exited };
}

type Output = 'stdout' | 'stderr';

/** What comes first first; each is read only once what it gave before was taken. */
async function* interleaved(
  sources: Readonly<Record<Output, Readable>>,
): AsyncGenerator<ExecOutput> {
  const chunks = {
    stdout: sources.stdout[Symbol.asyncIterator]() as AsyncIterator<Buffer>,
    stderr: sources.stderr[Symbol.asyncIterator]() as AsyncIterator<Buffer>,
  };
  const nextOf = async (kind: Output) => ({ kind, result: await chunks[kind].next() });
  const waiting = new Map([
    ['stdout', nextOf('stdout')],
    ['stderr', nextOf('stderr')],
  ]);
  while (waiting.size > 0) {
    const { kind, result } = await Promise.race(waiting.values());
    if (result.done === true) {
      waiting.delete(kind);
      continue;
    }
    yield { kind, bytes: result.value };
    waiting.set(kind, nextOf(kind));
  }
}
