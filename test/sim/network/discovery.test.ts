import { describe, expect, it } from 'vitest';
import { isConnected } from '../../../sim/network/links.ts';
import {
  agentEnded,
  agentStarted,
  becomeAnother,
  hasAddress,
  keepPeers,
  resetLink,
} from '../../../sim/network/network.ts';
import { cut } from '../../../sim/network/obstacles.ts';
import { createStage, goOn, pass, populated, say, heardBy, type Stage } from './stage.ts';

const TRANSPORTS = ['datagram', 'stream'] as const;

const allConnected = ({ network, ids }: Stage): boolean =>
  [...ids.keys()].every((a) =>
    [...ids.keys()].every((b) => a === b || isConnected(network.links, a, b)),
  );

function restart(stage: Stage, host: number, ms = 500): void {
  agentEnded(stage.network, host, 'answers');
  pass(stage, ms);
  agentStarted(stage.network, host);
}

describe.each(TRANSPORTS)('over a %s', (transport) => {
  it.each(['known', 'mdns'] as const)('hosts meet within a second (%s)', (discovery) => {
    const stage = createStage({ hostCount: 5, transport, discovery });
    for (const host of stage.ids.keys()) agentStarted(stage.network, host);
    pass(stage, 1500);
    expect(allConnected(stage)).toBe(true);
    expect(stage.noticed.map((each) => each.toSorted())).toEqual(
      stage.ids.map((own) => stage.ids.filter((id) => id !== own).map((id) => `+${id}`)),
    );
  });
});

describe('one way cut', () => {
  it('one sees the other, is not seen, and cannot connect', () => {
    const stage = createStage({ hostCount: 2, discovery: 'mdns', transport: 'stream' });
    const join = cut(stage.network, [[0, 1]]);
    for (const host of [0, 1]) agentStarted(stage.network, host);
    pass(stage, 10_000);
    // Nobody hears the first ask; it hears the other ask, and answers into nothing.
    expect([hasAddress(stage.network, 0, 1), hasAddress(stage.network, 1, 0)]).toEqual([
      false,
      false,
    ]);
    join();
    pass(stage, 3000);
    expect(allConnected(stage)).toBe(true);
  });

  it('with a third host: its question makes the others show themselves', () => {
    const stage = createStage({ hostCount: 3, discovery: 'mdns', transport: 'stream' });
    cut(stage.network, [[0, 1]]);
    for (const host of [0, 1, 2]) agentStarted(stage.network, host);
    pass(stage, 10_000);
    expect([hasAddress(stage.network, 0, 1), hasAddress(stage.network, 1, 0)]).toEqual([
      true,
      false,
    ]);
    expect(isConnected(stage.network.links, 0, 1)).toBe(false);
    expect(isConnected(stage.network.links, 0, 2)).toBe(true);
  });
});

describe('an address book', () => {
  const met = (ms: number): Stage => {
    const stage = createStage({ hostCount: 2, discovery: 'mdns', transport: 'stream' });
    for (const host of [0, 1]) agentStarted(stage.network, host);
    for (let i = 0; i < 2000 && !allConnected(stage); i++) pass(stage, 1);
    pass(stage, ms);
    return stage;
  };

  it('outlives its agent once it is stored', () => {
    const stage = met(2000);
    restart(stage, 0);
    expect(hasAddress(stage.network, 0, 1)).toBe(true);
  });

  it('has nothing of what was not stored yet', () => {
    const stage = met(100);
    restart(stage, 0);
    expect(hasAddress(stage.network, 0, 1)).toBe(false);
  });

  it('keeps what it has stored when it hears of it again', () => {
    const stage = met(2000);
    keepPeers(stage.network, 0, new Set([1]));
    restart(stage, 1);
    for (let i = 0; i < 2000 && !allConnected(stage); i++) pass(stage, 1);
    restart(stage, 0);
    expect(hasAddress(stage.network, 0, 1)).toBe(true);
  });

  it('is lost with the disk, and nobody has the address of who came instead', () => {
    const stage = met(2000);
    agentEnded(stage.network, 0, 'answers');
    becomeAnother(stage.network, 0);
    expect([hasAddress(stage.network, 0, 1), hasAddress(stage.network, 1, 0)]).toEqual([
      false,
      false,
    ]);
  });
});

it('who is wanted is asked for again soon after it went', () => {
  const stage = populated({ hostCount: 2, discovery: 'mdns' });
  keepPeers(stage.network, 0, new Set([1]));
  keepPeers(stage.network, 1, new Set([0]));
  pass(stage, 30_000);
  agentEnded(stage.network, 1, 'answers');
  stage.ids[1] = 'h2b';
  becomeAnother(stage.network, 1);
  pass(stage, 20_000);
  agentStarted(stage.network, 1);
  pass(stage, 2000);
  expect(allConnected(stage)).toBe(true);
});

it('who came back as another is met before the connection with the one before has ended', () => {
  // Whatever is sent is late; questions, answers and calls are not.
  const stage = populated({
    hostCount: 2,
    discovery: 'mdns',
    tailPermille: 1000,
    tailMs: 600_000,
  });
  agentEnded(stage.network, 1, 'answers');
  stage.ids[1] = 'h2b';
  becomeAnother(stage.network, 1);
  agentStarted(stage.network, 1);
  pass(stage, 3000);
  expect([stage.noticed[0], hasAddress(stage.network, 0, 1)]).toEqual([['+h2', '+h2b'], true]);
});

it('without an address nothing is sent', () => {
  const stage = createStage({ hostCount: 2, discovery: 'mdns' });
  cut(stage.network, [
    [0, 1],
    [1, 0],
  ])();
  agentStarted(stage.network, 0);
  say(stage, [0, 1], [1]);
  expect(heardBy(stage, 1)).toEqual([]);
});

describe('a call', () => {
  it('is not taken while the other stands still, and soon after', () => {
    const stage = createStage({ hostCount: 2 });
    stage.conditions[1] = 'waits';
    for (const host of [0, 1]) agentStarted(stage.network, host);
    pass(stage, 20_000);
    expect(stage.noticed).toEqual([[], []]);
    goOn(stage, 1);
    pass(stage, 10_000);
    expect(stage.noticed).toEqual([['+h2'], ['+h1']]);
  });

  it.each([
    ['one way', [[0, 1]]],
    ['the other', [[1, 0]]],
  ] as const)('needs both ways (%s cut)', (_, ways) => {
    const stage = createStage({ hostCount: 2 });
    const join = cut(stage.network, ways);
    for (const host of [0, 1]) agentStarted(stage.network, host);
    pass(stage, 20_000);
    expect(stage.noticed).toEqual([[], []]);
    join();
    pass(stage, 8000);
    expect(stage.noticed).toEqual([['+h2'], ['+h1']]);
  });

  it('that nobody answers is given up, and made again', () => {
    const stage = createStage({ hostCount: 2 });
    const join = cut(stage.network, [[0, 1]]);
    for (const host of [0, 1]) agentStarted(stage.network, host);
    pass(stage, 1500);
    join();
    pass(stage, 500);
    expect(allConnected(stage)).toBe(true);
  });

  it('that is cut off in the middle comes to nothing', () => {
    const stage = createStage({ hostCount: 2, delayMeanMs: 100 });
    for (const host of [0, 1]) agentStarted(stage.network, host);
    pass(stage, 60);
    cut(stage.network, [[0, 1]]);
    pass(stage, 5000);
    expect(stage.noticed).toEqual([[], []]);
  });

  it('is made again at once after a reset', () => {
    const stage = populated({ hostCount: 3 });
    resetLink(stage.network, 0, 2);
    pass(stage, 200);
    expect(allConnected(stage)).toBe(true);
    expect(stage.noticed[1]).toHaveLength(2);
  });
});
