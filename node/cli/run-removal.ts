/** Removes a one-off task, however `agentctl run` ends: with a signal of its own, and again where it fails. */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { ApiError } from '../http/client.ts';
import { asFailure } from './failure.ts';
import { typed } from './invocation.ts';
import { hostsOf, isLost, lostText, remainsOn, remainText } from './remains.ts';
import { type Cli, note } from './terminal.ts';
import { statuses } from './watch.ts';

export type Bounds = {
  /** For the cluster to accept it. */
  readonly acceptMs: number;
  /** For its host to end it then. */
  readonly goneMs: number;
  /** Between two tries. */
  readonly againMs: number;
};
const BOUNDS: Bounds = { acceptMs: 30_000, goneMs: 30_000, againMs: 1_000 };

/** Never rejects: what does not go is told, and the task's own end stays the answer. */
export async function removeRun(cli: Cli, stack: string, bounds = BOUNDS): Promise<void> {
  if (cli.signal.aborted) note(cli, '', `ends ${stack} and removes it`);
  // Ctrl-C ends the task, and not this.
  const apart = { ...cli, signal: AbortSignal.timeout(2 * (bounds.acceptMs + bounds.goneMs)) };
  let left: string | undefined;
  try {
    const hosts = hostsOf((await apart.client.status(apart.signal)).data.cluster, stack);
    await destroyed(apart, stack, bounds);
    left = await awaitGone(apart, stack, { hosts, until: Date.now() + bounds.goneMs });
  } catch (error) {
    const { why } = asFailure(error).parts;
    left = `${stack} is not removed: ${why}; do it with ${typed(`destroy ${stack} --yes`)}`;
  }
  cli.continues = left ?? `${stack} was ended and removed`;
  if (left !== undefined && !cli.signal.aborted) note(cli, left);
}

/** Resolves once the cluster has accepted it, or knows of none. */
async function destroyed(cli: Cli, stack: string, { acceptMs, againMs }: Bounds): Promise<void> {
  const until = Date.now() + acceptMs;
  const body = { stack, deploy_id: randomUUID().replaceAll('-', '') };
  for (;;) {
    try {
      await cli.client.destroy(body, cli.signal);
      return;
    } catch (error) {
      if (error instanceof ApiError && error.refusal.code === 'no-such-stack') return;
      if (Date.now() > until) throw error;
      await pause(againMs);
    }
  }
}

/** Undefined: nothing of it is left. */
async function awaitGone(
  cli: Cli,
  stack: string,
  { hosts, until }: { readonly hosts: readonly string[]; readonly until: number },
): Promise<string | undefined> {
  let left = '';
  for await (const { data } of statuses(cli, { until })) {
    const states = data.cluster.hosts.filter(({ id }) => hosts.includes(id));
    const lost = states.find(isLost);
    if (lost !== undefined) return lostText(stack, lost);
    left = (await remainsOn(cli, stack, states)).map(remainText).join('; ');
    if (left === '') return undefined;
  }
  return `${stack} is not gone yet, the cluster goes on ending it: ${left}`;
}
