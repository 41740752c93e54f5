/** Component records: who decides on assignments, from what, and who may start by them. */
import { ofMachine } from './mutant.ts';

const LEADING = 'protocol/core/leading.ts';
const HOSTING = 'protocol/core/hosting.ts';

export const COMPONENT_MUTANTS = ofMachine('component', [
  {
    name: 'starts-unauthorized',
    file: HOSTING,
    from: 'if (told !== undefined && compareRevision(told, revision) >= 0) return true;',
    to: 'return true;',
    says: 'A host starts a slot for the first time on any word of its assignment.',
    rules: ['S13'],
  },
  {
    name: 'old-authority-counts',
    file: HOSTING,
    from: 'if (told !== undefined && compareRevision(told, revision) >= 0) return true;',
    to: 'if (told !== undefined) return true;',
    says: 'Once told of an assignment, a host starts by every later one it hears of.',
    rules: ['S13'],
  },
  {
    name: 'alone-at-once',
    file: HOSTING,
    from: 'const alone = turn.now >= after(core.startedAt, core.config.isolatedStartMs);',
    to: 'const alone = true;',
    says: 'A host without a quorum does not wait before it starts what it ran before.',
    rules: ['S13'],
  },
  {
    name: 'decides-unled',
    file: LEADING,
    from: 'return isHeld(leases.holder, leases.links, turn, core.council.roster, key) ? writer : undefined;',
    to: 'return writer;',
    says: 'A leader whose lease has lapsed goes on deciding.',
    rules: ['S2', 'S11'],
  },
  {
    name: 'decides-before-serving',
    file: LEADING,
    from: 'if (!isServing(writer) || writerOf(core, leases, turn, key) === undefined) continue;',
    to: 'if (writerOf(core, leases, turn, key) === undefined) continue;',
    says: 'A new leader assigns slots before it has read what was assigned.',
    rules: ['S2', 'S11', 'S13'],
  },
  {
    name: 'older-stack-served',
    file: LEADING,
    from: 'if (stored !== undefined && compareRevision(stored.stackRevision, known.revision) > 0)',
    to: 'if (stored === null)',
    says: 'A leader that knows an older stack than the assignment serves takes the assignment back.',
    rules: ['S11', 'S13'],
  },
  {
    name: 'earlier-life-counts',
    file: 'protocol/core/know.ts',
    from: '(stack.life !== value.life || !names.includes(value.spec.name));',
    to: '!names.includes(value.spec.name);',
    says: 'The assignment of a destroyed stack counts for the next stack of its name.',
    rules: ['S13', 'S11', 'L1'],
  },
  {
    name: 'pushes-to-nobody',
    file: LEADING,
    from: 'know(core).alive.filter((host) => host !== turn.self),',
    to: 'know(core).alive.filter((host) => host === turn.self),',
    says: 'A leader tells no other host what it has committed.',
    rules: ['L1', 'L4', 'L5'],
  },
  {
    name: 'returned-hosts-not-told',
    file: LEADING,
    from: 'if (core.told.get(host) === mark) continue;',
    to: 'if (core.told.get(host) !== host) continue;',
    says: 'A leader does not tell a host that returns what it is to run.',
    rules: ['L1', 'L5'],
  },
  {
    name: 'dead-hosts-keep-slots',
    file: 'protocol/placement/fit.ts',
    from: "if (host === undefined) return 'no longer a member';\n  if (!host.alive) return 'dead or gone';",
    to: "if (host === undefined) return 'no longer a member';",
    says: 'A slot stays with a host that is dead.',
    rules: ['L1', 'L7'],
  },
  {
    name: 'surplus-slots-stay',
    file: 'protocol/placement/place.ts',
    from: 'if (!isGlobal && slot > replicasOf(spec)) {',
    to: 'if (!isGlobal && slot > SLOTS_MAX) {',
    says: 'Slots beyond the wanted number stay.',
    rules: ['L1'],
  },
]);
