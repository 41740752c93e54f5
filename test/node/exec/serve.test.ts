/** How many commands a host runs at once, and what it says of one that it does not run. */
import { expect, it } from 'vitest';
import type { HostId } from '../../../protocol/base/ids.ts';
import type { Agent } from '../../../node/agent.ts';
import { EngineError, type ExecOutput } from '../../../node/engine/engine.ts';
import { beginFrame, type ExecAnswer, readAnswers } from '../../../node/exec/frames.ts';
import { execOn } from '../../../node/exec/serve.ts';
import { EXECS_MAX } from '../../../node/network/limits.ts';
import { BusyError } from '../../../node/network/requests.ts';

const HOST = 'h1' as HostId;

async function* asked(): AsyncGenerator<Uint8Array> {
  yield beginFrame({ command: ['true'], stdin: false });
}

/** As much of an agent as a command on its own host needs. */
const agentWith = (exec: () => Promise<AsyncIterable<ExecOutput>>): Agent =>
  ({ host: HOST, engine: { exec } }) as unknown as Agent;

const run = (agent: Agent, signal: AbortSignal): Promise<readonly ExecAnswer[]> =>
  Array.fromAsync(readAnswers(execOn(agent, { host: HOST, engineId: 'e1' }, asked(), signal)));
const never = new AbortController().signal;

it('refuses one more than are bounded, and runs again once one has ended', async () => {
  const begun: PromiseWithResolvers<void>[] = [];
  const agent = agentWith(async () => {
    const ended = Promise.withResolvers<void>();
    begun.push(ended);
    return (async function* (): AsyncGenerator<ExecOutput> {
      await ended.promise;
      yield { kind: 'exited', exitCode: 0 };
    })();
  });
  const all = Array.from({ length: EXECS_MAX }, () => run(agent, never));
  await expect.poll(() => begun.length).toBe(EXECS_MAX);
  expect(await run(agent, never)).toMatchObject([{ kind: 'failed', error: { code: 'busy' } }]);
  expect(begun).toHaveLength(EXECS_MAX);
  begun[0]?.resolve();
  expect(await all[0]).toEqual([{ kind: 'exited', exitCode: 0 }]);
  const another = run(agent, never);
  await expect.poll(() => begun.length).toBe(EXECS_MAX + 1);
  for (const { resolve } of begun) resolve();
  expect(await Promise.all([...all, another])).toHaveLength(EXECS_MAX + 1);
});

it.each([
  ['bad-spec', 2],
  ['not-found', 4],
  ['conflict', 4],
  ['failed', 1],
] as const)('tells that the engine refused it as %s, exit %i', async (code, exit) => {
  const agent = agentWith(() => Promise.reject(new EngineError(code, 'the engine says why')));
  expect(await run(agent, never)).toMatchObject([
    { kind: 'failed', error: { code, exit, why: 'the engine says why' } },
  ]);
});

it('says that too many are under way to another host', async () => {
  const agent = {
    host: HOST,
    speech: { peerIdOf: () => 'peer' },
    interference: { isSevered: () => false },
    network: {
      request: async function* (): AsyncGenerator<Uint8Array> {
        yield* [];
        throw new BusyError('16 like it are under way');
      },
    },
  } as unknown as Agent;
  const there = { host: 'h2' as HostId, engineId: 'e1' };
  const answers = await Array.fromAsync(readAnswers(execOn(agent, there, asked(), never)));
  const error = { code: 'busy', exit: 6, why: '16 like it are under way' };
  expect(answers).toMatchObject([{ kind: 'failed', error }]);
});

it('says nothing to a caller that is gone', async () => {
  const caller = new AbortController();
  const agent = agentWith(async () => {
    caller.abort();
    throw new Error('called off');
  });
  expect(await run(agent, caller.signal)).toEqual([]);
});
