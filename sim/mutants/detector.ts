/** Failure detection: beliefs, rumors, refutations, verdicts. */
import { ofMachine } from './mutant.ts';

const MEMBER = 'protocol/membership/member.ts';

export const DETECTOR_MUTANTS = ofMachine('detector', [
  {
    name: 'death-beats-refutation',
    file: MEMBER,
    from: `if (rumor.incarnation !== belief.incarnation) return rumor.incarnation > belief.incarnation;
`,
    to: '',
    says: 'A rumor of death stands against the refutation under a higher incarnation.',
    rules: ['S12', 'L3', 'L1'],
  },
  {
    name: 'boots-not-told-apart',
    file: MEMBER,
    from: 'if (rumor.boot !== belief.boot) return rumor.boot > belief.boot;\n',
    to: '',
    says: 'A rumor about an earlier life of an agent is taken for one about its present life.',
    rules: ['S12', 'L3', 'L1'],
  },
  {
    name: 'others-raise-incarnations',
    file: MEMBER,
    from: 'evidence === undefined ? member : believe(',
    to: `evidence === undefined
      ? believe(
          member,
          { ...member, health: 'alive', incarnation: incarnation(member.incarnation + 1) },
          now,
        )
      : believe(`,
    says: 'Any message of a suspect clears it, under an incarnation that it has never raised.',
    rules: ['S12'],
  },
  {
    name: 'no-refutation',
    file: 'protocol/membership/hearing.ts',
    from: 'if (current) m.incarnation = incarnation(rumor.incarnation + 1);',
    to: '',
    says: 'A host that hears of its own death does not raise its incarnation.',
    rules: ['L3', 'L1'],
  },
  {
    name: 'never-told-of-its-death',
    file: 'protocol/membership/rumors.ts',
    from: 'if (toldAt !== undefined && turn.now < after(toldAt, turn.config.beatMs)) return;',
    to: 'if (toldAt !== null) return;',
    says: 'Nobody tells a host that returns what is believed of it.',
    rules: ['L3', 'L1'],
  },
  {
    name: 'grace-without-end',
    file: 'protocol/membership/grace.ts',
    from: 'earliest(after(grace.since, config.agentGraceMs), freshUntil(grace, config))',
    to: 'freshUntil(grace, config)',
    says: 'A host whose agent has crashed is spared for ever.',
    rules: ['L3'],
  },
  {
    name: 'stall-without-end',
    file: 'protocol/membership/suspicion.ts',
    from: 'open < after(endsAt, config.stallGraceMs) ? open : after(endsAt, config.stallGraceMs);',
    to: 'open;',
    says: 'An agent that hangs is taken for one that stalls for as long as its port is open.',
    rules: ['L3', 'L1'],
  },
  {
    name: 'ears-never-trusted',
    file: 'protocol/membership/local-health.ts',
    from: 'Math.min(SCORE_MAX, health.score + by)',
    to: '1000 * (health.score + by)',
    says: 'A host that was slow once listens for minutes before it doubts anybody.',
    rules: ['L3', 'L1'],
  },
  {
    name: 'helper-raises-incarnation',
    file: 'protocol/membership/favors.ts',
    from: '{ boot: ack.boot, incarnation: ack.incarnation }',
    to: '{ boot: ack.boot, incarnation: (ack.incarnation + 1) as never }',
    says: 'A helper passes on more than the host that it asked has said.',
    rules: ['S12'],
  },
  {
    name: 'no-stall-excused',
    file: 'protocol/membership/suspicion.ts',
    from: 'later(later(endsAt, stalledUntil),',
    to: 'later(later(endsAt, endsAt),',
    says: 'An open port is worth nothing: an agent that stands still for two seconds is dead.',
    rules: ['S17'],
  },
  {
    name: 'nobody-asked',
    file: 'protocol/membership/probe.ts',
    from: 'for (const helper of unanswered) send(',
    to: 'for (const helper of unanswered.slice(9)) send(',
    says: 'Other watchers are not asked what they hear of a silent host.',
    rules: ['S17'],
  },
  {
    name: 'no-second-look',
    file: 'protocol/membership/suspicion.ts',
    from: 'const endsAt = later(after(member.since, lasts), silentAt);',
    to: 'const endsAt = after(member.since, lasts);',
    says: 'A watcher condemns on the word of others a host that it hears itself.',
    rules: ['S17'],
  },
  {
    name: 'no-brake',
    file: 'protocol/placement/brake.ts',
    from: "if (phase === 'free') return Infinity;",
    to: "if (phase !== 'slow') return Infinity;",
    says: 'A host that loses sight of most others moves what ran on them.',
    rules: ['S16'],
  },
  {
    name: 'no-verdict',
    file: 'protocol/membership/detector.ts',
    from: 'if (suspects.length === 0) return [];',
    to: 'if (suspects.length >= 0) return [];',
    says: 'A suspicion never becomes a verdict.',
    rules: ['L3', 'L1'],
  },
]);
