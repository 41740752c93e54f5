/**
 * The failure detector's door: everything the core calls. Advisory throughout: it says when to try
 * something, and nothing safe may hang on it.
 *
 *     hearing.ts   messages and rumors ──▶ member.ts   one belief        watchers.ts  who watches whom
 *     detector.ts  silence and verdicts ─▶ table.ts    all beliefs       watch.ts     doubt of one subject
 *     rumors.ts, probe.ts, favors.ts  what we say and ask      suspicion.ts, grace.ts  how long it takes
 *     knock.ts  fresh connects         local-health.ts  how far we trust our own ears
 */
export { membershipDeadline, onPeerDisconnected, wakeMembership } from './detector.ts';
export { onProbeFor } from './favors.ts';
export { mayTurn, steadyAt, whyRestless } from './flaps.ts';
export { noteHeard, onBeat, onHeartbeat, onProbeAck, onProbeForAck, onRumor } from './hearing.ts';
export { onConnectProbed, onKnock } from './knock.ts';
export type { Member as MemberView } from './member.ts';
export { onProbe } from './probe.ts';
export { sayLeft } from './rumors.ts';
export {
  aliveHosts,
  createMembership,
  flapsOf,
  healthOf,
  type Membership,
  membersOf,
  setMembers,
} from './table.ts';
