/**
 * S29 A slot of which two may run leaves a host that is drained and alive only by being handed over: that
 *     host has it until the next one, or an older instance that the leader goes back to, runs it and is
 *     well, by what the leader has heard and in truth; or until nothing of it runs there any more.
 */
import type { HostId } from '../../protocol/base/ids.ts';
import type { ComponentSpec } from '../../protocol/component/spec.ts';
import type { Effect } from '../../protocol/effect.ts';
import { instanceEntry, type InstanceReport } from '../../protocol/inventory/entry.ts';
import { entriesOf } from '../../protocol/inventory/inventories.ts';
import type { Component, RecordValue, Slot } from '../../protocol/record/record.ts';
import { seatName } from '../engine/engine.ts';
import type { Agent, Host } from '../host.ts';
import type { List, Lists } from './lists.ts';
import type { Report } from './report.ts';
import { fixesPort, isAllowed } from './whereabouts.ts';

export type HandoverChecker = {
  readonly report: Report;
  readonly judged: WeakSet<RecordValue>;
  readonly hosts: Map<HostId, Host>;
};

export const createHandoverChecker = (report: Report): HandoverChecker => ({
  report,
  judged: new WeakSet(),
  hosts: new Map(),
});

export function checkHandovers(
  checker: HandoverChecker,
  host: Host,
  effects: readonly Effect[],
  { after: list }: Lists,
): void {
  const { agent } = host;
  if (agent === undefined) return;
  checker.hosts.set(host.id, host);
  for (const effect of effects) {
    if (effect.kind !== 'send' || effect.message.kind !== 'write') continue;
    const { key, value, revision } = effect.message;
    const isNew = !checker.judged.has(value) && revision.seq > 0;
    checker.judged.add(value);
    // What it writes is built on what it has committed last.
    const base = agent.core.writers.get(key)?.record?.value;
    if (!isNew || value.kind !== 'component' || base?.kind !== 'component') continue;
    if (base.life === value.life && mayOverlap(value.spec))
      for (const was of base.slots) judge(checker, agent, value, { by: host.id, list, was });
  }
}

export const mayOverlap = ({ mode, singleton, volumes, job }: ComponentSpec): boolean =>
  mode === 'replicated' &&
  singleton === undefined &&
  job === undefined &&
  volumes.every(({ kind }) => kind !== 'named');

function judge(
  { report, hosts }: HandoverChecker,
  agent: Agent,
  { component, spec, slots }: Component,
  { by, list, was }: { readonly by: HostId; readonly list: List; readonly was: Slot },
): void {
  const { slot, host, from } = was;
  const now = slots.find((each) => each.slot === slot);
  const giver = from ?? host;
  const isGone = !list.has(giver) || isDead(agent, giver) || slot > spec.replicas;
  if (isGone || now?.host === giver || now?.from === giver) return;
  // Its own report it makes anew in the very step, after it has decided by the one before.
  if (giver === by) return;
  const there = reportOf(agent, component, slot, giver);
  if (there !== undefined && !GOES_ON.has(there.state)) return;
  const seat = seatName(component, slot);
  const has = (next: HostId): boolean =>
    isWellOn(agent, { component, slot, host: next, by }) &&
    hosts.get(next)?.engine.ran.has(seat) === true;
  if (from === undefined) {
    // It was taken from that one while that was believed dead, and goes back (`on_heal`).
    if (now !== undefined && was.left?.includes(now.host) === true && has(now.host)) return;
    if (list.get(host)?.availability !== 'draining' || !isAllowed(spec, host, list)) return;
    const { perHostMax, reserves } = spec.placement ?? {};
    if (fixesPort(spec) || (perHostMax ?? reserves) !== undefined) return; // may be full
    return report('S29', `${by} takes ${seat} from ${host}, which is drained, at once`);
  }
  // Where two have run since a partition the older may be kept, though it is not the one that was to follow.
  if (!has(host) && (now === undefined || !has(now.host)))
    report('S29', `${by} takes ${seat} from ${from} before it runs on ${host}`);
}

function isWellOn(
  agent: Agent,
  { component, slot, host, by }: Pick<Component, 'component'> & Slot & { readonly by: HostId },
): boolean {
  if (isDead(agent, host)) return false;
  const here = reportOf(agent, component, slot, host);
  const isWell =
    host === by ||
    (here?.state === 'running' && here.health !== 'starting' && here.health !== 'unhealthy');
  return isWell || here?.state === 'complete' || here?.state === 'failed';
}

const GOES_ON: ReadonlySet<InstanceReport['state']> = new Set(['running', 'starting', 'preparing']);

function isDead({ core }: Agent, id: HostId): boolean {
  const health = core.membership.members.get(id)?.health;
  return health === 'dead' || health === 'left';
}

function reportOf(
  { core }: Agent,
  component: Component['component'],
  slot: number,
  host: HostId,
): InstanceReport | undefined {
  const report = entriesOf(core.inventories, host).get(instanceEntry(component, slot));
  return report?.kind === 'instance' ? report : undefined;
}
