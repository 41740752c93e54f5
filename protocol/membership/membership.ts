/**
 * The failure detector's door: everything the core calls. Advisory throughout: it says when to try
 * something, and nothing safe may hang on it.
 *
 *     hearing.ts   messages and rumors ──▶ member.ts   one belief        watchers.ts  who watches whom
 *     detector.ts  silence and verdicts ─▶ table.ts    all beliefs       watch.ts     doubt of one subject
 *     rumors.ts, probe.ts  what we say and ask         suspicion.ts, grace.ts  how long it takes
 */
export {
  membershipDeadline,
  onConnectProbed,
  onPeerDisconnected,
  wakeMembership,
} from './detector.ts';
export { noteHeard, onBeat, onHeartbeat, onProbeAck, onRumor } from './hearing.ts';
export type { Member as MemberView } from './member.ts';
export { onProbe } from './probe.ts';
export {
  aliveHosts,
  createMembership,
  healthOf,
  type Membership,
  membersOf,
  setMembers,
} from './table.ts';
