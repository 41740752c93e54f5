/** Leases: sessions, bindings, ballots, and the clock they are counted by. */
import { ofMachine } from './mutant.ts';

const VOTER = 'protocol/lease/voter.ts';
const HOLDER = 'protocol/lease/holder.ts';

export const LEASE_MUTANTS = ofMachine('lease', [
  {
    name: 'half-quorum',
    file: 'protocol/lease/links.ts',
    from: 'return descending[Math.floor(voters.length / 2)] ?? NEVER;',
    to: 'return descending[Math.max(0, Math.floor(voters.length / 2) - 1)] ?? NEVER;',
    says: 'One voter fewer than a majority keeps a lease up.',
    rules: ['S1'],
    walk: 'leases',
  },
  {
    name: 'replies-counted',
    file: HOLDER,
    from: 'hold.accepted.set(from, message.grant);',
    to: `const again = hold.accepted.has(from);
    const voter = (again ? votersOf(roster).find((id) => !hold.accepted.has(id)) : from) ?? from;
    hold.accepted.set(voter, sessionWith(links, voter, classOf(key))?.grant ?? message.grant);`,
    says: 'A second answer of one voter counts as the acceptance of another.',
    rules: ['S1'],
    walk: 'leases',
  },
  {
    name: 'clock-stops-in-sleep',
    file: 'sim/host.ts',
    from: 'if (asleep) host.asleepUntil = Math.max(host.asleepUntil, until);',
    to: `if (asleep && host.agent !== undefined) {
    const sleptFrom = Math.max(queue.now, host.asleepUntil);
    host.agent.clock.offsetMs -= Math.max(0, Math.floor((until - sleptFrom) / 1000));
  }
  if (asleep) host.asleepUntil = Math.max(host.asleepUntil, until);`,
    says: 'The lease clock does not count the sleep of the machine.',
    rules: ['S1'],
  },
  {
    name: 'stale-binding-counted',
    file: 'protocol/lease/hold.ts',
    from: 'if (session === undefined || !sameGrant(grant, session.grant)) return NEVER; // H1',
    to: 'if (session === undefined || grant === undefined) return NEVER;',
    says: 'An acceptance under a session that has lapsed counts for the next session.',
    rules: ['S1'],
  },
  {
    name: 'promise-ignored',
    file: VOTER,
    from: 'const promised = n > place.promised || (n === place.promised && owns(place, from, message.sid));',
    to: 'const promised = true;',
    says: 'A voter accepts a ballot below the one it has promised.',
    rules: ['S1', 'S3', 'S4', 'S5'],
    walk: 'leases',
  },
  {
    name: 'released-while-counted',
    file: HOLDER,
    from: 'if (old !== undefined && !keep) release(holder, turn, roster, [key]);',
    to: `if (old !== undefined && !keep) release(holder, turn, roster, [key]);
    if (old !== undefined && keep)
      for (const voter of votersOf(roster))
        send(turn, voter, {
          kind: 'release',
          sid: turn.boot,
          items: [
            { key, ballot: old.ballot },
            { key, ballot: ballot(old.term ?? 0) },
          ],
        });`,
    says: 'A leader that raises its ballot gives back the bindings on which it still counts.',
    rules: ['S1'],
    walk: 'leases',
  },
  {
    name: 'no-silence',
    file: VOTER,
    from: 'const silent = turn.now < voter.readyAt || !confirmed;',
    to: 'const silent = false;',
    says: 'A restarted voter calls keys open although it may have granted them before.',
    rules: ['S1', 'S6'],
  },
  {
    name: 'silence-counted',
    file: HOLDER,
    from: "if (status === 'open' || status === 'self') hold.promises.add(from);",
    to: "if (status === 'open' || status === 'self' || status === 'silent') hold.promises.add(from);",
    says: 'A candidate takes the silence of a restarted voter for a promise.',
    rules: ['S1', 'S4'],
  },
  {
    name: 'ceiling-not-kept',
    file: 'protocol/lease/durable.ts',
    from: `durable.ceiling = ballot(n + CEILING_BLOCK);
  saveDurable(durable, turn);`,
    to: 'durable.ceiling = ballot(n + CEILING_BLOCK);',
    says: 'The ceiling of promised ballots is raised in memory only.',
    rules: ['S3', 'S4', 'S5'],
  },
  {
    name: 'longest-term-not-kept',
    file: 'protocol/lease/durable.ts',
    from: "persist(turn, 'host', { ...durable });",
    to: "persist(turn, 'host', { ...durable, maxTermMs: 0 });",
    says: 'The longest lease granted is not on disk, so a restarted voter is not silent for it.',
    rules: ['S1', 'S5', 'S6'],
  },
  {
    name: 'counted-from-the-answer',
    file: 'protocol/lease/leases.ts',
    from: 'if (onKeepaliveAck(links, from, message)) returnLeaks(holder, turn, from, message.bindings);',
    to: `if (onKeepaliveAck(links, from, message)) {
        const session = links.byVoter.get(from)?.sessions[message.class];
        if (message.fresh && session !== undefined) session.last = turn.now;
        returnLeaks(holder, turn, from, message.bindings);
      }`,
    says: 'A lease counts from the receipt of the answer, not from the send of the keepalive.',
    rules: ['S1'],
  },
  {
    name: 'every-answer-renews',
    file: 'protocol/lease/leases.ts',
    from: 'return onAcceptAck(holder, links, roster, from, message);',
    to: `{
        const session = links.byVoter.get(from)?.sessions.normal;
        if (session !== undefined) session.last = turn.now;
        links.version += 1;
        return onAcceptAck(holder, links, roster, from, message);
      }`,
    says: 'Every answer to an acceptance starts the term anew, as published PaxosLease does.',
    rules: ['S1'],
  },
  {
    name: 'no-drift-margin',
    file: 'protocol/config.ts',
    from: 'return millis(Math.floor((termMs * (1000 - permille)) / (1000 + permille)) - config.readErrorMs);',
    to: 'return millis(termMs + 0 * permille);',
    says: 'A holder counts the whole term, whatever the clocks of the two sides do.',
    rules: ['S1'],
  },
  {
    name: 'term-in-progress',
    file: HOLDER,
    from: 'term: keep ? old.term : undefined,',
    to: 'term: keep ? term(n) : undefined,',
    says: 'A leader that raises its ballot names it as its term before anybody has accepted it.',
    rules: ['S3', 'S4'],
  },
  {
    name: 'leaks-not-returned',
    file: 'protocol/lease/leases.ts',
    from: 'if (onKeepaliveAck(links, from, message)) returnLeaks(holder, turn, from, message.bindings);',
    to: 'onKeepaliveAck(links, from, message);',
    says: 'A binding that its owner does not count on is never given back.',
    rules: ['L1', 'L7'],
  },
  {
    name: 'overwrites',
    file: VOTER,
    from: 'const overwrites = live(place.binding, turn.now) && place.binding.session.owner !== from;',
    to: 'const overwrites = false;',
    says: "An acceptance overwrites another host's live binding.",
    rules: ['S1'],
    // What it takes: sessions that lapse one voter at a time.
    among: 'bias',
    walk: 'leases',
  },
  {
    name: 'release-of-any-ballot',
    file: VOTER,
    from: 'if (binding.session.owner !== from || binding.ballot !== n) continue;',
    to: 'if (binding.session.owner !== from) continue;',
    says: 'A late release of an older ballot frees the newer binding.',
    rules: ['S1'],
  },
  {
    name: 'grant-used-again',
    file: VOTER,
    from: 'voter.grantCount += 1;',
    to: 'voter.grantCount = 1;',
    says: 'The session after a lapse carries the same grant, so that acceptances of before count on.',
    rules: ['S1'],
  },
]);
