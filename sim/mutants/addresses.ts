/** Of what instances are told of those they depend on (N1 to N4). */
import { type Mutant, ofMachine } from './mutant.ts';

const ADDRESSES = 'protocol/component/addresses.ts';

export const ADDRESS_MUTANTS: readonly Mutant[] = ofMachine('component', [
  {
    name: 'tells-of-the-dead',
    file: 'protocol/core/finding.ts',
    from: "return health === 'alive' || health === 'suspect' ? health : 'gone';",
    to: "return 'alive';",
    says: 'A start is told of what a dead host has said last.',
    rules: ['S36', 'L13'],
    among: 'follows',
  },
  {
    name: 'tells-of-the-ill',
    file: ADDRESSES,
    from: 'well.length > 0 ? well : alive',
    to: 'alive',
    says: 'A start is told of what is unhealthy though others are well.',
    rules: ['S36'],
    among: 'follows',
  },
  {
    name: 'tells-loopbacks-of-others',
    file: ADDRESSES,
    from: "const isBeside = isOwn && facts?.runs === 'processes';",
    to: "const isBeside = facts?.runs === 'processes';",
    says: 'A start is told of an address at which only the host of the other is reached.',
    rules: ['S36', 'L13'],
    among: 'follows',
  },
  {
    name: 'tells-of-one',
    file: ADDRESSES,
    from: '.slice(0, ADDRESSES_MAX)',
    to: '.slice(0, 1)',
    says: 'A start is told of one instance only.',
    rules: ['S36'],
    among: 'follows',
  },
  {
    name: 'never-follows',
    file: ADDRESSES,
    from: 'return port.isFollowed && port.at.length > 0 &&',
    to: 'return port.isFollowed && port.at.length > 99 &&',
    says: 'An instance looks for ever where what it depends on was once.',
    rules: ['L13'],
    among: 'follows',
  },
  {
    name: 'follows-unasked',
    file: ADDRESSES,
    from: 'return port.isFollowed && port.at.length > 0 &&',
    to: 'return port.at.length > 0 &&',
    says: 'An instance is replaced though nobody has asked for that.',
    rules: ['S36'],
    among: 'follows',
  },
  {
    name: 'follows-every-restart',
    file: 'protocol/reconcile/drift.ts',
    from: 'const MOVED_MS = seconds(5);',
    to: 'const MOVED_MS = seconds(0);',
    says: 'An instance is replaced as soon as what it depends on ends and others run.',
    rules: ['S36'],
    among: 'follows',
  },
  {
    name: 'follows-the-doubted',
    file: ADDRESSES,
    from: "if (report.state !== 'running' || health === 'gone') return [];",
    to: "if (report.state !== 'running' || health !== 'alive') return [];",
    says: 'What a host has that is only doubted is taken for lost.',
    rules: ['S36'],
    among: 'follows',
  },
]);
