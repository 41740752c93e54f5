/** What the checkers of beliefs, inventories and bounds say of what no correct host does. */
import { expect, it } from 'vitest';
import {
  ballot,
  boot,
  type HostId,
  incarnation,
  stackKey,
  term,
} from '../../../protocol/base/ids.ts';
import { instant, millis } from '../../../protocol/base/time.ts';
import type { Entry } from '../../../protocol/inventory/entry.ts';
import { newInventory, put } from '../../../protocol/inventory/inventory.ts';
import type { Belief } from '../../../protocol/membership/member.ts';
import type { Message } from '../../../protocol/wire/message.ts';
import { CONFIG } from '../../../sim/options.ts';
import { coreOf, heard, newStage, send, type Stage, take } from './stage.ts';

/** h1 believes this of h2, and has heard of it just now. */
function believe(stage: Stage, health: Belief['health'], boots: number, raised: number): void {
  const { members } = coreOf(stage, 'h1').membership;
  const known = members.get('h2' as HostId);
  if (known === undefined) throw new Error('h2 is no member');
  const belief = { health, boot: boot(boots), incarnation: incarnation(raised) };
  members.set('h2' as HostId, { ...known, ...belief });
  take(stage, 'h1', heard('h2', { kind: 'probe', nonce: 1 }));
}
function raise(stage: Stage, to: number): void {
  coreOf(stage, 'h2').membership.incarnation = incarnation(to);
  take(stage, 'h2', undefined);
}
const rumor = (by: string, raised: number): Message => ({
  kind: 'rumor',
  by: by as HostId,
  about: 'h2' as HostId,
  boot: boot(2),
  incarnation: incarnation(raised),
  health: 'alive',
});

const entry = (n: number): Entry => ({ kind: 'lease', key: stackKey('shop'), term: term(n) });
/** h2 writes into its own inventory. */
function own(stage: Stage, name: string, value: Entry | undefined): void {
  const inventory = coreOf(stage, 'h2').inventories.byOwner.get('h2' as HostId);
  if (inventory !== undefined) put(inventory, name, value);
  take(stage, 'h2', undefined);
}
/** h1 takes over this much of it: each op as (name, version, value). */
function learn(
  stage: Stage,
  version: number,
  ops: readonly (readonly [string, number, Entry | undefined])[],
  reset = false,
): void {
  const { byOwner } = coreOf(stage, 'h1').inventories;
  const { boot: boots } = coreOf(stage, 'h2');
  const known = reset ? undefined : byOwner.get('h2' as HostId);
  const inventory = known ?? newInventory(boots, instant(0));
  for (const [name, changed, value] of ops) {
    inventory.changes.set(name, changed);
    if (value === undefined) inventory.entries.delete(name);
    else inventory.entries.set(name, value);
  }
  inventory.version = version;
  byOwner.set('h2' as HostId, inventory);
  const ageMs = millis(0);
  const part = { owner: 'h2' as HostId, boot: boots, ageMs, reset, from: 0, version, ops: [] };
  take(stage, 'h1', heard('h3', { kind: 'delta', inventories: [part], records: [] }));
}
/** The version of h2's inventory after it has written its first facts. */
const first = (stage: Stage): number =>
  coreOf(stage, 'h2').inventories.byOwner.get('h2' as HostId)?.version ?? 0;
/** h1 learns all that h2 has written so far. */
function learnAll(stage: Stage): void {
  const known = coreOf(stage, 'h2').inventories.byOwner.get('h2' as HostId);
  if (known === undefined) return;
  const ops = [...known.changes].map(
    ([name, version]) => [name, version, known.entries.get(name)] as const,
  );
  learn(stage, known.version, ops, true);
}

const question: Message = { kind: 'read', epoch: 5 as never, key: stackKey('shop'), term: term(1) };
const items = (count: number): Message => ({
  kind: 'release',
  sid: boot(2),
  ends: false,
  items: Array.from({ length: count }, () => ({ key: stackKey('shop'), ballot: ballot(1) })),
});

const WRONG: readonly (readonly [string, string, (stage: Stage) => void])[] = [
  [
    'S9',
    'someone writes the inventory of another',
    (stage) =>
      take(stage, 'h1', undefined, {
        kind: 'publish',
        message: {
          kind: 'inventoryDelta',
          owner: 'h2' as HostId,
          boot: boot(2),
          ageMs: millis(0),
          from: 0,
          ops: [],
        },
      }),
  ],
  [
    'S9',
    'an entry says what its owner never wrote',
    (stage) => {
      learnAll(stage);
      own(stage, 'lease/a', entry(1));
      learn(stage, first(stage), [['lease/a', first(stage), entry(2)]]);
    },
  ],
  [
    'S9',
    'a change is passed over',
    (stage) => {
      learnAll(stage);
      own(stage, 'lease/a', entry(1));
      own(stage, 'lease/b', entry(1));
      learn(stage, first(stage), [['lease/b', first(stage), entry(1)]]);
    },
  ],
  [
    'S9',
    'what is known falls',
    (stage) => {
      learnAll(stage);
      learn(stage, first(stage) - 1, []);
    },
  ],
  [
    'S9',
    'more is known than was written',
    (stage) => {
      learnAll(stage);
      learn(stage, first(stage) + 1, []);
    },
  ],
  [
    'S10',
    'what was deleted is back',
    (stage) => {
      own(stage, 'lease/a', entry(1));
      learnAll(stage);
      own(stage, 'lease/a', undefined);
      learn(stage, first(stage), []);
    },
  ],
  [
    'S12',
    'someone speaks for another',
    (stage) => take(stage, 'h1', undefined, send('h3', rumor('h4', 0))),
  ],
  [
    'S12',
    'someone says a host has refuted',
    (stage) => take(stage, 'h1', undefined, send('h3', rumor('h1', 1))),
  ],
  ['S12', 'someone believes a host has refuted', (stage) => believe(stage, 'alive', 2, 1)],
  [
    'S12',
    'a death stands against its refutation',
    (stage) => {
      raise(stage, 1);
      believe(stage, 'alive', 2, 1);
      believe(stage, 'dead', 2, 0);
    },
  ],
  [
    'S12',
    'a suspicion goes away by itself',
    (stage) => {
      believe(stage, 'suspect', 2, 0);
      believe(stage, 'alive', 2, 0);
    },
  ],
  [
    'S12',
    'a host takes its refutation back',
    (stage) => {
      raise(stage, 1);
      raise(stage, 0);
    },
  ],
  [
    'S14',
    'a message is too long',
    (stage) => take(stage, 'h1', undefined, send('h2', items(1001))),
  ],
  [
    'S14',
    'a question is asked without a pause',
    (stage) => {
      for (let i = 0; i < 30; i++) take(stage, 'h1', undefined, send('h2', question));
    },
  ],
  [
    'S14',
    'a host is woken without a pause',
    (stage) => {
      for (let i = 0; i < 1001; i++) take(stage, 'h1', { kind: 'woken' });
    },
  ],
  [
    'S14',
    'a table grows without bound',
    (stage) => {
      const line = { seq: 1, at: 1 as never, kind: 'x', about: [], text: '' };
      coreOf(stage, 'h1').journal.push(...Array.from({ length: 1001 }, () => line));
      for (let i = 0; i < 256; i++) take(stage, 'h1', undefined);
    },
  ],
];

it.each(WRONG)('%s: %s', (rule, _what, happen) => {
  const stage = newStage();
  happen(stage);
  expect(stage.seen.map((text) => text.split(' ')[0])).toContain(rule);
});

const RIGHT: readonly (readonly [string, (stage: Stage) => void])[] = [
  [
    'an inventory is written, deleted from, learned, and learned anew',
    (stage) => {
      own(stage, 'lease/a', entry(1));
      learnAll(stage);
      own(stage, 'lease/b', entry(1));
      learn(stage, first(stage), [['lease/b', first(stage), entry(1)]]);
      own(stage, 'lease/a', undefined);
      learn(stage, first(stage), [['lease/a', first(stage), undefined]]);
      learnAll(stage);
    },
  ],
  [
    'a host is suspected, refutes, dies and comes back',
    (stage) => {
      believe(stage, 'suspect', 2, 0);
      raise(stage, 1);
      believe(stage, 'alive', 2, 1);
      believe(stage, 'dead', 2, 1);
      take(stage, 'h1', undefined, send('h3', rumor('h1', 1)));
    },
  ],
  [
    'a question is asked at its pace, and a message is as long as it may be',
    (stage) => {
      for (let i = 0; i < 30; i++) {
        stage.nowMs += CONFIG.retryMs;
        // A leader of the stage: only the pace is looked at.
        take(
          stage,
          'h1',
          undefined,
          send('h2', { ...question, kind: 'syncPull', after: '' } as never),
        );
      }
      take(stage, 'h1', undefined, send('h2', items(1000)));
    },
  ],
];

it.each(RIGHT)('nothing, when %s', (_what, happen) => {
  const stage = newStage();
  happen(stage);
  expect(stage.seen).toEqual([]);
});
