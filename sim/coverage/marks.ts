/**
 * The rare states that a thousand seeds must have been through, each as a sentence. A state that no
 * seed reaches is one in which nothing has been checked.
 */
export const MARKS = {
  // Leases.
  'led-anew-under-fault': 'Another host took over a key while a fault was present, or just after.',
  'led-anew-alive':
    'Another host took over a key, and the agent that had led it was still running.',
  'led-again-after-restart': 'The next leader of a key was the next life of the one before.',
  'lapse-at-one-voter':
    'One of the voters that had accepted a leader held the key for it no more, the others did.',
  'lease-lapsed': 'A leader was a leader no more because its sessions had run out.',
  'leader-stood-still': 'A leader stood still for longer than its lease.',
  'raise-while-held': 'A leader raised its ballot and went on leading.',
  'challenge-while-held': 'A voter promised a ballot and said that it held the key for another.',
  'ballots-cross': 'A voter refused a ballot because it had promised a higher one.',
  'accept-after-restart': 'A voter was asked to accept what it had promised in the life before.',
  'accept-without-session': 'A voter was asked to accept under a session that it did not have.',
  'overwrite-refused':
    "A voter refused an acceptance for nothing but another host's live binding of the key.",
  'silent-after-restart': 'A voter answered `silent`: a lease of its life before might live.',
  'silent-until-confirmed':
    'A voter answered `silent` because the others had not heard of its boot.',
  'old-life-heard': 'A voter heard a keepalive of a life that it knew was over.',
  'old-session-binds': 'A voter held keys for the life before of a host that had a new session.',
  'leak-returned': 'A binding that its owner did not count on was given back when it heard of it.',
  'lease-carried': 'A leader led by what had been acknowledged under the roster before.',
  'handed-over': 'A leader gave a key to the host that a user had named.',
  'taken-by-force': 'A leader heard that its key was taken from it, and let go.',
  'revoked-too-late': 'A key was to be taken from a leader that had raised its ballot since.',
  'left-as-leader': 'An agent was asked to end and gave away what it led.',
  'fast-leads-slow': 'A host with the fastest clock won a key by the votes of the slowest.',
  'slow-leads-fast': 'A host with the slowest clock won a key by the votes of the fastest.',
  // Records.
  'minority-adopted': 'A new leader found a record that only a minority had, and committed it.',
  'read-refused': 'A leader was refused a record because a higher term had read it.',
  'write-refused': 'A leader was refused a write because a higher term had read the record.',
  'write-superseded': 'A write reached a voter after a later one of the same term.',
  'committed-after-lease':
    'A write was acknowledged by a quorum after its leader had lost the lease.',
  'leader-ended-writing': 'A leader ended while a write of its was under way.',
  'asked-host-ended': 'An agent ended while users of it waited for answers.',
  'unknown-committed': 'A user was told that the outcome is unknown, and the deploy was committed.',
  'asked-again-answered':
    'A deploy that was committed already was asked for again and not repeated.',
  'stale-refused': 'A deploy was refused because another had been committed meanwhile.',
  'expected-of-a-leader-before':
    'A deploy expected a revision that a later leader had committed again under its own term.',
  'older-life-assigned': 'A host knew a tombstone, and an assignment of the life before it.',
  'write-cut-kept': 'An agent ended in the middle of a write, which had reached the disk.',
  'write-cut-lost': 'An agent ended in the middle of a write, which had not reached the disk.',
  // Rosters.
  'joint-leader-ended': 'The leader of the roster ended while a change was under way.',
  'concluded-by-another': 'A change was concluded by another host than the one that had begun it.',
  'roster-taken-over': 'A host proposed the roster that another attempt had left behind.',
  'unsynced-asked': 'A new voter was asked for a vote before it had what the old ones had.',
  'unsynced-ended': 'A new voter ended before it had what the old ones had.',
  'synced-late': 'A new voter was not synced for longer than a lease.',
  'old-epoch-answered': 'A voter was asked under a roster that was over, and told the new one.',
  'witness-votes': 'A witness voted.',
  'five-voters': 'Three voters became five.',
  'voter-replaced': 'A voter was replaced by another host.',
  'voter-wiped': 'A host that was a voter no more forgot what it had as one.',
  'voter-added-again': 'A host that had been removed voted again.',
  'removal-missed': 'A voter that had heard nothing for two changes took itself for removed.',
  'outsider-leads': 'In the calm, a host for which the storm goes on led a key.',
  'lost-disk-returned': 'A host that had lost its disk was let in anew.',
  // Members.
  refuted: 'A host heard that it was believed dead or dying, and refuted it.',
  'heard-through-another': 'A silent host was heard through another watcher.',
  'ears-distrusted': 'A host that was slow itself listened for longer before it doubted others.',
  'stall-waited-out': 'The port of a silent host was open: it was given the time of a stall.',
  'left-for-good': 'A host was believed gone because its agent had said so.',
  'left-came-back': 'A host that had said that it leaves came back as a new life.',
  'forgotten-by-user': 'A host that was gone was forgotten because a user had asked for it.',
  'forgotten-in-time': 'A host that was gone for long was forgotten.',
  'forget-refused': 'A user was told why a host is not forgotten.',
  'has-left': 'A host that was told to leave had nothing left, and was out.',
  dismissed: 'A host learned that its cluster had forgotten it.',
  'dismissed-as-voter': 'Such a host had a vote by the last roster it knew.',
  'let-in-again': 'A host that was forgotten was let in again.',
  braked: 'Most peers of a host vanished at once: it moved nothing.',
  'brake-eased': 'A quorum had answered such a host for a while: it moved slots again, slowly.',
  'host-flapped': 'A host was dead twice within ten minutes.',
  'grace-given': 'An agent was gone, its kernel answered, and the verdict was put off.',
  'grace-ended': 'A kernel that had answered fell silent, and the host was spared no longer.',
  'dead-came-back': 'A host that was believed dead came back as a new life.',
  'dead-lived': 'A host that was believed dead had lived all the time.',
  'dead-each-other': 'Two hosts that both ran believed each other dead.',
  'dead-yet-leading': 'A host that led something was believed dead.',
  'held-back': 'A host that had stood still started nothing before it had heard what it missed.',
  // Inventories.
  'gap-met': 'A gossiped change came after one that was lost.',
  'gap-repaired': 'A change that gossip had lost came by a pull.',
  'earlier-decisions-known':
    'A host knew what another had decided in a start of its that was over.',
  'decisions-of-the-gone': 'A host knew what another had decided whose machine was gone.',
  // Instances.
  'restart-without-quorum': 'An instance was restarted where no quorum could be heard.',
  'start-alone': 'A host that heard nobody started what it had run before.',
  'run-anew':
    'A slot that is never restarted was started again, because its spec had changed since it ran.',
  adopted: 'A new agent found instances running and took them over.',
  'daemon-restart-survived': 'An engine was restarted and its instances ran on.',
  'stopped-isolated': 'A host that heard no quorum stopped what its contract told it to.',
  'frozen-isolated': 'A host that heard no quorum froze what its contract told it to.',
  'thawed-again': 'A host that heard a quorum again thawed what it had frozen.',
  'rival-left-alone': 'An instance ran on although its slot was given to another host.',
  'rival-returned-to': 'A slot was given back to the host that had run it all the time.',
  'rival-lost': 'A host stopped what it had run all the time, as the leader had chosen another.',
  'ran-twice': 'Two hosts ran the same slot.',
  'crash-loop': 'A slot failed so often that it was put off for as long as may be.',
} as const satisfies { readonly [name: string]: string };

export type Mark = keyof typeof MARKS;
