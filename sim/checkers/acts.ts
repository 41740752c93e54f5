/**
 * S2 Only the leader of a key acts for it: it reads and writes its record and tells hosts what is
 *    committed, and only in a step in which it leads by its own clock. What it said may leave later,
 *    behind a slow write: records are safe from that by their terms, hosts by the leases of slots.
 *    An agent that was asked to end leads nothing from then on, and says nothing more.
 * S3 It writes under no term above its own.
 */
import type { Key } from '../../protocol/base/ids.ts';
import type { Effect } from '../../protocol/effect.ts';
import type { Message } from '../../protocol/wire/message.ts';
import { classOf } from '../../protocol/lease/class.ts';
import type { Micros } from '../event-queue.ts';
import type { Host } from '../host.ts';
import { checkLeases, holdOf, type LeaseChecker } from './leases.ts';
import type { Step } from './occasion.ts';

type Act = { readonly key: Key; readonly kind: Message['kind']; readonly term: number };

/** With S1 between what was held before the step and what is after it. */
export function checkLeading(leases: LeaseChecker, host: Host, step: Step, now: Micros): void {
  const acts = actsIn(leases, host, step.effects, now);
  checkLeases(leases, host, now);
  checkActs(leases, host, acts, now);
  checkEnd(leases, host, step);
}

const NO_ACTS: readonly Act[] = [];

/**
 * What this step does as a leader under a lease that it did not hold before, nor wins on its way: it
 * may win a key, act, and give it up again in one step.
 */
function actsIn(
  leases: LeaseChecker,
  host: Host,
  effects: readonly Effect[],
  now: Micros,
): readonly Act[] {
  if (effects.length === 0) return NO_ACTS;
  const acts: Act[] = [];
  const won = new Map<Key, number>();
  for (const effect of effects) {
    if (effect.kind === 'leaseChanged' && effect.event !== 'ended')
      won.set(effect.key, effect.term);
    if (effect.kind !== 'send') continue;
    const act = actOf(effect.message);
    if (act === undefined || (won.get(act.key) ?? -1) >= act.term) continue;
    if (!mayAct(leases, host, act, now)) acts.push(act);
  }
  return acts;
}

/** In the step in which it was asked to end it may speak for the last time. */
function checkEnd(leases: LeaseChecker, host: Host, { input, effects }: Step): void {
  const { agent } = host;
  if (agent === undefined) return;
  if (input.kind === 'stopping') leases.ended.add(agent);
  if (leases.ended.size === 0 || !leases.ended.has(agent)) return;
  // What is strict runs on, and so its leases run out by themselves.
  const leads = [...(leases.keysOf.get(host) ?? [])].some((key) => classOf(key) === 'normal');
  if (leads) leases.report('S2', `${host.id} leads, and was asked to end`);
  if (input.kind !== 'stopping' && effects.length > 0)
    leases.report('S2', `${host.id} goes on (${effects[0]?.kind}), and was asked to end`);
}

function actOf(message: Message): Act | undefined {
  if (message.kind === 'read') return { key: message.key, kind: 'read', term: message.term };
  const { kind } = message;
  if (kind !== 'write' && kind !== 'push') return undefined;
  const { key, revision } = kind === 'write' ? message : message.record;
  return { key, kind, term: revision.term };
}

const mayAct = (leases: LeaseChecker, host: Host, { key, term }: Act, now: Micros): boolean =>
  (holdOf(leases, host, key, now)?.term ?? -1) >= term;

/** Of what the host did not lead before the step, it must lead after it. */
function checkActs(leases: LeaseChecker, host: Host, acts: readonly Act[], now: Micros): void {
  for (const act of acts) {
    if (mayAct(leases, host, act, now)) continue;
    const hold = holdOf(leases, host, act.key, now);
    const what = `${host.id} sends a ${act.kind} of ${act.key} under term ${act.term}`;
    if (hold === undefined) leases.report('S2', `${what} and does not lead it`);
    else leases.report('S3', `${what} and leads it under ${hold.term}`);
  }
}
