/** One thing that the protocol owes after the storm and has not given yet. */
import type { Core } from '../../../protocol/core.ts';
import type { Host } from '../../host.ts';
import type { World } from '../../world.ts';
import type { LeaseChecker } from '../leases.ts';
import type { Standing } from './standing.ts';

export type Owed = {
  readonly rule: string;
  /** What it is about, the same as long as it is owed. */
  readonly about: string;
  readonly text: string;
};

/** A host of whom all is demanded, and its agent. */
export type Participant = { readonly host: Host; readonly core: Core };

/** What is looked at in the calm. */
export type Calm = {
  readonly world: World;
  readonly leases: LeaseChecker;
  /** By index of host. */
  readonly standings: readonly Standing[];
  readonly team: readonly Participant[];
};

export const standingOf = ({ standings }: Calm, host: Host): Standing =>
  standings[host.index] ?? 'half';

/** The last that the host has noted in its journal about this. */
export function lastWord({ host, core }: Participant, about: string): string {
  const entry = core.journal.findLast((line) => line.about.includes(about));
  return entry === undefined ? '' : `; ${host.id} noted last: ${entry.text}`;
}
