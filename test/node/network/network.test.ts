import { connect } from 'node:net';
import { createHash, randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import { generateIdentity } from '../../../node/network/identity.ts';
import { NETWORK_LIMITS } from '../../../node/network/limits.ts';
import type { NetworkInit } from '../../../node/network/network.ts';
import {
  bytesOf,
  type Heard,
  isConnected,
  memoryBook,
  startNetwork,
  startPair,
  until,
  WRONG_SECRET,
} from './harness.ts';

const open: Heard[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ network }) => network.close()));
});
async function start(init: Partial<NetworkInit> = {}): Promise<Heard> {
  const heard = await startNetwork(init);
  open.push(heard);
  return heard;
}
async function pair(init: Partial<NetworkInit> = {}): Promise<readonly [Heard, Heard]> {
  const both = await startPair(init);
  open.push(...both);
  return both;
}
const textsOf = (heard: Heard, lane: string): string[] =>
  heard.frames
    .filter((frame) => frame.lane === lane)
    .map((frame) => new TextDecoder().decode(frame.bytes));

describe('admission', () => {
  test.each([
    ['the dialer holds another secret', WRONG_SECRET, undefined],
    ['the listener holds another secret', undefined, WRONG_SECRET],
  ])('%s: refused, and never connected', async (_, dialing, listening) => {
    const listener = await start(listening === undefined ? {} : { secret: listening });
    const dialer = await start({
      peers: listener.network.addresses(),
      ...(dialing === undefined ? {} : { secret: dialing }),
    });
    await until(() => dialer.network.counters().dialsFailed >= 2, 'two dials fail');
    await until(() => listener.network.counters().rejectedConnections >= 2, 'both are counted');
    expect(dialer.network.counters().dials).toBeGreaterThanOrEqual(2);
    expect([dialer.changes, listener.changes]).toEqual([[], []]);
    expect([dialer.network.peers(), listener.network.peers()]).toEqual([[], []]);
  });

  test('a secret of less than 32 bytes is not taken', async () => {
    await expect(startNetwork({ secret: new Uint8Array(31) })).rejects.toThrow(/at least 32/);
  });

  test('a port that is in use is an error in three parts', async () => {
    const first = await start();
    const port = /tcp\/(\d+)/.exec(first.network.addresses()[0] ?? '')?.[1];
    await expect(startNetwork({ listen: [`127.0.0.1:${port}`] })).rejects.toMatchObject({
      parts: { code: 'cannot-listen', why: 'another program has this port' },
    });
  });
});

describe('frames', () => {
  test('arrive on their lane, in order, from whom they came, in both directions', async () => {
    const [first, second] = await pair();
    for (let i = 0; i < 50; i += 1) {
      first.network.send(second.network.selfId, 'urgent', bytesOf(`u${i}`));
      first.network.send(second.network.selfId, 'bulk', bytesOf(`b${i}`));
      second.network.send(first.network.selfId, 'urgent', bytesOf(`r${i}`));
    }
    await until(() => second.frames.length === 100 && first.frames.length === 50, 'all arrive');
    const numbered = (prefix: string): string[] =>
      Array.from({ length: 50 }, (_, i) => `${prefix}${i}`);
    expect(textsOf(second, 'urgent')).toEqual(numbered('u'));
    expect(textsOf(second, 'bulk')).toEqual(numbered('b'));
    expect(textsOf(first, 'urgent')).toEqual(numbered('r'));
    expect(second.frames.every((frame) => frame.from === first.network.selfId)).toBe(true);
  });

  test('an urgent frame overtakes the bulk that was asked for before it', async () => {
    const [first, second] = await pair();
    const to = second.network.selfId;
    const chunk = randomBytes(65_536);
    first.network.send(to, 'urgent', bytesOf('open'));
    await until(() => second.frames.length === 1, 'the urgent stream is open');
    for (let i = 0; i < 120; i += 1) first.network.send(to, 'bulk', chunk);
    first.network.send(to, 'urgent', bytesOf('overtaker'));
    await until(() => second.frames.length === 122, 'everything arrives');
    const place = second.frames.findIndex(
      ({ lane, bytes }) => lane === 'urgent' && bytes.byteLength === 9,
    );
    // One window of the muxer is 4 of these; the rest is what one turn of the loop may carry.
    expect(place).toBeLessThan(30);
    expect(first.network.counters().dropped).toBe(0);
    const digest = (bytes: Uint8Array): string => createHash('sha1').update(bytes).digest('hex');
    expect(new Set(second.frames.slice(-1).map((frame) => digest(frame.bytes)))).toEqual(
      new Set([digest(chunk)]),
    );
  });

  test('to a peer that is not there: kept up to the bound, the oldest dropped, sent on connect', async () => {
    const limits = {
      ...NETWORK_LIMITS,
      lanes: { ...NETWORK_LIMITS.lanes, urgent: { framesMax: 3, bytesMax: 1_000 } },
    };
    const first = await start({ limits });
    const identity = await generateIdentity();
    const probe = await startNetwork({ privateKey: identity });
    const absent = probe.network.selfId;
    await probe.network.close();
    for (const text of ['1', '2', '3', '4', '5'])
      first.network.send(absent, 'urgent', bytesOf(text));
    expect(first.network.counters().dropped).toBe(2);
    const second = await start({ privateKey: identity, peers: first.network.addresses() });
    await until(() => second.frames.length === 3, 'the rest arrives');
    expect(textsOf(second, 'urgent')).toEqual(['3', '4', '5']);
  });

  test('a peer that sends too large a frame loses the stream; the next frames arrive', async () => {
    const small = { ...NETWORK_LIMITS, frameBytesMax: 1_000 };
    const first = await start({ limits: small });
    const second = await start({ peers: first.network.addresses() });
    await until(() => isConnected(second, first), 'connected');
    second.network.send(first.network.selfId, 'urgent', new Uint8Array(1_001));
    await until(() => first.network.counters().rejectedStreams === 1, 'the stream is cut off');
    expect(first.frames).toEqual([]);
    await until(() => {
      second.network.send(first.network.selfId, 'urgent', bytesOf('fits'));
      return textsOf(first, 'urgent').includes('fits');
    }, 'a frame on a new stream arrives');
    expect(isConnected(first, second)).toBe(true);
  });

  test('of our own that are too large are not sent', async () => {
    const [first, second] = await pair();
    const tooLarge = new Uint8Array(NETWORK_LIMITS.frameBytesMax + 1);
    first.network.send(second.network.selfId, 'bulk', tooLarge);
    first.network.send(second.network.selfId, 'bulk', tooLarge.subarray(1));
    await until(() => second.frames.length === 1, 'the largest that is allowed arrives');
    expect(first.network.counters()).toMatchObject({ dropped: 1, framesOut: 1 });
    expect(second.network.counters().rejectedStreams).toBe(0);
  });

  test('a callback that throws breaks neither the stream nor the connection', async () => {
    let calls = 0;
    const first = await start({
      onFrame: () => {
        calls += 1;
        throw new Error('a mistake of the caller');
      },
    });
    const second = await start({ peers: first.network.addresses() });
    await until(() => isConnected(second, first), 'connected');
    for (const text of ['1', '2', '3'])
      second.network.send(first.network.selfId, 'urgent', bytesOf(text));
    await until(() => calls === 3, 'all three are delivered');
    expect(first.network.counters().rejectedStreams).toBe(0);
  });
});

describe('connections', () => {
  test('a peer that ends and returns on its port is dialed again, and told of', async () => {
    const identity = await generateIdentity();
    const first = await startNetwork({ privateKey: identity });
    const listen = [
      `127.0.0.1:${/tcp\/(\d+)/.exec(first.network.addresses()[0] ?? '')?.[1] ?? ''}`,
    ];
    const second = await start();
    second.network.learnAddresses(first.network.selfId, first.network.addresses());
    second.network.setWanted([first.network.selfId]);
    await until(() => isConnected(second, first), 'connected');
    await first.network.close();
    await until(() => second.network.peers().length === 0, 'the end is seen');
    const again = await start({ privateKey: identity, listen });
    await until(() => isConnected(second, again), 'dialed again');
    expect(second.changes).toEqual(
      [true, false, true].map((connected) => ({ peerId: first.network.selfId, connected })),
    );
    second.network.send(again.network.selfId, 'urgent', bytesOf('back'));
    await until(() => textsOf(again, 'urgent').includes('back'), 'a frame after the return');
  });

  test('the address book alone is enough to find a member after a restart', async () => {
    const identity = await generateIdentity();
    const book = memoryBook();
    const first = await start();
    const second = await startNetwork({
      privateKey: identity,
      addressBook: book,
      peers: first.network.addresses(),
    });
    await until(() => isConnected(second, first), 'connected');
    await second.network.close();
    expect(book.entries.has(first.network.selfId)).toBe(true);
    const again = await start({ privateKey: identity, addressBook: book });
    again.network.setWanted([first.network.selfId]);
    await until(() => isConnected(again, first), 'connected from the book');
  });

  test('who was dialed learns from the dialer where to find it', async () => {
    const [first, second] = await pair();
    const { selfId } = second.network;
    await until(() => first.network.addressesOf(selfId).length > 0, 'the address is known');
    const listening = second.network.addresses().map((address) => address.split('/p2p/')[0]);
    expect(first.network.addressesOf(selfId)).toEqual(listening);
  });

  test('a static peer that is ourselves is dialed once, one that is absent for ever', async () => {
    const port = await freePort();
    const absent = await freePort();
    const failures: string[] = [];
    const write = (line: string): void => {
      const { target } = JSON.parse(line) as { readonly target?: string };
      if (target !== undefined) failures.push(target);
    };
    const alone = await start({
      listen: [`127.0.0.1:${port}`],
      peers: [`127.0.0.1:${port}`, `127.0.0.1:${absent}`],
      log: pino({ level: 'debug' }, { write }),
    });
    const failuresOf = (of: number): number =>
      failures.filter((target) => target === `/ip4/127.0.0.1/tcp/${of}`).length;
    await until(() => failuresOf(absent) >= 3, 'the absent one is dialed three times');
    expect(failuresOf(port)).toBe(1);
    expect(alone.network.peers()).toEqual([]);
  });

  test('a static peer may be given by name', async () => {
    const first = await start();
    const port = /tcp\/(\d+)/.exec(first.network.addresses()[0] ?? '')?.[1] ?? '';
    const second = await start();
    second.network.addPeer(`localhost:${port}`);
    await until(() => isConnected(second, first), 'connected by name');
    expect(second.network.peers()[0]?.peerId).toBe(first.network.selfId);
  });
});

describe('probe', () => {
  test('connected while it listens, refused when only its kernel answers', async () => {
    const [first, second] = await pair();
    const peerId = first.network.selfId;
    await until(() => second.network.addressesOf(peerId).length > 0, 'its address is known');
    expect(await second.network.probe(peerId, AbortSignal.timeout(2_000))).toBe('connected');
    await first.network.close();
    expect(await second.network.probe(peerId, AbortSignal.timeout(2_000))).toBe('refused');
  });

  test('silent where nothing is known, and where nothing answers', async () => {
    const lone = await start();
    expect(await lone.network.probe(lone.network.selfId, AbortSignal.timeout(50))).toBe('silent');
    expect(await lone.network.probe(lone.network.selfId, AbortSignal.abort())).toBe('silent');
  });
});

describe('gossip', () => {
  test('reaches everyone, once each, also over a host between', async () => {
    const middle = await start();
    const ends = [
      await start({ peers: middle.network.addresses() }),
      await start({ peers: middle.network.addresses() }),
    ];
    const [left, right] = ends;
    if (left === undefined || right === undefined) throw new Error('two ends were started');
    await until(() => ends.every((end) => isConnected(middle, end)), 'connected');
    let sent = 0;
    await until(() => {
      left.network.publish('hb', bytesOf(`beat ${(sent += 1)}`));
      return right.gossip.length > 0;
    }, 'one arrives at the other end');
    const texts = right.gossip.map(({ bytes }) => new TextDecoder().decode(bytes));
    expect(new Set(texts).size).toBe(texts.length);
    expect(right.gossip[0]).toMatchObject({ topic: 'hb', from: middle.network.selfId });
    expect(left.gossip).toEqual([]);
  });

  test('an agent that is alone publishes without an error', async () => {
    const alone = await start();
    alone.network.publish('hb', bytesOf('anyone?'));
    // Its outcome is known within the turn: there is nobody to send to.
    await new Promise((resolve) => setImmediate(resolve));
    expect(alone.network.counters().gossipOut).toBe(1);
    expect(alone.network.counters().gossipDropped).toBe(0);
  });
});

test('a stranger that only connects and stays silent does no harm', async () => {
  const first = await start();
  const port = Number(/tcp\/(\d+)/.exec(first.network.addresses()[0] ?? '')?.[1]);
  const sockets = Array.from({ length: 20 }, () => connect({ host: '127.0.0.1', port }));
  for (const socket of sockets) socket.on('error', () => undefined);
  const second = await start({ peers: first.network.addresses() });
  await until(() => isConnected(first, second), 'a member still gets in');
  for (const socket of sockets) socket.destroy();
  expect(first.network.peers()).toHaveLength(1);
});

async function freePort(): Promise<number> {
  const probe = await startNetwork();
  const port = Number(/tcp\/(\d+)/.exec(probe.network.addresses()[0] ?? '')?.[1]);
  await probe.network.close();
  return port;
}
