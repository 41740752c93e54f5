/** Following what others decided: rosters, records told by a leader, the welcome into a cluster. */
import { componentOfKey, type HostId, ROSTER_KEY } from '../base/ids.ts';
import { pullFrom } from '../inventory/inventories.ts';
import { followRoster, type Leases } from '../lease/leases.ts';
import { committedOf } from '../record/committed.ts';
import { compareRevision } from '../record/record.ts';
import { adopt, type Change } from '../roster/council.ts';
import { forkOf, isForced, showEpoch } from '../roster/fork.ts';
import { journal, send, type Turn } from '../turn.ts';
import type { Join, Push, Welcome } from '../wire/message.ts';
import { know } from './know.ts';
import { learn } from './leading.ts';
import { admit } from './members.ts';
import type { Core } from './state.ts';

/** Carries an adopted roster to leases, records and this host's own standing as a voter. */
export function follow(core: Core, leases: Leases, turn: Turn, change: Change | undefined): void {
  if (change === undefined) return;
  followRoster(leases, turn, change);
  const { epoch, voters, next } = change.to;
  if (forkOf(epoch) !== forkOf(change.from.epoch)) core.rivals.clear();
  const text =
    next === undefined
      ? `${isForced(epoch) ? 'forced, ' : ''}voters ${voters.join(' ')}`
      : `voters from ${voters.join(' ')} to ${next.join(' ')}`;
  journal(turn, 'roster', [ROSTER_KEY], `epoch ${showEpoch(epoch)}: ${text}`);
  // Everyone we know should follow: a hint, the epoch in heartbeats is the certainty.
  if (core.writers.has(ROSTER_KEY))
    for (const host of know(core).alive)
      if (host !== turn.self) send(turn, host, { kind: 'rosterChosen', roster: change.to });
}

/** Another agent runs under our identity, with a newer boot: a copied disk. We serve nothing more. */
export function retire(core: Core, turn: Turn, by: HostId): void {
  if (core.cloned) return;
  core.cloned = true;
  journal(
    turn,
    'identity',
    [turn.self, by],
    `${by} has met a newer start of this host: its state was copied`,
  );
}

/** The leader's own word: from here on this host may start what it assigns (R9). */
export function onPush(core: Core, turn: Turn, from: HostId, { record }: Push): void {
  learn(core, turn, record);
  const known = committedOf(core.committed, record.key); // undefined: there was no room for it
  const told = core.authorized.get(record.key);
  const newest = told === undefined || compareRevision(record.revision, told) > 0;
  if (componentOfKey(record.key) !== undefined && newest && known !== undefined)
    core.authorized.set(record.key, record.revision);
  const { revision } = known ?? record;
  send(turn, from, { kind: 'pushAck', key: record.key, revision });
}

export function onJoin(core: Core, leases: Leases, turn: Turn, from: HostId, message: Join): void {
  const { isMember, leaders } = know(core);
  if (from !== message.host && !isMember.has(from)) return;
  const members = committedOf(core.committed, ROSTER_KEY);
  if (members !== undefined && isMember.has(message.host)) {
    if (core.council.roster.epoch > 0)
      send(turn, message.host, { kind: 'welcome', roster: core.council.roster, members });
    return;
  }
  admit(core, leases, turn, message);
  const leader = leaders.get(ROSTER_KEY)?.host;
  if (leader !== undefined && from === message.host) send(turn, leader, message);
}

export function onWelcome(
  core: Core,
  leases: Leases,
  turn: Turn,
  from: HostId,
  message: Welcome,
): void {
  const { value } = message.members;
  const invited = value.kind === 'members' && value.members.some(({ id }) => id === turn.self);
  if (!invited || !core.joins) return;
  learn(core, turn, message.members);
  if (know(core).isDismissed) return; // it is older than what has forgotten us
  core.joins = false;
  follow(core, leases, turn, adopt(core.council, core, turn, message.roster));
  pullFrom(core.inventories, core.committed, turn, from);
}
