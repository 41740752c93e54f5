/** Logs between agents: each host reads its own, whoever asks passes them on. One JSON line each. */
import { z } from 'zod';
import type { HostId } from '../../protocol/base/ids.ts';
import type { Agent } from '../agent.ts';
import type { LogBody } from '../http/api.ts';
import { answerOf, readOf } from '../http/peer-requests.ts';
import { type LogRequest, ownLogs } from './own.ts';

const NAME = 'logs';
const TAIL_MAX = 1_000_000;

export const LOG_REQUEST = z.object({
  subject: z
    .string()
    .max(256)
    .regex(/^[\w-]+(\.[\w-]+){0,2}$/, 'not the id of a stack, component or instance'),
  follow: z.boolean(),
  tail: z.int().min(0).max(TAIL_MAX).exactOptional(),
  since: z.iso.datetime({ offset: true }).exactOptional(),
  previous: z.boolean(),
});

export async function serveLogs(agent: Agent): Promise<void> {
  await agent.network.handle(NAME, (from, request, signal) =>
    asBytes(ownLogs(agent, readOf(agent, from, request, LOG_REQUEST), signal)),
  );
}

/** Of this host or another. That it ends before its time is told by its last line. */
export async function* logsOf(
  agent: Agent,
  host: HostId,
  request: LogRequest,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* host === agent.host
      ? asBytes(ownLogs(agent, request, signal))
      : answerOf(agent, host, NAME, request, signal, { awaited: true });
  } catch (error) {
    if (signal.aborted) return;
    const failed = error instanceof Error ? error.message : String(error);
    yield bytesOf([{ failed }]);
  }
}

async function* asBytes(portions: AsyncIterable<readonly LogBody[]>): AsyncGenerator<Uint8Array> {
  for await (const bodies of portions) yield bytesOf(bodies);
}

const bytesOf = (bodies: readonly LogBody[]): Uint8Array =>
  Buffer.from(bodies.map((body) => `${JSON.stringify(body)}\n`).join(''));
