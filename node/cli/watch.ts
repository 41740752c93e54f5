/** Following the cluster by asking for its status again and again, and saying what has changed. */
import { setTimeout as pause } from 'node:timers/promises';
import type { StatusBody } from '../http/api.ts';
import { asFailure, EXIT } from './failure.ts';
import type { Cli } from './terminal.ts';
import type { ClusterView } from '../../protocol/view/view.ts';
import { age } from './duration.ts';
import { condition, hostName, isUp } from './verdict.ts';

/** The agent answers from memory; this is what a reader notices. */
const POLL_MS = 250;
/** An agent that restarts is back within this; a wait outlives it. */
const ABSENT_MS = 15_000;

export type Watching = { readonly until: number; readonly intervalMs?: number };

/**
 * Statuses, each newer than the last, until the time is over or the caller stops. The agent may be
 * away for a while: a deploy goes on without it.
 */
export async function* statuses(
  cli: Cli,
  { until, intervalMs = POLL_MS }: Watching,
): AsyncGenerator<StatusBody> {
  let absentSince: number | undefined;
  for (;;) {
    try {
      const body = await cli.client.status(cli.signal);
      absentSince = undefined;
      yield body;
    } catch (error) {
      if (cli.signal.aborted || asFailure(error).parts.exit !== EXIT.noAgent) throw error;
      absentSince ??= Date.now();
      if (Date.now() - absentSince > ABSENT_MS) throw error;
    }
    const left = until - Date.now();
    if (left <= 0) return;
    await pause(Math.min(intervalMs, left), undefined, { signal: cli.signal });
  }
}

/** One line per host and per slot, by its id: what a change is told in. */
export function facts(view: ClusterView): ReadonlyMap<string, string> {
  const told = new Map<string, string>();
  for (const host of view.hosts) told.set(host.id, `${host.name} ${host.state}`);
  for (const stack of view.stacks) {
    for (const component of stack.components) {
      const leader =
        component.leader === undefined
          ? 'no leader'
          : `led by ${hostName(view, component.leader.host)}`;
      told.set(component.id, `${component.id} wanted ${component.wanted}, ${leader}`);
      for (const { slot, host, instance, note } of component.slots) {
        const id = `${component.id}.${slot}`;
        const where =
          host === undefined ? '' : ` on ${hostName(view, host)}${isUp(view, host) ? '' : '?'}`;
        const state = instance === undefined ? (note ?? 'pending') : condition(instance);
        told.set(id, `${id} ${state}${where}`);
      }
    }
  }
  return told;
}

/** Lines that are new or differ, and `ID gone` for what is no more. */
export function changes(
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): readonly string[] {
  const changed = [...after]
    .filter(([id, line]) => before.get(id) !== line)
    .map(([, line]) => line);
  const gone = [...before]
    .filter(([id]) => !after.has(id))
    .map(([, line]) => `${line.split(' ', 1)[0]} gone`);
  return [...changed, ...gone];
}

/** `12s  shop.web.1 running on h1`. */
export function sinceStart(startedAt: number, line: string): string {
  return `${age(Date.now() - startedAt).padStart(4)}  ${line}`;
}
