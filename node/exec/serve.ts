/** Commands in instances between agents: the host of an instance runs them, whoever asks passes on. */
import { z } from 'zod';
import type { HostId } from '../../protocol/base/ids.ts';
import type { Agent } from '../agent.ts';
import { EngineError } from '../engine/engine.ts';
import { answerOf, readOf } from '../http/peer-requests.ts';
import { EXECS_MAX } from '../network/limits.ts';
import { BusyError } from '../network/requests.ts';
import {
  answerFrame,
  type ExecAnswer,
  type ExecFailure,
  readInputs,
  splitBegin,
} from './frames.ts';
import { serveInput } from './input.ts';

const NAME = 'exec';
const REQUEST = z.object({ engineId: z.string().max(256) });
/** Commands that run now on this host, by agent. */
const running = new WeakMap<Agent, number>();

export async function serveExec(agent: Agent): Promise<void> {
  await agent.network.handle(NAME, (from, request, signal, input) => {
    const { engineId } = readOf(agent, from, request, REQUEST);
    return execHere(agent, engineId, input, signal);
  });
  await serveInput(agent);
}

/** Of this host or another; `input` and what comes out are frames (`frames.ts`). */
export async function* execOn(
  agent: Agent,
  { host, engineId }: { readonly host: HostId; readonly engineId: string },
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  try {
    yield* host === agent.host
      ? execHere(agent, engineId, input, signal)
      : answerOf(agent, host, NAME, { engineId }, signal, { input, awaited: true });
  } catch (error) {
    if (signal.aborted) return;
    const failure = error instanceof BusyError ? tooMany(error.message) : brokenOff(host, error);
    yield answerFrame({ kind: 'failed', error: failure });
  }
}

async function* execHere(
  agent: Agent,
  engineId: string,
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const end = new AbortController();
  const count = running.get(agent) ?? 0;
  if (count >= EXECS_MAX) return void (yield answerFrame({ kind: 'failed', error: tooMany(FULL) }));
  running.set(agent, count + 1);
  try {
    const either = AbortSignal.any([signal, end.signal]);
    for await (const answer of outputsOf(agent, engineId, input, either)) yield answerFrame(answer);
  } finally {
    running.set(agent, (running.get(agent) ?? 1) - 1);
    end.abort();
  }
}

async function* outputsOf(
  { engine }: Agent,
  engineId: string,
  input: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): AsyncGenerator<ExecAnswer> {
  try {
    const { begin, rest } = await splitBegin(input);
    yield* await engine.exec(engineId, begin, readInputs(rest), signal);
  } catch (error) {
    if (!signal.aborted) yield { kind: 'failed', error: refused(error) };
  }
}

const EXITS: Readonly<Partial<Record<EngineError['code'], number>>> = {
  'bad-spec': 2,
  'not-found': 4,
  conflict: 4,
};

function refused(error: unknown): ExecFailure {
  const why = error instanceof Error ? error.message : String(error);
  const code = error instanceof EngineError ? error.code : 'failed';
  const exit = error instanceof EngineError ? (EXITS[error.code] ?? 1) : 1;
  const next = 'agentctl ps      shows what runs, and where';
  return { code, what: 'the command was not run', why, next, exit };
}

const FULL = `${EXECS_MAX} commands run in the instances of that host already`;

function tooMany(why: string): ExecFailure {
  return {
    code: 'busy',
    what: 'the command was not run',
    why,
    next: 'end one of them and try again',
    exit: 6,
  };
}

function brokenOff(host: HostId, error: unknown): ExecFailure {
  return {
    code: 'broken-off',
    what: 'it is unknown how the command ends, or whether it has begun',
    why: error instanceof Error ? error.message : String(error),
    next: `agentctl host show ${host}      says whether that host is heard`,
    exit: 7,
  };
}
