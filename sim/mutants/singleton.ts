/** Strict singletons: when one may run, who stops it, and when its key is given away. */
import { ofMachine } from './mutant.ts';

const STRICT = 'protocol/core/strict.ts';
const GUARD = 'protocol/guard/guard.ts';

export const SINGLETON_MUTANTS = ofMachine('singleton', [
  {
    name: 'starts-unvouched',
    file: STRICT,
    from: 'const until = sooner(guarded.until, untilOf(core, leases, turn, key));\n  return',
    to: 'const until = untilOf(core, leases, turn, key);\n  return',
    says: 'A strict instance is started before the guard has acknowledged V.',
    rules: ['S19'],
  },
  {
    name: 'start-margin-ignored',
    file: STRICT,
    from: "if (until >= after(now, config.startMarginMs)) return 'start'; // X1",
    to: "if (until > now) return 'start';",
    says: 'A strict instance is started however little is left of its lease.',
    rules: ['S19'],
  },
  {
    name: 'lapsed-slot-vouched-for',
    file: STRICT,
    from: 'known.toldUntil = until;',
    to: 'known.toldUntil = after(until, core.config.freezeMs);\n    turn.out.push({ kind: "guardSlot", key, warrant: { first: known.first, until: known.toldUntil } });',
    says: 'The guard is told a V that is later than the end of the lease.',
    rules: ['S19'],
  },
  {
    name: 'another-ballot-vouched-for',
    file: STRICT,
    from: 'warrant: { first: known.first, until }',
    to: 'warrant: { first: 0 as Term, until }',
    says: 'What was made under an earlier term goes on under the present one.',
    rules: ['S19'],
  },
  {
    name: 'no-freeze',
    file: GUARD,
    from: "return now >= before(warrant.until, freezeMs) ? 'stands' : 'runs'; // X7",
    to: "return 'runs';",
    says: 'The guard freezes nothing at V - F.',
    rules: ['S19'],
  },
  {
    name: 'frozen-for-ever',
    file: GUARD,
    from: "if (now >= warrant.until) return 'dies';",
    to: "if (now >= warrant.until) return 'stands';",
    says: 'The guard leaves what it has frozen as it is when the lease ends.',
    rules: ['S19'],
  },
  {
    name: 'unwarranted-runs',
    file: GUARD,
    from: "if (warrant === undefined || term < warrant.first) return 'dies'; // X6",
    to: "if (warrant === undefined) return 'runs';",
    says: 'The guard takes no notice of what nobody has vouched for.',
    rules: ['S19'],
  },
  {
    name: 'released-while-living',
    file: 'protocol/lease/holder.ts',
    from: 'if (!holder.isFree(key)) continue;',
    to: '',
    says: 'A strict key is released although what was made under it lives.',
    rules: ['S19'],
  },
  {
    name: 'slot-of-the-normal-class',
    file: 'protocol/lease/class.ts',
    from: "(key.startsWith('slot/') ? 'strict' : 'normal')",
    to: "(key.startsWith('slots/') ? 'strict' : 'normal')",
    says: 'Strict keys are leased for T of class normal.',
    rules: ['S19'],
  },
  {
    name: 'guard-loss-ignored',
    file: STRICT,
    from: 'if (!core.guarding.isPresent) return;',
    to: 'if (turn.now > 0) return;',
    says: 'An agent whose guard is silent goes on.',
    rules: ['S19'],
  },
  {
    name: 'strict-before-listing',
    file: STRICT,
    from: 'slots.listed && guarding.isPresent;',
    to: 'guarding.isPresent;',
    says: 'Strict sessions are kept up before the instances here are known.',
    rules: ['S19'],
  },
  {
    name: 'strict-without-guard',
    file: STRICT,
    from: 'slots.listed && guarding.isPresent;',
    to: 'slots.listed;',
    says: 'Strict sessions are kept up where no guard answers.',
    rules: ['S19'],
  },
]);
