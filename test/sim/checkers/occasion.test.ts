/** Who is asked after which steps. */
import { expect, it } from 'vitest';
import type { HostId } from '../../../protocol/base/ids.ts';
import type { Effect } from '../../../protocol/effect.ts';
import type { Input } from '../../../protocol/input.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import {
  agendaOf,
  dueAfter,
  type Occasion,
  type Standing,
} from '../../../sim/checkers/occasion.ts';
import { coreOf, heard, hostOf, newStage, restart, send, type Stage } from './stage.ts';

const NAMED = {
  always: undefined,
  roster: { sees: ['roster'] },
  records: { sees: ['records'] },
  beliefs: { sees: ['beliefs'] },
  own: { sees: ['own'] },
  woken: { on: ['woken'] },
  hearsProbe: { hears: ['probe'] },
  persists: { does: ['persist'] },
  saysProbe: { says: ['probe'] },
  any: { sees: ['beliefs', 'own'], on: ['guardLost'], does: ['send'] },
} as const satisfies { readonly [name: string]: Occasion | undefined };
type Name = keyof typeof NAMED;
const NAMES = Object.keys(NAMED) as Name[];
const AGENDA = agendaOf(Object.values(NAMED));

const PROBE: Message = { kind: 'probe', nonce: 1 };
const GUARD_LOST: Input = { kind: 'guardLost' };
const JOINED: Input = { kind: 'guardJoined' };

type Case = readonly [
  what: string,
  input: Input,
  effects: readonly Effect[],
  meanwhile: (stage: Stage) => void,
  asked: readonly Name[],
];

const nothing = (): void => undefined;
const CASES: readonly Case[] = [
  ['nothing is new', JOINED, [], nothing, []],
  ['an input', { kind: 'woken' }, [], nothing, ['woken']],
  ['one of several occasions', GUARD_LOST, [], nothing, ['any']],
  ['a message is heard', heard('h2', PROBE), [], nothing, ['hearsProbe']],
  ['a message is sent', JOINED, [send('h2', PROBE)], nothing, ['saysProbe', 'any']],
  ['a message is published', JOINED, [{ kind: 'publish', message: PROBE }], nothing, ['saysProbe']],
  ['an effect', JOINED, [{ kind: 'persist', writes: [] }], nothing, ['persists']],
  [
    'another roster',
    JOINED,
    [],
    (stage) => {
      const { council } = coreOf(stage, 'h1');
      council.roster = { ...council.roster };
    },
    ['roster'],
  ],
  ['a record', JOINED, [], (stage) => (coreOf(stage, 'h1').committed.version += 1), ['records']],
  [
    'a belief',
    JOINED,
    [],
    (stage) => (coreOf(stage, 'h1').membership.version += 1),
    ['beliefs', 'any'],
  ],
  ['a decision', JOINED, [], (stage) => (coreOf(stage, 'h1').journalSeq += 1), ['own', 'any']],
  [
    'an entry of its own',
    JOINED,
    [],
    (stage) => {
      const own = coreOf(stage, 'h1').inventories.byOwner.get('h1' as HostId);
      if (own !== undefined) own.version += 1;
    },
    ['own', 'any'],
  ],
  [
    'an entry of another',
    JOINED,
    [],
    (stage) => (coreOf(stage, 'h1').inventories.version += 1),
    [],
  ],
  ['a new life', JOINED, [], (stage) => restart(stage, 'h1'), NAMES],
];

it.each(CASES)('%s', (_what, input, effects, meanwhile, asked) => {
  const stage = newStage();
  const standings: Standing[] = [];
  const host = hostOf(stage, 'h1');
  const dueOf = (step: { readonly input: Input; readonly effects: readonly Effect[] }): Name[] => {
    const due = dueAfter(AGENDA, standings, host, step);
    return NAMES.filter((_name, at) => (due & (1 << at)) !== 0);
  };
  expect(dueOf({ input: JOINED, effects: [] })).toEqual(NAMES);
  meanwhile(stage);
  const expected = NAMES.filter((name) => name === 'always' || asked.includes(name));
  expect(dueOf({ input, effects })).toEqual(expected);
  // It is new once.
  expect(dueOf({ input: JOINED, effects: [] })).toEqual(['always']);
});
