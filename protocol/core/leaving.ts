/**
 * A clean end of the agent: what it leads it gives to others at once, who else would wait for T. Its
 * instances run on, so its strict keys stay as they are until their sessions run out. Where it ends for
 * good, or as its machine reboots, it says so, and nobody gives it the grace of an agent that has crashed.
 */
import type { StopReason } from '../input.ts';
import { tellNow } from '../inventory/inventories.ts';
import { giveAway, type Leases } from '../lease/leases.ts';
import { sayLeft } from '../membership/membership.ts';
import { journal, type Turn } from '../turn.ts';
import { know } from './know.ts';
import { offer } from './settle.ts';
import type { Core } from './state.ts';

/** Nothing is done after it: from this step on the core answers nobody. */
export function leave(core: Core, leases: Leases, turn: Turn, why: StopReason): void {
  core.ended = true;
  if (know(core).isDismissed) return;
  const others = know(core).alive.filter((host) => host !== turn.self);
  const given = giveAway(leases, turn, core.council.roster, others);
  const text = `this agent ${HOW[why]}, and gives ${given.length} keys to others`;
  journal(turn, 'lease', [turn.self, ...given], text);
  offer(core, leases, turn);
  tellNow(core.inventories, turn);
  if (why !== 'restart') sayLeft(core.membership, turn, why === 'reboot');
}

const HOW = {
  restart: 'ends',
  stop: 'ends for good',
  reboot: 'ends for a reboot of its host',
} as const satisfies Record<StopReason, string>;
