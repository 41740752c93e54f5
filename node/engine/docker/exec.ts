/**
 * One more command in a container. The engine hands its connection over (`hijack`): what we write is the
 * command's input, what comes is its output, framed like logs unless it has a terminal.
 *
 * The engine lets a command run on when its caller goes. It is ended by its pid, where that is a process
 * of this machine that the kernel counts to this very container.
 *
 * Source: Docker Engine API, `ExecStart` and `ContainerAttach`.
 */
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import type { Exec } from 'dockerode';
import type { ExecInput, ExecOutput, ExecRequest, TerminalSize } from '../engine.ts';
import { cgroupsOf } from '../process/identity.ts';
import type { Bounds, Connection } from './connection.ts';
import { readFrames, STDERR } from './lines.ts';

/** The engine notes the beginning and the end of a command a moment after its output has begun or ended. */
const LOOKS_MAX = 50;
const LOOK_MS = 20;
const KILLED = 137;

export type Call = { readonly request: ExecRequest; readonly input: AsyncIterable<ExecInput> };

export async function execIn(
  connection: Connection,
  id: string,
  { request, input }: Call,
  limits: Bounds,
): Promise<AsyncIterable<ExecOutput>> {
  const { command, stdin, terminal } = request;
  const Tty = terminal !== undefined;
  const made: Exec = await connection.call(limits, (abortSignal) =>
    connection.docker.getContainer(id).exec({
      Cmd: [...command],
      AttachStdin: stdin,
      AttachStdout: true,
      AttachStderr: true,
      Tty,
      abortSignal,
    }),
  );
  const begin = { hijack: true, stdin, Tty, ...(terminal !== undefined && sizeAtStart(terminal)) };
  const stream = await beginIn(connection, limits, () => made.start(begin), endIn(made, id));
  const { signal } = limits;
  let isCut = false;
  const cut = (): void => {
    isCut = true;
    endIn(made, id)(stream);
  };
  signal.addEventListener('abort', cut, { once: true });
  stream.on('error', () => undefined); // a reader sees it too
  stream.once('close', () => signal.removeEventListener('abort', cut));
  if (terminal !== undefined) void resizeOnceItRuns(made, terminal, stream);
  // A terminal has no end of input: the engine takes the end of ours for the end of all, output too.
  void feed(made, stream, input).then(() => (Tty ? undefined : stream.end()), cut);
  const outputs = { stream, isTerminal: Tty, isCut: () => isCut };
  return outputsOf(outputs, () => exitCodeOf(connection, made, limits));
}

/** One that begins after it was called off is ended. */
async function beginIn(
  connection: Connection,
  limits: Bounds,
  start: () => Promise<Duplex>,
  end: (stream: Duplex) => void,
): Promise<Duplex> {
  let starting: Promise<Duplex> | undefined;
  try {
    return await connection.call(limits, () => (starting = start()));
  } catch (error) {
    void starting?.then(end, () => undefined);
    throw error;
  }
}

type Outputs = {
  readonly stream: Duplex;
  readonly isTerminal: boolean;
  /** By us: then it breaks off. */
  readonly isCut: () => boolean;
};

async function* outputsOf(
  { stream, isTerminal, isCut }: Outputs,
  exitCode: () => Promise<number>,
): AsyncGenerator<ExecOutput> {
  try {
    if (isTerminal)
      for await (const bytes of stream as AsyncIterable<Buffer>) yield { kind: 'stdout', bytes };
    else
      for await (const frames of readFrames(stream))
        for (const { output, payload: bytes } of frames)
          yield { kind: output === STDERR ? 'stderr' : 'stdout', bytes };
  } catch (error) {
    if (!isCut()) throw error;
  }
  yield { kind: 'exited', exitCode: await exitCode() };
}

/** Rejects where the input breaks off: the command must not take that for its end. */
async function feed(made: Exec, stream: Duplex, input: AsyncIterable<ExecInput>): Promise<void> {
  for await (const one of input) {
    if (!stream.writable) return;
    if (one.kind === 'resize') await resize(made, one.size);
    else if (!stream.write(one.bytes))
      await Promise.race([once(stream, 'drain'), once(stream, 'close')]);
  }
}

/** Engines before API 1.42 do not read it, and are told once the command runs. */
const sizeAtStart = ({ columns, rows }: TerminalSize) => ({ ConsoleSize: [rows, columns] });

/** The engine hands its connection over before the command has begun, and until then refuses. */
async function resizeOnceItRuns(made: Exec, size: TerminalSize, stream: Duplex): Promise<void> {
  for (let look = 0; look < LOOKS_MAX && !stream.destroyed; look += 1) {
    if (await resize(made, size)) return;
    await pause(LOOK_MS);
  }
}

/** One that has just ended has no terminal any more. */
async function resize(made: Exec, { columns, rows }: TerminalSize): Promise<boolean> {
  return made.resize({ h: rows, w: columns }).then(
    () => true,
    () => false,
  );
}

async function exitCodeOf(connection: Connection, made: Exec, limits: Bounds): Promise<number> {
  try {
    for (let look = 0; look < LOOKS_MAX; look += 1) {
      const { Running, ExitCode } = await connection.call(limits, (abortSignal) =>
        made.inspect({ abortSignal }),
      );
      if (!Running && ExitCode !== null) return ExitCode;
      await pause(LOOK_MS);
    }
  } catch {
    // It went with its container, or with its caller.
  }
  return KILLED;
}

const endIn =
  (made: Exec, container: string) =>
  (stream: Duplex): void =>
    void killIn(made, container).finally(() => stream.destroy());

async function killIn(made: Exec, container: string): Promise<void> {
  try {
    for (let look = 0; look < LOOKS_MAX; look += 1) {
      const { Running, Pid, ExitCode } = await made.inspect();
      if (!Running && ExitCode !== null) return;
      if (Running && Pid > 0) {
        // Nothing may come between the look and the signal.
        if (cgroupsOf(Pid).includes(container)) process.kill(Pid, 'SIGKILL');
        return;
      }
      await pause(LOOK_MS); // the engine hands its connection over before the command has begun
    }
  } catch {
    // It has ended, or is not ours to signal: it ends with its input, or with its container.
  }
}
