/** What stays where it is (rules 1 to 3, 6 and 7), and what cannot. */
import type { HostId } from '../base/ids.ts';
import type { Slot } from '../record/record.ts';
import {
  assign,
  conclude,
  decide,
  type Draft,
  fromWhom,
  handingOf,
  type Leaver,
  ownOn,
  replicasOf,
} from './draft.ts';
import { crowdedOut, DRAINED, mayBeStuck, specAt, whyNotKeep } from './fit.ts';
import { isDone, stillFrom } from './handover.ts';
import { heal, seated } from './heal.ts';
import { endOf, staysThere } from './job.ts';

const STUCK = 'its engine has not started it, and does not answer';

/** Whoever was asked to go, and goes only where it fits. */
export const isAskedOnly = (why: string): boolean => why === STUCK || why === DRAINED;

/** Takes over what stays, and returns what cannot. */
export function keep(draft: Draft): readonly Leaver[] {
  const { component, spec, current } = draft.request;
  const isGlobal = spec.mode === 'global';
  const leavers: Leaver[] = [];
  const seen = new Set<number>();
  for (const was of [...current].sort((a, b) => a.slot - b.slot)) {
    const { slot } = was;
    if (seen.has(slot)) continue;
    seen.add(slot);
    if (!isGlobal && slot > replicasOf(spec)) {
      decide(draft, 'removed', slot, `${component}.${slot} is removed: ${spec.replicas} wanted`);
      continue;
    }
    const isOver = isGlobal && !draft.hosts.has(was.host) ? undefined : endOf(draft.request, was);
    if (isOver !== undefined) {
      conclude(draft, was, isOver);
      continue;
    }
    const { host, left = [] } = isGlobal ? was : healed(draft, was);
    const from = stillFrom(handingOf(draft), { ...was, host });
    const why = whyLeave(draft, was, host);
    const stays =
      why === undefined ||
      staysThere(draft.request, slot, draft.hosts.get(host)) ||
      (why === DRAINED && isDone(draft.request, slot, host));
    if (stays) assign(draft, { slot, host, left, ...fromWhom(from) });
    else leavers.push({ slot, host, left, why, ...fromWhom(from) });
  }
  return leavers;
}

function whyLeave(draft: Draft, was: Slot, id: HostId): string | undefined {
  const { component, spec, isStuck } = draft.request;
  const host = draft.hosts.get(id);
  const own = ownOn(draft, id);
  // A host that reboots keeps what waits for it, and is counted when it is back.
  const isCounted =
    host?.alive === true && (draft.returned.has(id) || spec.placement?.fill === true);
  return (
    whyNotKeep(component, specAt(draft.request, was), host, own) ??
    (mayBeStuck(spec) && isStuck(was.slot, id) ? STUCK : undefined) ??
    (isCounted ? crowdedOut(spec, host, own) : undefined)
  );
}

/** The slot as `on_heal` has it; who was chosen and cannot run it loses after all. */
function healed({ request, hosts, own, returned, decisions }: Draft, was: Slot): Slot {
  const { component, spec, leader } = request;
  const isAlive = (host: HostId): boolean => hosts.get(host)?.alive === true;
  const runs = (host: HostId): boolean => request.runs(was.slot, host);
  const slot = heal(spec, was, { runs, isAlive, leader });
  if (slot.host === was.host) return slot;
  const there = ownOn({ own }, slot.host);
  const why = whyNotKeep(component, specAt(request, was), hosts.get(slot.host), there);
  const name = `${component}.${slot.slot}`;
  const text =
    why === undefined
      ? `${name} returns from ${was.host} to ${slot.host}, which runs it too: on_heal`
      : `${name} does not return to ${slot.host}: ${why}`;
  decisions.push({ kind: 'moved', slot: slot.slot, host: slot.host, text, rejected: [] });
  if (why === undefined) returned.add(slot.host);
  if (why === undefined) return slot;
  return seated(
    was.slot,
    was.host,
    (was.left ?? []).filter((host) => host !== slot.host),
  );
}
