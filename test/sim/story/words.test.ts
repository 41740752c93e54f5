/** What is said of inventories has their owner and their versions. */
import { expect, it } from 'vitest';
import { boot, hostId } from '../../../protocol/base/ids.ts';
import { millis } from '../../../protocol/base/time.ts';
import { said } from '../../../sim/story/words.ts';
import type { Message } from '../../../protocol/wire/message.ts';

const h1 = hostId('h1');
const h2 = hostId('h2');
const op = (name: string, version: number) => ({ name, version });

const SAID: readonly (readonly [Message, string])[] = [
  [
    {
      kind: 'inventoryDelta',
      owner: h1,
      boot: boot(1),
      ageMs: millis(0),
      from: 3,
      ops: [op('a', 4), op('b', 5)],
    },
    'tells … of its inventory from 3 to 5 (a, b)',
  ],
  [
    {
      kind: 'pull',
      inventories: [
        { owner: h1, boot: boot(1), version: 7 },
        { owner: h2, boot: boot(1), version: 9 },
      ],
      records: [],
    },
    'asks … for what is newer than version 7 of h1',
  ],
  [
    {
      kind: 'delta',
      inventories: [
        {
          owner: h1,
          boot: boot(1),
          ageMs: millis(0),
          reset: false,
          from: 1,
          version: 4,
          ops: [op('a', 4)],
        },
        { owner: h2, boot: boot(1), ageMs: millis(0), reset: true, from: 0, version: 1, ops: [] },
      ],
      records: [],
    },
    'tells … of the inventory of h1 from 1 to 4 (a)',
  ],
  [{ kind: 'acceptAck', epoch: 1, sid: 1, grant: {}, items: [] } as never, 'sends … an acceptAck'],
  [{ kind: 'keepalive' } as never, 'sends … a keepalive'],
];

it.each(SAID)('%j: %s', (message, words) => {
  expect(said(message, (name) => name === 'h1')).toBe(words);
});
