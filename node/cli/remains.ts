/**
 * What hosts still have of a stack that is destroyed. It is gone with the word of the voters; what its
 * hosts have yet to end and remove they say themselves.
 */
import { z } from 'zod';
import type { ClusterView, HostView } from '../../protocol/view/view.ts';
import { ApiError } from '../http/client.ts';
import { EXIT } from './failure.ts';
import type { Cli } from './terminal.ts';

/** `id`: of the instance. */
export type Remain = {
  readonly id: string;
  readonly state: string;
  readonly host: string;
  /** What it waits for, where it is not told to stop yet. */
  readonly reason?: string;
};

const REPORT = z.object({
  component: z.string(),
  slot: z.number(),
  state: z.string(),
  reason: z.string().optional(),
});

/** Ids of those that have something of it, or are to have it. */
export function hostsOf({ stacks }: ClusterView, stack: string): readonly string[] {
  const slots = stacks
    .filter(({ name }) => name === stack)
    .flatMap(({ components }) => components.flatMap((component) => component.slots));
  return [...new Set(slots.flatMap(({ host, instance }) => [host, instance?.host]))].filter(
    (host) => host !== undefined,
  );
}

/** As the agent that is asked has heard it of these hosts. */
export async function remainsOn(
  cli: Cli,
  stack: string,
  hosts: readonly HostView[],
): Promise<readonly Remain[]> {
  return (await Promise.all(hosts.map((host) => remainsOf(cli, stack, host)))).flat();
}

async function remainsOf(cli: Cli, stack: string, { id, name }: HostView) {
  const record = await recordOf(cli, id);
  return Object.values(record ?? {})
    .flatMap((entry) => REPORT.safeParse(entry).data ?? [])
    .filter(({ component }) => component.startsWith(`${stack}.`))
    .map(({ component, slot, state, reason }): Remain => {
      const waits = state === 'running' && reason !== undefined ? { reason } : {};
      return { id: `${component}.${slot}`, state, host: name, ...waits };
    });
}

async function recordOf(cli: Cli, host: string) {
  try {
    return (await cli.client.inspect(host, cli.signal)).data.record;
  } catch (error) {
    // Of a host that is forgotten meanwhile nothing is known.
    if (error instanceof ApiError && error.refusal.exit === EXIT.notFound) return undefined;
    throw error;
  }
}

export const remainText = ({ id, state, host, reason }: Remain): string =>
  `${id} is ${state} on ${host}${reason === undefined ? '' : ` (${reason})`}`;

/** Nobody hears what it has. */
export const isLost = ({ state }: HostView): boolean => state === 'dead' || state === 'left';

/** Of one that is lost. */
export const lostText = (stack: string, { name, state }: HostView): string =>
  `${name} ${state === 'left' ? 'has left' : 'is dead'}; what it has of ${stack} it ends once it is heard again`;
