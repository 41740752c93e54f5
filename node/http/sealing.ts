/** Stacks as users give them, with what is in their secrets beside them, as they may be told to others. */
import type { StackSpec } from '../../protocol/component/spec.ts';
import { know } from '../../protocol/core/know.ts';
import { votersOf } from '../../protocol/roster/roster.ts';
import type { Agent } from '../agent.ts';
import type { Daemon } from '../daemon.ts';
import { NothingToSeal, type Sealed, sealStack } from '../secrets/sealing.ts';
import { ApiRefusal } from './refusal.ts';

/** `secrets`: by name, in base64. */
export function sealed(
  daemon: Daemon,
  agent: Agent,
  stack: StackSpec,
  secrets: Readonly<Record<string, string>>,
): Sealed {
  const credentials = daemon.credentials();
  if (credentials === undefined) throw ApiRefusal.noCluster(daemon.former());
  const { core, keyring } = agent;
  const { members, leaving, stacks } = know(core);
  const contents = Object.entries(secrets).map(
    ([name, content]) => [name, Buffer.from(content, 'base64')] as const,
  );
  try {
    return sealStack(stack, new Map(contents), {
      credentials,
      members: members
        .filter(({ id }) => !leaving.has(id))
        .map(({ id, peerId }) => ({ host: id, peerId })),
      voters: votersOf(core.council.roster),
      current: stacks.get(stack.name)?.stack.spec,
      keyOf: (of, dataKey) => keyring.keyOf(of, dataKey),
    });
  } catch (error) {
    throw error instanceof NothingToSeal ? ApiRefusal.badRequest(error.message) : error;
  }
}
