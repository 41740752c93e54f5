/** The engine that holds the lab, and running a program in one of its containers. */
import { PassThrough } from 'node:stream';
import Docker from 'dockerode';

/** Carried by all that the lab makes; the value is the name of the project. */
export const LAB_LABEL = 'io.millrace.lab';

/** Far longer than anything takes: who waits for less says so. */
const BOUND_MS = 600_000;

export type Ran = { readonly code: number; readonly stdout: string; readonly stderr: string };
export type RunOptions = {
  /** Hears what is printed as it is printed. */
  readonly hear?: (chunk: Buffer, to: 'stdout' | 'stderr') => void;
};

/** `MILLRACE_DOCKER_SOCKET`, or where Docker listens by itself. */
export function openEngine(): Docker {
  const socketPath = process.env['MILLRACE_DOCKER_SOCKET'] ?? '/var/run/docker.sock';
  return new Docker({ socketPath, host: '', protocol: 'http' });
}

export async function engineAnswers(docker: Docker): Promise<boolean> {
  try {
    await docker.listImages({ abortSignal: AbortSignal.timeout(2_000) });
    return true;
  } catch {
    return false;
  }
}

/** Runs a program to its end. A program that ends with an error is an answer, not an exception. */
export async function runIn(
  container: Docker.Container,
  words: readonly string[],
  { hear }: RunOptions = {},
): Promise<Ran> {
  const abortSignal = AbortSignal.timeout(BOUND_MS);
  const exec = await container.exec({
    Cmd: [...words],
    AttachStdout: true,
    AttachStderr: true,
    abortSignal,
  });
  const stream = await exec.start({ hijack: false, stdin: false, abortSignal });
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const texts = [
    collect(stdout, (chunk) => hear?.(chunk, 'stdout')),
    collect(stderr, (chunk) => hear?.(chunk, 'stderr')),
  ];
  exec.modem.demuxStream(stream, stdout, stderr);
  await new Promise<void>((resolve, reject) => {
    stream.once('close', resolve);
    stream.once('end', resolve);
    stream.once('error', reject);
  });
  stdout.end();
  stderr.end();
  const [out = '', err = ''] = await Promise.all(texts);
  const { ExitCode } = await exec.inspect({ abortSignal });
  return { code: ExitCode ?? -1, stdout: out, stderr: err };
}

async function collect(stream: PassThrough, hear: (chunk: Buffer) => void): Promise<string> {
  let text = '';
  for await (const chunk of stream) {
    hear(chunk as Buffer);
    text += String(chunk);
  }
  return text;
}

/** Whether a failure of the engine says that the thing is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'statusCode' in error && error.statusCode === 404;
}
