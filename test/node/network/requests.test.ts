import { afterEach, describe, expect, test } from 'vitest';
import { NETWORK_LIMITS } from '../../../node/network/limits.ts';
import { BusyError } from '../../../node/network/requests.ts';
import type { NetworkInit } from '../../../node/network/network.ts';
import { bytesOf, collect, type Heard, startPair, until } from './harness.ts';

const open: Heard[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map(({ network }) => network.close()));
});
async function pair(init: Partial<NetworkInit> = {}): Promise<readonly [Heard, Heard]> {
  const both = await startPair(init);
  open.push(...both);
  return both;
}
const soon = (): AbortSignal => AbortSignal.timeout(5_000);
const never = (signal: AbortSignal): Promise<void> =>
  new Promise((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error)),
  );

describe('request', () => {
  test('the answer arrives in order, and the peer knows who asked', async () => {
    const [first, second] = await pair();
    await first.network.handle('echo', async function* (from, request) {
      yield bytesOf(from);
      yield request;
      yield request;
    });
    const answer = second.network.request(first.network.selfId, 'echo', bytesOf('x'), soon());
    expect(await collect(answer)).toEqual([second.network.selfId, 'x', 'x']);
  });

  test('what the handler throws comes as the error, after what it had yielded', async () => {
    const [first, second] = await pair();
    await first.network.handle('half', async function* () {
      yield bytesOf('one');
      throw new Error('no such instance');
    });
    const seen: string[] = [];
    const asking = (async () => {
      const answer = second.network.request(first.network.selfId, 'half', bytesOf(''), soon());
      for await (const bytes of answer) seen.push(new TextDecoder().decode(bytes));
    })();
    await expect(asking).rejects.toThrow('no such instance');
    expect(seen).toEqual(['one']);
  });

  test('to a name that nobody handles, and to a peer that is not there: an error', async () => {
    const [first, second] = await pair();
    const unknown = second.network.request(first.network.selfId, 'nothing', bytesOf(''), soon());
    await expect(collect(unknown)).rejects.toThrow(/protocol/i);
    await first.network.close();
    await until(() => second.network.peers().length === 0, 'the end is seen');
    const absent = second.network.request(first.network.selfId, 'nothing', bytesOf(''), soon());
    await expect(collect(absent)).rejects.toThrow(/not connected/);
  });

  test('a hundred at once wait in turn; none fails, and never more than sixteen run', async () => {
    const [first, second] = await pair();
    let running = 0;
    let most = 0;
    let all = Promise.withResolvers<void>();
    await first.network.handle('slow', async function* (_, request) {
      most = Math.max(most, (running += 1));
      if (running === NETWORK_LIMITS.requestsPerPeerMax) all.resolve();
      await all.promise;
      running -= 1;
      yield request;
    });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        collect(second.network.request(first.network.selfId, 'slow', bytesOf(`${i}`), soon())),
      ),
    );
    expect(answers.flat()).toEqual(Array.from({ length: 100 }, (_, i) => `${i}`));
    expect(most).toBe(NETWORK_LIMITS.requestsPerPeerMax);
    all = Promise.withResolvers();
  });

  test('one that may last says that its turn does not come', async () => {
    const limits = { ...NETWORK_LIMITS, requestsPerPeerMax: 2, requestTurnMs: 50 };
    const [first, second] = await pair({ limits });
    await first.network.handle('follow', async function* (_, __, signal) {
      yield bytesOf('line');
      await never(signal);
    });
    const { selfId } = first.network;
    /** Its first line; the answer goes on. */
    const begin = async (signal: AbortSignal, awaited: boolean): Promise<string> => {
      const answer = second.network.request(selfId, 'follow', bytesOf(''), signal, { awaited });
      const { value } = await answer[Symbol.asyncIterator]().next();
      return Buffer.from(value ?? []).toString();
    };
    const enough = [new AbortController(), new AbortController()];
    const both = await Promise.all(enough.map(({ signal }) => begin(signal, true)));
    expect(both).toEqual(['line', 'line']);
    const refused = begin(soon(), true);
    await expect(refused).rejects.toThrow(BusyError);
    await expect(refused).rejects.toThrow('2 like it are under way from here to that host already');
  });

  test('given up by the asker: it ends at once and the handler is told', async () => {
    const [first, second] = await pair();
    let told = false;
    await first.network.handle('follow', async function* (_, __, signal) {
      yield bytesOf('line');
      await never(signal).catch(() => {
        told = true;
      });
    });
    const enough = new AbortController();
    const answer = second.network.request(
      first.network.selfId,
      'follow',
      bytesOf(''),
      enough.signal,
    );
    await expect(
      (async () => {
        for await (const _ of answer) enough.abort(new Error('the user pressed Ctrl-C'));
      })(),
    ).rejects.toThrow('the user pressed Ctrl-C');
    await until(() => told, 'the handler is told');
  });

  test('left early by its consumer: the handler is told, the place is free again', async () => {
    const limits = { ...NETWORK_LIMITS, requestsPerPeerMax: 1 };
    const [first, second] = await pair({ limits });
    await first.network.handle('follow', async function* (_, __, signal) {
      yield bytesOf('line');
      await never(signal);
    });
    for (let i = 0; i < 3; i += 1) {
      const answer = second.network.request(first.network.selfId, 'follow', bytesOf(''), soon());
      for await (const bytes of answer) {
        expect(new TextDecoder().decode(bytes)).toBe('line');
        break;
      }
    }
  });

  test('a quiet answer is kept alive; a peer that no longer answers is given up', async () => {
    const limits = { ...NETWORK_LIMITS, requestSilenceMs: 150 };
    const [first, second] = await pair({ limits });
    const gate = Promise.withResolvers<void>();
    await first.network.handle('quiet', async function* () {
      await gate.promise;
      yield bytesOf('late');
    });
    const answer = collect(
      second.network.request(first.network.selfId, 'quiet', bytesOf(''), soon()),
    );
    // Three times the silence that would be too long without keepalives.
    setTimeout(() => gate.resolve(), 450);
    expect(await answer).toEqual(['late']);
  });

  test('a consumer that does not read holds the sender back', async () => {
    const [first, second] = await pair();
    let sent = 0;
    await first.network.handle('flood', async function* () {
      for (let i = 0; i < 400; i += 1) {
        sent += 1;
        yield new Uint8Array(65_536);
      }
    });
    const answer = second.network.request(first.network.selfId, 'flood', bytesOf(''), soon());
    let received = 0;
    let sentAtPause = 0;
    for await (const bytes of answer) {
      received += bytes.byteLength;
      if (sentAtPause > 0) continue;
      let before = -1;
      await until(async () => {
        await new Promise((resolve) => setTimeout(resolve, 50));
        const still = sent === before;
        before = sent;
        return still;
      }, 'the sender comes to a halt');
      sentAtPause = sent;
    }
    // 1 MiB in our buffer, windows and sockets: far from the 25 MiB of the whole.
    expect(sentAtPause).toBeLessThan(150);
    expect(received).toBe(400 * 65_536);
  });

  test('what goes with a request arrives in order, while the answer comes', async () => {
    const [first, second] = await pair();
    await first.network.handle('echo', async function* (_, request, __, input) {
      yield request;
      for await (const bytes of input) yield bytes;
      yield bytesOf('end');
    });
    const answered = Promise.withResolvers<void>();
    async function* more(): AsyncGenerator<Uint8Array> {
      yield bytesOf('a');
      await answered.promise;
      yield bytesOf('b');
    }
    const { selfId } = first.network;
    const seen: string[] = [];
    const answer = second.network.request(selfId, 'echo', bytesOf('x'), soon(), { input: more() });
    for await (const bytes of answer) {
      seen.push(new TextDecoder().decode(bytes));
      if (seen.length === 2) answered.resolve();
    }
    expect(seen).toEqual(['x', 'a', 'b', 'end']);
  });

  test('a handler that does not read holds the asker back, and may answer before it has', async () => {
    const [first, second] = await pair();
    const answered = Promise.withResolvers<void>();
    await first.network.handle('deaf', async function* () {
      await answered.promise;
      yield bytesOf('enough');
    });
    let given = 0;
    async function* flood(): AsyncGenerator<Uint8Array> {
      for (;;) {
        given += 1;
        yield new Uint8Array(65_536);
      }
    }
    const { selfId } = first.network;
    const asked = collect(
      second.network.request(selfId, 'deaf', bytesOf('x'), soon(), { input: flood() }),
    );
    let before = -1;
    await until(async () => {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const still = given === before;
      before = given;
      return still && given > 0;
    }, 'the asker comes to a halt');
    // 1 MiB in their buffer, windows and sockets.
    expect(given).toBeLessThan(150);
    answered.resolve();
    expect(await asked).toEqual(['enough']);
  });

  test('what breaks off is not taken for the whole', async () => {
    const [first, second] = await pair();
    const told = Promise.withResolvers<string>();
    await first.network.handle('count', async function* (_, __, ___, input) {
      let bytes = 0;
      try {
        for await (const chunk of input) bytes += chunk.byteLength;
        told.resolve('whole');
      } catch {
        told.resolve(`broken off after ${bytes}`);
      }
      yield bytesOf('');
    });
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield bytesOf('abc');
      throw new Error('the user is gone');
    }
    const { selfId } = first.network;
    const asked = second.network.request(selfId, 'count', bytesOf('x'), soon(), {
      input: broken(),
    });
    await expect(collect(asked)).rejects.toThrow();
    expect(await told.promise).toMatch(/^broken off/);
  });

  test('a large answer is cut into frames, a too large request is refused', async () => {
    const [first, second] = await pair();
    await first.network.handle('size', async function* (_, request) {
      yield new Uint8Array(NETWORK_LIMITS.frameBytesMax * 2 + 1);
      yield bytesOf(`${request.byteLength}`);
    });
    const lengths: number[] = [];
    for await (const bytes of second.network.request(
      first.network.selfId,
      'size',
      bytesOf('x'),
      soon(),
    )) {
      lengths.push(bytes.byteLength);
    }
    const { frameBytesMax } = NETWORK_LIMITS;
    expect(lengths).toEqual([frameBytesMax, frameBytesMax, 1, 1]);
    const large = new Uint8Array(frameBytesMax + 1);
    await expect(
      collect(second.network.request(first.network.selfId, 'size', large, soon())),
    ).rejects.toThrow(/too long/);
  });
});
