/** Which of several connections to one peer is believed to be alive. */
import type { Connection } from '@libp2p/interface';
import { expect, it } from 'vitest';
import { createConnections } from '../../../node/network/connections.ts';
import { createCounters } from '../../../node/network/counters.ts';
import { NETWORK_LIMITS } from '../../../node/network/limits.ts';

type Opened = readonly [direction: 'inbound' | 'outbound', atMs: number];

/** What is told of the peer, and which of its connections are cut off by us, in the order they were opened. */
function after(...all: readonly Opened[]) {
  const told: boolean[] = [];
  const cut: number[] = [];
  const connections = createConnections({
    limits: NETWORK_LIMITS,
    counters: createCounters(),
    onPeer: (_, connected) => told.push(connected),
  });
  for (const [count, [direction, atMs]] of all.entries()) {
    const connection = {
      direction,
      status: 'open',
      timeline: { open: atMs },
      remotePeer: { toString: () => 'p1' },
      remoteAddr: { toString: () => String(count) },
      abort() {
        cut.push(count);
        connections.ended(connection);
      },
    } as unknown as Connection;
    connections.opened(connection);
  }
  return { told, cut, used: connections.peers().map(({ address }) => address) };
}

it.each<readonly [string, readonly Opened[], ReturnType<typeof after>]>([
  [
    'that has lost its own dials anew',
    [
      ['outbound', 0],
      ['inbound', 60_000],
    ],
    { told: [true, false, true], cut: [0], used: ['1'] },
  ],
  [
    'dials while it is dialed',
    [
      ['outbound', 0],
      ['inbound', 3_000],
    ],
    { told: [true], cut: [], used: ['0'] },
  ],
  [
    'is dialed once more by us',
    [
      ['inbound', 0],
      ['outbound', 60_000],
    ],
    { told: [true], cut: [], used: ['0'] },
  ],
  [
    'dials after the clock was set back',
    [
      ['inbound', 60_000],
      ['inbound', 0],
    ],
    { told: [true], cut: [], used: ['0'] },
  ],
])(
  'a peer %s: its older connections are dead only where it cannot know of them',
  (_, all, wanted) => {
    expect(after(...all)).toEqual(wanted);
  },
);
