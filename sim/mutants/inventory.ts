/** Inventories: scuttlebutt between hosts, each map written by its owner alone. */
import { ofMachine } from './mutant.ts';

const INVENTORIES = 'protocol/inventory/inventories.ts';

export const INVENTORY_MUTANTS = ofMachine('inventory', [
  {
    name: 'gaps-taken',
    file: INVENTORIES,
    from: "if (!reset && from > (current?.version ?? 0)) return 'gap'; // I1",
    to: '',
    says: 'A delta is taken over although what lies before it is missing.',
    rules: ['S9', 'S10', 'L4', 'L1'],
  },
  {
    name: 'old-boot-returns',
    file: INVENTORIES,
    from: "if (known !== undefined && boot < known.boot) return 'known';",
    to: '',
    says: 'A delta of an earlier life replaces the inventory of the present one.',
    rules: ['S9', 'S10', 'L4'],
  },
  {
    name: 'boots-mixed',
    file: INVENTORIES,
    from: 'const current = known?.boot === boot ? known : undefined;',
    to: 'const current = known;',
    says: 'The inventory of a new life is taken for the continuation of the old one.',
    rules: ['S9', 'S10', 'L4', 'L1'],
  },
  {
    name: 'deletions-not-told',
    file: 'protocol/inventory/inventory.ts',
    from: 'if (changed <= version) continue;\n',
    to: 'if (changed <= version || !inventory.entries.has(name)) continue;\n',
    says: 'A delta leaves out what was deleted.',
    rules: ['S9', 'S10', 'L4', 'L1'],
  },
  {
    name: 'decisions-not-told',
    file: 'protocol/core.ts',
    from: 'tell(core, turn, entry);',
    to: '',
    says: 'What a host decides it keeps to itself.',
    rules: ['S9'],
  },
  {
    name: 'decisions-pile-up',
    file: 'protocol/inventory/log.ts',
    from: '${LOG_ENTRY}${seq % DECISIONS_MAX}',
    to: '${LOG_ENTRY}${seq}',
    says: 'No decision ever takes the place of an older one.',
    rules: ['S14'],
  },
  {
    name: 'earlier-decisions-forgotten',
    file: INVENTORIES,
    from: 'if (known !== undefined && current === undefined) keepDecisions(inv, owner, known);',
    to: '',
    says: 'When an agent starts again, the others forget what it had decided before.',
    rules: ['S10'],
  },
  {
    name: 'records-not-pulled',
    file: 'protocol/inventory/delta.ts',
    from: 'for (const record of newerThan(committed, pull.records)) {',
    to: 'for (const record of newerThan(committed, pull.records).slice(0, 0)) {',
    says: 'Nobody hears of a record that its leader did not tell it itself.',
    rules: ['L1', 'L4'],
  },
]);
